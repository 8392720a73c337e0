"""`tealeaf-shop/handbook`: the service catalog, runbooks, decisions and post-mortems."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from examples.company import (
    CONFIG_REPOSITORY,
    INES,
    LENA,
    MAYA,
    OMAR,
    ON_CALL,
    PEOPLE,
    REPOSITORY,
    SERVICES,
    TEAMS,
    TOMAS,
    YUKI,
    person,
)
from examples.formats.catalog import CatalogUser, Component, Group, catalog_info, organisation, services_csv
from examples.formats.documents import Runbook, postmortem_markdown, postmortem_name, runbook_markdown
from examples.git_writer import GitWriter, Identity
from examples.incidents import incidents, pagerduty_service

_ABOUT = {
    "catalog": "Teas, pots and what they cost",
    "checkout": "The basket, and the way to pay for it",
    "payments": "Takes money by way of Paywell",
    "search": "Finds teas by what people type",
    "orders": "Hands paid orders to the warehouse",
}
_NEEDS = {"checkout": ("catalog", "payments"), "search": ("catalog",), "orders": ("payments",)}

_ONE_BALANCER = """# 1. One load balancer for all services

Status: accepted
Date: 2024-12-10

## Context

Each service had a load balancer of its own in the console; five certificates had to be renewed.

## Decision

One application load balancer an environment, and a listener rule for each service, in `terraform/modules/edge`.

## Consequences

The rules' priorities matter: two rules may match one path. Whoever adds a path looks at the rules before it.
"""
_NO_CONSOLE = """# 2. Prod is changed by Terraform

Status: accepted
Date: 2025-01-20

## Context

What was changed in the console was lost with the next apply, or was never undone.

## Decision

Prod is changed by a merged pull request and the pipeline's apply. The console may be used while an incident lasts, and what was changed there is brought
into Terraform on the next working day.

## Consequences

`AdministratorAccess` stays for incidents. Whatever else is changed by hand is told in #platform.
"""
_PAYWELL = """# 3. Paywell is our only payment provider

Status: accepted
Date: 2025-08-12

## Context

Two providers cost us twice the integration and 0.1% of the payments.

## Decision

Cards are taken by Paywell alone. It calls back over the public edge at `/pay/callback`.

## Consequences

When Paywell is down, we take no cards. Their status page is in the runbook of payments.
"""


def write_handbook() -> GitWriter:
    """The repository: each document comes with the commit that wrote it."""
    git = GitWriter()
    files: dict[str, str] = {}

    def commit(message: str, author: Identity, at: datetime, **new: str) -> None:
        files.update({path.replace("__", "/"): text for path, text in new.items()})
        git.commit(f"{message}\n", author, at, files)

    def day(year: int, month: int, date: int, hour: int = 11) -> datetime:
        return datetime(year, month, date, hour, 20, tzinfo=UTC)

    files["README.md"] = (
        "# Handbook\n\nWho owns what, what to do when it breaks, why it is as it is, and what we learnt.\n"
    )
    commit(
        "One load balancer for all services",
        MAYA,
        day(2024, 12, 10),
        **{"docs__adr__0001-one-load-balancer.md": _ONE_BALANCER},
    )
    commit(
        "Prod is changed by Terraform", MAYA, day(2025, 1, 20), **{"docs__adr__0002-prod-by-terraform.md": _NO_CONSOLE}
    )
    commit("The catalog", INES, day(2025, 3, 3), **_catalog())
    commit("Runbooks of payments and orders", TOMAS, day(2025, 5, 6), **_runbooks("payments", "orders"))
    commit("Paywell is our only payment provider", TOMAS, day(2025, 8, 12), **{"docs__adr__0003-paywell.md": _PAYWELL})
    commit("Runbook of search", LENA, day(2025, 10, 2), **_runbooks("search"))
    commit("Runbook of the database", YUKI, day(2026, 1, 29), **_runbooks("catalog"))
    for incident, author in zip(incidents(), (TOMAS, OMAR), strict=False):
        if p := incident.postmortem:
            at = incident.resolved_at.replace(hour=10, minute=5, second=0) + timedelta(days=2)
            commit(
                f"Post-mortem of #{incident.number}",
                author,
                at,
                **{f"docs__postmortems__{postmortem_name(p)}": postmortem_markdown(p)},
            )
    return git


def _catalog() -> dict[str, str]:
    components = [
        Component(
            name=s.name, owner=s.team, description=_ABOUT[s.name], tier="1" if s.team == "payments" else "2", system="shop", repository=REPOSITORY,
            slack_channel="#platform", on_call=person(ON_CALL[s.team]).email, pagerduty_service=pagerduty_service(s.name), depends_on=_NEEDS.get(s.name, ()),
        )
        for s in SERVICES
    ]  # fmt: skip
    settings = [
        Component(
            name=f"{s.name}-config", owner=s.team, description=f"Settings of {s.name}", tier="2", system="shop", repository=CONFIG_REPOSITORY,
            on_call=person(ON_CALL[s.team]).email,
        )
        for s in SERVICES
    ]  # fmt: skip
    groups = [
        Group(name, shown, tuple(person(key).catalog for key in members)) for name, (shown, members) in TEAMS.items()
    ]
    users = [CatalogUser(p.catalog, p.name, p.email, (p.team,) if p.team else (), p.github, p.slack_id) for p in PEOPLE]
    return {
        "catalog__catalog-info.yaml": catalog_info([*components, *settings]),
        "catalog__org.yaml": organisation(groups, users),
        "catalog__services.csv": services_csv(components),
    }


def _runbooks(*names: str) -> dict[str, str]:
    texts = {
        "payments": Runbook(
            "Payments fail or are not confirmed", "payments", "PaymentErrorRate or PaymentCallbacksMissing fires.",
            ("Look at https://status.paywell.example: when they are down, tell #incidents and wait.", "Does Paywell reach `/pay/callback`? Look at the security group rules of the edge.", "Roll the last deploy back when it fits the time."),
        ),
        "orders": Runbook(
            "Orders pile up", "orders", "OrderQueueBacklog fires, or the alarm orders-queue-prod.",
            ("Does the warehouse answer? Ask for one order by hand.", "Look at the last deploys of orders and of orders-config.", "Raise the number of workers only when the warehouse is well."),
        ),
        "search": Runbook(
            "Search finds nothing", "search", "Customers see an empty list for common words.",
            ("Look at the listener rule of search.", "Build the index again: `steep run search reindex`.",),
        ),
        "catalog": Runbook(
            "SlowQueries on the orders database", "orders", "SlowQueries fires for more than ten minutes.",
            ("Look for queries without an index.", "Fail over when a replica is well: pull requests for a bigger class take an hour."),
        ),
    }  # fmt: skip
    place = {"catalog": "database"}
    return {f"docs__runbooks__{place.get(name, name)}.md": runbook_markdown(texts[name]) for name in names}
