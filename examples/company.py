"""Who works at Tealeaf and what runs there."""

from __future__ import annotations

from dataclasses import dataclass

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
