"""How much may be spent on models: in tokens and in money, for one investigation and for one day.

A call's worst price is set aside before it is made and replaced by its real price afterwards, so that several at once stay within the
budget together, and one that dies in between counts as the worst.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

from agent.llm import BudgetExceeded, ModelMisconfigured, Prices, Usage

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many tokens and so many US dollars; None is no limit, 0 is nothing at all."""

    tokens: int | None = None
    usd: float | None = None

    def holds(self, spent: Amount) -> bool:
        """Whether so much may be spent."""
        too_many = self.tokens is not None and spent.tokens > self.tokens
        return not too_many and (self.usd is None or spent.micro_usd <= round(self.usd * _MICRO))


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens and money together; money in millionths of a US dollar, as whole numbers add up exactly."""

    tokens: int = 0
    micro_usd: int = 0

    @staticmethod
    def of(usage: Usage) -> Amount:
        """What a usage amounts to; money is rounded up."""
        return Amount(usage.tokens, -int(-usage.cost_usd * _MICRO // 1))

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.tokens + other.tokens, self.micro_usd + other.micro_usd)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.tokens - other.tokens, self.micro_usd - other.micro_usd)


class Ledger(Protocol):
    """Remembers what was spent on which day (`2026-03-04`, UTC). Safe to share between threads, or processes where it says so."""

    def spend(self, day: str, amount: Amount, limit: Budget) -> bool:
        """Add the amount if the day's sum stays within the limit, in one step; whether it was added."""
        ...

    def spent(self, day: str) -> Amount:
        """The sum of a day."""
        ...


class MemoryLedger:
    """A ledger that is gone with its process."""

    def __init__(self) -> None:
        self._days: dict[str, Amount] = {}
        self._lock = Lock()

    def spend(self, day: str, amount: Amount, limit: Budget) -> bool:
        """Add the amount if the limit allows it."""
        with self._lock:
            total = self._days.get(day, Amount()) + amount
            if not limit.holds(total):
                return False
            self._days[day] = total
            return True

    def spent(self, day: str) -> Amount:
        """The sum of a day."""
        return self._days.get(day, Amount())


class SqliteLedger:
    """A ledger in a file that several processes share. A file that cannot be read or written is a `ModelMisconfigured`: without
    a count nothing is spent."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def spend(self, day: str, amount: Amount, limit: Budget) -> bool:
        """Add the amount if the limit allows it, in one transaction."""
        with self._opened() as database:
            total = _sum(database, day) + amount
            if not limit.holds(total):
                return False
            database.execute(
                "INSERT INTO spent VALUES (?, ?, ?) ON CONFLICT (day) DO UPDATE SET tokens = excluded.tokens, micro_usd = excluded.micro_usd",
                (day, total.tokens, total.micro_usd),
            )
            return True

    def spent(self, day: str) -> Amount:
        """The sum of a day."""
        with self._opened() as database:
            return _sum(database, day)

    @contextmanager
    def _opened(self) -> Generator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self._path, timeout=5, isolation_level=None)
            try:
                database.execute("BEGIN IMMEDIATE")
                database.execute(
                    "CREATE TABLE IF NOT EXISTS spent (day TEXT PRIMARY KEY, tokens INTEGER NOT NULL, micro_usd INTEGER NOT NULL)"
                )
                yield database
                database.execute("COMMIT")
            finally:
                database.close()
        except (OSError, sqlite3.Error) as error:
            raise ModelMisconfigured(
                f"the ledger of what models cost, {self._path}, cannot be used ({type(error).__name__})",
                "make its directory writable; if the file is damaged, remove it: then today counts anew",
            ) from None


def _sum(database: sqlite3.Connection, day: str) -> Amount:
    row = database.execute("SELECT tokens, micro_usd FROM spent WHERE day = ?", (day,)).fetchone()
    return Amount(int(row[0]), int(row[1])) if row else Amount()


class BudgetMeter:
    """Guards one investigation's budget and the day's.

    Args:
        per_investigation, per_day: the limits.
        ledger: what was spent on days.
        day: today, as the ledger names it.
    """

    def __init__(self, per_investigation: Budget, per_day: Budget, ledger: Ledger, day: str) -> None:
        self._mine = per_investigation
        self._daily = per_day
        self._ledger = ledger
        self._day = day
        self._here = MemoryLedger()

    @property
    def spent(self) -> Amount:
        """What this investigation has spent."""
        return self._here.spent(self._day)

    def reserve(self, worst: Usage) -> None:
        """Set aside what a call may cost at worst."""
        amount = Amount.of(worst)
        if not self._here.spend(self._day, amount, self._mine):
            raise BudgetExceeded(
                "the budget for models of this investigation does not reach for another question",
                "raise model.per_investigation, or go on without: the result without a model stands",
            )
        try:
            granted = self._ledger.spend(self._day, amount, self._daily)
        except BaseException:
            self._give_back(amount)
            raise
        if not granted:
            self._give_back(amount)
            raise BudgetExceeded(
                f"the budget for models of {self._day} does not reach for another question",
                "raise model.per_day, or wait until tomorrow (UTC): everything works without a model",
            )

    def settle(self, worst: Usage, used: Usage) -> None:
        """Replace what was set aside by what the call cost."""
        difference = Amount.of(used) - Amount.of(worst)
        self._here.spend(self._day, difference, Budget())
        self._ledger.spend(self._day, difference, Budget())

    def _give_back(self, amount: Amount) -> None:
        self._here.spend(self._day, Amount() - amount, Budget())


def check_priced(budgets: tuple[Budget, ...], prices: Prices) -> None:
    """Refuse a budget in money for a model whose price is not known: it would never be used up.

    Raises:
        ModelMisconfigured: a limit in money and no prices.
    """
    if any(b.usd is not None for b in budgets) and not (prices.input_usd or prices.output_usd):
        raise ModelMisconfigured(
            "a budget in money needs the model's prices",
            "set model.input_usd_per_million and model.output_usd_per_million, or give the budget in tokens",
        )
