"""`lore chat`: a conversation on a terminal, or one question per line from a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli_base import ConfigOption, NoModelOption, engine, say, write

if TYPE_CHECKING:
    from agent.conversation import Choice
    from agent.investigation import Investigation, Step
    from api.chat import Told

_PROMPT = "lore> "
_WIDTH = 100


def chat(
    no_sync: Annotated[bool, typer.Option("--no-sync", help="do not read the sources before an investigation")] = False,
    no_model: NoModelOption = False,
    config: ConfigOption = None,
) -> None:
    """Talk: questions that may follow up on each other, investigations, drift, cost, digests."""
    from api.chat import EXAMPLES, HELP, Conversation

    with engine(config) as opened:
        talk = Conversation(opened, sync=not no_sync, use_model=not no_model)
        asked = sys.stdin.isatty()
        if asked:
            say(f"{HELP} `:help` lists what can be said, `:quit` ends.")
        while (line := _read(asked)) is not None:
            line = line.strip()
            if not line:
                continue
            if line in (":q", ":quit", ":exit", "exit", "quit"):
                return
            if line in (":h", ":help"):
                write("\n".join([HELP, "", *(f"  {e}" for e in EXAMPLES)]))
                continue
            told = talk.say(line, _step, _provisional)
            choices = talk.turns[-1].choices if talk.turns else ()
            _show(told, choices)


def _read(asked: bool) -> str | None:
    """The next line; None at the end, or when it is interrupted."""
    try:
        if asked:
            return input(_PROMPT)
        line = sys.stdin.readline()
        return line if line else None
    except (EOFError, KeyboardInterrupt):
        say("")
        return None


def _show(told: Told, choices: Sequence[Choice]) -> None:
    from api.render import plain

    if told.understood.said:
        write(plain(told.understood.said))
    if told.failed:
        say(f"error: {plain(told.text)}")
        if told.hint:
            say(f"hint: {plain(told.hint)}")
        return
    for shown in (_answer, _investigation, _rollback, _reports):
        if text := shown(told):
            write(text)
            break
    else:
        if told.text:
            write(plain(told.text))
    offered = told.understood.choices or (choices if told.answer is not None and not told.full else ())
    if offered:
        write("\n".join(["Pick one by its number:", *(f"  {n}. {plain(c.label)}" for n, c in enumerate(offered, 1))]))
    write("")


def _answer(told: Told) -> str:
    from api.render import answer_text

    return answer_text(told.answer) if told.answer is not None else ""


def _investigation(told: Told) -> str:
    from api.investigation_text import investigation_text

    found = told.investigation
    return investigation_text(found, tree=told.full, steps=False) if found is not None else ""


def _rollback(told: Told) -> str:
    from api.render import plain

    back = told.rollback
    if back is None:
        return ""
    lines = [plain(back.why), *([f"  $ {plain(back.command)}"] if back.command else [])]
    lines += [f"[{c.id}] {plain(c.locator)}" for c in told.citations if c.id in back.citations]
    return "\n".join(
        [
            "Nothing known speaks against it." if back.safe else "Look before you do it.",
            *lines,
            "It is only shown: infralore takes nothing back.",
        ]
    )


def _reports(told: Told) -> str:
    """Drift, cost, waste, a digest or the status, as their own commands print them."""
    if told.drift is not None:
        from api.drift_text import report_text

        return report_text(told.drift, _WIDTH)
    if told.cost is not None:
        from api.cost_text import bill_text

        return bill_text(told.cost)
    if told.waste is not None:
        from api.cost_text import waste_text

        return waste_text(told.waste)
    if told.digest is not None:
        from api.digest_text import digest_text

        return digest_text(told.digest)
    return _status(told)


def _status(told: Told) -> str:
    from api.render import plain
    from graph.clock import rfc3339

    status = told.status
    if status is None:
        return ""
    lines = [f"{sum(status.entities.values()):,} things, {sum(status.relations.values()):,} relations; read up to:"]
    for scope in status.scopes:
        fresh = rfc3339(scope.fresh_until) if scope.fresh_until is not None else "not known"
        lines.append(plain(f"  {scope.source} {scope.scope}: {fresh}"))
    return "\n".join(lines)


def _step(step: Step, likeliest: str) -> None:
    from api.render import plain

    say(plain(f"step {step.step}: {step.check}; likeliest now: {likeliest} ({round(step.probability * 100)}%)"))


def _provisional(found: Investigation) -> None:
    from api.investigation_text import first_lines

    say(first_lines(found, provisional=True))
    say("reading what is new in the sources …")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(chat)
