"""What is no change in the window: what ran out, what was full, what broke outside, and what took effect long before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from agent.hypotheses import GENERATORS, earlier, expiry, external, limits
from agent.incident import Suspect, SymptomClass
from agent.scene import Generator
from graph.clock import DAY, Instant, rfc3339
from graph.model import Entity, EntityRef, Relation, ref
from graph.store import GraphStore
from tests.agent.investigator.engine_story import AT, MINUTE, Story, at, scene

CHECKOUT = ref("Service", "checkout")
HOUR = 60 * MINUTE


def shop() -> Story:
    """checkout needs payments."""
    story = Story()
    story.service("checkout", "payments")
    story.service("payments")
    return story


def certificate(
    story: Story,
    name: str,
    expires: Instant,
    *,
    serial: str = "1",
    known: Instant = AT - 90 * DAY,
    sort: str = "certificate",
) -> EntityRef:
    """A certificate that expires then."""
    return story.thing(
        "secrets",
        "Credential",
        f"{name}-{serial}",
        known,
        type=sort,
        name=name,
        expires_at=rfc3339(expires),
        domains=[name],
    )


def proposed(
    generator: Generator,
    store: GraphStore,
    *,
    classes: Sequence[SymptomClass] = ("errors",),
    text: str = "checkout returns 502",
) -> tuple[Suspect, ...]:
    """What a generator proposes."""
    return tuple(generator(scene(store, CHECKOUT, classes=classes, text=text)))


def test_the_names_of_generators_are_what_their_suspects_are_found_by() -> None:
    assert [name for name, _ in GENERATORS] == ["changes", "earlier", "expiry", "limits", "external"]


# -- expiry


def test_a_certificate_that_ran_out_is_a_suspect_where_its_name_says() -> None:
    story = shop()
    this = certificate(story, "payments.shop.example", AT - 3 * MINUTE)
    with story.store() as store:
        [one] = proposed(expiry.propose, store)
        assert (one.key, one.kind, one.change, one.target) == (this, "expiry", None, this)
        assert (one.at, one.at_means, one.found_by) == (AT - 3 * MINUTE, "expired", "expiry")
        assert one.title == "certificate payments.shop.example expired"
        assert one.place is not None
        assert one.place.label == "payments"
        assert "no longer valid" in one.mechanism
        assert [p.source for p in one.said] == ["secrets"]


def test_a_certificate_that_was_renewed_under_its_name_is_none() -> None:
    story = shop()
    certificate(story, "payments.shop.example", AT - 3 * MINUTE)
    certificate(story, "payments.shop.example", AT + 90 * DAY, serial="2", known=AT - DAY)
    with story.store() as store:
        assert proposed(expiry.propose, store) == ()


def test_a_renewal_of_another_sort_or_name_or_after_the_symptom_does_not_help() -> None:
    story = shop()
    this = certificate(story, "payments.shop.example", AT - 3 * MINUTE)
    certificate(story, "payments.shop.example", AT + 90 * DAY, serial="2", sort="access_key")
    certificate(story, "www.shop.example", AT + 90 * DAY)
    certificate(story, "payments.shop.example", AT + 90 * DAY, serial="3", known=AT + MINUTE)
    with story.store() as store:
        assert [s.key for s in proposed(expiry.propose, store)] == [this]


@pytest.mark.parametrize(
    ("ago", "is_one"), [(4 * DAY, False), (2 * DAY, True), (0, True), (-5 * MINUTE, True), (-HOUR, False)]
)
def test_what_expired_days_ago_or_expires_later_is_none(ago: Instant, is_one: bool) -> None:
    story = shop()
    certificate(story, "payments.shop.example", AT - ago)
    with story.store() as store:
        some = proposed(expiry.propose, store)
        assert bool(some) is is_one
        assert all(s.at <= AT for s in some)


def test_a_certificate_without_or_with_a_broken_end_is_none() -> None:
    story = shop()
    story.thing("secrets", "Credential", "a", AT - DAY, type="certificate", name="payments")
    story.thing("secrets", "Credential", "b", AT - DAY, type="certificate", name="payments", expires_at="soon")
    with story.store() as store:
        assert proposed(expiry.propose, store) == ()


# -- limits


@pytest.mark.parametrize(
    ("usage", "limit", "is_one"),
    [(100, 100, True), (90, 100, True), (89, 100, False), ("1,000", "1000", True), (None, 100, False), (5, 0, False), (True, 1, False), ("many", 1, False)],
)  # fmt: skip
def test_a_quota_is_a_suspect_from_nine_tenths_of_it_on(usage: object, limit: object, is_one: bool) -> None:
    story = shop()
    told = {"service": "payments", "name": "Running instances", "usage": usage, "value": limit}
    story.thing("aws", "Quota", "q", AT - 3 * HOUR, **{k: v for k, v in told.items() if v is not None})  # pyright: ignore[reportArgumentType]
    with story.store() as store:
        some = proposed(limits.propose, store)
        assert bool(some) is is_one
        if some:
            [one] = some
            assert (one.kind, one.at_means, one.at) == ("quota", "reached", AT - 3 * HOUR)
            assert one.place is not None
            assert one.place.label == "payments"
            assert "Running instances" in one.title


def test_a_quota_whose_usage_rises_was_reached_when_it_was_and_not_when_it_was_first_seen() -> None:
    story = shop()
    for when, used in ((AT - 9 * DAY, 10), (AT - HOUR, 99)):
        story.thing("aws", "Quota", "q", when, service="payments", name="Instances", usage=used, value=100)
    with story.store() as store:
        [one] = proposed(limits.propose, store)
        assert one.at == AT - HOUR


def event(story: Story, reason: str, first: str, last: str, about: EntityRef) -> EntityRef:
    """An event of the cluster."""
    this = story.thing(
        "kubernetes", "ClusterEvent", f"{reason}{first}", at(first), reason=reason, type="Warning",
        message="0/3 nodes are available", first_seen_at=rfc3339(at(first)), last_seen_at=rfc3339(at(last)),
    )  # fmt: skip
    story.say("kubernetes", at(first), "x", Relation("ABOUT", this, about, {}))
    return this


def test_a_cluster_event_of_what_found_no_place_is_a_suspect_where_it_is_about() -> None:
    story = shop()
    pod = story.instance("Pod.payments-1", runs=ref("Service", "payments"))
    this = event(story, "FailedScheduling", "13:20", "14:01", pod)
    event(story, "Pulled", "13:30", "14:01", pod)
    event(story, "FailedScheduling", "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z", pod)
    with story.store() as store:
        [one] = proposed(limits.propose, store, classes=("unscheduled",))
        assert (one.key, one.kind, one.at) == (this, "capacity", at("13:20"))
        assert one.place is not None
        assert one.target == one.place.ref
        assert one.title == f"FailedScheduling at {one.place.label}"


def test_an_alert_of_a_limit_is_a_suspect_and_any_other_alert_is_none() -> None:
    story = shop()
    payments = ref("Service", "payments")
    full = story.alert("DiskAlmostFull", "12:00", payments, service="payments", summary="disk 97 % full")
    story.alert("PaymentsErrors", "12:30", payments, service="payments", summary="payments returns 502")
    story.alert("DiskFull", "13:00", payments, service="payments", environment="staging", summary="disk full")
    story.alert("Old", "2026-03-02T12:00:00Z", payments, service="payments", summary="disk full")
    with story.store() as store:
        [one] = proposed(limits.propose, store, classes=("disk",))
        assert (one.key, one.kind, one.at) == (full, "capacity", at("12:00"))
        assert one.place is not None
        assert one.place.label == "payments"


def test_an_alert_that_was_over_before_the_symptom_is_none() -> None:
    story = shop()
    payments = ref("Service", "payments")
    this = story.alert("DiskAlmostFull", "12:00", payments, service="payments", summary="disk 97 % full")
    told = {"name": "DiskAlmostFull", "service": "payments", "environment": "prod", "state": "resolved"}
    times = {"started_at": rfc3339(at("12:00")), "ended_at": rfc3339(at("12:40"))}
    story.say("alerts", at("12:40"), "x", Entity(this, {**told, **times}))
    with story.store() as store:
        assert proposed(limits.propose, store, classes=("disk",)) == ()


def test_the_symptoms_own_alert_is_marked_as_what_happened() -> None:
    story = shop()
    this = story.alert("CheckoutQueueFull", "14:00", CHECKOUT, summary="queue of checkout is full")
    with story.store() as store:
        one = scene(store, CHECKOUT, this, classes=("queue_lag",))
        [own] = limits.propose(one)
        assert own.properties.get("told") == "1"
        [other] = limits.propose(scene(store, CHECKOUT, classes=("queue_lag",)))
        assert "told" not in other.properties


# -- outside


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("checkout fails: calls to Stripe time out", "Stripe"),
        ("Stripe is down says their status page", "Stripe"),
        ("checkout cannot reach the payment provider", "payment provider"),
        ("errors from Twilio since 13:50", "Twilio"),
    ],
)
def test_a_third_party_that_the_symptom_names_is_the_one_suspect_outside(text: str, name: str) -> None:
    with shop().store() as store:
        [one] = proposed(external.propose, store, text=text)
        assert (one.kind, one.change, one.found_by) == ("external", None, "external")
        assert name in one.title
        assert one.at == AT


@pytest.mark.parametrize(
    "text",
    ["checkout returns 502", "calls to payments time out", "calls to Payments time out", "Checkout is down", "", "to To TO"],
)  # fmt: skip
def test_what_is_ours_or_not_named_is_not_outside(text: str) -> None:
    with shop().store() as store:
        assert proposed(external.propose, store, text=text) == ()


# -- earlier


def test_slow_failures_look_further_back_near_the_symptom_only() -> None:
    story = shop()
    old = story.deployed("1.0.0", rfc3339(AT - 12 * DAY), service="checkout")
    story.deployed("1.0.0", rfc3339(AT - 40 * DAY), service="checkout")
    story.service("search")
    story.deployed("1.0.0", rfc3339(AT - 11 * DAY), service="search")
    recent = story.deployed("1.1.0", rfc3339(AT - DAY), service="checkout")
    with story.store() as store:
        some = proposed(earlier.propose, store, classes=("oom",))
        assert [(s.key, s.found_by) for s in some] == [(old, "earlier")]
        assert recent not in {s.key for s in some}
        assert tuple(earlier.propose(scene(store, CHECKOUT, classes=("errors",)))) == ()
        one = scene(store, classes=("oom",))
        assert tuple(earlier.propose(replace(one))) == ()
