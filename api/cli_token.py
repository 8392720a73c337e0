"""`lore token`: API tokens for `lore serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli_base import say, write
from api.errors import UsageError


def new(
    name: Annotated[str, typer.Argument(help="what to call it: who or what will use it", metavar="NAME")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="what it may do: ask, investigate, read, drift, cost, digest; repeatable; default: all"),
    ] = None,
    audience: Annotated[
        list[str] | None, typer.Option(help="a label that it may read; repeatable; default: public")
    ] = None,
    until: Annotated[str | None, typer.Option(help="when it ends: 2027-01-01")] = None,
) -> None:
    """Make an API token: it is shown once; the lines for lore.yaml hold only its digest."""
    import yaml

    from api.tokens import SCOPES, new_token, read_api_settings

    if unknown := sorted(set(scope or ()) - set(SCOPES)):
        raise UsageError(f"there is no scope {unknown[0]!r}", f"scopes are {', '.join(SCOPES)}")
    token, digest = new_token()
    entry: dict[str, object] = {"name": name, "sha256": digest, "scopes": list(scope or SCOPES)}
    entry["audience"] = list(audience or ["public"])
    if until is not None:
        entry["until"] = until
    read_api_settings({"tokens": [entry]})  # what would be refused there is refused here
    say("The token, shown this once (send it as `Authorization: Bearer …`):")
    write(token)
    say("Under `api:` of lore.yaml:")
    say(yaml.safe_dump({"tokens": [entry]}, sort_keys=False, default_flow_style=None, width=200).rstrip())


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    tokens = typer.Typer(help="API tokens for `lore serve`.", no_args_is_help=True, rich_markup_mode=None)
    tokens.callback()(lambda: None)  # keeps `new` a subcommand
    tokens.command("new")(new)
    app.add_typer(tokens, name="token")
