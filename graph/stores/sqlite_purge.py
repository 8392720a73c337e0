"""Destroying content: versions, texts, names, index entries, vectors. What stays is a digest, a reason and numbers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from graph.bm25 import passage_terms
from graph.rows import ALIAS, ENTITY, parse_key
from graph.store import PurgeSelector
from graph.stores.sqlite_file import ENTITY_TYPE
from graph.stores.sqlite_postings import (
    EVERY,
    NAME_ENTRY,
    NAME_FIELD,
    REF_ENTRY,
    TEXT_ENTRY,
    every_field,
    property_field,
    remove,
)
from graph.stores.sqlite_read import numbers
from graph.stores.sqlite_symbols import FIELD, NewSymbols, Symbols
from graph.stores.sqlite_tombstones import Tombstones
from graph.terms import body_terms, name_terms


def purge(connection: sqlite3.Connection, symbols: Symbols, selector: PurgeSelector, reason: str) -> int:
    """Destroy what is selected, inside the open write transaction; returns the number of versions destroyed."""
    return _Purge(connection, NewSymbols(symbols, connection)).run(selector, reason)


class _Purge:
    def __init__(self, connection: sqlite3.Connection, symbols: NewSymbols) -> None:
        self.connection = connection
        self.symbols = symbols

    def run(self, selector: PurgeSelector, reason: str) -> int:
        """Destroy, leave tombstones, return the number of versions."""
        timelines = self._selected(selector)
        array = numbers(timelines)
        ends = self._column(
            "SELECT t.src FROM json_each(?1) n JOIN timeline t ON t.id=n.value UNION"
            " SELECT t.dst FROM json_each(?1) n JOIN timeline t ON t.id=n.value WHERE t.dst>0",
            array,
        )
        names = self._column(
            "SELECT DISTINCT -t.dst FROM json_each(?) n JOIN timeline t ON t.id=n.value WHERE t.dst<0", array
        )
        entities = self._column(
            f"SELECT DISTINCT t.src FROM json_each(?) n JOIN timeline t ON t.id=n.value WHERE t.type={ENTITY_TYPE}",
            array,
        )
        terms_before = {number: self._terms(number) for number in entities}
        hashes = self._passages(array)
        versions = self._versions(array)
        self.connection.execute("DELETE FROM timeline WHERE id IN (SELECT value FROM json_each(?))", (array,))
        for number, before in terms_before.items():
            for field, term in before - self._terms(number):
                remove(self.connection, field, term, number, REF_ENTRY)
        self._names(names)
        self._refs(ends)
        self._vectors(hashes)
        number: int = self.connection.execute(
            "INSERT INTO purge(reason, versions) VALUES (?,?) RETURNING id", (reason, versions)
        ).fetchone()[0]
        self._tombstones(selector, number)
        self.connection.execute("UPDATE meta SET value=value+1 WHERE key='generation'")
        return versions

    def _selected(self, selector: PurgeSelector) -> set[int]:
        timelines = set[int]()
        for ref in selector.refs:
            timelines |= self._column(
                "SELECT t.id FROM ref r JOIN timeline t ON t.src=r.id WHERE r.ref=?1 UNION"
                " SELECT t.id FROM ref r JOIN timeline t ON t.dst=r.id AND t.dst!=0 WHERE r.ref=?1",
                ref,
            )
        for fact_key in selector.fact_keys:
            timelines |= self._of_fact(fact_key)
        if selector.source is not None or selector.scope is not None:
            timelines |= self._column(
                "SELECT t.id FROM timeline t WHERE t.scope IN (SELECT id FROM scope WHERE (?1 IS NULL OR source=?1)"
                " AND (?2 IS NULL OR scope=?2))",
                selector.source,
                selector.scope,
            )
        return timelines

    def _of_fact(self, fact_key: str) -> set[int]:
        key = parse_key(fact_key, "")
        if key is None:
            return set()
        if key.form == ALIAS:
            far = "t.dst=-(SELECT id FROM name WHERE folded=?5 AND name=?4)"
        elif key.other:
            far = "t.dst=(SELECT id FROM ref WHERE ref=?4) AND ?5=?5"
        else:
            far = "t.dst=0 AND ?4=?4 AND ?5=?5"
        return self._column(
            "SELECT t.id FROM timeline t WHERE t.src=(SELECT id FROM ref WHERE ref=?1)"
            f" AND t.type=(SELECT id FROM symbol WHERE sort=?2 AND text=?3) AND {far} AND t.extra=?6",
            key.ref,
            key.form,
            "" if key.form == ENTITY else key.type,
            key.other,
            key.other.casefold(),
            key.discriminator,
        )

    def _versions(self, array: str) -> int:
        execute = self.connection.execute
        execute(
            "DELETE FROM body WHERE id IN (SELECT v.body FROM json_each(?) n CROSS JOIN timeline t CROSS JOIN symbol y"
            " CROSS JOIN version v WHERE t.id=n.value AND y.id=t.type AND y.sort!='p' AND v.timeline=t.id"
            " AND typeof(v.body)='integer')",
            (array,),
        )
        for table in ("change", "scoped"):
            execute(f"DELETE FROM {table} WHERE timeline IN (SELECT value FROM json_each(?))", (array,))
        return execute("DELETE FROM version WHERE timeline IN (SELECT value FROM json_each(?))", (array,)).rowcount

    def _passages(self, array: str) -> set[bytes]:
        """Remove texts and their index entries; returns their hashes."""
        hashes = set[bytes]()
        for number, label, digest, text in self.connection.execute(
            "SELECT p.id, t.label, p.hash, p.text FROM json_each(?) n CROSS JOIN timeline t CROSS JOIN passage p"
            " WHERE t.id=n.value AND p.timeline=t.id",
            (array,),
        ).fetchall():
            counts, length = passage_terms(text.decode())
            for token in counts:
                remove(self.connection, label, token, number, TEXT_ENTRY)
            self.connection.execute(
                "UPDATE text_statistics SET passages=passages-1, tokens=tokens-? WHERE label=?", (length, label)
            )
            self.connection.execute("DELETE FROM passage WHERE id=?", (number,))
            hashes.add(digest)
        self.connection.execute("DELETE FROM text_statistics WHERE passages=0")
        return hashes

    def _terms(self, number: int) -> set[tuple[int, str]]:
        """(field, term) of everything ever said of an entity."""
        terms = set[tuple[int, str]]()
        for ref, body in self.connection.execute(
            "SELECT DISTINCT r.ref, coalesce(b.data, v.body) FROM ref r JOIN timeline t ON t.src=r.id"
            " JOIN version v ON v.timeline=t.id LEFT JOIN body b ON b.id=v.body"
            f" WHERE r.id=? AND t.type={ENTITY_TYPE}",
            (number,),
        ):
            kind = ref.partition(":")[0]
            for name, term in body_terms(kind, body or b""):
                terms.add((self.symbols.id(FIELD, property_field(kind, name)), term))
        return terms

    def _names(self, names: Iterable[int]) -> None:
        """Remove names that nothing bears any more."""
        field = self.symbols.id(FIELD, NAME_FIELD)
        for number in names:
            if self._column("SELECT 1 FROM timeline WHERE dst=? AND dst!=0 LIMIT 1", -number):
                continue
            name: str = self.connection.execute("SELECT name FROM name WHERE id=?", (number,)).fetchone()[0]
            for token in name_terms(name):
                remove(self.connection, field, token, number, NAME_ENTRY)
            self.connection.execute("DELETE FROM name WHERE id=?", (number,))

    def _refs(self, ends: Iterable[int]) -> None:
        """Remove refs of which nothing is said any more."""
        for number in ends:
            if self._column(
                "SELECT 1 FROM timeline WHERE src=?1 UNION ALL SELECT 1 FROM timeline WHERE dst=?1 AND dst!=0 LIMIT 1",
                number,
            ):
                continue
            ref: str = self.connection.execute("SELECT ref FROM ref WHERE id=?", (number,)).fetchone()[0]
            field = self.symbols.id(FIELD, every_field(ref.partition(":")[0]))
            remove(self.connection, field, EVERY, number, REF_ENTRY)
            self.connection.execute("DELETE FROM ref WHERE id=?", (number,))

    def _vectors(self, hashes: Iterable[bytes]) -> None:
        self.connection.executemany(
            "DELETE FROM vector WHERE hash=?1 AND NOT EXISTS (SELECT 1 FROM passage WHERE hash=?1)",
            [(digest,) for digest in hashes],
        )

    def _tombstones(self, selector: PurgeSelector, number: int) -> None:
        tombstones = Tombstones(self.connection)
        digests = [tombstones.of_ref(ref) for ref in selector.refs]
        digests += [tombstones.of_fact(fact_key) for fact_key in selector.fact_keys]
        if selector.source is not None or selector.scope is not None:
            digests.append(tombstones.of_scope(selector.source, selector.scope))
        tombstones.add(digests, number)

    def _column(self, sql: str, *parameters: object) -> set[int]:
        return {row[0] for row in self.connection.execute(sql, parameters)}
