"""Text for people: answers, ingest reports, status and schema. Control characters never reach a terminal from here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from api.errors import explain
from graph.clock import rfc3339
from graph.schema import KINDS, RELATIONS, Property
from graph.store import StoreStatus

if TYPE_CHECKING:
    from agent.model import Answer, AttributeChange, AttributeState, Change, Citation, Match
    from ingest.sync import SyncReport

CHANGES_SHOWN = 5
ATTRIBUTES_SHOWN = 6
CANDIDATES_SHOWN = 5
ENTITIES_SHOWN = 20
VALUE_CHARS = 80


def plain(text: str) -> str:
    """The text without characters that a terminal would act on; line breaks become blanks."""
    return "".join(" " if c in "\n\r\t" else c for c in text if c in "\n\r\t" or (c.isprintable()))


def answer_text(answer: Answer) -> str:
    """An answer for a terminal: the paragraph, the changes under it, what else it may have meant, and the citations."""
    sections = [plain(answer.text)]
    if answer.status in ("answered", "ambiguous"):
        sections += [_change(change) for change in answer.changes[:CHANGES_SHOWN]]
        if len(answer.changes) > CHANGES_SHOWN or answer.truncated:
            hidden = len(answer.changes) - CHANGES_SHOWN
            sections.append(
                f"… {hidden} more changes{' and others that were cut' if answer.truncated else ''}; --output json has them"
                if hidden > 0
                else "… cut; narrow it with --since or a place"
            )
    if answer.candidates:
        heading = (
            "It may also mean:"
            if answer.status == "ambiguous"
            else "Nearest names:"
            if answer.status == "not_found"
            else "Among:"
        )
        sections.append(
            "\n".join(
                [
                    heading,
                    *(_candidate(m) for m in answer.candidates[:CANDIDATES_SHOWN]),
                    *(
                        [f"  … {len(answer.candidates) - CANDIDATES_SHOWN} more"]
                        if len(answer.candidates) > CANDIDATES_SHOWN
                        else []
                    ),
                ]
            )
        )
    if answer.citations and answer.status in ("answered", "ambiguous"):
        sections.append(
            "\n".join(
                f"[{c.id}] {plain(c.locator)}" + (f"\n     {plain(c.url)}" if c.url else "") for c in _cited(answer)
            )
        )
    if answer.missing:
        sections.append("\n".join(f"not known: {plain(m)}" for m in answer.missing))
    return "\n\n".join(section for section in sections if section)


def _cited(answer: Answer) -> list[Citation]:
    shown = {
        mark
        for change in answer.changes[:CHANGES_SHOWN]
        for mark in (*change.citations, *(w.citation for w in change.why))
    }
    return [c for c in answer.citations if c.id in shown or f"[{c.id}]" in answer.text]


def _change(change: Change) -> str:
    target = f" {plain(change.target.label)}" if change.target else ""
    marks = "".join(f"[{c}]" for c in change.citations)
    lines = [f"{change.at[:10]}  {change.effect.replace('_', ' ')}{target}  {marks}"]
    by = f"by {plain(change.by.name)}" if change.by.name else "by somebody unknown"
    lines.append(f"  {by}, {change.at_means} {change.at}, {change.change.kind} {change.change.id[:12]}")
    if change.pull_request:
        lines.append(f"  pull request #{change.pull_request.number}: {plain(change.pull_request.title)}")
    elif change.title:
        lines.append(f"  {plain(change.title)}")
    if change.moved_from:
        lines.append(f"  moved from {plain(change.moved_from)}")
    lines += [f"    {_attribute(a)}" for a in change.attributes[:ATTRIBUTES_SHOWN]]
    if len(change.attributes) > ATTRIBUTES_SHOWN:
        lines.append(f"    … {len(change.attributes) - ATTRIBUTES_SHOWN} more attributes")
    return "\n".join(lines)


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
    return f"  {plain(match.label)}" + (f"  ({plain(match.locator)})" if match.locator else "")


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


def status_text(status: StoreStatus) -> str:
    """The store's state for a terminal."""
    lines = ["sources"]
    for scope in status.scopes:
        fresh = f"fresh until {rfc3339(scope.fresh_until)}" if scope.fresh_until is not None else "freshness unknown"
        lines.append(
            f"  {plain(scope.source)} {plain(scope.scope)}: {fresh}, read {rfc3339(scope.last_applied_at)}, {scope.batches} batches, {scope.quarantined} quarantined"
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
    lines.append(f"store: record {status.record}, schema {status.schema_version}{size}")
    if status.quarantine:
        lines.append("quarantine (newest first)")
        lines += [f"  {plain(row.source)} {plain(row.locator)}: {plain(row.reason)}" for row in status.quarantine]
    return "\n".join(lines)


def status_json(status: StoreStatus) -> str:
    """The store's state as `lore.status/1`."""
    return json.dumps(
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
