"""The measures: each figure by hand, and None with a reason."""

from __future__ import annotations

from graph.clock import SECOND
from graph.model import ref
from tests.agent.digest.week import HOUR, SINCE, Company, at, digest, measure


def test_without_anything_known_each_measure_says_why_it_is_not_known(company: Company) -> None:
    company.service("checkout")
    company.apply()
    for one in digest(company.store).measures:
        assert one.value is None
        assert one.why
        assert one.how


def test_time_to_restore_is_the_mean_of_incidents_that_ended_in_the_window(company: Company) -> None:
    company.incident("1", "a", at("Mon 10:00"), at("Mon 11:00"))
    company.incident("2", "b", at("Tue 10:00"), at("Tue 13:00"))
    company.incident("3", "before", SINCE - 30 * HOUR, SINCE - 29 * HOUR + 1800 * SECOND)
    company.apply()
    told = measure(digest(company.store), "mttr")
    assert (told.value, told.previous, told.count, told.unit) == (2.0, 1.5, 2, "hours")
    assert len(told.citations) == 2


def test_deployment_frequency_counts_what_took_effect_in_production_by_week(company: Company) -> None:
    for hour in (9, 10, 11):
        company.deployment(at(f"Tue {hour}:00"), service="checkout", version=str(hour))
    company.deployment(at("Tue 12:00"), service="checkout", environment="staging")
    company.deployment(at("Tue 12:00"), service="checkout", action="restart")
    company.deployment(SINCE - 10 * HOUR, service="checkout")
    company.apply()
    told = measure(digest(company.store), "deployment_frequency")
    assert (told.value, told.previous, told.count) == (3.0, 1.0, 3)


def test_a_deployment_fails_when_it_is_rolled_back_or_its_change_caused_an_incident(company: Company) -> None:
    commit = company.pull_request(7, "Bad", at("Tue 08:00"), "main.tf")
    company.deployment(at("Tue 09:00"), commit)
    company.deployment(at("Wed 09:00"), service="checkout", version="2")
    company.deployment(at("Wed 10:00"), service="checkout", version="1", action="rollback")
    company.deployment(at("Thu 09:00"), service="search", version="5")
    company.incident("1", "Broken", at("Tue 09:30"), at("Tue 10:00"), cause=ref("PullRequest", "acme/infra", "7"))
    company.apply()
    told = measure(digest(company.store), "change_failure_rate")
    assert (told.value, told.count) == (50.0, 4)


def test_lead_time_is_the_median_from_the_commit_to_production(company: Company) -> None:
    for number, (merged, arrived) in enumerate(
        (("Mon 08:00", "Mon 09:00"), ("Tue 08:00", "Tue 10:00"), ("Wed 08:00", "Thu 08:00")), 1
    ):
        commit = company.pull_request(number, f"Change {number}", at(merged), f"m{number}/main.tf")
        company.deployment(at(arrived), commit)
    company.apply()
    told = measure(digest(company.store), "lead_time")
    assert (told.value, told.count) == (3.0, 3)  # written an hour before the merge


def test_age_of_findings_is_the_median_of_those_still_open(company: Company) -> None:
    company.drift("a", at("2026-02-27"))
    company.waste("b", at("Sat 00:00"), None)
    company.drift("gone", at("2026-01-01"), gone=at("Tue 00:00"))
    company.apply()
    told = measure(digest(company.store), "age_of_findings")
    assert (told.value, told.count, told.previous) == (6.0, 2, 31.5)
