"""The command line, `lore`. Imports what a command needs when it runs: a cold `lore ask` answers in well under a second."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from api.cli_base import ConfigOption, NoModelOption, fewer_collections_for_good
from api.cli_base import engine as _engine
from api.cli_base import moment as _moment
from api.cli_base import say as _say
from api.cli_base import write as _write
from api.cli_chat import add_to as _add_chat
from api.cli_cost import add_to as _add_cost
from api.cli_digest import add_to as _add_digest
from api.cli_drift import add_to as _add_drift
from api.cli_eval import add_to as _add_eval
from api.cli_gateway import add_to as _add_gateway
from api.cli_investigate import add_to as _add_investigating
from api.cli_people import people_app, split, why_same
from api.cli_slack import add_to as _add_slack
from api.cli_token import add_to as _add_token
from api.errors import EXIT_ERROR, SettingsError, UsageError, explain
from api.wiring import Engine, is_remote
from ingest.registry import SOURCES

if TYPE_CHECKING:
    from ingest.source import Source
    from ingest.sync import SyncReport

T = TypeVar("T")
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="lore",
    help="The memory of an infrastructure: who changed what, when and why, with citations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
ingest_app = typer.Typer(
    invoke_without_command=True,
    help="Read sources into the graph: those of lore.yaml, or one named here.",
    rich_markup_mode=None,
)
app.add_typer(ingest_app, name="ingest")
app.add_typer(people_app, name="people")
app.command("why-same")(why_same)
app.command("split")(split)
for _add in (
    _add_investigating, _add_drift, _add_cost, _add_digest, _add_chat, _add_slack, _add_gateway, _add_token, _add_eval,
):  # fmt: skip
    _add(app)


class Output(StrEnum):
    """How to print."""

    text = "text"
    json = "json"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="text, or JSON of a versioned schema")]
EmbedOption = Annotated[
    float, typer.Option("--embed-seconds", help="how long to embed new texts afterwards; what is left is backlog")
]


@app.command()
def ask(
    question: Annotated[list[str], typer.Argument(help='"who changed the LB rule?"', metavar="QUESTION")],
    as_of: Annotated[str | None, typer.Option(help="answer as of this time: 2026-03-04, 2026-03-04T14:05Z")] = None,
    known_at: Annotated[str | None, typer.Option(help="use only what infralore knew at this time")] = None,
    since: Annotated[str | None, typer.Option(help="only changes at or after this time")] = None,
    until: Annotated[str | None, typer.Option(help="only changes before this time")] = None,
    no_model: NoModelOption = False,
    output: OutputOption = Output.text,
    config: ConfigOption = None,
) -> None:
    """Answer a question about the infrastructure's history, with citations."""
    with _engine(config) as engine:
        answer = engine.ask(
            " ".join(question),
            as_of=_moment("--as-of", as_of),
            known_at=_moment("--known-at", known_at),
            since=_moment("--since", since),
            until=_moment("--until", until),
            use_model=not no_model,
        )
        if output is Output.json:
            from api.render import harmless_json

            _write(harmless_json(answer.to_json()))
        else:
            from api.render import answer_text

            _write(answer_text(answer))
        if answer.status == "not_found" and engine.store.record() == 0:
            _say(f"hint: {engine.shown_store} is empty; `lore ingest git PATH` reads a repository into it")


@ingest_app.callback()
def ingest(context: typer.Context, config: ConfigOption = None, embed_seconds: EmbedOption = 10.0) -> None:
    """Read sources into the graph: those of lore.yaml, or one named here."""
    if context.invoked_subcommand is not None:
        return
    with _engine(config) as engine:
        sources, unusable = engine.usable_sources()
        if not (sources or unusable):
            raise UsageError(
                "no sources are configured",
                "list them in lore.yaml (docs/configuration.md), or name one: `lore ingest git PATH`",
            )
        _ingest(engine, sources, embed_seconds, unusable)


@ingest_app.command("git")
def ingest_git(
    path: Annotated[str, typer.Argument(help="a git repository, bare or not")],
    rev: Annotated[str, typer.Option(help="read the history of this revision")] = "HEAD",
    name: Annotated[
        str | None, typer.Option(help="owner/name; read from the remote's URL or the folder's name by default")
    ] = None,
    config: ConfigOption = None,
    embed_seconds: EmbedOption = 10.0,
) -> None:
    """Read a git repository's whole history, or what is new in it."""
    with _engine(config) as engine:
        _ingest(
            engine,
            [engine.source("git", {"path": _here(path), "rev": rev, "name": name})],
            embed_seconds,
        )


@ingest_app.command("terraform-state")
def ingest_terraform_state(
    location: Annotated[str, typer.Argument(help="a state file, a directory of them, or s3://bucket/prefix")],
    environment: Annotated[str | None, typer.Option(help="environment that the state describes: prod")] = None,
    repository: Annotated[str | None, typer.Option(help="owner/name of the code that declares it")] = None,
    directory: Annotated[str | None, typer.Option(help="directory of the root module in that repository")] = None,
    config: ConfigOption = None,
    embed_seconds: EmbedOption = 10.0,
) -> None:
    """Read Terraform state (version 4): what exists, and what each serial changed."""
    given = {
        "location": _here(location),
        "environments": {"*": environment} if environment else None,
        "repository": repository,
        "directory": directory,
    }
    with _engine(config) as engine:
        _ingest(
            engine,
            [engine.source("terraform_state", {key: value for key, value in given.items() if value is not None})],
            embed_seconds,
        )


def _ingest_command(name: str, doc: str) -> None:
    """A command for a source whose settings are given one by one; its module is loaded when it runs."""

    @ingest_app.command(name.replace("_", "-"), help=f"{doc} `lore sources {name}` describes its settings.")
    def command(
        path: Annotated[
            str | None, typer.Argument(help="file or directory that it reads, where it reads files")
        ] = None,
        setting: Annotated[
            list[str] | None, typer.Option("--set", "-s", help="a setting: name=value, value as YAML; repeatable")
        ] = None,
        config: ConfigOption = None,
        embed_seconds: EmbedOption = 10.0,
    ) -> None:
        given = dict(_setting(text) for text in setting or ())
        if path is not None:
            given["path"] = _here(path)
        with _engine(config) as engine:
            _ingest(engine, [engine.source(name, given)], embed_seconds)

    del command  # typer keeps it


for _entry in SOURCES.values():
    if _entry.name not in ("git", "terraform_state"):
        _ingest_command(_entry.name, _entry.doc)


def _setting(text: str) -> tuple[str, object]:
    """A setting as typed: `region=eu-west-1`, `environments={"*": prod}`."""
    import yaml

    name, sign, value = text.partition("=")
    if not (sign and name.strip()):
        raise UsageError(f"{text!r} is not a setting", "write it as name=value")
    try:
        return name.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        raise UsageError(
            f"the value of {name.strip()!r} is not YAML", "quote it, as in --set 'name=\"a: b\"'"
        ) from None


@app.command()
def sources(
    name: Annotated[str | None, typer.Argument(help="one source; all are listed by default")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="as its page in docs/sources/")] = False,
    write: Annotated[Path | None, typer.Option(help="write the pages of all sources into this directory")] = None,
) -> None:
    """Describe the sources: what each reads, the permissions it needs, its settings, what it yields."""
    from api.source_pages import index, page, write_pages

    if write is not None:
        write_pages(write)
    else:
        _write(page(name) if name else index(markdown=markdown))


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="address to listen on; another than this machine's own needs tokens")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 8480,
    reconcile_seconds: Annotated[
        float, typer.Option(help="read the configured sources this often, to heal lost webhooks; 0 for never")
    ] = 300.0,
    jobs_database: Annotated[
        str | None,
        typer.Option(help="where durable jobs are kept: a postgresql:// URL for many workers; SQLite by default"),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, max=64, help="processes that answer questions; 0 answers in the server's own")
    ] = 2,
    config: ConfigOption = None,
) -> None:
    """Answer over HTTP (/docs tells how), listen for webhooks and keep the graph up to date."""
    import uvicorn

    from api.http import application

    with _engine(config) as engine:
        app_ = application(
            engine,
            reconcile_every_s=reconcile_seconds,
            jobs_database=jobs_database or "",
            host=host,
            ask_workers=workers,
        )
        _say(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}/docs")
        uvicorn.run(app_, host=host, port=port, log_level="warning", server_header=False, timeout_graceful_shutdown=5)


@app.command()
def embed(
    seconds: Annotated[float, typer.Option(help="stop after this long; the rest stays backlog")] = 600.0,
    config: ConfigOption = None,
) -> None:
    """Embed texts that have no vector yet, newest first."""
    with _engine(config) as engine:
        if engine.settings.embedder == "none":
            raise SettingsError(
                "the embedder is set to none, so nothing can be embedded",
                "unset LORE_EMBEDDER, or set it or `embedder:` in lore.yaml to onnx",
            )
        done = engine.embed(seconds)
        backlog = engine.store.status().backlog
        _say(f"embedded {done} texts, {backlog} left")


@app.command()
def status(output: OutputOption = Output.text, config: ConfigOption = None) -> None:
    """Sources, freshness, counts, backlog and quarantine."""
    from api.render import status_json, status_text

    with _engine(config) as engine:
        state = engine.store.status()
        _write(status_json(state) if output is Output.json else status_text(state, engine.shown_store))


@app.command()
def schema(
    markdown: Annotated[bool, typer.Option("--markdown", help="as the reference page in docs/")] = False,
) -> None:
    """Describe every entity kind and relation type."""
    from api.render import schema_markdown, schema_text

    _write(schema_markdown() if markdown else schema_text())


@app.command()
def dump(config: ConfigOption = None) -> None:
    """Write the canonical dump: JSON lines, equal for equal facts on every store."""
    with _engine(config) as engine:
        for line in engine.store.dump():
            sys.stdout.write(line + "\n")


@app.command()
def purge(
    reason: Annotated[str, typer.Option(help="why; kept in the tombstone")],
    ref: Annotated[list[str] | None, typer.Option(help="destroy everything said of this ref; repeatable")] = None,
    fact: Annotated[list[str] | None, typer.Option(help="destroy this fact key; repeatable")] = None,
    source: Annotated[str | None, typer.Option(help="destroy all that this source said; with --scope")] = None,
    scope: Annotated[str | None, typer.Option(help="which part of the source")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do it; without this nothing is destroyed")] = False,
    config: ConfigOption = None,
) -> None:
    """Destroy content for good: a leaked secret, an erasure request. Leaves a tombstone without content."""
    from graph.model import EntityRef
    from graph.store import PurgeSelector

    if (source is None) != (scope is None):
        raise UsageError("--source and --scope go together", "`lore status` lists the scopes of each source")
    if not (ref or fact or source):
        raise UsageError("nothing is selected", "give --ref, --fact, or both --source and --scope")
    for one in ref or ():
        if not all(one.partition(":")):
            raise UsageError(f"{one!r} is not a ref", "a ref is Kind:id, as `lore ask --output json` shows it")
    if not yes:
        raise UsageError("purge cannot be undone", "add --yes to do it")
    with _engine(config) as engine:
        receipt = engine.store.purge(
            PurgeSelector(tuple(map(EntityRef, ref or ())), tuple(fact or ()), source, scope), reason
        )
        said = f"destroyed {receipt.versions} versions"
        if not receipt.versions:
            said = "nothing stored matches; what arrives later under it will be kept out"
        _say(said + (f"; remains: {receipt.remains}" if receipt.remains else ""))


def _ingest(engine: Engine, sources: list[Source], embed_seconds: float, unusable: Sequence[SyncReport] = ()) -> None:
    from api.progress import ProgressLine
    from api.render import report_text

    with ProgressLine() as line:
        reports = [*unusable, *engine.ingest(sources, line.update)]
    if len(reports) == 1 and reports[0].error is not None and not reports[0].scope:
        raise reports[0].error  # there was nothing to open, so there is nothing to report of
    for report in reports:
        _say(report_text(report))
    embedded = engine.embed(embed_seconds)
    backlog = engine.store.status().backlog if engine.settings.embedder != "none" else 0
    if embedded or backlog:
        _say(f"embedded {embedded} texts" + (f"; {backlog} wait (`lore embed` goes on)" if backlog else ""))
    if any(report.error for report in reports):
        raise typer.Exit(EXIT_ERROR)


def _here(path: str) -> str:
    """A path as typed, from the working directory; a URL as it is."""
    return path if is_remote(path) else str(Path(path).absolute())


def main() -> None:
    """Run `lore` and exit; every failure is one sentence and a remedy on standard error."""
    _open_streams()
    fewer_collections_for_good()
    _guard(lambda: app(standalone_mode=True))


def _guard(run: Callable[[], T]) -> T:
    try:
        try:
            return run()
        finally:
            _flush()
    except BrokenPipeError:
        raise SystemExit(EXIT_ERROR) from None
    except SystemExit as ended:
        if ended.code == EXIT_INTERRUPTED:  # typer's answer to Ctrl-C, without a word
            _say("interrupted; what was stored stays, run it again to go on")
        raise
    except Exception as error:
        from api.render import plain
        from api.settings import debug

        if debug():
            raise
        failure = explain(error)
        _say(f"error: {plain(failure.message)}")
        if failure.hint:
            _say(f"hint: {plain(failure.hint)}")
        raise SystemExit(failure.exit_code) from None


def _open_streams() -> None:
    """UTF-8 whatever the locale; what the caller closed is opened again and leads nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open for the process's life
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def _flush() -> None:
    """Hand over what is buffered. When that fails the rest is dropped: Python would try again at exit and print a traceback."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


if __name__ == "__main__":
    main()
