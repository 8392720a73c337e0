"""`tealeaf-shop/shop-config`: the services' settings, a file for each service and environment, deployed by a workflow of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from examples.company import GITHUB, INES, LENA, MAYA, OMAR, SERVICES, TOMAS
from examples.formats.output import number_id
from examples.git_writer import GitWriter, Identity

REVERTED, REVERT = 7, 8
"""The pull request that let orders pile up, and the one that took it back."""

_FIRST: dict[str, dict[str, str]] = {
    "catalog": {"page_cache_s": "60", "related_products": "4"},
    "checkout": {"express_checkout": "false", "delivery_dates": "false"},
    "payments": {"provider": "paywell", "provider_retries": "0", "provider_timeout_ms": "8000"},
    "search": {"suggestions": "5", "fuzzy": "true"},
    "orders": {"warehouse_timeout_ms": "3000", "warehouse_batch": "50"},
}
WORKFLOW = """name: deploy configuration
on:
  push:
    branches: [main]
jobs:
  staging:
    runs-on: ubuntu-latest
    environment: staging
    steps:
      - uses: actions/checkout@v4
      - run: ./validate
      - run: ./push staging
  prod:
    needs: staging
    runs-on: ubuntu-latest
    environment: prod
    steps:
      - uses: actions/checkout@v4
      - run: ./push prod
"""


@dataclass(frozen=True, slots=True)
class ConfigPull:
    """A squashed pull request that sets one value of one service in both environments. `prod_after` is the wait for the deploy to prod."""

    number: int
    title: str
    body: str
    author: Identity
    reviewer: Identity
    merged_at: datetime
    service: str
    key: str
    before: str
    after: str
    prod_after: timedelta
    mark: int = 0
    base: int = 0

    @property
    def paths(self) -> tuple[str, ...]:
        """The files it touches."""
        return tuple(f"{self.service}/{environment}.yaml" for environment in ("prod", "staging"))

    @property
    def unit(self) -> str:
        """What is deployed: the service's configuration, apart from its code."""
        return f"{self.service}-config"

    @property
    def run_id(self) -> int:
        """The workflow run that deploys it."""
        return number_id("run", "shop-config", self.number, digits=11)

    def deployed(self, environment: str) -> tuple[datetime, datetime]:
        """When its deployment began and ended."""
        start = self.merged_at + (timedelta(minutes=3) if environment == "staging" else self.prod_after)
        return start, start + timedelta(seconds=50)


def _at(year: int, month: int, day: int, hour: int, minute: int) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


_MINUTES = timedelta(minutes=1)
_PULLS = (
    ConfigPull(1, "Cache product pages for longer", "The catalog is asked 900 times a second on Black Friday.", LENA, MAYA, _at(2025, 11, 20, 10, 12), "catalog", "page_cache_s", "60", "300", 14 * _MINUTES),
    ConfigPull(2, "Show delivery dates at checkout", "The warehouse tells them since this week.", LENA, OMAR, _at(2026, 1, 13, 9, 40), "checkout", "delivery_dates", "false", "true", 30 * _MINUTES),
    ConfigPull(3, "Eight suggestions while typing", "People scroll past five on phones.", LENA, INES, _at(2026, 2, 24, 15, 5), "search", "suggestions", "5", "8", 12 * _MINUTES),
    ConfigPull(4, "Retry Paywell twice", "One in two hundred calls fails once and works when it is repeated.", TOMAS, MAYA, _at(2026, 4, 2, 13, 30), "payments", "provider_retries", "0", "2", 25 * _MINUTES),
    ConfigPull(5, "Express checkout for everyone", "Four weeks with a tenth of the customers went well.", LENA, TOMAS, _at(2026, 6, 11, 8, 55), "checkout", "express_checkout", "false", "true", 20 * _MINUTES),
    ConfigPull(6, "Ask the warehouse for less at once", "Their importer chokes on fifty orders.", OMAR, LENA, _at(2026, 7, 29, 14, 20), "orders", "warehouse_batch", "50", "20", 17 * _MINUTES),
    ConfigPull(REVERTED, "Fail fast when the warehouse is slow", "p99 of the warehouse API is 240 ms, yet our workers wait three seconds for it.", OMAR, LENA, _at(2026, 9, 24, 10, 41), "orders", "warehouse_timeout_ms", "3000", "300", 23 * _MINUTES),
    ConfigPull(REVERT, 'Revert "Fail fast when the warehouse is slow"', f"Reverts #{REVERTED}. Large orders take the warehouse longer than 300 ms: each is given up and tried again, and the queue grows.", OMAR, INES, _at(2026, 9, 24, 12, 17), "orders", "warehouse_timeout_ms", "300", "3000", 7 * _MINUTES),
    ConfigPull(9, "Wait 1.5 seconds for the warehouse", "Half of before, and five times what the largest order of September took.", OMAR, MAYA, _at(2026, 10, 20, 9, 18), "orders", "warehouse_timeout_ms", "3000", "1500", 45 * _MINUTES),
)  # fmt: skip


def write_config() -> tuple[GitWriter, list[ConfigPull]]:
    """The repository and its pull requests, with their marks."""
    git = GitWriter()
    values = {name: dict(keys) for name, keys in _FIRST.items()}
    git.commit("Settings, moved here from the services\n", MAYA, _at(2025, 11, 10, 9, 0), _tree(values))
    pulls: list[ConfigPull] = []
    for pull in _PULLS:
        base = git.tip
        values[pull.service][pull.key] = pull.after
        message = f"{pull.title} (#{pull.number})\n\n{pull.body}\n"
        mark = git.commit(message, pull.author, pull.merged_at, _tree(values), committer=GITHUB)
        pulls.append(replace(pull, mark=mark, base=base))
    return git, pulls


def _tree(values: dict[str, dict[str, str]]) -> dict[str, str]:
    files = {".github/workflows/deploy.yml": WORKFLOW, ".github/CODEOWNERS": _owners()}
    for service, keys in values.items():
        text = "".join(f"{key}: {value}\n" for key, value in keys.items())
        for environment in ("staging", "prod"):
            files[f"{service}/{environment}.yaml"] = f"# {service} in {environment}\n{text}"
    return files


def _owners() -> str:
    return "".join(f"/{s.name}/  @tealeaf-shop/{s.team}\n" for s in SERVICES)
