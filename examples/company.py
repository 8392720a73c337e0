"""Who works at Tealeaf and what runs there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from examples.formats.people import Person
from examples.git_writer import Identity

ORGANISATION = "tealeaf-shop"
REPOSITORY = f"{ORGANISATION}/infra"
REMOTE = f"https://github.com/{REPOSITORY}.git"
ACCOUNT_IDS = {"staging": "111122223333", "prod": "444455556666"}
REGION = "eu-west-1"

MAYA = Identity("Maya Okafor", "maya@tealeaf.example")
TOMAS = Identity("Tomás Ferreira", "tomas@tealeaf.example")
INES = Identity("Ines Duarte", "ines.duarte@tealeaf.example")
YUKI = Identity("Yuki Tanaka", "yuki@tealeaf.example")
OMAR = Identity("Omar Haddad", "omar@tealeaf.example")
BOT = Identity("tealeaf-bot", "41898282+tealeaf-bot[bot]@users.noreply.github.com")
GITHUB = Identity("GitHub", "noreply@github.com")
LENA = Identity("Lena Vogt", "lena@tealeaf.example")
ENGINEERS = (MAYA, TOMAS, INES, YUKI, OMAR)


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service: where it listens and who owns it."""

    name: str
    port: int
    path: str
    team: str
    priority: int


SERVICES = (
    ServiceSpec("catalog", 8080, "/catalog/*", "storefront", 30),
    ServiceSpec("checkout", 8081, "/checkout/*", "payments", 20),
    ServiceSpec("payments", 8082, "/pay/*", "payments", 10),
    ServiceSpec("search", 8083, "/search/*", "storefront", 40),
    ServiceSpec("orders", 8084, "/orders/*", "fulfilment", 50),
)

CONFIG_REPOSITORY = f"{ORGANISATION}/shop-config"
HANDBOOK_REPOSITORY = f"{ORGANISATION}/handbook"
SLACK_WORKSPACE = "https://tealeaf.slack.com"
SLACK_TEAM = "T0TEALEAF01"
PAGERDUTY = "tealeaf"
CLUSTER = "tealeaf-prod"
TODAY = datetime(2026, 10, 30, 18, 0, tzinfo=UTC)
"""When everything was exported."""


def _person(
    who: Identity, key: str, github: str, slack: str, iam: str, team: str, title: str, *, email: str = "", display: str = ""
) -> Person:  # fmt: skip
    email = email or who.email
    return Person(
        key=key, name=who.name, email=email, git_name=who.name, git_email=who.email, github=github, slack_name=slack,
        slack_display=display or key, iam_user=iam, sso=email, kubernetes=email, pagerduty=who.name, catalog=email.partition("@")[0],
        team=team, title=title,
    )  # fmt: skip


PEOPLE = (
    _person(MAYA, "maya", "mayaok", "maya", "maya.okafor", "platform", "Platform lead"),
    _person(
        TOMAS, "tomas", "tferreira", "tomas.ferreira", "tomas", "payments", "Payments engineer",
        email="tomas.ferreira@tealeaf.example", display="tomás",
    ),
    _person(INES, "ines", "ines-duarte", "ines.duarte", "ines.duarte", "platform", "Platform engineer"),
    _person(YUKI, "yuki", "yukit", "yuki", "yuki.tanaka", "data", "Database engineer", display="yuki :dango:"),
    _person(OMAR, "omar", "omarh-dev", "omar", "omar.haddad", "fulfilment", "Fulfilment engineer"),
    _person(LENA, "lena", "lenavogt", "lena", "lena.vogt", "storefront", "Storefront engineer"),
    _person(Identity("Priya Raman", "priya@tealeaf.example"), "priya", "", "priya", "", "", "Customer care"),
)  # fmt: skip
TEALEAF_BOT = Person(
    key="tealeaf-bot", name=BOT.name, email=BOT.email, git_name=BOT.name, git_email=BOT.email, github="tealeaf-bot[bot]",
    slack_name="deploybot", slack_display="deploybot", slack_real="deploybot", bot=True,
)  # fmt: skip
TEAMS = {
    "platform": ("Platform", ("maya", "ines")),
    "payments": ("Payments", ("tomas",)),
    "storefront": ("Storefront", ("lena",)),
    "fulfilment": ("Fulfilment", ("omar",)),
    "data": ("Data", ("yuki",)),
}
ON_CALL = {"platform": "ines", "payments": "tomas", "storefront": "lena", "fulfilment": "omar", "data": "yuki"}


def person(key: str | Identity) -> Person:
    """A person by key or by git identity. Raises `KeyError`."""
    for one in (*PEOPLE, TEALEAF_BOT):
        if key == one.key or key == one.identity:
            return one
    raise KeyError(key)


def service(name: str) -> ServiceSpec:
    """A service by name. Raises `KeyError`."""
    return {s.name: s for s in SERVICES}[name]


def pull_url(repository: str, number: int) -> str:
    """A pull request's page."""
    return f"https://github.com/{repository}/pull/{number}"


def run_url(repository: str, run: int) -> str:
    """A workflow run's page."""
    return f"https://github.com/{repository}/actions/runs/{run}"
