"""`lore digest` and what belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli_base import ConfigOption, engine, moment, say, write
from api.errors import EXIT_ERROR, UsageError

if TYPE_CHECKING:
    from agent.digest.model import Digest, Period


class Form(StrEnum):
    """How to print a digest."""

    text = "text"
    json = "json"
    markdown = "markdown"
    html = "html"
    slack = "slack"


UntilOption = Annotated[
    str | None, typer.Option(help="the last period that had ended by then; what came later is not seen. Default: now")
]
TeamOption = Annotated[str, typer.Option(help="only what this team owns")]
ZoneOption = Annotated[str, typer.Option("--timezone", help="whose days, weeks and months: Europe/Lisbon")]
OutputOption = Annotated[
    Form, typer.Option("--output", "-o", help="text, lore.digest/1, Markdown, a mail's HTML, or Slack messages")
]
ChartsOption = Annotated[Path | None, typer.Option(help="write the charts there, as PNG", show_default=False)]
WriteOption = Annotated[Path | None, typer.Option("--write", help="write it to this file instead", show_default=False)]
ExplainOption = Annotated[
    bool, typer.Option("--explain/--no-explain", help="look for the changes behind jumps of the bill")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True, help="What happened in a day, a week or a month: drift, cost, changes, incidents."
    )
    group.command("daily", help="The last whole day.")(_of("daily"))
    group.command("weekly", help="The last whole week, from Monday to Sunday.")(_of("weekly"))
    group.command("monthly", help="The last whole calendar month.")(_of("monthly"))
    group.command("send")(send)
    group.command("schedule")(schedule)
    app.add_typer(group, name="digest")


def _of(period: Period) -> Callable[..., None]:
    """The command that tells the last period of this length."""

    def told(
        until: UntilOption = None,
        team: TeamOption = "",
        timezone: ZoneOption = "UTC",
        output: OutputOption = Form.text,
        charts: ChartsOption = None,
        to: WriteOption = None,
        explain: ExplainOption = True,
        config: ConfigOption = None,
    ) -> None:
        _print(period, until, team, timezone, output, charts, to, explain, config)

    return told


def send(
    name: Annotated[str, typer.Argument(help="name of a digest in lore.yaml", metavar="NAME")],
    until: UntilOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="really send it, also without a standing grant")] = False,
    config: ConfigOption = None,
) -> None:
    """Send a configured digest of its last period; without --yes or a grant only tell what would be sent."""
    from api.errors import OutwardUnavailable
    from api.gateway import Yes

    with engine(config) as opened:
        try:
            outcomes = opened.digests.send(name, Yes(_me(), "--yes") if yes else None, until=moment("--until", until))
        except OutwardUnavailable as error:
            say(f"error: {error}")
            say(f"hint: {error.hint or 'try again later: what was sent is not sent twice'}")
            raise typer.Exit(EXIT_ERROR) from None
        for one in outcomes:
            place = f" {one.url}" if one.url else ""
            write(f"{one.status}{place}{f': {one.detail}' if one.detail else ''}")
        if any(o.status in ("refused", "failed") for o in outcomes):
            raise typer.Exit(EXIT_ERROR)


def schedule(config: ConfigOption = None) -> None:
    """When each configured digest was due last and will be next."""
    from api.wiring import wall_clock
    from graph.clock import rfc3339

    with engine(config) as opened:
        planned = opened.digests.planned()
        if not planned:
            say("hint: no digests are configured; docs/digests.md has an example")
        for one in planned:
            now = wall_clock()
            last, following = one.latest(now), one.next(now)
            write(
                f"{one.name}: {one.period} to {one.to}, last due {rfc3339(last.at)}, next {rfc3339(following.at)} ({one.zone.key})"
            )


def _print(
    period: Period,
    until: str | None,
    team: str,
    timezone: str,
    output: Form,
    charts: Path | None,
    to: Path | None,
    explain: bool,
    config: Path | None,
) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"--timezone {timezone!r} is not a time zone", "write it like Europe/Lisbon, or UTC") from None
    at = moment("--until", until)
    with engine(config) as opened:
        if opened.store.record() == 0:
            say("hint: the store is empty; `lore ingest` reads sources into it")
        digest = opened.digests.make(period, until=at, team=team, zone=zone, explain=explain)
        drawn = _draw(digest, charts)
        text = _render(digest, output, drawn, to)
    if to is None:
        write(text)
    else:
        to.write_text(text, encoding="utf-8")
        say(f"written to {to}")


def _draw(digest: Digest, directory: Path | None) -> dict[str, Path]:
    """The charts' files by their ids."""
    if directory is None:
        return {}
    from api.charts import has_fonts, pngs

    directory.mkdir(parents=True, exist_ok=True)
    if not has_fonts():
        say("hint: no charts were written: this machine has no font (the package fonts-dejavu-core has some)")
    found: dict[str, Path] = {}
    for name, png in sorted(pngs([c for s in digest.sections for c in s.charts]).items()):
        found[name] = directory / f"{name}.png"
        found[name].write_bytes(png)
    return found


def _render(digest: Digest, form: Form, drawn: dict[str, Path], to: Path | None) -> str:
    match form:
        case Form.text:
            from shutil import get_terminal_size

            from api.digest_text import digest_text
            from api.text_layout import fit

            return digest_text(digest, fit(get_terminal_size((100, 24)).columns))
        case Form.json:
            return digest.to_json()
        case Form.markdown:
            from api.digest_markdown import digest_markdown

            return digest_markdown(digest, {name: _beside(path, to) for name, path in drawn.items()})
        case Form.html:
            from api.charts import pngs
            from api.digest_html import digest_html

            return digest_html(digest, pngs([c for s in digest.sections for c in s.charts]))
        case Form.slack:
            import msgspec

            from api.digest_slack import digest_messages

            return msgspec.json.encode([{"blocks": blocks} for blocks in digest_messages(digest)]).decode()


def _beside(path: Path, to: Path | None) -> str:
    """A picture's address in the document: relative to it where it can be."""
    try:
        return path.resolve().relative_to((to.parent if to is not None else Path()).resolve()).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def _me() -> str:
    from getpass import getuser

    try:
        return getuser()
    except (KeyError, OSError):
        return "whoever runs lore"
