"""Every kind of question over several sources: the right answer with its sources, an honest "not known", and who may read what.

One story for each kind: what everybody may know, and the one fact that the answer rests on. Stated for all it is told and cited; stated in
a private channel it is told only to those who may read that, and to others nothing of it shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from agent.ask import ask
from agent.model import Answer, QuestionKind
from graph.clock import rfc3339
from graph.model import PUBLIC, Alias, Entity, EntityRef, Passage, Relation
from graph.store import GraphStore
from graph.stores import open_store
from ingest import names
from tests.agent.test_reach import NOW, REPOSITORY, Estate, hours

PRIVATE = "slack:C1"
MEMBER = frozenset({PUBLIC, PRIVATE})
STRANGER = frozenset({PUBLIC, "slack:C2"})
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/app/edge/1/2"


@pytest.fixture
def store() -> Iterator[GraphStore]:
    with open_store("sqlite://:memory:") as opened:
        yield opened


# -- what everybody knows


def request(estate: Estate) -> EntityRef:
    """Pull request 12 of Ann's, merged as a commit to the load balancer."""
    estate.commit(
        "Open the port", 5, 2, blocks={"aws_lb_listener.front": "terraform/main.tf"}, attributes=[("port", 80, 443)]
    )
    return estate.request(12, 1, merged="Open the port", title="Open the port", merged_at=2)


def program(estate: Estate) -> EntityRef:
    """The same for a service's program."""
    estate.commit("Retry payments", 5, 2, "checkout/app.py")
    return estate.request(12, 1, merged="Retry payments", title="Retry payments", merged_at=2)


def alert(estate: Estate, at: float = 6) -> EntityRef:
    this = names.alert("alertmanager", "main", "fp1", rfc3339(hours(at)))
    said = {
        "name": "HighErrorRate", "system": "alertmanager", "alert_id": "fp1", "service": "checkout", "environment": "prod",
        "state": "firing", "severity": "page", "started_at": rfc3339(hours(at)),
    }  # fmt: skip
    estate.say(
        "alerts", "alertmanager", at, "alertmanager:fp1", Entity(this, said), Alias(this, "name", "HighErrorRate")
    )
    return this


def incident(estate: Estate, at: float = 6) -> EntityRef:
    this = names.incident("pagerduty", "Q1HIGHERRORS77")
    said = {
        "incident_id": "Q1HIGHERRORS77", "system": "pagerduty", "title": "Checkout is down", "service": "checkout",
        "environment": "prod", "state": "resolved", "started_at": rfc3339(hours(at)),
    }  # fmt: skip
    estate.say("alerts", "pagerduty", at, "pagerduty:Q1HIGHERRORS77", Entity(this, said), Alias(this, "number", "7"))
    return this


def message(estate: Estate, at: float, text: str, of: EntityRef, by: str = "Cid Cole") -> EntityRef:
    """A message that names something, in a thread of its own."""
    ts = f"{hours(at) // 1_000_000}.000100"
    this, thread, channel = (
        names.message("slack", "C1", ts),
        names.thread("slack", "C1", ts),
        names.channel("slack", "C1"),
    )
    link = f"https://acme.slack.example/archives/C1/p{ts.replace('.', '')}"
    estate.say(
        "slack", "acme", at, link,
        Entity(channel, {"name": "ops", "system": "slack", "channel_id": "C1"}), Entity(thread, {"channel": "ops", "thread_ts": ts}),
        Entity(this, {"channel": "ops", "ts": ts}), Passage(this, "text", text), Relation("PART_OF", this, thread, {}),
        Relation("PART_OF", thread, channel, {}), Relation("POSTED_BY", this, estate.account(by, system="slack"), {}),
        Relation("MENTIONS", this, of, {"text": "#12"}),
    )  # fmt: skip
    return this


def run(
    estate: Estate, number: int, at: float, on: EntityRef, *, conclusion: str = "success", step: str = ""
) -> EntityRef:
    this = names.workflow_run("github", REPOSITORY, str(number))
    said = {
        "repository": REPOSITORY, "name": "release", "number": number, "conclusion": conclusion, "failing_step": step,
        "started_at": rfc3339(hours(at)),
    }  # fmt: skip
    estate.say(
        "github",
        REPOSITORY,
        at,
        f"{REPOSITORY}/actions/runs/{number}",
        Entity(this, said),
        Relation("RAN_ON", this, on, {}),
    )
    return this


# -- the fact that each answer rests on


def approved(estate: Estate) -> Callable[[], None]:
    pull = request(estate)

    def told() -> None:
        cid = estate.account("Cid Cole", system="github")
        estate.say(
            "github",
            REPOSITORY,
            1.5,
            f"{REPOSITORY}#12/reviews/5",
            Relation("APPROVED_BY", pull, cid, {"state": "approved"}),
        )

    return told


def merged(estate: Estate) -> Callable[[], None]:
    pull = request(estate)

    def told() -> None:
        dot = estate.account("Dot Dee", system="github")
        estate.say("github", REPOSITORY, 2, f"{REPOSITORY}#12/merge", Relation("MERGED_BY", pull, dot, {}))

    return told


def deployed(estate: Estate) -> Callable[[], None]:
    program(estate)
    estate.commit("Before", 1, 0.2, "checkout/app.py")
    estate.deploy("d0", 0.5, version="1.3.0", commit="Before")

    def told() -> None:
        estate.deploy(
            "d1",
            5,
            version="1.4.0",
            commit="Retry payments",
            by=estate.account("Rob Release", system="github"),
        )

    return told


def edited(estate: Estate) -> Callable[[], None]:
    listener = estate.instance("aws_lb_listener.front", "prod", arn=LISTENER)
    del listener

    def told() -> None:
        bob = estate.account("Bob Baker", system="aws")
        estate.call("e1", 5, names.cloud_resource(LISTENER), by=bob, attributes=[("port", 443, 8443)])

    return told


def discussed(estate: Estate) -> Callable[[], None]:
    pull = request(estate)

    def told() -> None:
        message(estate, 0.5, "The auditors asked for TLS everywhere, so port 443 it is.", pull)

    return told


def fired(estate: Estate) -> Callable[[], None]:
    estate.deploy("d0", 0.5, version="1.3.0")

    def told() -> None:
        alert(estate)

    return told


def went_out_before(estate: Estate) -> Callable[[], None]:
    alert(estate)
    return deployed(estate)


def explained(estate: Estate) -> Callable[[], None]:
    it = incident(estate)

    def told() -> None:
        message(estate, 7, "The root cause was the exhausted connection pool.", it)

    return told


def ran(estate: Estate) -> Callable[[], None]:
    request(estate)
    on = names.commit(estate.commit("Open the port", 5, 2, blocks={"aws_lb_listener.front": "terraform/main.tf"}).id)

    def told() -> None:
        run(estate, 41, 2.5, on)

    return told


def failed(estate: Estate) -> Callable[[], None]:
    request(estate)
    on = estate.commit("Open the port", 5, 2, blocks={"aws_lb_listener.front": "terraform/main.tf"})
    run(estate, 40, 2.4, on)

    def told() -> None:
        run(estate, 41, 2.5, on, conclusion="failure", step="apply / terraform apply")

    return told


def expiring(estate: Estate) -> Callable[[], None]:
    def certificate(name: str, days: int) -> None:
        this = names.credential("aws", f"arn:aws:acm:eu-west-1:111111111111:certificate/{name}")
        said = {"type": "certificate", "name": name, "expires_at": rfc3339(NOW + days * 86_400_000_000)}
        estate.say("secrets", "aws", 0, f"certificate/{name}", Entity(this, said), Alias(this, "name", name))

    certificate("far.acme.example", 300)
    return lambda: certificate("soon.acme.example", 9)


def account(estate: Estate) -> Callable[[], None]:
    ann = estate.account("Ann Archer")

    def told() -> None:
        slack, person = names.account("slack", "U012AB3CD"), EntityRef("Person:ann")
        same = {"rule": "mail", "confidence": 1.0}
        estate.say(
            "slack", "acme", 0, "slack:U012AB3CD", Entity(slack, {"system": "slack", "login": "U012AB3CD", "name": "archie"}),
            Alias(slack, "login", "U012AB3CD"), Entity(person, {"name": "Ann Archer"}),
            Relation("SAME_AS", slack, person, same), Relation("SAME_AS", ann, person, same),
        )  # fmt: skip

    return told


def on_call(estate: Estate) -> Callable[[], None]:
    checkout = names.service("checkout")
    estate.say("catalog", "acme", 0, "catalog/checkout.yaml#L1", Entity(checkout, {"name": "checkout"}))
    estate.say("catalog", "acme", 0, "catalog/checkout.yaml#L1", Alias(checkout, "name", "checkout"))

    def told() -> None:
        eve = estate.account("Eve Eastman", system="pagerduty")
        on = Relation("ON_CALL_FOR", eve, checkout, {"schedule": "primary"})
        estate.say("alerts", "pagerduty", 0, "pagerduty:schedule/P1", on)

    return told


@dataclass(frozen=True, slots=True)
class Case:
    """A question, the fact that its answer rests on, what it says of it and where that can be read."""

    kind: QuestionKind
    question: str
    build: Callable[[Estate], Callable[[], None]]
    says: str
    cites: str
    without: str
    """What is said honestly to whoever may not read the fact."""
    unknown: str
    """The same of what does not exist."""
    honest: str
    """What is said then."""


CASES = {
    "approved": Case(
        "approved", "who approved #12?", approved, "It was approved by Cid Cole on 2026-03-02 01:30 UTC", f"{REPOSITORY}#12/reviews/5",
        "No approval of it is known.", "who approved #99?", "#99",
    ),
    "merged": Case(
        "approved", "who merged #12?", merged, "It was merged by Dot Dee on 2026-03-02 02:00 UTC", f"{REPOSITORY}#12/merge",
        "“Open the port”", "who merged #99?", "#99",
    ),
    "reached": Case(
        "reached", "when did #12 reach prod?", deployed,
        "#12 “Retry payments” [c1] reached prod on 2026-03-02 05:00 UTC (deployed with checkout 1.4.0)", f"{REPOSITORY}/deployments/d1",
        "is not known to have reached prod", "when did #99 reach prod?", "#99",
    ),
    "went_out": Case(
        "went_out", "what went out to prod before 2026-03-03?", deployed,
        "2026-03-02 05:00 UTC: checkout 1.4.0 was deployed to prod by Rob Release with #12 “Retry payments”", f"{REPOSITORY}/deployments/d1",
        "checkout 1.3.0 was deployed to prod", "what went out to prod before 2020-01-01?", "Nothing is known to have gone out in prod",
    ),
    "running": Case(
        "running", "which version of checkout ran in prod on 2026-03-02 14:00?", deployed,
        "checkout 1.4.0 (commit", f"{REPOSITORY}/deployments/d1", "checkout 1.3.0 (commit",
        "which version of frobnicator ran in prod on 2026-03-02 14:00?", "No service called",
    ),
    "by_hand": Case(
        "by_hand", "what was changed by hand in prod?", edited,
        "aws_lb_listener.front was changed in prod by hand, outside of the code by Bob Baker", "cloudtrail:e1",
        "No manual change in prod is known.", "what was changed by hand in staging?", "is known",
    ),
    "discussed": Case(
        "discussed", "where was #12 discussed?", discussed,
        "Cid Cole in #ops on 2026-03-02 00:30 UTC: “The auditors asked for TLS everywhere, so port 443 it is.”",
        "https://acme.slack.example/archives/C1/p1772411400000100", "No conversation about", "where was #99 discussed?", "No conversation about",
    ),
    "alerts": Case(
        "alerts", "which alerts fired on 2026-03-02?", fired, "HighErrorRate for checkout in prod from 2026-03-02 06:00 UTC", "alertmanager:fp1",
        "No alert is known.", "which alerts fired on 2020-01-01?", "No alert is known.",
    ),
    "before": Case(
        "incident", "what changed before HighErrorRate fired?", went_out_before,
        "2026-03-02 05:00 UTC: checkout 1.4.0 was deployed to prod by Rob Release", f"{REPOSITORY}/deployments/d1",
        "checkout 1.3.0 was deployed to prod", "what changed before FrobnicatorDown fired?", "No alert or incident called “FrobnicatorDown",
    ),
    "incident": Case(
        "incident", "what caused incident 7?", explained, "Cid Cole in #ops on 2026-03-02 07:00 UTC: “The root cause was the exhausted connection pool.”",
        "https://acme.slack.example/archives/C1/p1772434800000100", "Nothing is known to have taken effect",
        "what caused incident 8?", "No alert or incident called",
    ),
    "pipeline": Case(
        "pipeline", "which pipeline run applied #12?", ran, "Run 41 of release on 2026-03-02 02:30 UTC: success", f"{REPOSITORY}/actions/runs/41",
        "No pipeline run of #12 is known.", "which pipeline run applied #99?", "#99",
    ),
    "failed": Case(
        "pipeline", "which pipeline failed?", failed, "Run 41 of release on 2026-03-02 02:30 UTC: failure, in apply / terraform apply",
        f"{REPOSITORY}/actions/runs/41", "No such pipeline run is known.", "which pipeline failed on 2020-01-01?", "No such pipeline run is known.",
    ),
    "expiring": Case(
        "expiring", "which certificate expires next?", expiring, "soon.acme.example (certificate) expires on 2026-05-10 00:00 UTC",
        "certificate/soon.acme.example", "far.acme.example (certificate) expires on",
        "when does the certificate for frobnicator.example expire?", "frobnicator.example",
    ),
    "who_is": Case(
        "who_is", "who is U012AB3CD?", account, "Ann Archer is git ann.archer and slack U012AB3CD", "slack:U012AB3CD", "Nobody called “U012AB3CD” is known.",
        "who is U999ZZ9ZZ?", "Nobody called “U999ZZ9ZZ” is known.",
    ),
    "on_call": Case(
        "on_call", "who is on call for checkout?", on_call, "Eve Eastman is on call for checkout", "pagerduty:schedule/P1", "known",
        "who is on call for the frobnicator?", "known",
    ),
}  # fmt: skip
SECRETS = {
    "approved": ("Cid Cole", "reviews/5"), "merged": ("Dot Dee",), "reached": ("1.4.0", "deployments/d1", "Rob Release"), "went_out": ("1.4.0", "deployments/d1", "Rob Release"),
    "running": ("1.4.0", "deployments/d1", "Rob Release"), "by_hand": ("Bob Baker", "8443", "cloudtrail:e1"), "discussed": ("auditors", "Cid Cole", "slack.example"),
    "alerts": ("HighErrorRate", "fp1"), "before": ("1.4.0", "deployments/d1", "Rob Release"), "incident": ("connection pool", "Cid Cole", "slack.example"),
    "pipeline": ("Run 41", "release", "runs/41"), "failed": ("Run 41", "terraform apply"), "expiring": ("soon.acme",), "who_is": ("Ann Archer", "archie"),
    "on_call": ("Eve Eastman", "schedule"),
}  # fmt: skip
"""What shows that a fact was read."""


def asked(store: GraphStore, question: str, audience: frozenset[str] = frozenset({PUBLIC})) -> Answer:
    return ask(store, question, now=NOW, audience=audience)


def cited_in(answer: Answer, statement: str) -> set[str]:
    """The locators of what stands behind the sentence that says this."""
    at = {c.id: c.locator for c in answer.citations}
    return {at[mark] for fact in answer.facts if statement in fact.statement for mark in fact.citations}


@pytest.mark.parametrize("name", CASES)
def test_the_answer_says_it_and_cites_where_it_can_be_read(store: GraphStore, name: str) -> None:
    case = CASES[name]
    case.build(Estate(store))()
    answer = asked(store, case.question)
    assert (answer.kind, answer.status) == (case.kind, "answered"), answer.text
    assert case.says in answer.text
    assert case.cites in cited_in(answer, case.says.partition(" [c1]")[0]), answer.citations
    known = {c.id for c in answer.citations}
    assert set(re.findall(r"\[(c\d+)\]", answer.text)) <= known


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_exist_is_said_not_to_be_known(store: GraphStore, name: str) -> None:
    case = CASES[name]
    case.build(Estate(store))()
    answer = asked(store, case.unknown)
    assert answer.kind == case.kind, answer.text
    assert case.honest in answer.text
    assert answer.missing or answer.status == "not_found", answer.text
    assert "No" in answer.text, "it is denied"
    assert [s for s in SECRETS[name] if s in answer.text] == [], "of something else nothing is told"
    assert answer.confidence <= 0.6


@pytest.mark.parametrize("audience", [frozenset({PUBLIC}), STRANGER], ids=["public", "another-channel"])
@pytest.mark.parametrize("name", CASES)
def test_what_a_private_channel_says_is_not_told_to_others(
    store: GraphStore, name: str, audience: frozenset[str]
) -> None:
    case = CASES[name]
    estate = Estate(store)
    tell = case.build(estate)
    estate.label = PRIVATE
    tell()
    answer = asked(store, case.question, audience)
    shown = answer.to_json().replace(case.question, "")
    assert [s for s in SECRETS[name] if s in shown] == [], answer.text
    assert case.without in answer.text


@pytest.mark.parametrize("name", CASES)
def test_what_a_private_channel_says_is_told_to_its_members(store: GraphStore, name: str) -> None:
    case = CASES[name]
    estate = Estate(store)
    tell = case.build(estate)
    estate.label = PRIVATE
    tell()
    answer = asked(store, case.question, MEMBER)
    assert answer.status == "answered"
    assert case.says in answer.text
    assert case.cites in {c.locator for c in answer.citations}


SECRET = "because the auditors of Umbrella asked for it"


@pytest.mark.parametrize(
    "question",
    [
        "why was aws_lb_listener.front changed?",
        "who changed aws_lb_listener.front?",
        "who approved #12?",
        "when did #12 reach prod?",
        "where was #12 discussed?",
        "where was aws_lb_listener.front discussed?",
        "what caused incident 7?",
        "what changed before incident 7?",
        "which pipeline run applied #12?",
        "what went out to prod before 2026-03-03?",
        "what did Cid Cole change?",
        "who is Cid Cole?",
    ],
)
def test_a_private_conversation_about_everything_is_quoted_to_no_stranger(store: GraphStore, question: str) -> None:
    estate = Estate(store)
    pull, it = request(estate), incident(estate)
    estate.apply("a1", 3, commit="Open the port")
    estate.account("Cid Cole", system="slack")
    estate.label = PRIVATE
    said = message(estate, 1, f"We changed aws_lb_listener.front in #12 {SECRET}.", pull)
    estate.say(
        "slack", "acme", 1, "https://acme.slack.example/secret", Relation("MENTIONS", said, it, {"text": "incident 7"})
    )
    for audience in (frozenset({PUBLIC}), STRANGER):
        answer = asked(store, question, audience).to_json()
        assert "Umbrella" not in answer
        assert "slack.example" not in answer


@pytest.mark.parametrize(
    "question",
    [
        "why was aws_lb_listener.front changed?",
        "where was #12 discussed?",
        "where was aws_lb_listener.front discussed?",
    ],
)
def test_a_private_conversation_is_quoted_to_its_members(store: GraphStore, question: str) -> None:
    estate = Estate(store)
    pull = request(estate)
    estate.label = PRIVATE
    message(estate, 1, f"We changed aws_lb_listener.front in #12 {SECRET}.", pull)
    answer = asked(store, question, MEMBER)
    assert SECRET in answer.text
    assert any(c.locator.startswith("https://acme.slack.example/") for c in answer.citations)
