"""`lore eval`: how well the engine does on incidents of which the cause is known."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli_base import say, write
from api.errors import EXIT_ERROR, EXIT_FINDINGS, UsageError

if TYPE_CHECKING:
    from api.evals import Report, Scored

DEFAULT = Path("evals")
_NAME, _EXPECTED, _FIRST = 28, 30, 34
_VERDICTS = {
    "cause_found": "cause found",
    "no_cause_found": "no cause found",
    "insufficient_evidence": "shortlist",
}
_HEADINGS = ("incident", "expected", "first cause", "rank", "p", "verdict", "steps", "seconds", "")


class EvalForm(StrEnum):
    """How to print the scores."""

    text = "text"
    json = "json"


def evaluate(
    places: Annotated[
        list[Path] | None,
        typer.Argument(help="folders of incidents, or folders that hold some; `evals` by default", metavar="DIR"),
    ] = None,
    embed_seconds: Annotated[
        float,
        typer.Option("--embed-seconds", help="embed each incident's texts for so long first; 0 goes without vectors"),
    ] = 0.0,
    output: Annotated[EvalForm, typer.Option("--output", "-o", help="text, or lore.eval/1")] = EvalForm.text,
) -> None:
    """Investigate incidents of which the cause is known, each a folder, and score what is found (docs/evals.md)."""
    from api.eval_folder import find_folders
    from api.evals import evaluate as scores
    from api.evals import report

    if embed_seconds < 0:
        raise UsageError("--embed-seconds must not be below zero", "leave it out to go without vectors")
    folders = find_folders(places or [DEFAULT])
    done = report(list(_told(scores(folders, embed_seconds=embed_seconds), len(folders))))
    if output is EvalForm.json:
        import msgspec

        from api.render import harmless_json

        write(harmless_json(msgspec.json.encode(done).decode()))
    else:
        write(eval_text(done))
    if done.totals.wrong:
        raise typer.Exit(EXIT_FINDINGS)
    if done.totals.unusable:
        raise typer.Exit(EXIT_ERROR)


def _told(scored: Iterable[Scored], of: int) -> Iterable[Scored]:
    """The scores; on a terminal, who is done is told while the others go on."""
    from api.render import plain

    for number, one in enumerate(scored, start=1):
        if one.error:
            say(f"{plain(one.name)}: {plain(one.error)}\nhint: {plain(one.hint)}")
        elif one.unread:
            say(f"{plain(one.name)}: {one.unread} items of its sources could not be read")
        if of > 1 and sys.stderr.isatty():
            say(f"{number} of {of}")
        yield one


def eval_text(report: Report) -> str:
    """A table of the incidents, why those that are wrong should be otherwise, and the totals."""
    rows = [_row(one) for one in report.incidents]
    lines = _table([_HEADINGS, *rows]) if rows else []
    wrong = [one for one in report.incidents if not one.error and not one.ok and one.why]
    told = _why(wrong)
    return "\n".join([*lines, *(["", *told] if told else []), "", _totals(report)])


def _row(one: Scored) -> tuple[str, ...]:
    from api.investigation_words import percent
    from api.text_layout import cut

    name = cut(one.name, _NAME)
    if one.error:
        return (name, "", "", "", "", "", "", "", "unusable")
    expected = cut(", ".join(one.expected) or "none", _EXPECTED)
    first = cut(one.first or "nothing", _FIRST)
    rank = ("-" if one.rank is None else str(one.rank)) if one.expected else ""
    return (
        name,
        expected,
        first,
        rank,
        percent(one.probability),
        _VERDICTS.get(one.verdict, one.verdict),
        str(one.steps),
        f"{one.seconds:.1f}",
        "ok" if one.ok else "wrong",
    )


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    from api.text_layout import cells

    widths = [max(cells(row[i]) for row in rows) for i in range(len(rows[0]))]
    numbers = {_HEADINGS.index(name) for name in ("rank", "p", "steps", "seconds")}
    lines: list[str] = []
    for row in rows:
        parts: list[str] = []
        for i, text in enumerate(row):
            gap = " " * (widths[i] - cells(text))
            parts.append(gap + text if i in numbers else text + gap)
        lines.append("  ".join(parts).rstrip())
    return lines


def _why(wrong: Sequence[Scored]) -> list[str]:
    from api.text_layout import wrap

    return [line for one in wrong for line in wrap(f"{one.name}: {one.why}", 110, then="    ")]


def _totals(report: Report) -> str:
    of = report.totals
    parts: list[str] = []
    if of.causes:
        parts.append(f"causes: {of.top_1} of {of.causes} first, {of.top_3} of {of.causes} among the first three")
    if of.outside:
        parts.append(f"without a cause to be named: {of.abstained} of {of.outside} abstained")
    parts.append(f"{of.wrong} wrong" if of.wrong else "none wrong")
    if of.unusable:
        parts.append(f"{of.unusable} unusable")
    return "; ".join(parts)


def add_to(app: typer.Typer) -> None:
    """Add this command to `lore`."""
    app.command("eval")(evaluate)
