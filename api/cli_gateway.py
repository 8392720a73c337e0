"""`lore actions` and `lore grants`: what was written outward, and who may write without asking."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli_base import ConfigOption, moment, say, write

if TYPE_CHECKING:
    from api.action_log import ActionLog


class _Output(StrEnum):
    text = "text"
    json = "json"


_OutputOption = Annotated[_Output, typer.Option("--output", "-o", help="text, or JSON of a versioned schema")]

actions_app = typer.Typer(
    invoke_without_command=True,
    help="What infralore wrote outward, or would have: the audit log.",
    rich_markup_mode=None,
)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(actions_app, name="actions")
    app.command("grants")(grants)


@actions_app.callback()
def actions(
    context: typer.Context,
    since: Annotated[str | None, typer.Option(help="only entries at or after this time: 2026-03-04")] = None,
    output: _OutputOption = _Output.text,
    config: ConfigOption = None,
) -> None:
    """List what infralore wrote outward, or would have: the audit log, oldest first."""
    if context.invoked_subcommand is not None:
        return
    from api.action_text import actions_json, actions_text
    from api.render import harmless_json

    entries = _log(config).entries(moment("--since", since))
    write(harmless_json(actions_json(entries)) if output is _Output.json else actions_text(entries))


@actions_app.command("verify")
def verify(
    head: Annotated[str, typer.Option(help="a digest that was noted earlier: it must still be in the log")] = "",
    config: ConfigOption = None,
) -> None:
    """Check that no entry was changed or removed; exit code 3 when one was."""
    from api.errors import EXIT_FINDINGS

    log = _log(config)
    checked = log.verify(head.strip())
    if checked.broken_at is not None:
        say(f"{log.path}: {checked.problem}")
        raise typer.Exit(EXIT_FINDINGS)
    write(f"{checked.entries} entries, none changed or missing; the last one is {checked.head}")


def grants(output: _OutputOption = _Output.text, config: ConfigOption = None) -> None:
    """List the standing grants, and whether they hold now."""
    from api.action_text import grants_json, grants_text
    from api.grants import read_grants
    from api.render import harmless_json
    from api.settings import load
    from api.wiring import wall_clock

    found = read_grants(load(config).grants)
    now = wall_clock()
    write(harmless_json(grants_json(found, now)) if output is _Output.json else grants_text(found, now))


def _log(config: Path | None) -> ActionLog:
    from api.action_log import LOG_NAME, ActionLog
    from api.settings import load

    return ActionLog(load(config).data_directory / LOG_NAME)
