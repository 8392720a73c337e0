"""A shop whose changes, deployments and failures a test tells, for tests of the engine: facts by source, in batches of any order."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha1
from random import Random

from agent.incident import Anchor, ReadClass, Symptom, SymptomClass
from agent.investigate import Options, Run, run
from agent.investigation import Investigation
from agent.scene import Scene
from agent.surroundings import surroundings
from graph.clock import DAY, SECOND, Instant, instant, rfc3339
from graph.model import PUBLIC, Alias, Assertion, Entity, EntityRef, Fact, FactBatch, Passage, Relation, Value, ref
from graph.store import GraphStore, View
from graph.stores import open_store

REPOSITORY = "shop/code"
AT = instant("2026-03-04T14:05:00Z")
MINUTE: Instant = 60 * SECOND
LONG_AGO = AT - 200 * DAY
SCOPES = {"git": REPOSITORY, "github": REPOSITORY}


def at(text: str) -> Instant:
    """`13:50` on the day of the symptom, or a whole time."""
    return instant(f"2026-03-04T{text}:00Z") if len(text) == 5 else instant(text)


@dataclass(frozen=True, slots=True)
class Code:
    """A change of code under its names."""

    commit: EntityRef
    branch: tuple[EntityRef, ...] = ()
    request: EntityRef | None = None


class Story:
    """Facts of one test, told in order of time where that matters: positions on the mainline follow the order of telling."""

    def __init__(self) -> None:
        self.facts: dict[str, list[Assertion]] = {}
        self._position = 0

    def say(self, source: str, when: Instant, locator: str, *facts: Fact, label: str = PUBLIC) -> None:
        """These facts hold from then on."""
        said = self.facts.setdefault(source, [])
        said.extend(Assertion(fact, when, when, locator, label=label) for fact in facts)

    # -- what there is

    def service(self, name: str, *needs: str) -> EntityRef:
        """A service of the catalog, which needs others."""
        this = ref("Service", name)
        self.say("catalog", LONG_AGO, f"{name}.yaml", Entity(this, {"name": name}), Alias(this, "name", name))
        for other in needs:
            self.say("catalog", LONG_AGO, f"{name}.yaml", Relation("DEPENDS_ON", this, ref("Service", other), {}))
        return this

    def environment(self, name: str) -> EntityRef:
        """An environment."""
        this = ref("Environment", name)
        self.say("catalog", LONG_AGO, "environments", Entity(this, {"name": name}), Alias(this, "name", name))
        return this

    def instance(self, address: str, *, runs: EntityRef | None = None, environment: str = "prod") -> EntityRef:
        """An instance that a state knows, on which a service runs."""
        this = ref("Resource", environment, address)
        told: dict[str, Value] = {
            "address": address,
            "type": address.split(".")[0],
            "name": address.split(".")[-1],
            "environment": environment,
        }
        self.say("terraform_state", LONG_AGO, f"state:{address}", Entity(this, told), Alias(this, "address", address))
        if runs is not None:
            self.say("catalog", LONG_AGO, f"runs:{address}", Relation("RUNS_ON", runs, this, {}))
        return this

    def block(self, address: str, of: EntityRef) -> EntityRef:
        """The code of an instance."""
        this = ref("Block", REPOSITORY, "infra", address)
        kind, _, name = address.partition(".")
        told: dict[str, Value] = {
            "repository": REPOSITORY, "directory": "infra", "path": "infra/main.tf", "block_type": "resource", "type": kind, "name": name, "address": address,
        }  # fmt: skip
        self.say(
            "git", LONG_AGO, f"{REPOSITORY}@0:infra/main.tf#L1", Entity(this, told), Alias(this, "address", address)
        )
        self.say("terraform_state", LONG_AGO, f"state:{address}", Relation("DECLARES", this, of, {}))
        return this

    def account(self, name: str, system: str = "git") -> EntityRef:
        """Somebody's account."""
        this = ref("Account", system, name)
        self.say(
            "git" if system == "git" else "cloudtrail",
            LONG_AGO,
            f"account:{name}",
            Entity(this, {"system": system, "name": name, "login": name}),
        )
        return this

    # -- what changed

    def code(
        self,
        title: str,
        merged: str,
        path: str,
        *,
        added: str = "",
        removed: str = "",
        body: str = "",
        by: str = "Ann Archer",
        branch: Sequence[str] = (),
        request: int = 0,
        merger: str = "Mia Merger",
        block: EntityRef | None = None,
        attribute: tuple[str, Value, Value] | None = None,
        label: str = PUBLIC,
    ) -> Code:
        """A commit on the mainline; with `branch`, a merge of commits of these titles, and with `request`, a pull request's."""
        self._position += 1
        when = at(merged)
        commit = EntityRef(f"Commit:{sha1(f'{title} {merged}'.encode()).hexdigest()}")
        inside = tuple(EntityRef(f"Commit:{sha1(f'{t} of {title}'.encode()).hexdigest()}") for t in branch)
        for one, words in ((commit, title), *zip(inside, branch, strict=True)):
            told: dict[str, Value] = {
                "repository": REPOSITORY, "short": one.id[:7], "title": words, "mainline": commit.id, "position": self._position,
                "merged_at": rfc3339(when), "parents": ["0" * 40],
            }  # fmt: skip
            text = f"{words}\n\n{body}" if body and one in (inside[-1:] or (commit,)) else words
            place = f"{REPOSITORY}@{one.id}"
            self.say("git", when, place, Entity(one, told), Passage(one, "message", text), label=label)
            who = merger if inside and one == commit else by
            self.say("git", when, place, Relation("AUTHORED_BY", one, self.account(who), {}), label=label)
        wrote = inside[-1] if inside else commit
        file = ref("File", REPOSITORY, path)
        place = f"{REPOSITORY}@{wrote.id}:{path}#L1-L9"
        change: dict[str, Value] = {"effect": "updated", "path": path, "added": added, "removed": removed}
        if inside:
            change["via"] = commit.id
        if len(inside) > 1:
            change["commits"] = [one.id for one in reversed(inside)]
        self.say(
            "git",
            when,
            place,
            Entity(file, {"repository": REPOSITORY, "path": path}),
            Alias(file, "path", path),
            label=label,
        )
        self.say("git", when, place, Relation("CHANGED", wrote, file, change), label=label)
        if block is not None:
            sides: list[Value] = []
            if attribute is not None:
                name, before, after = attribute
                sides.append(
                    {
                        "path": name,
                        "before": {"state": "value", "value": before},
                        "after": {"state": "value", "value": after},
                    }
                )
            more: dict[str, Value] = {"effect": "updated", "path": path, "attributes": sides}
            self.say(
                "git",
                when,
                place,
                Relation("CHANGED", wrote, block, more | ({"via": commit.id} if inside else {})),
                label=label,
            )
        pull = self._request(request, title, when, merger, commit, (*inside, commit)) if request else None
        return Code(commit, inside, pull)

    def _request(
        self, number: int, title: str, when: Instant, merger: str, landed: EntityRef, commits: Sequence[EntityRef]
    ) -> EntityRef:
        this = ref("PullRequest", REPOSITORY, str(number))
        locator = f"{REPOSITORY}#{number}"
        told: dict[str, Value] = {
            "repository": REPOSITORY,
            "number": number,
            "title": title,
            "state": "merged",
            "created_at": rfc3339(when - DAY),
        }
        self.say("github", when, locator, Entity(this, told), Alias(this, "number", locator))
        self.say("github", when, locator, *(Relation("PART_OF", c, this, {}) for c in commits))
        self.say(
            "github",
            when,
            locator,
            Relation("MERGED_AS", this, landed, {}),
            Relation("MERGED_BY", this, self.account(merger), {}),
        )
        return this

    def deployed(
        self, version: str, when: str, *, service: str = "checkout", environment: str = "prod", commit: EntityRef | None = None,
        action: str = "deploy", tool: str = "", started: str = "",
    ) -> EntityRef:  # fmt: skip
        """A deployment of a service, or an apply where none is named."""
        this = ref("Deployment", service or "apply", version, environment, when)
        moment = at(when)
        told: dict[str, Value] = {
            "service": service, "environment": environment, "version": version, "action": action, "outcome": "succeeded", "tool": tool,
            "commit": commit.id if commit is not None else "", "repository": REPOSITORY if commit is not None else "",
            "started_at": rfc3339(at(started) if started else moment), "finished_at": rfc3339(moment),
            "title": f"Deploy {service or 'infrastructure'} {version} to {environment}", "deployment_id": f"d-{version}-{environment}",
        }  # fmt: skip
        self.say(
            "deployments",
            moment,
            f"deployment {version} {environment}",
            Entity(this, {k: v for k, v in told.items() if v != ""}),
        )
        if commit is not None:
            self.say(
                "deployments", moment, f"deployment {version} {environment}", Relation("DEPLOYS", this, commit, {})
            )
        return this

    def recorded(
        self,
        kind: str,
        name: str,
        when: str,
        target: EntityRef,
        *,
        via: str = "",
        by: str = "",
        environment: str = "prod",
        attribute: tuple[str, Value, Value] | None = None,
    ) -> EntityRef:
        """A state version or an audit event that shows what became of an instance."""
        this = ref(kind, name)
        moment = at(when)
        source = "terraform_state" if kind == "StateVersion" else "cloudtrail"
        told: dict[str, Value] = {
            "title": name,
            "event_id": name,
            "via": via,
            "action": f"thing:{name}",
            "serial": 7,
            "lineage": "main",
        }
        wanted = ("serial", "lineage") if kind == "StateVersion" else ("title", "event_id", "via", "action")
        self.say(source, moment, f"{source}:{name}", Entity(this, {k: told[k] for k in wanted if told[k] != ""}))
        sides: list[Value] = []
        if attribute is not None:
            path, before, after = attribute
            sides.append(
                {
                    "path": path,
                    "before": {"state": "value", "value": before},
                    "after": {"state": "value", "value": after},
                }
            )
        self.say(
            source,
            moment,
            f"{source}:{name}",
            Relation("CHANGED", this, target, {"effect": "updated", "attributes": sides}),
        )
        if kind == "StateVersion":
            self.say(source, moment, f"{source}:{name}", Relation("RUNS_IN", this, self.environment(environment), {}))
        if by:
            self.say(source, moment, f"{source}:{name}", Relation("PERFORMED_BY", this, self.account(by, "aws"), {}))
        return this

    # -- what failed

    def alert(
        self,
        name: str,
        began: str,
        about: EntityRef | None = None,
        *,
        service: str = "checkout",
        summary: str = "",
        environment: str = "prod",
    ) -> EntityRef:
        """An alert that fires."""
        this = ref("Alert", name, began)
        moment = at(began)
        told: dict[str, Value] = {
            "name": name,
            "service": service,
            "environment": environment,
            "started_at": rfc3339(moment),
            "state": "firing",
            "summary": summary or name,
        }
        self.say("alerts", moment, f"alert:{name}", Entity(this, told))
        if about is not None:
            self.say("alerts", moment, f"alert:{name}", Relation("ABOUT", this, about, {}))
        return this

    def thing(self, source: str, kind: str, name: str, when: Instant, /, **properties: Value) -> EntityRef:
        """Anything else: a certificate, a quota."""
        this = ref(kind, name)
        self.say(source, when, f"{kind}:{name}", Entity(this, properties))
        return this

    # -- into a store

    def into(self, store: GraphStore, *, seed: int | None = None, fresh: Instant = AT) -> GraphStore:
        """Everything that was told, batch by batch; with a seed in another order and other portions."""
        batches: list[tuple[str, Sequence[Assertion]]] = []
        for source, facts in sorted(self.facts.items()):
            size = len(facts) if seed is None else max(3, len(facts) // 4)
            some = list(facts)
            if seed is not None:
                Random(seed).shuffle(some)
            batches += [(source, some[i : i + size]) for i in range(0, len(some), size)]
        if seed is not None:
            Random(seed + 1).shuffle(batches)
        for number, (source, some) in enumerate(batches):
            store.apply(
                FactBatch(
                    f"{source}-{number}-{seed}",
                    source,
                    SCOPES.get(source, "shop"),
                    "test/1",
                    tuple(some),
                    fresh_until=fresh,
                )
            )
        self.facts = {} if seed is None else self.facts
        return store

    @contextmanager
    def store(self):
        """A store that holds it all."""
        with open_store("sqlite:///:memory:") as opened:
            yield self.into(opened)


def scene(
    store: GraphStore,
    *anchors: EntityRef,
    classes: Sequence[SymptomClass] = ("errors",),
    text: str = "checkout returns 502",
    environment: str = "prod",
    days: float = 7,
    moment: Instant = AT,
) -> Scene:
    """The scene of a symptom at these things."""
    view = View(as_of=moment, known_at=store.record())
    said = tuple(Anchor(a, "checkout", "named in the symptom", 0.9) for a in anchors)
    read = tuple(ReadClass(c, "told", 0.9) for c in classes)
    symptom = Symptom(text, moment, moment - int(days * DAY), environment, read, said, tuple(text.split()))
    return Scene(store, view, symptom, surroundings(store, view, said, environment))


def asked(
    store: GraphStore,
    text: str = "checkout returns 502 in prod",
    *,
    moment: Instant = AT,
    audience: frozenset[str] = frozenset({PUBLIC}),
    options: Options | None = None,
) -> Run:
    """An investigation without a limit of time."""
    return run(store, text, at=moment, audience=audience, options=options or Options(seconds=None))


def told(found: Investigation) -> str:
    """All that it found, without how long it took and what counts records."""
    import msgspec

    plain = msgspec.structs.replace(found, id="", known_at=0, usage=msgspec.structs.replace(found.usage, elapsed_s=0.0))
    return plain.to_json(indent=1)


def ranking(found: Investigation) -> list[tuple[str, float]]:
    """Labels and probabilities, best first."""
    return [(c.label, c.probability) for c in found.causes]


def shop() -> tuple[Story, Code]:
    """checkout needs payments and orders-db; a change of payments breaks it at 14:00, beside harmless newer ones."""
    story = Story()
    for name, needs in (
        ("checkout", ("payments",)),
        ("payments", ("ledger",)),
        ("ledger", ()),
        ("search", ()),
        ("web", ("checkout",)),
    ):
        story.service(name, *needs)
    story.environment("prod")
    story.environment("staging")
    old = story.code("Say hello on the first page", "2026-03-01T09:00:00Z", "web/page.py", added="print('hello')")
    story.deployed("0.9.0", "2026-03-01T10:00:00Z", service="web", commit=old.commit)
    guilty = story.code(
        "Ask the payment gateway twice before giving up", "13:40", "payments/client.py", request=12, branch=("Retry calls",), by="Bea Breaker",
        added="timeout = 0.05\nraise GatewayError(status=502)", removed="timeout = 5.0", body="Customers saw errors of the gateway.",
    )  # fmt: skip
    story.deployed("1.4.0", "13:58", service="payments", commit=guilty.commit)
    docs = story.code(
        "Correct the spelling in the manual", "13:50", "docs/manual.md", added="receive", removed="recieve"
    )
    story.deployed("2.0.0", "13:59", service="search", commit=docs.commit)
    story.alert("CheckoutErrors", "14:02", ref("Service", "checkout"), summary="checkout returns 502")
    return story, guilty
