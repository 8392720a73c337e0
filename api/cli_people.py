"""`lore people`, `lore why-same`, `lore split`: who is who, and which names are one thing."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli_base import ConfigOption, engine, say, write
from api.errors import UsageError
from api.wiring import precise_clock

people_app = typer.Typer(help="Who is who: accounts and the people they belong to.", rich_markup_mode=None)


@people_app.command("list")
def list_people(config: ConfigOption = None) -> None:
    """List people with their accounts."""
    from graph.store import Limits

    with engine(config) as opened:
        page = opened.store.select("Person", {}, opened.view, Limits(rows=100_000))
        for person in page.items:
            names = sorted(
                f"{s.properties.get('system')}:{s.properties.get('login') or s.properties.get('email') or s.properties.get('name')}"
                for s in person.statements
                if s.ref.kind == "Account"
            )
            write(f"{person.ref}  {person.properties.get('name', '')}  {', '.join(dict.fromkeys(names))}")


@people_app.command("update")
def update(config: ConfigOption = None) -> None:
    """Join accounts to people anew; an ingest does so by itself."""
    with engine(config) as opened:
        say(f"{opened.update_people()} facts are new or taken back")


@people_app.command("split")
def split_people(
    one: Annotated[str, typer.Argument(help="an account: ref, login, mail address")],
    other: Annotated[str, typer.Argument(help="the account or person that it is not")],
    reason: Annotated[str, typer.Option(help="why; kept")] = "",
    by: Annotated[str, typer.Option(help="who says so")] = "",
    config: ConfigOption = None,
) -> None:
    """Say that two are different people; it stays so."""
    _split(one, other, reason, by, config)


@people_app.command("unsplit")
def unsplit_people(one: str, other: str, config: ConfigOption = None) -> None:
    """Take a split back."""
    from api.people import everything, named
    from ingest.identity import unsplit

    with engine(config) as opened:
        view = everything(opened.store)
        batch = unsplit(
            opened.store, named(opened.store, one, view), named(opened.store, other, view), precise_clock(), view
        )
        opened.store.apply(batch)
        opened.update_people()
        say(f"{len(batch.withdrawals)} splits taken back")


def why_same(
    one: Annotated[str, typer.Argument(help="a ref, an ARN, an address, a login")],
    other: Annotated[str, typer.Argument(help="another")],
    config: ConfigOption = None,
) -> None:
    """Say why two names are one thing, or are not."""
    from api.people import named, why_text
    from ingest.identity import why_same as why

    with engine(config) as opened:
        view = opened.view
        write(why_text(why(opened.store, named(opened.store, one, view), named(opened.store, other, view), view)))


def split(
    one: Annotated[str, typer.Argument(help="a ref, an ARN, an address")],
    other: Annotated[str, typer.Argument(help="what it is not")],
    reason: Annotated[str, typer.Option(help="why; kept")] = "",
    by: Annotated[str, typer.Option(help="who says so")] = "",
    config: ConfigOption = None,
) -> None:
    """Say that two names are not one thing; it stays so."""
    _split(one, other, reason, by, config)


def _split(one: str, other: str, reason: str, by: str, config: object) -> None:
    from pathlib import Path

    from api.people import everything, named
    from ingest.identity import split as states

    with engine(config if isinstance(config, Path) else None) as opened:
        view = everything(opened.store)
        a, b = named(opened.store, one, view), named(opened.store, other, view)
        if a == b:
            raise UsageError(f"{one!r} and {other!r} are one reference", "name two different accounts or things")
        opened.store.apply(states(opened.store, a, b, by, reason, precise_clock(), view))
        opened.update_people()
        say(f"{a} is not {b}")
