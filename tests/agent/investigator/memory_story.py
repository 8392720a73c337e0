"""Two services behind rules of a load balancer, an incident that was solved, and a month later one like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.incident import Anchor, ReadClass, Suspect, Symptom, SymptomClass
from agent.investigation import AnchorItem, Cause, Investigation, Node, SymptomItem, Tree, Window
from agent.memory_facts import CauseRefs, InvestigationInputs
from agent.model import ChangeId, Citation
from agent.scene import Scene
from agent.surroundings import surroundings
from graph.clock import DAY, SECOND, Instant, instant, rfc3339
from graph.model import Alias, Entity, EntityRef, FactBatch, Relation, Value, ref
from graph.store import ChangeQuery, GraphStore, Limits, View
from tests.agent.world import World, value

HOUR: Instant = 3_600 * SECOND
FIRST = instant("2024-02-10T10:00:00")
"""When the first incident was detected."""
SECOND_TIME = FIRST + 30 * DAY
"""When it happens again."""
CHECKOUT = ref("Service", "checkout")
PAYMENTS = ref("Service", "payments")
FIRST_ALERT = ref("Alert", "first")
SYMPTOM = "checkout returns 502 since the load balancer times out"
CERTIFICATE = ref("Credential", "checkout-cert")


@dataclass(frozen=True)
class Story:
    """The refs that tests speak of."""

    store: GraphStore
    cause: EntityRef
    revert: EntityRef
    again: EntityRef
    tags: EntityRef
    elsewhere: EntityRef
    rule: EntityRef
    payments_rule: EntityRef
    bucket: EntityRef


def tell(store: GraphStore, *, label: str = "public", reverted: bool = True, alert_ends: bool = True) -> Story:
    """State the story."""
    w = World()
    early = w.commit("Create everything", at="2024-01-05T09:00:00")
    rule = w.block(early, "aws_lb_listener_rule.checkout", attributes={"timeout": 60})
    payments_rule = w.block(early, "aws_lb_listener_rule.payments", attributes={"timeout": 60})
    bucket = w.block(early, "aws_s3_bucket.receipts", attributes={"tags.team": "shop"})
    for service, name, needs in ((CHECKOUT, "checkout", (rule, bucket)), (PAYMENTS, "payments", (payments_rule,))):
        w.say(Entity(service, {"name": name}), "catalog:1")
        w.say(Alias(service, "name", name), "catalog:1")
        for need in needs:
            w.depends(service, need)
    certificate: dict[str, Value] = {"type": "certificate", "name": "checkout.example", "expires_at": rfc3339(FIRST)}
    w.say(Entity(CERTIFICATE, certificate), "certificates:1")
    w.depends(CHECKOUT, CERTIFICATE)
    cause = w.commit("Lower the timeout of checkout", request=7, at=rfc3339(FIRST - HOUR), label=label)
    w.block(
        cause, "aws_lb_listener_rule.checkout", effect="updated", attributes={"timeout": 1},
        changed={"timeout": (value(60), value(1))}, label=label,
    )  # fmt: skip
    alert: dict[str, Value] = {"name": "Checkout5xx", "service": "checkout", "started_at": rfc3339(FIRST - HOUR // 2)}
    w.say(Entity(FIRST_ALERT, {**alert, "state": "firing"}), "alert:1", at=FIRST - HOUR // 2)
    w.say(Relation("ABOUT", FIRST_ALERT, CHECKOUT, {}), "alert:1", at=FIRST - HOUR // 2)
    revert = w.commit('Revert "Lower the timeout of checkout"', at=rfc3339(FIRST + HOUR))
    if reverted:
        w.say(Relation("REVERTS", revert, cause, {}), f"{w.repository}@{revert.id}")
        w.block(revert, "aws_lb_listener_rule.checkout", effect="updated", changed={"timeout": (value(1), value(60))})
    if alert_ends:
        ended = FIRST + HOUR + HOUR // 4
        said: dict[str, Value] = {**alert, "state": "resolved", "ended_at": rfc3339(ended)}
        w.say(Entity(FIRST_ALERT, said), "alert:1", at=ended)
    again = w.commit("Tidy the rules", request=20, at=rfc3339(SECOND_TIME - HOUR))
    w.block(again, "aws_lb_listener_rule.checkout", effect="updated", changed={"timeout": (value(60), value(2))})
    tags = w.commit("Tag the bucket", at=rfc3339(SECOND_TIME - HOUR // 2))
    w.block(tags, "aws_s3_bucket.receipts", effect="updated", changed={"tags.team": (value("shop"), value("money"))})
    elsewhere = w.commit("Tidy the rules of payments", at=rfc3339(SECOND_TIME - HOUR // 3))
    w.block(elsewhere, "aws_lb_listener_rule.payments", effect="updated", changed={"timeout": (value(60), value(2))})
    w.into(store)
    return Story(store, cause, revert, again, tags, elsewhere, rule, payments_rule, bucket)


def more(store: GraphStore, name: str, *facts: tuple[object, Instant], present: bool = True) -> None:
    """State more facts, from a moment each."""
    from typing import cast

    from graph.model import Assertion, Fact

    said = tuple(Assertion(cast("Fact", f), at, at, f"more:{name}", present=present) for f, at in facts)
    store.apply(FactBatch(name, "git", "acme/infra", "test/1", said))


def investigated(
    story: Story,
    *,
    id: str = "inv_first",
    at: Instant = FIRST,
    cause: EntityRef | None = None,
    target: EntityRef | None = None,
    anchors: Sequence[tuple[EntityRef, str]] = ((CHECKOUT, "checkout"), (FIRST_ALERT, "Checkout5xx")),
    symptom: str = SYMPTOM,
    elapsed_s: float = 0.1,
) -> tuple[Investigation, InvestigationInputs]:
    """An investigation of the first incident, as its engine would make one."""
    change = cause or story.cause
    touched = target or story.rule
    first = Cause(
        rank=1, kind="change", change=ChangeId(kind="commit", id=change.id, repository="acme/infra"), target=str(touched),
        mechanism="a shorter timeout ends requests early", probability=0.7, label="Lower the timeout of checkout", citations=("c1",),
    )  # fmt: skip
    second = Cause(rank=2, kind="expiry", change=None, target=str(CERTIFICATE), mechanism="it expired", probability=0.1)
    result = Investigation(
        id=id, symptom=symptom, detected_at=rfc3339(at), window=Window(since=rfc3339(at - DAY), until=rfc3339(at)),
        verdict="cause_found", confidence=0.7, causes=(first, second),
        tree=Tree(nodes=(Node(id="h1", parent=None, claim="x", prior=0.2, posterior=0.7, status="supported", step=1),), steps=1, stopped="confidence"),
        unnamed=0.2, environment="prod", as_of=rfc3339(at),
        anchors=tuple(AnchorItem(ref=str(r), label=label, how="named", confidence=0.9) for r, label in anchors),
        symptoms=(SymptomItem(name="errors", how="'502'", confidence=0.9),),
        citations=(Citation(id="c1", source="git", locator=f"acme/infra@{change.id}", url=None, observed_at=rfc3339(at)),),
    )  # fmt: skip
    import msgspec

    result = msgspec.structs.replace(result, usage=msgspec.structs.replace(result.usage, elapsed_s=elapsed_s))
    refs = (
        CauseRefs(rank=1, key=str(change), change=str(change), target=str(touched)),
        CauseRefs(rank=2, key=str(CERTIFICATE), target=str(CERTIFICATE)),
    )
    inputs = InvestigationInputs(
        symptom=symptom, at=rfc3339(at), options={"window_hours": 24, "sync": False}, known_at=1,
        dense={str(change): 0.1 + 0.2}, observations="{}", replies=('{"x": 1}',), causes=refs, engine="1",
    )  # fmt: skip
    return result, inputs


def scene(
    store: GraphStore,
    *,
    at: Instant = SECOND_TIME,
    text: str = "checkout fails with 502",
    anchors: Sequence[tuple[EntityRef, str]] = ((CHECKOUT, "checkout"),),
    classes: Sequence[tuple[SymptomClass, float]] = (("errors", 0.9),),
    audience: frozenset[str] = frozenset({"public"}),
    known_at: int | None = None,
) -> Scene:
    """The surroundings of a symptom."""
    view = View(at, known_at, audience)
    around = tuple(Anchor(r, label, "named in the symptom", 0.9) for r, label in anchors)
    read = tuple(ReadClass(name, "told", sure) for name, sure in classes)
    symptom = Symptom(text, at, at - DAY, "prod", read, around, tuple(text.split()))
    return Scene(store, view, symptom, surroundings(store, view, around))


def suspects(on: Scene, changes: Sequence[EntityRef]) -> list[Suspect]:
    """Suspects for these commits, as a generator would make them."""
    found: list[Suspect] = []
    for change in changes:
        views = on.store.changes(ChangeQuery(changes=[change]), on.view, Limits()).items
        assert views, change
        target = views[0].target
        entity = on.store.entity(change, on.view)
        assert entity is not None
        found.append(
            Suspect(
                key=change,
                kind="change",
                change=change,
                target=target,
                at=views[0].at,
                at_means="merged",
                title=str(entity.properties["title"]),
                found_by="test",
                views=views,
                place=on.surroundings.of([target]),
                paths=tuple(str(v.properties["path"]) for v in views),
            )
        )
    return found
