"""`lore drift` and what belongs to it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli_base import ConfigOption, engine, moment, say, write
from api.errors import EXIT_ERROR, EXIT_FINDINGS, UsageError

if TYPE_CHECKING:
    from api.gateway import Outcome, Yes


class Form(StrEnum):
    """How to print drift."""

    text = "text"
    json = "json"


class How(StrEnum):
    """How to mend a drift."""

    adopt = "adopt"
    revert = "revert"


FormOption = Annotated[Form, typer.Option("--output", "-o", help="text, or lore.drift/1")]
EnvOption = Annotated[str, typer.Option("--env", help="only this environment")]
DriftArgument = Annotated[str, typer.Argument(help="a drift's id, or the first characters of it", metavar="DRIFT")]


def drift(
    context: typer.Context,
    environment: EnvOption = "",
    no_terraform: Annotated[
        bool, typer.Option("--no-terraform", help="compare inventories only; run no Terraform")
    ] = False,
    stored: Annotated[bool, typer.Option("--stored", help="what the last scans found, without looking anew")] = False,
    as_of: Annotated[str | None, typer.Option(help="what was known to drift at a time; looks at nothing anew")] = None,
    sync: Annotated[bool, typer.Option("--sync", help="read the sources first")] = False,
    output: FormOption = Form.text,
    config: ConfigOption = None,
) -> None:
    """Where what is wanted and what is there differ, who did it, why, and what to do. Exits 3 when anything does."""
    if context.invoked_subcommand is not None:
        return
    at = moment("--as-of", as_of)
    with engine(config) as opened:
        if sync and at is None and not stored:
            sources, unusable = opened.usable_sources()
            for report in [*unusable, *opened.ingest(sources)]:
                if report.error is not None:
                    say(f"{report.source} {report.scope} was not read: {report.error}")
        if at is not None or stored:
            found = opened.drifts.report(as_of=at, environment=environment)
        else:
            found = opened.drifts.scan(environment=environment, terraform=not no_terraform)
        if output is Form.json:
            write(found.to_json())
        else:
            from api.drift_text import report_text

            write(report_text(found, _width()))
        if found.drifts:
            raise typer.Exit(EXIT_FINDINGS)


def show(drift: DriftArgument, output: FormOption = Form.text, config: ConfigOption = None) -> None:
    """Everything that is known of one drift."""
    with engine(config) as opened:
        found, report = opened.drifts.of(drift)
        if output is Form.json:
            import msgspec

            write(msgspec.json.encode(found).decode())
        else:
            from api.drift_text import drift_text

            write(drift_text(found, report, _width()))


def fix(
    drift: DriftArgument,
    how: Annotated[How | None, typer.Option(help="adopt: the code follows; revert: the apply that restores it")] = None,
    write_files: Annotated[bool, typer.Option("--write", help="write the edited files into the work tree")] = False,
    open_pr: Annotated[
        bool, typer.Option("--open-pr", help="push a branch and open one pull request, or update it")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="yes, open it: without this it is only shown")] = False,
    output: FormOption = Form.text,
    config: ConfigOption = None,
) -> None:
    """What to do about a drift: the edit of the code as a diff, or the apply that puts it back. Nothing is written unless asked for."""
    if how is How.revert and (write_files or open_pr):
        raise UsageError("a revert edits no code", "leave --write and --open-pr out: run the commands that it names")
    with engine(config) as opened:
        made = opened.drifts.fix(drift, how.value if how else "")
        if output is Form.json:
            write(made.to_json())
        else:
            from api.drift_text import fix_text

            write(fix_text(made, _width()))
        if write_files:
            for path in opened.drifts.write(made):
                say(f"wrote {path}")
        if open_pr:
            _open(opened.drifts.open_pull_request(made, _yes() if yes else None))
        elif not made.safe:
            raise typer.Exit(EXIT_FINDINGS)


def _open(outcome: Outcome) -> None:
    say(" ".join(part for part in (outcome.detail or outcome.status, outcome.url) if part))
    if outcome.status in ("refused", "failed"):
        raise typer.Exit(EXIT_ERROR)
    if outcome.status == "dry_run":
        say("nothing was written; --yes opens it")


def _yes() -> Yes:
    import getpass

    from api.gateway import Yes

    return Yes(by=getpass.getuser(), how="--yes on a terminal")


def _width() -> int:
    import shutil

    return shutil.get_terminal_size((100, 24)).columns


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(
        invoke_without_command=True, no_args_is_help=False, help="Where what is wanted and what is there differ."
    )
    commands.callback()(drift)
    commands.command("show")(show)
    commands.command("fix")(fix)
    app.add_typer(commands, name="drift")
