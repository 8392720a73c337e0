"""`lore cost` and `lore prices`."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli_base import ConfigOption, engine, moment, say, write
from api.errors import EXIT_ERROR, UsageError, explain

if TYPE_CHECKING:
    from api.gateway import Yes
    from api.wiring import Engine

_DAY_US = 86_400_000_000
_MONTH_DAYS = 30


class Form(StrEnum):
    """How to print."""

    text = "text"
    json = "json"


OutputOption = Annotated[Form, typer.Option("--output", "-o", help="text, or JSON of a versioned schema")]
PlanArgument = Annotated[
    Path, typer.Argument(help="`terraform show -json PLANFILE`, or a root module's directory", metavar="PLAN")
]
UsageFileOption = Annotated[
    Path | None, typer.Option("--usage", help="a usage file, as Infracost has them", show_default=False)
]
BaseOption = Annotated[
    Path | None, typer.Option("--base", help="compare with what this other plan makes", show_default=False)
]
PricesOption = Annotated[
    list[Path] | None,
    typer.Option("--prices", help="a price file (CSV, JSON, Infracost's JSON); several times", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    cost = typer.Typer(no_args_is_help=True, help="What a plan costs, what the bill says, what is paid for nothing.")
    cost.command("estimate")(estimate)
    cost.command("diff")(diff)
    cost.command("report")(report)
    cost.command("waste")(waste)
    cost.command("comment")(comment)
    app.add_typer(cost, name="cost")
    prices = typer.Typer(invoke_without_command=True, help="The price files that are here, with their dates.")
    prices.callback()(list_prices)
    prices.command("sync")(sync)
    app.add_typer(prices, name="prices")


def estimate(
    plan: PlanArgument,
    usage: UsageFileOption = None,
    prices: PricesOption = None,
    output: OutputOption = Form.text,
    config: ConfigOption = None,
) -> None:
    """What a plan costs a month, by resource, with the price, unit and source of each line."""
    from api.cost_estimate import estimate as estimated

    with engine(config) as opened:
        made = estimated(opened, plan, usage, prices=prices or ())
        if output is Form.json:
            write(made.to_json())
            return
        from api.cost_estimate_text import estimate_text

        write(estimate_text(made, _width()))
        _hint(opened, made.prices)


def diff(
    plan: PlanArgument,
    base: BaseOption = None,
    usage: UsageFileOption = None,
    prices: PricesOption = None,
    output: OutputOption = Form.text,
    config: ConfigOption = None,
) -> None:
    """What a plan changes a month: against what was there before it, or against another plan."""
    from api.cost_estimate import estimate as estimated

    with engine(config) as opened:
        made = estimated(opened, plan, usage, base=base, prices=prices or ())
        if output is Form.json:
            write(made.to_json())
            return
        from api.cost_estimate_text import diff_text

        write(diff_text(made, _width()))
        _hint(opened, made.prices)


def _hint(opened: Engine, used: tuple[str, ...]) -> None:
    from api.cost_prices import price_files

    if not used and not price_files(opened.settings):
        say("hint: no prices are here yet; `lore prices sync --service AmazonEC2 --region eu-west-1` fetches them")


def report(
    since: Annotated[str | None, typer.Option(help="first day: 2026-10-01. Default: 30 days before --until")] = None,
    until: Annotated[str | None, typer.Option(help="first day that does not count. Default: now")] = None,
    by: Annotated[str, typer.Option(help="service, team, environment, resource, account, or tag:KEY")] = "service",
    team: Annotated[str, typer.Option(help="only what this team owns")] = "",
    explain_jumps: Annotated[
        bool, typer.Option("--explain/--no-explain", help="look for the changes behind jumps")
    ] = True,
    output: OutputOption = Form.text,
    config: ConfigOption = None,
) -> None:
    """The bill of a window, its jumps, and the changes that explain them."""
    from api.wiring import wall_clock

    end = moment("--until", until)
    end = wall_clock() if end is None else end
    start = moment("--since", since)
    start = end - _MONTH_DAYS * _DAY_US if start is None else start
    if start >= end:
        raise UsageError("--since is not before --until", "write both like 2026-10-01")
    with engine(config) as opened:
        made = opened.costs.report(start, end, by=by, team=team, explain=explain_jumps)
        if output is Form.json:
            write(made.to_json())
            return
        from api.cost_text import bill_text

        write(bill_text(made, _width()))


def waste(output: OutputOption = Form.text, config: ConfigOption = None) -> None:
    """What is paid for nothing now: unattached, idle, stopped, old, oversized; with the saving and what to do."""
    with engine(config) as opened:
        made = opened.costs.waste()
        if output is Form.json:
            write(made.to_json())
            return
        from api.cost_text import waste_text

        write(waste_text(made, _width()))


def comment(
    repository: Annotated[str, typer.Option("--repo", help="owner/name")],
    number: Annotated[int, typer.Option("--pull-request", help="its number", min=1)],
    plan: Annotated[
        Path | None,
        typer.Argument(help="its plan, as JSON or a directory; without it no cost is told", metavar="[PLAN]"),
    ] = None,
    base: BaseOption = None,
    usage: UsageFileOption = None,
    prices: PricesOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="really write it, also without a standing grant")] = False,
    config: ConfigOption = None,
) -> None:
    """One comment on a pull request, updated: cost, risk, what depends on it, owners. Without --yes or a grant it is only shown."""
    from api.cost_estimate import estimate as estimated
    from api.errors import OutwardUnavailable
    from api.pr_comment import comment_text, post_comment

    with engine(config) as opened:
        made = estimated(opened, plan, usage, base=base, prices=prices or ()) if plan else None
        text = comment_text(opened, repository, number, made)
        write(text)
        try:
            outcome = post_comment(opened, repository, number, text, _yes() if yes else None)
        except OutwardUnavailable as error:
            say(f"error: {error}")
            say(f"hint: {error.hint or 'try again later: a comment is never written twice'}")
            raise typer.Exit(EXIT_ERROR) from None
        say(" ".join(part for part in (outcome.detail or outcome.status, outcome.url) if part))
        if outcome.status == "dry_run":
            say("nothing was written; --yes writes it")
        if outcome.status in ("refused", "failed"):
            raise typer.Exit(EXIT_ERROR)


def list_prices(context: typer.Context, output: OutputOption = Form.text, config: ConfigOption = None) -> None:
    """The price files that are here, with their dates."""
    if context.invoked_subcommand is not None:
        return
    from api.cost_prices import price_files

    with engine(config) as opened:
        heads = price_files(opened.settings)
        if output is Form.json:
            import msgspec

            write(msgspec.json.encode({"schema": "lore.prices/1", "files": heads}).decode())
            return
        if not heads:
            say("hint: no prices are here yet; `lore prices sync --service AmazonEC2 --region eu-west-1` fetches them")
            return
        from api.cost_estimate_text import price_files_text

        write(price_files_text(heads))


def sync(
    service: Annotated[
        list[str] | None, typer.Option("--service", help="AmazonEC2; several times. Default: the usual ones")
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option("--region", help="eu-west-1; several times. `all`: one file of all regions")
    ] = None,
    origin: Annotated[
        str, typer.Option("--from", help="a mirror's address, a directory, or a file. Default: AWS itself")
    ] = "",
    config: ConfigOption = None,
) -> None:
    """Fetch the current price files of AWS. They are kept with their dates beside those that were fetched before."""
    from agent.cost.resources.kept import GLOBAL, SERVICES
    from api.cost_prices import sync_prices
    from api.wiring import wall_clock
    from graph.clock import rfc3339
    from ingest.source import SourceError

    services = service or list(SERVICES)
    if not region and any(one not in GLOBAL for one in services):
        raise UsageError("no region is named", "say which: --region eu-west-1, or --region all (large)")
    wanted: list[tuple[str, str]] = []
    for one in services:
        places = ["all"] if one in GLOBAL else (region or ["all"])
        wanted += [(one, "" if place == "all" else place) for place in places]
    failed = False
    with engine(config) as opened:
        now = rfc3339(wall_clock())
        done = sync_prices(opened.settings, wanted, origin=origin, now=now, on_progress=_progress())
        for name, place, result in done:
            where = f"{name} {place or 'all'}"
            if isinstance(result, SourceError):
                failed = True
                told = explain(result)
                say(f"error: {where}: {told.message}")
                if told.hint:
                    say(f"hint: {told.hint}")
                continue
            if result.already:
                write(f"{where}: {result.head.published_at} is here already")
                continue
            write(
                f"{where}: {result.head.products} products, {result.rates} prices, published {result.head.published_at}"
            )
            if result.refused:
                first = result.refused[0]
                say(f"  {len(result.refused)} entries could not be read, the first {first.locator}: {first.reason}")
    if failed:
        raise typer.Exit(EXIT_ERROR)


def _progress() -> Callable[[str, str, int, int], None]:
    import time

    last = time.monotonic()

    def told(service: str, region: str, products: int, rates: int) -> None:
        nonlocal last
        if time.monotonic() - last > 5:
            last = time.monotonic()
            say(f"{service} {region or 'all'}: {products} products kept, {rates} prices …")

    return told


def _yes() -> Yes:
    import getpass

    from api.gateway import Yes

    return Yes(by=getpass.getuser(), how="--yes on a terminal")


def _width() -> int:
    import shutil

    return shutil.get_terminal_size((100, 24)).columns
