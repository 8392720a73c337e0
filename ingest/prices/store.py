"""Price files kept: one SQLite file with every file that was synced, by service, region and date. Old dates stay; the newest answers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from ingest.prices.model import HOURS_A_YEAR, FileHead, PriceOffer, PriceTier, Product, Rate, Wanted
from ingest.prices.patterns import fits, tail
from ingest.source import SourceDataInvalid, SourceUnavailable

EVERY_REGION = "all"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY, provider TEXT NOT NULL, service TEXT NOT NULL, region TEXT NOT NULL, published_at TEXT NOT NULL,
    version TEXT NOT NULL, origin TEXT NOT NULL, synced_at TEXT NOT NULL, products INTEGER NOT NULL,
    UNIQUE (provider, service, region, published_at)
);
CREATE TABLE IF NOT EXISTS products (
    id INTEGER PRIMARY KEY, file INTEGER NOT NULL REFERENCES files ON DELETE CASCADE, sku TEXT NOT NULL, region TEXT NOT NULL, family TEXT NOT NULL,
    usagetype TEXT NOT NULL, tail TEXT NOT NULL, instance_type TEXT NOT NULL, attributes TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS products_sku ON products (file, sku);
CREATE INDEX IF NOT EXISTS products_tail ON products (file, region, tail);
CREATE INDEX IF NOT EXISTS products_usagetype ON products (file, region, usagetype);
CREATE INDEX IF NOT EXISTS products_instance ON products (file, region, instance_type);
CREATE TABLE IF NOT EXISTS rates (
    product INTEGER NOT NULL REFERENCES products ON DELETE CASCADE, option TEXT NOT NULL, unit TEXT NOT NULL, start TEXT NOT NULL, "end" TEXT,
    price TEXT NOT NULL, currency TEXT NOT NULL, years INTEGER NOT NULL, upfront INTEGER NOT NULL, effective_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS rates_product ON rates (product);
"""
_VERSION = 1
_AT_ONCE = 500


class PriceStore:
    """Opens the file, or makes it.

    Raises:
        SourceDataInvalid: the file is no price store of this version.
    """

    def __init__(self, path: Path, *, until: str = "") -> None:
        """`until`: prices published after this moment do not answer."""
        self._until = until
        self._answers: dict[tuple[object, ...], tuple[PriceOffer, ...]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._connection.execute("PRAGMA foreign_keys = ON")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION):
                raise SourceDataInvalid(
                    f"{path} was written by another version of infralore",
                    "move it away and run `lore prices sync` again",
                )
            if version == 0:
                self._connection.executescript(_SCHEMA)
                self._connection.execute(f"PRAGMA user_version = {_VERSION}")
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise SourceUnavailable("the price store is being written", "try again in a moment") from None
            raise SourceDataInvalid(
                f"{path} is no price store", "move it away and run `lore prices sync` again"
            ) from None

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    def __enter__(self) -> PriceStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- what is there

    def files(self) -> list[FileHead]:
        """All files, by provider, service and region, the newest first."""
        rows = self._connection.execute(
            "SELECT provider, service, region, published_at, version, origin, synced_at, products FROM files "
            "ORDER BY provider, service, region, published_at DESC"
        )
        return [FileHead(*row) for row in rows]

    # -- writing

    @contextmanager
    def adding(self) -> Generator[Adding]:
        """One transaction: a file is there whole or not at all."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield Adding(self._connection)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        self._answers.clear()

    # -- answering

    def offers(self, queries: Sequence[Wanted]) -> Sequence[Sequence[PriceOffer]]:
        """For each question the products that fit, in order of SKU, of the newest file that holds any."""
        return [self._offers(query) for query in queries]

    def _offers(self, query: Wanted) -> tuple[PriceOffer, ...]:
        if not query.service or not query.region:
            return ()
        key = (query.provider, query.service, query.region, query.family, tuple(query.attributes))
        if key not in self._answers:
            self._answers[key] = next((found for head in self._newest(query) if (found := self._in(head, query))), ())
        return self._answers[key]

    def _newest(self, query: Wanted) -> list[tuple[int, FileHead]]:
        """The newest file of the region, and of all regions, the newer first."""
        rows = self._connection.execute(
            "SELECT id, provider, service, region, published_at FROM files WHERE provider = ? AND service = ? AND region IN (?, ?) "
            "AND (? = '' OR published_at <= ?) ORDER BY published_at DESC, region",
            (query.provider, query.service, query.region, EVERY_REGION, self._until, self._until),
        ).fetchall()
        newest: dict[str, tuple[int, FileHead]] = {}
        for number, *told in rows:
            head = FileHead(*told)
            newest.setdefault(head.region, (number, head))
        return list(newest.values())

    def _in(self, file: tuple[int, FileHead], query: Wanted) -> tuple[PriceOffer, ...]:
        number, head = file
        where, values = ["file = ?", "region = ?"], [number, query.region]
        if query.family:
            where.append("family = ?")
            values.append(query.family)
        wanted = dict(query.attributes)
        usagetype = wanted.get("usagetype", "")
        if usagetype and "*" not in usagetype:
            name = usagetype.removeprefix("~")
            where.append("(usagetype = ? OR tail = ?)" if usagetype.startswith("~") else "usagetype = ?")
            values += [name, name] if usagetype.startswith("~") else [name]
        if wanted.get("instanceType"):
            where.append("instance_type = ?")
            values.append(wanted["instanceType"])
        rows = self._connection.execute(
            f"SELECT id, sku, attributes FROM products WHERE {' AND '.join(where)} ORDER BY sku", values
        ).fetchall()
        found = [(product, sku) for product, sku, told in rows if _fit(wanted, json.loads(told))]
        rates = self._rates([product for product, _ in found])
        return tuple(_offer(sku, rates[product], head) for product, sku in found if product in rates)

    def _rates(self, products: Sequence[int]) -> dict[int, list[_Rate]]:
        """The prices of products that have any, in the order in which they were added."""
        found: dict[int, list[_Rate]] = {}
        for start in range(0, len(products), _AT_ONCE):
            some = products[start : start + _AT_ONCE]
            rows = self._connection.execute(
                'SELECT product, option, unit, start, "end", price, currency, years, upfront FROM rates '
                f"WHERE product IN ({','.join('?' * len(some))}) ORDER BY rowid",
                some,
            )
            for product, *told in rows:
                found.setdefault(product, []).append(_Rate(*told))
        return found


class _Rate(NamedTuple):
    """A row of `rates`."""

    option: str
    unit: str
    start: str
    end: str | None
    price: str
    currency: str
    years: int
    upfront: int


def _offer(sku: str, rates: Sequence[_Rate], head: FileHead) -> PriceOffer:
    """A product's tiers on demand and its other options."""
    tiers: list[PriceTier] = []
    hourly: dict[str, Decimal] = {}
    unit, currency = "", ""
    for one in rates:
        if not one.option:
            unit, currency = one.unit, one.currency
            end = None if one.end is None else Decimal(one.end)
            tiers.append(PriceTier(Decimal(one.start), end, Decimal(one.price)))
            continue
        share = Decimal(one.price) / (HOURS_A_YEAR * one.years) if one.upfront else Decimal(one.price)
        hourly[one.option] = hourly.get(one.option, Decimal(0)) + share
        currency = currency or one.currency
        unit = unit or ("" if one.upfront else one.unit)
    tiers.sort(key=lambda tier: tier.start)
    return PriceOffer(sku, unit, tuple(tiers), tuple(sorted(hourly.items())), head.shown, currency)


def _fit(wanted: dict[str, str], told: dict[str, str]) -> bool:
    return all(fits(value, told.get(name, "")) for name, value in wanted.items())


class Adding:
    """Adds one file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._file = 0
        self._products: dict[str, int] = {}

    def has(self, head: FileHead) -> bool:
        """Whether this very file is there already."""
        found = self._connection.execute(
            "SELECT 1 FROM files WHERE provider = ? AND service = ? AND region = ? AND published_at = ?",
            (head.provider, head.service, head.region, head.published_at),
        )
        return found.fetchone() is not None

    def head(self, head: FileHead) -> None:
        """Begin the file."""
        made = self._connection.execute(
            "INSERT INTO files (provider, service, region, published_at, version, origin, synced_at, products) VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
            (head.provider, head.service, head.region, head.published_at, head.version, head.origin, head.synced_at),
        )
        assert made.lastrowid is not None
        self._file = made.lastrowid

    def product(self, product: Product) -> None:
        """Add a product."""
        said = product.attributes
        usagetype = said.get("usagetype", "")
        made = self._connection.execute(
            "INSERT INTO products (file, sku, region, family, usagetype, tail, instance_type, attributes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._file, product.sku, product.region, product.family, usagetype, tail(usagetype), said.get("instanceType", ""),
                json.dumps(dict(said), sort_keys=True),
            ),
        )  # fmt: skip
        assert made.lastrowid is not None
        self._products[product.sku] = made.lastrowid

    def rates(self, rates: Iterable[Rate]) -> int:
        """Add prices of products that were added; how many."""
        rows = [
            (
                self._products[one.sku], one.option, one.unit, str(one.start), None if one.end is None else str(one.end), str(one.price),
                one.currency, one.years, int(one.upfront), one.effective_at,
            )
            for one in rates
            if one.sku in self._products
        ]  # fmt: skip
        self._connection.executemany("INSERT INTO rates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        return len(rows)

    def done(self) -> int:
        """How many products the file has; those without any price are taken out."""
        self._connection.execute(
            "DELETE FROM products WHERE file = ? AND NOT EXISTS (SELECT 1 FROM rates WHERE product = products.id)",
            (self._file,),
        )
        (count,) = self._connection.execute("SELECT count(*) FROM products WHERE file = ?", (self._file,)).fetchone()
        self._connection.execute("UPDATE files SET products = ? WHERE id = ?", (count, self._file))
        return int(count)


def listed(path: Path) -> list[FileHead]:
    """The files of a store that may not be there yet."""
    if not path.exists():
        return []
    with closing(PriceStore(path)) as store:
        return store.files()
