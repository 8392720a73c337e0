"""What a digest tells, of what, and what it leaves out."""

from __future__ import annotations

import pytest

from agent.cost.model import CostReport, CostRow, Jump
from agent.digest.material import Given
from agent.digest.window import Window
from agent.model import Citation
from agent.ownership import UnknownTeam
from graph.clock import DAY, instant
from graph.model import Entity, Relation, Value, ref
from tests.agent.digest.week import HOUR, SINCE, UNTIL, WEEK, Company, at, digest, items, measure, section

BILL = CostReport(
    since="2026-03-02", until="2026-03-09", currency="USD", total="700", before="500",
    rows=(CostRow(key="AmazonEC2", amount="600", before="400"), CostRow(key="AmazonS3", amount="100")),
    daily={f"2026-03-0{d}": "100" for d in range(2, 9)},
    jumps=(Jump(key="AmazonEC2 / prod", since="2026-03-05", expected="10", actual="40", per_month="900", cause="#7 “More nodes”", probability=0.8, citations=("c1",)),),
    citations=(Citation(id="c1", source="costs", locator="bill-2026-03.csv", url=None, observed_at="2026-03-09T00:00:00Z"),),
)  # fmt: skip


def busy(company: Company) -> None:
    """A week with something in every section."""
    company.service("checkout", "payments")
    company.service("orphan")
    commit = company.pull_request(7, "Open the edge", at("Tue 13:00"), "terraform/edge/main.tf")
    company.deployment(at("Tue 14:00"), commit)
    company.deployment(at("Wed 10:00"), service="checkout", version="2")
    company.incident(
        "31",
        "Payments fail",
        at("Tue 14:20"),
        at("Tue 15:20"),
        service="checkout",
        cause=ref("PullRequest", "acme/infra", "7"),
        told=at("Thu 09:00"),
    )
    company.drift("old", at("2026-02-20"))
    company.drift("new", at("Fri 11:00"))
    company.drift("mended", at("2026-02-25"), gone=at("Wed 12:00"))
    company.waste("idle", at("Mon 01:00"), "12.50")
    company.certificate("shop.example", at("2025-03-20"), at("2026-03-20"))
    company.apply()


def test_every_line_cites_a_place_that_the_digest_lists(company: Company) -> None:
    busy(company)
    made = digest(company.store, given=Given(cost=BILL, seen_until=UNTIL))
    listed = {c.id for c in made.citations}
    lines = [i for s in made.sections for i in s.items]
    assert {s.name for s in made.sections if s.items} >= {
        "drift",
        "cost",
        "changes",
        "incidents",
        "expiring",
        "waste",
        "unowned",
    }
    assert all(i.citations and set(i.citations) <= listed for i in lines)
    assert all(set(m.citations) <= listed for m in made.measures)
    assert all(c.locator and c.source for c in made.citations)
    assert not made.quiet


def test_drift_is_told_as_new_open_with_its_age_or_gone(company: Company) -> None:
    busy(company)
    told = items(digest(company.store), "drift")
    assert [t.text.partition(":")[0] for t in told] == ["New", "Open for 17 days", "Gone"]
    assert "aws_security_group.new in prod differs from its code" in told[0].text
    assert (
        "Opens port 22 to everybody. ingress 10.0.0.0/8 → 0.0.0.0/0. By Ann Archer, by way of console" in told[0].detail
    )
    sources = {c.id: c.source for c in digest(company.store).citations}
    assert [sources[c] for c in told[0].citations] == ["cloudtrail", "drift"]


def test_drift_that_came_and_went_within_the_week_is_told_as_gone(company: Company) -> None:
    company.drift("brief", at("Tue 01:00"), gone=at("Fri 01:00"))
    company.apply()
    assert [t.text for t in items(digest(company.store), "drift")] == [
        "Gone: aws_security_group.brief in prod is as its code says again"
    ]


def test_the_change_that_caused_an_incident_comes_first_and_the_incident_names_it(company: Company) -> None:
    busy(company)
    made = digest(company.store)
    first = items(made, "changes")[0]
    assert first.text == "#7 “Open the edge” was applied to prod on 2026-03-03 14:00 UTC"
    assert first.severity == "critical"
    assert "Caused “Payments fail”" in first.detail
    (incident,) = items(made, "incidents")
    assert "lasted 60 minutes" in incident.text
    assert "Caused by #7 “Open the edge”" in incident.detail
    assert made.headline.endswith("#7 “Open the edge” caused “Payments fail”.")


def test_reformatting_is_no_change_that_mattered(company: Company) -> None:
    commit = company.pull_request(1, "Run fmt", at("Tue 13:00"), "main.tf", effect="format_only")
    file = ref("File", "acme/infra", "main.tf")
    company.say("git", Entity(file, {"repository": "acme/infra", "path": "main.tf"}), at("2025-01-01"))
    company.say("git", Relation("CHANGED", commit, file, {"effect": "updated", "path": "main.tf"}), at("Tue 13:00"))
    company.apply()
    assert digest(company.store).quiet


def test_what_was_opened_to_everybody_is_said_of_the_change(company: Company) -> None:
    opened: list[Value] = [
        {
            "path": "cidr_blocks",
            "before": {"state": "value", "value": ["10.0.0.0/8"]},
            "after": {"state": "value", "value": ["0.0.0.0/0"]},
        }
    ]
    commit = company.pull_request(2, "Let them in", at("Tue 13:00"), "main.tf", attributes=opened)
    company.deployment(at("Tue 14:00"), commit)
    company.apply()
    (told,) = items(digest(company.store), "changes")
    assert "Opens cidr_blocks to every address" in told.detail
    assert told.severity == "high"


def test_what_came_shortly_before_an_incident_without_a_cause_is_said_to_be_near_and_not_to_blame(
    company: Company,
) -> None:
    company.deployment(at("Tue 14:00"), service="checkout")
    company.incident("8", "Slow", at("Tue 14:30"), at("Tue 15:00"), service="checkout")
    company.apply()
    made = digest(company.store)
    assert "30 minutes before “Slow” began, of which no cause is confirmed" in items(made, "changes")[0].detail
    assert items(made, "incidents")[0].detail == "No cause is confirmed."
    assert measure(made, "change_failure_rate").value == 0


def test_a_week_in_which_nothing_happened_is_one_line(company: Company) -> None:
    company.service("checkout", "payments")
    company.drift("old", at("2026-02-20"), severity="low")
    company.apply()
    made = digest(company.store)
    assert made.quiet
    assert (
        made.headline
        == "Nothing changed, broke or drifted between 2026-03-02 and 2026-03-09; 1 older finding is still open."
    )


def test_facts_of_later_do_not_leak_into_the_digest_of_a_past_week(company: Company) -> None:
    busy(company)
    before = digest(company.store)
    commit = company.pull_request(9, "Later", UNTIL + HOUR, "terraform/edge/main.tf")
    company.deployment(UNTIL + 2 * HOUR, commit)
    company.incident(
        "40",
        "Later trouble",
        UNTIL + 3 * HOUR,
        UNTIL + 4 * HOUR,
        service="checkout",
        cause=ref("PullRequest", "acme/infra", "7"),
        told=UNTIL + DAY,
    )
    company.drift("later", UNTIL)
    company.waste("later", UNTIL + DAY, "99")
    company.certificate("shop.example", UNTIL, at("2027-03-20"))
    company.say("catalog", Relation("OWNED_BY", ref("Service", "orphan"), ref("Team", "payments"), {}), UNTIL + DAY)
    company.apply()
    assert digest(company.store).to_json() == before.to_json()


def test_a_cause_that_was_written_down_later_is_not_known_in_the_digest_of_before(company: Company) -> None:
    commit = company.pull_request(7, "Open the edge", at("Tue 13:00"), "main.tf")
    company.deployment(at("Tue 14:00"), commit)
    company.incident(
        "31",
        "Payments fail",
        at("Tue 14:20"),
        at("Tue 15:20"),
        cause=ref("PullRequest", "acme/infra", "7"),
        told=UNTIL + DAY,
    )
    company.apply()
    made = digest(company.store)
    assert items(made, "incidents")[0].detail == "No cause is confirmed."
    assert measure(made, "change_failure_rate").value == 0
    year = Window(SINCE - 300 * DAY, UNTIL + 30 * DAY, SINCE - 600 * DAY)
    assert measure(digest(company.store, window=year), "change_failure_rate").value == 100


def test_an_incident_that_was_open_at_the_end_is_told_as_open(company: Company) -> None:
    company.incident("5", "Long one", at("Sun 23:00"), UNTIL + 5 * HOUR)
    company.apply()
    made = digest(company.store)
    assert "is still open" in items(made, "incidents")[0].text
    assert measure(made, "mttr").value is None


def test_a_team_reads_of_what_it_owns_only(company: Company) -> None:
    busy(company)
    company.service("search", "storefront")
    company.deployment(at("Thu 10:00"), service="search", version="9")
    company.drift("theirs", at("Fri 12:00"), owners=("@acme/storefront",))
    company.apply()
    made = digest(company.store, "storefront")
    assert [i.text for i in items(made, "changes")] == ["search 9 was deployed to prod on 2026-03-05 10:00 UTC"]
    assert not items(made, "incidents")
    assert measure(made, "deployment_frequency").value == 1
    assert not items(made, "unowned")
    assert [i.text for i in items(digest(company.store, "payments"), "incidents")]


def test_a_team_that_nobody_knows_is_refused_with_those_that_are_known(company: Company) -> None:
    company.service("checkout", "payments")
    company.apply()
    with pytest.raises(UnknownTeam) as told:
        digest(company.store, "plumbers")
    assert told.value.known == ("payments",)


def test_what_a_channel_may_not_see_is_not_in_its_digest(company: Company) -> None:
    company.drift("secret", at("Tue 11:00"), label="security")
    company.pull_request(3, "Rotate the hidden key", at("Tue 13:00"), "main.tf", label="security")
    company.apply()
    assert digest(company.store).quiet
    assert "hidden" not in digest(company.store).to_json()
    assert len(items(digest(company.store, audience=frozenset({"public", "security"})), "drift")) == 1


def test_the_bill_is_told_with_its_chart_and_the_change_behind_each_jump(company: Company) -> None:
    company.apply()
    made = section(digest(company.store, given=Given(cost=BILL)), "cost")
    assert made.summary == "700.00 USD, 40.0% more than the week before."
    assert made.items[0].text == "AmazonEC2 / prod costs 900.00 USD a month more since 2026-03-05"
    assert made.items[0].detail == "Cause: #7 “More nodes” (80%)."
    assert made.items[1].text == "AmazonEC2: 600.00 USD, 50.0% more than the week before"
    assert made.charts[0].series[0].values == (100.0,) * 7
    assert "between 100.00 and 100.00 USD" in made.charts[0].alt
    assert measure(digest(company.store, given=Given(cost=BILL)), "cost_trend").value == 40


def test_a_certificate_that_was_renewed_since_is_not_told(company: Company) -> None:
    company.certificate("shop.example", at("2025-03-20"), at("2026-03-20"))
    company.certificate("shop.example", at("Tue 10:00"), at("2027-03-20"))
    company.certificate("mail.example", at("2025-03-20"), at("2026-03-12"))
    company.apply()
    assert [i.text for i in items(digest(company.store), "expiring")] == [
        "mail.example (certificate) expires on 2026-03-12, in 3 days"
    ]


def test_a_source_that_was_not_read_up_to_the_end_is_stale(company: Company) -> None:
    company.service("checkout", "payments")
    company.apply()
    later = Window(UNTIL + 30 * DAY, UNTIL + 37 * DAY, UNTIL + 23 * DAY)
    (told,) = items(digest(company.store, window=later), "stale")
    assert told.text.startswith("catalog:acme was last read up to 2026-03-09 00:00 UTC, 37 days before")
    assert not items(digest(company.store), "stale")


def test_nobodys_things_are_those_that_no_rule_gives_an_owner(company: Company) -> None:
    company.service("checkout", "payments")
    company.service("orphan")
    since = instant("2025-01-01")
    for name, tags in (("tagged", {"team": "payments"}), ("bare", {})):
        company.say(
            "aws",
            Entity(ref("Resource", name), {"type": "aws_instance", "name": name, "environment": "prod", "tags": tags}),
            since,
        )
    company.say("aws", Entity(ref("Resource", "run"), {"type": "aws_ecs_service", "name": "run"}), since)
    company.say("aws", Relation("RUNS_ON", ref("Service", "checkout"), ref("Resource", "run"), {}), since)
    company.apply()
    texts = [i.text for i in items(digest(company.store), "unowned")]
    assert texts == ["The service orphan has no owner: no owner is stated for it", "aws_instance in prod: bare"]
    assert section(digest(company.store), "unowned").summary == "1 of 3 resources have no owner by any rule."


def test_text_of_sources_keeps_to_its_line_and_brings_no_marks_of_its_own(company: Company) -> None:
    commit = company.pull_request(7, "Evil\n\n# Heading [c1] \x1b[31m", at("Tue 13:00"), "main.tf")
    company.deployment(at("Tue 14:00"), commit)
    company.apply()
    (told,) = items(digest(company.store), "changes")
    assert "\n" not in told.text
    assert "\x1b" not in told.text
    assert "[c1]" not in told.text


def test_the_same_facts_make_the_same_digest(company: Company) -> None:
    busy(company)
    assert digest(company.store).to_json() == digest(company.store).to_json()
    assert WEEK.before == SINCE - 7 * DAY
