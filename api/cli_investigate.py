"""`lore investigate` and what follows one: show, confirm, retract, replay, verify, rollback."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli_base import ConfigOption, NoModelOption, engine, moment, say, write
from api.errors import EXIT_ERROR, EXIT_FINDINGS, UsageError

if TYPE_CHECKING:
    from agent.investigation import Investigation


_MOST_DAYS = 3_650


class Form(StrEnum):
    """How to print an investigation."""

    text = "text"
    json = "json"
    markdown = "markdown"
    slack = "slack"
    svg = "svg"


FormOption = Annotated[
    Form, typer.Option("--output", "-o", help="text, lore.investigation/1, Markdown, Slack blocks, or the tree as SVG")
]
TreeOption = Annotated[bool, typer.Option("--tree/--no-tree", help="show the hypothesis tree")]
StepsOption = Annotated[bool, typer.Option("--steps", help="show every step of the search")]
InvestigationArgument = Annotated[str, typer.Argument(help="an investigation's id, inv_…", metavar="INVESTIGATION")]


def investigate(
    symptom: Annotated[list[str], typer.Argument(help='"checkout returns 502 since 14:02"', metavar="SYMPTOM")],
    at: Annotated[
        str | None, typer.Option(help="when it was detected; what took effect later is not seen. Default: now")
    ] = None,
    window: Annotated[float, typer.Option(help="days before it in which causes are looked for")] = 7.0,
    environment: Annotated[str, typer.Option("--env", help="where it shows, when the text does not say")] = "",
    steps: Annotated[int, typer.Option("--max-steps", help="at most so many steps")] = 24,
    seconds: Annotated[float, typer.Option(help="begin no step later than this")] = 20.0,
    no_sync: Annotated[bool, typer.Option("--no-sync", help="do not read the sources first")] = False,
    no_model: NoModelOption = False,
    no_memory: Annotated[bool, typer.Option("--no-memory", help="leave solved incidents out")] = False,
    tree: TreeOption = False,
    all_steps: StepsOption = False,
    output: FormOption = Form.text,
    config: ConfigOption = None,
) -> None:
    """Find what caused a symptom: hypotheses, evidence, a verdict or none, and what to do."""
    from agent.investigate import Options
    from api.investigations import Asked
    from api.wiring import wall_clock

    # Written so that what is no number at all fails too.
    if not 0 < window <= _MOST_DAYS or not 0 < seconds < float("inf") or steps < 1:
        raise UsageError(
            f"--window (up to {_MOST_DAYS} days), --max-steps and --seconds must be numbers above zero",
            "leave them out for the defaults",
        )
    told = moment("--at", at)
    asked = Asked(
        symptom=" ".join(symptom),
        at=wall_clock() if told is None else told,
        options=Options(
            window_s=int(window * 86_400),
            environment=environment,
            steps=steps,
            seconds=seconds,
            memory=not no_memory,
        ),
        sync=not no_sync,
        model=not no_model,
    )
    with engine(config) as opened:
        found = opened.investigations.start(asked, _provisional)
        _show(found, output, tree=tree, steps=all_steps)
        if found.known_at == 0:
            say("hint: the store is empty; `lore ingest` reads sources into it")


def show(
    investigation: InvestigationArgument,
    tree: TreeOption = True,
    all_steps: StepsOption = False,
    output: FormOption = Form.text,
    config: ConfigOption = None,
) -> None:
    """Show an investigation that was made before."""
    with engine(config) as opened:
        _show(opened.investigations.of(investigation), output, tree=tree, steps=all_steps)


def confirm(
    investigation: InvestigationArgument,
    cause: Annotated[str, typer.Argument(help="the cause's rank in it, or the name or ref of anything in the graph")],
    by: Annotated[str, typer.Option(help="who says so: only a cause that a person confirmed is learned")],
    fix: Annotated[str, typer.Option(help="what ended it, in words")] = "",
    config: ConfigOption = None,
) -> None:
    """Say what the cause was, so that it is remembered."""
    with engine(config) as opened:
        learning = opened.investigations.confirm(investigation, cause, by, fix)
        say(f"learned as {learning}; `lore retract {learning}` takes it back")


def retract(
    learning: Annotated[str, typer.Argument(help="a learning, as `lore confirm` named it")],
    by: Annotated[str, typer.Option(help="who takes it back")],
    reason: Annotated[str, typer.Option(help="why")] = "",
    config: ConfigOption = None,
) -> None:
    """Take a learning back, with all that came from it."""
    with engine(config) as opened:
        used = opened.investigations.retract(learning, by, reason)
        say(f"taken back; it had moved the ranking of {', '.join(used)}" if used else "taken back")


def replay(
    investigation: InvestigationArgument,
    what_if: Annotated[
        list[str] | None, typer.Option("--what-if", help="without:SOURCE, to see what the answer rests on; repeatable")
    ] = None,
    output: FormOption = Form.text,
    config: ConfigOption = None,
) -> None:
    """Run an investigation again on the stored data, offline: the same tree, or what differs without a source."""
    from api.render import plain

    without = frozenset(name for one in what_if or () for name in _without(one))
    with engine(config) as opened:
        found, differences = opened.investigations.replay(investigation, without)
        if without or output is not Form.text:
            _show(found, output, tree=True, steps=False)
        if without:
            return
        if not differences:
            say(f"{investigation}: the same, byte for byte")
            return
        for one in differences[:20]:
            say(plain(f"{one.path}: {one.before[:80]} -> {one.after[:80]}"))
        raise typer.Exit(EXIT_ERROR)


def verify(investigation: InvestigationArgument, config: ConfigOption = None) -> None:
    """Read every citation of an investigation again at its source."""
    from api import memory
    from api.render import plain

    with engine(config) as opened:
        rows = memory.verify(opened, investigation)
        bad = [r for r in rows if r.status != "resolves"]
        for row in bad:
            write(f"{row.id}  {row.status.replace('_', ' ')}  {plain(row.locator)}  {plain(row.why)}")
        say(f"{len(rows) - len(bad)} of {len(rows)} citations resolve")
        if any(r.is_finding for r in rows):
            raise typer.Exit(EXIT_FINDINGS)


def rollback(
    investigation: InvestigationArgument,
    write_to: Annotated[Path, typer.Option("--write", help="directory for the patch and the post-mortem")] = Path(),
    config: ConfigOption = None,
) -> None:
    """Write the revert of the first cause as a patch, and a draft of the post-mortem. Nothing is applied."""
    from api.rollback_files import write_rollback

    with engine(config) as opened:
        for line in write_rollback(opened, opened.investigations.of(investigation), write_to):
            say(line)


def _provisional(found: Investigation) -> None:
    """What is suspected already, while sources are still being read."""
    from api.investigation_text import first_lines

    say(first_lines(found, provisional=True))
    say("reading what is new in the sources …")


def _show(found: Investigation, output: Form, *, tree: bool, steps: bool) -> None:
    from api.render import harmless_json

    if output is Form.json:
        write(harmless_json(found.to_json()))
    elif output is Form.markdown:
        from api.investigation_markdown import investigation_markdown

        write(investigation_markdown(found))
    elif output is Form.slack:
        import json

        from api.investigation_slack import investigation_blocks

        write(harmless_json(json.dumps({"blocks": investigation_blocks(found)}, ensure_ascii=False)))
    elif output is Form.svg:
        from api.investigation_svg import investigation_svg

        write(investigation_svg(found))
    else:
        from api.investigation_text import investigation_text

        write(investigation_text(found, tree=tree, steps=steps))


def _without(text: str) -> frozenset[str]:
    from agent.without import hidden_sources

    try:
        return hidden_sources(text)
    except ValueError:
        raise UsageError(
            f"--what-if {text!r} is not understood", "write it as without:slack, with a source's name"
        ) from None


def add_to(app: typer.Typer) -> None:
    """Add these commands to `lore`."""
    app.command()(investigate)
    for name, command in (("show", show), ("confirm", confirm), ("retract", retract), ("replay", replay), ("verify", verify), ("rollback", rollback)):  # fmt: skip
        app.command(name)(command)
