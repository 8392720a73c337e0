"""A bill in a store, for tests: every test says what is billed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from graph.clock import instant
from graph.model import Assertion, Entity, EntityRef, FactBatch, Relation, Value, ref
from graph.store import GraphStore

FIRST = date(2026, 3, 1)


class Billing:
    """Collects what is billed and applies it."""

    def __init__(self) -> None:
        self._facts: list[Assertion] = []

    def bill(
        self,
        service: str,
        amount: Callable[[date], float | str],
        *,
        days: int = 100,
        first: date = FIRST,
        resource: str = "",
        about: EntityRef | None = None,
        **told: Value,
    ) -> None:
        """Bill so much on each of so many days."""
        months: dict[str, dict[str, str]] = {}
        for i in range(days):
            on = first + timedelta(days=i)
            value = Decimal(str(amount(on)))
            if value:
                months.setdefault(on.isoformat()[:7], {})[on.isoformat()] = str(value)
        base: dict[str, Value] = {"provider": "aws", "account_id": "1", "service": service, "currency": "USD", "line_type": "usage", "basis": "unblended", "resource_id": resource} | told  # fmt: skip
        item = ref("CostItem", *(f"{k}={v}" for k, v in sorted(base.items())))
        for month, by_day in months.items():
            following = (date.fromisoformat(f"{month}-01") + timedelta(days=32)).replace(day=1).isoformat()
            begins, ends = instant(f"{month}-01"), instant(following)
            total = str(sum(map(Decimal, by_day.values())))
            properties: Mapping[str, Value] = base | {"month": month, "days": by_day, "amount": total}
            self._facts.append(Assertion(Entity(item, properties), begins, begins, f"bill#{month}", ends))
            if about is not None:
                self._facts.append(Assertion(Relation("ABOUT", item, about, {}), begins, begins, f"bill#{month}", ends))

    def apply(self, store: GraphStore) -> None:
        """Store it."""
        store.apply(FactBatch(f"b{len(self._facts)}", "costs", "costs", "costs/1", tuple(self._facts)))
