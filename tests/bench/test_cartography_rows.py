"""The rows that are loaded side by side with Cartography's loader are what our sources read; the loader itself is not installed here."""

from __future__ import annotations

import pytest

from bench.cartography_rows import CASES, made_rows, our_batches
from graph.model import Entity
from graph.stores import open_store


@pytest.mark.parametrize("case", CASES)
def test_every_row_becomes_an_entity_of_its_own_and_the_store_takes_it(case: str) -> None:
    rows = made_rows(case, 30)
    assert rows == made_rows(case, 30)
    batches = our_batches(case, rows)
    kind = "Account" if case == "users" else "Resource"
    entities = {a.fact.ref for b in batches for a in b.assertions if isinstance(a.fact, Entity) and a.fact.ref.kind == kind}  # fmt: skip
    assert len(entities) == 30
    with open_store("sqlite://:memory:") as store:
        for batch in batches:
            store.apply(batch)
        assert store.status().entities[kind] == 30
        assert not store.status().quarantine
