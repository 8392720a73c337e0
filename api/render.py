"""Text for people: answers, ingest reports, status and schema. Control characters never reach a terminal from here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from api.errors import explain
from graph.clock import rfc3339
from graph.schema import KINDS, RELATIONS, Property
from graph.store import ScopeStatus, StoreStatus

if TYPE_CHECKING:
    from agent.model import Answer, AttributeChange, AttributeState, Change, Citation, Match
    from ingest.sync import SyncReport

GROUPS_SHOWN = 3
TARGETS_SHOWN = 3
ATTRIBUTES_SHOWN = 6
CANDIDATES_SHOWN = 5
VALUE_CHARS = 80


def plain(text: str) -> str:
    """The text without characters that a terminal would act on; line breaks become blanks."""
    return "".join(" " if c in "\n\r\t" else c for c in text if c in "\n\r\t" or (c.isprintable()))


_ACTED_ON = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
"""8-bit control characters and those that turn the direction of writing; JSON leaves them as they are."""


def harmless_json(document: str) -> str:
    """The same JSON, with what a terminal would act on written as escapes (it can only stand inside strings)."""
    return document.translate(_ACTED_ON)


def answer_text(answer: Answer) -> str:
    """An answer for a terminal: the paragraph, the changes under it, what else it may have meant, and the citations."""
    sections = [plain(answer.text)]
    found = answer.status in ("answered", "ambiguous")
    shown = _groups(answer.changes)[:GROUPS_SHOWN] if found else []
    sections += [_group(group, in_full=number == 0) for number, group in enumerate(shown)]
    hidden = len(answer.changes) - sum(len(group) for group in shown)
    if found and (hidden or answer.truncated):
        sections.append(
            f"… {hidden} more changes"
            + (" and others that were cut" if answer.truncated else "")
            + "; --output json has them, --since and a place narrow it"
        )
    if answer.candidates:
        heading = {"ambiguous": "It may also mean:", "not_found": "Nearest names:"}.get(answer.status, "Among:")
        rows = [_candidate(match) for match in answer.candidates[:CANDIDATES_SHOWN]]
        rest = len(answer.candidates) - CANDIDATES_SHOWN
        sections.append("\n".join([heading, *rows, *([f"  … {rest} more"] if rest > 0 else [])]))
    if found:
        marks = {mark for group in shown for mark in group[0].citations}
        sections.append(
            "\n".join(_citation(c) for c in answer.citations if c.id in marks or f"[{c.id}]" in answer.text)
        )
    sections.append("\n".join(f"not known: {plain(m)}" for m in answer.missing))
    return "\n\n".join(section for section in sections if section)


def _groups(changes: tuple[Change, ...]) -> list[list[Change]]:
    """The changes, those of one commit together; what only reformatted or moved comes after what meant something."""
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.change.id, []).append(change)
    return sorted(groups.values(), key=lambda group: all(c.effect in ("format_only", "moved") for c in group))


def _group(group: list[Change], *, in_full: bool) -> str:
    """One change and what it did to each thing; attributes only when in full."""
    change = group[0]
    who = f"by {plain(change.by.name)}" if change.by.name else "by somebody unknown"
    lines = [f"{change.at[:10]}  {who}, {change.at_means} {change.at}, {change.change.kind} {change.change.id[:12]}"]
    if change.pull_request:
        lines.append(f"  pull request #{change.pull_request.number}: {plain(change.pull_request.title)}")
    elif change.title:
        lines.append(f"  {plain(change.title)}")
    for one in group[:TARGETS_SHOWN]:
        target = plain(one.target.label) if one.target else ""
        came = f", before {plain(one.moved_from)}" if one.moved_from else ""
        marks = "".join(f"[{c}]" for c in one.citations) if in_full or one is change else ""
        lines.append(f"  {one.effect.replace('_', ' ')} {target}{came} {marks}".rstrip())
        if in_full:
            lines += [f"    {_attribute(a)}" for a in one.attributes[:ATTRIBUTES_SHOWN]]
            if len(one.attributes) > ATTRIBUTES_SHOWN:
                lines.append(f"    … {len(one.attributes) - ATTRIBUTES_SHOWN} more attributes")
    if len(group) > TARGETS_SHOWN:
        lines.append(f"  … {len(group) - TARGETS_SHOWN} more things in this change")
    return "\n".join(lines)


def _citation(citation: Citation) -> str:
    url = citation.url if citation.url != citation.locator else None
    return f"[{citation.id}] {plain(citation.locator)}" + (f"\n     {plain(url)}" if url else "")


def _attribute(change: AttributeChange) -> str:
    if change.before.state == "absent":
        return f"{plain(change.path)}: {_value(change.after)}"
    return f"{plain(change.path)}: {_value(change.before)} → {_value(change.after)}"


def _value(side: AttributeState) -> str:
    if side.state != "value":
        return f"({side.state})"
    text = plain(json.dumps(side.value, ensure_ascii=False))
    return text if len(text) <= VALUE_CHARS else text[: VALUE_CHARS - 1] + "…"


def _candidate(match: Match) -> str:
    place = match.environment or match.locator
    return f"  {plain(match.label)}" + (f"  ({plain(place)})" if place else "")


def report_text(report: SyncReport) -> str:
    """One source's ingest, in a line; its failure and remedy in a second."""
    head = f"{report.source} {plain(report.scope)}: "
    if report.assertions or report.error:
        head += f"{report.assertions:,} facts, {report.changes:,} changes in {report.elapsed_s:.1f} s"
    else:
        head += f"nothing new ({report.elapsed_s:.1f} s)"
    lines = [head]
    if report.quarantined:
        lines.append(f"  {report.quarantined} items could not be read; `lore status` lists them")
    if report.error is not None:
        failure = explain(report.error)
        lines.append(f"  failed: {plain(failure.message)}")
        if failure.hint:
            lines.append(f"  hint: {plain(failure.hint)}")
    return "\n".join(lines)


def status_text(status: StoreStatus, store: str) -> str:
    """The state of the store at this place, for a terminal."""
    lines = ["sources"]
    for scope, parts in _whole_scopes(status.scopes):
        fresh = f"fresh until {rfc3339(scope.fresh_until)}" if scope.fresh_until is not None else "freshness unknown"
        of = f" in {parts} parts" if parts else ""
        lines.append(
            f"  {plain(scope.source)} {plain(scope.scope)}: {fresh}, read {rfc3339(scope.last_applied_at)}, {scope.batches} batches{of}, {scope.quarantined} quarantined"
        )
    if not status.scopes:
        lines.append("  none yet: `lore ingest git PATH` reads a repository")
    for title, counts in (("entities", status.entities), ("relations", status.relations)):
        lines.append(title)
        lines += [
            f"  {name:<20} {count:>9,}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ] or ["  none"]
    embedder = status.embedder or "none yet"
    lines.append(
        f"texts: {status.passages:,}, embedded {status.vectors:,}, waiting {status.backlog:,} (embedder: {embedder})"
    )
    size = f", {status.size_bytes / 2**20:.1f} MiB" if status.size_bytes is not None else ""
    lines.append(f"store: {plain(store)}, record {status.record}, schema {status.schema_version}{size}")
    if status.quarantine:
        lines.append("quarantine (newest first)")
        lines += [f"  {plain(row.source)} {plain(row.locator)}: {plain(row.reason)}" for row in status.quarantine]
    return "\n".join(lines)


def _whole_scopes(scopes: Sequence[ScopeStatus]) -> list[tuple[ScopeStatus, int]]:
    """Scopes with what their parts (`scope#part`: a state, a region's service) add up to, and how many parts there are."""
    whole: dict[tuple[str, str], ScopeStatus] = {}
    parts: dict[tuple[str, str], int] = {}
    for one in scopes:
        name, part, _ = one.scope.partition("#")
        key = (one.source, name)
        parts[key] = parts.get(key, 0) + bool(part)
        known = whole.get(key)
        if known is None:
            whole[key] = replace(one, scope=name)
            continue
        fresh = [t for t in (known.fresh_until, one.fresh_until) if t is not None]
        whole[key] = replace(
            known,
            last_applied_at=max(known.last_applied_at, one.last_applied_at),
            fresh_until=max(fresh, default=None),
            batches=known.batches + one.batches,
            quarantined=known.quarantined + one.quarantined,
        )
    return [(whole[key], parts[key]) for key in sorted(whole)]


def status_json(status: StoreStatus) -> str:
    """The store's state as `lore.status/1`."""
    document = json.dumps(
        {
            "schema": "lore.status/1",
            "record": status.record,
            "schema_version": status.schema_version,
            "entities": dict(status.entities),
            "relations": dict(status.relations),
            "passages": {
                "total": status.passages,
                "embedded": status.vectors,
                "backlog": status.backlog,
                "embedder": status.embedder,
            },
            "size_bytes": status.size_bytes,
            "sources": [
                {
                    "source": s.source,
                    "scope": s.scope,
                    "last_applied_at": rfc3339(s.last_applied_at),
                    "fresh_until": None if s.fresh_until is None else rfc3339(s.fresh_until),
                    "batches": s.batches,
                    "quarantined": s.quarantined,
                }
                for s in status.scopes
            ],
            "quarantine": [
                {"source": q.source, "scope": q.scope, "locator": q.locator, "reason": q.reason}
                for q in status.quarantine
            ],
        },
        ensure_ascii=False,
    )
    return harmless_json(document)


def schema_text() -> str:
    """Kinds and relations for a terminal."""
    lines = ["entity kinds"]
    for kind in KINDS.values():
        lines.append(f"  {kind.name}{' (a change)' if kind.change else ''}: {kind.doc}")
        lines += [f"    {p.name}{' (indexed)' if p.indexed else ''}: {p.doc}" for p in kind.properties]
    lines.append("relation types")
    for relation in RELATIONS.values():
        lines.append(f"  {relation.name}: {relation.src} -> {relation.dst}. {relation.doc}")
        lines += [f"    {p.name}: {p.doc}" for p in relation.properties]
    return "\n".join(lines)


def schema_markdown() -> str:
    """The reference page `docs/schema.md`."""

    def table(properties: tuple[Property, ...]) -> list[str]:
        if not properties:
            return []
        return [
            "",
            "| property | indexed | |",
            "|---|---|---|",
            *(f"| `{p.name}` | {'yes' if p.indexed else ''} | {p.doc} |" for p in properties),
        ]

    lines = ["# Schema", "", "Generated from `graph/schema.py` by `make docs`.", "", "## Entity kinds"]
    for kind in KINDS.values():
        lines += [
            "",
            f"### {kind.name}",
            "",
            kind.doc + (" It is a change." if kind.change else ""),
            *table(kind.properties),
        ]
    lines += ["", "## Relation types"]
    for relation in RELATIONS.values():
        lines += [
            "",
            f"### {relation.name}",
            "",
            f"{relation.src} → {relation.dst}. {relation.doc}",
            *table(relation.properties),
        ]
    return "\n".join(lines) + "\n"
