"""How well a conversation is understood: dialogues over the bundled company, written from what its graph holds.

    python -m bench.conversation [--directory DIR] [--misses]

Each dialogue ends with a line that the turns before make whole. It is *right* when its answer is the answer to the full question that a template
wrote (same kind, changes, things and people), or when it is asked back where nothing can be meant, or when the way back of the right change is
shown, or when a remark is not answered. Wordings are split by the hash of their text: the development half may be looked at with `--misses`, the held-out half is only counted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace

from agent.model import Answer
from api.chat import Conversation, Told
from api.settings import load
from api.wiring import Engine
from examples.build import build
from graph.clock import SECOND, Instant, instant, rfc3339
from graph.store import Limits, View

NOW = instant("2026-11-01T12:00:00Z")
CASES = 3
_QUIET = ("format_only", "moved")


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Lines, and what is right at the end: a full question, `!back` (asked back), `!remark` (nothing was asked), or `!rollback NAME`.

    Where several full questions would do, ` | ` stands between them.
    """

    template: str
    wording: str
    lines: tuple[str, ...]
    right: str

    @property
    def held_out(self) -> bool:
        return bool(blake2b(self.wording.encode(), digest_size=1).digest()[0] & 1)


WORDINGS: dict[str, tuple[str, ...]] = {
    "approved": (
        "and who approved it?", "who signed off on that?", "approved by whom?", "who reviewed this PR?", "was it reviewed by anyone?",
        "who gave it the thumbs up?", "which reviewers okayed it?", "who approved?", "who was the reviewer?", "did anybody review that?",
    ),
    "merged": ("who merged it?", "who pressed merge?", "and merged by whom?", "who hit merge on that?", "who merged that one?"),
    "reached": (
        "when did that reach prod?", "did it make it to prod?", "is it in prod yet?", "since when is it live in prod?",
        "when was that rolled out to prod?", "what about prod?", "when did prod get it?", "has that gone to production?", "and when did it hit prod?",
    ),
    "why": (
        "why?", "how come?", "what was the reason?", "why did they do that?", "what for?", "what's the story behind it?", "why was this needed?",
        "ok, but why was that changed?",
    ),
    "discussed": ("where was it discussed?", "any slack thread about it?", "where did we talk about that?", "is there a thread for that?"),
    "owner": (
        "who owns it?", "whose is that?", "which team is responsible?", "who looks after this?", "who should I ask about it?", "owner?",
        "and who maintains that?", "who is responsible for it?",
    ),
    "before": (
        "and before that?", "what was the change before?", "who changed it before?", "the previous one?", "and the one before that?",
        "who touched it before that?",
    ),
    "last_change": ("who changed it last?", "and who touched that last?", "when was it changed?", "who last modified this?"),
    "staging": (
        "what about staging?", "and in staging?", "same for staging?", "staging?", "how about the staging environment?", "and on stg?",
        "what does staging run?",
    ),
    "service": ("and {}?", "what about {}?", "same for {}", "how about {}?", "and for {}?", "what about the {} service?"),
    "deployer": ("who deployed it?", "who shipped that?", "and who rolled it out?", "deployed by whom?", "who put that there?"),
    "version_before": ("which one was there before?", "and before that?", "what ran before?", "the version before?", "and the previous version?"),
    "person": ("what else did they change?", "what else did he change?", "what else has she done?", "what other things did she touch?"),
    "who_is": ("who is she?", "who is that?", "which team is he in?", "who is this person?"),
    "second": ("the second one", "tell me about the second", "number 2", "2", "what is the second one?", "show me the second change"),
    "second_approved": ("who approved the second one?", "who merged the second one?", "and who approved the 2nd change?"),
    "day": ("and on {}?", "what about {}?", "same for {}", "how about on {}?", "on {}?"),
    "choice": ("2", "the second one", "second", "number two", "I mean the second one", "option 2"),
    "choice_name": ("{}", "the {} one", "I meant {}", "the one in {}"),
    "incident": ("who acknowledged it?", "what fixed it?", "what changed before it?", "who acked it?", "how was it fixed?", "what changed before that?"),
    "back": (
        "who approved it?", "why?", "what about staging?", "roll it back", "and before that?", "who owns it?", "when did that reach prod?",
        "the second one", "what else changed then?", "who is she?", "and last week?", "what did he do?", "show tree", "investigate it",
    ),
    "rollback": ("roll it back?", "can we revert that?", "how do I undo it?", "back it out", "is it safe to roll that back?", "please revert this"),
    "fresh": ("who owns {}?", "who is on call for {}?", "which alerts fired for {}?", "and who owns {}?"),
    "contents": ("what exactly did it change?", "what changed in it?", "show me the diff", "what was in that PR?", "details?", "what did that change?"),
}  # fmt: skip


@dataclass(slots=True)
class Company:
    """What the graph holds, read directly."""

    engine: Engine
    view: View

    def pulls(self) -> list[str]:
        """Merged pull requests with an approval that reached prod, as `owner/name#12`."""
        store = self.engine.store
        found = store.select("PullRequest", {"state": ["merged"]}, self.view, Limits(rows=500)).items
        approved = {
            e.src
            for e in store.neighbours(
                [p.ref for p in found], self.view, Limits(rows=5_000), types=("APPROVED_BY",)
            ).items
        }
        chosen = [p for p in found if p.ref in approved and p.properties.get("merged_at")]
        chosen.sort(key=lambda p: str(p.properties["merged_at"]), reverse=True)
        return [f"{p.properties['repository']}#{p.properties['number']}" for p in chosen]

    def things(self) -> list[str]:
        """Addresses that are one block's alone."""
        found = self.engine.store.select(
            "Block",
            {"type": ["aws_lb_listener_rule", "aws_security_group_rule", "aws_sqs_queue", "aws_db_instance"]},
            self.view,
            Limits(rows=500),
        ).items
        many = Counter(str(b.properties["address"]) for b in found)
        return sorted(a for a, n in many.items() if n == 1)

    def services(self) -> list[str]:
        """Services that run in prod and in staging."""
        return ["orders", "payments", "search", "catalog"]


def dialogues(company: Company, ask: Callable[[str], Answer]) -> Iterator[Dialogue]:
    """All dialogues: for each wording of each template a few cases."""
    pulls, things, services = company.pulls(), company.things(), company.services()
    for template, wordings in WORDINGS.items():
        for number, wording in enumerate(wordings):
            made = _made(template, wording, pulls[number:] + pulls[:number], things, services, ask)
            for count, (lines, right) in enumerate(made):
                if count == CASES:
                    break
                yield Dialogue(template, wording, tuple(lines), right)


Made: TypeAlias = Callable[[Company, Callable[[str], Answer]], Iterator[Dialogue]]
"""What writes dialogues from what a company's graph holds."""


def _made(
    template: str,
    wording: str,
    pulls: Sequence[str],
    things: Sequence[str],
    services: Sequence[str],
    ask: Callable[[str], Answer],
) -> Iterator[tuple[list[str], str]]:
    of_pull = {
        "approved": "who approved {}?", "merged": "who merged {}?", "reached": "when did {} reach prod?", "why": "why was {} made?",
        "discussed": "where was {} discussed?",
    }  # fmt: skip
    if template in of_pull:
        firsts = ("what did {} change?", "who merged {}?", "what is {}?")
        for n, pull in enumerate(pulls[:CASES]):
            yield [firsts[n % 3].format(pull), wording], of_pull[template].format(pull)
    elif template == "contents":
        for pull in pulls[:CASES]:
            yield [f"who approved {pull}?", wording], f"what is {pull}?"
    elif template in ("owner", "last_change"):
        full = "who owns {}?" if template == "owner" else "who changed {}?"
        first = "who changed {}?" if template == "owner" else "who owns {}?"
        for thing in things[:CASES]:
            yield [first.format(thing), wording], full.format(thing)
        for thing in things[CASES : CASES + 1]:
            yield [f"who changed {thing}?", "why?", wording], full.format(thing)
    elif template == "before":
        for thing in things:
            at = told_at(ask(f"who changed {thing}?"))
            if at is not None and ask(f"who changed {thing} before {rfc3339(at)}?").changes:
                yield [f"who changed {thing}?", wording], f"who changed {thing} before {rfc3339(at)}?"
    elif template in ("staging", "deployer", "version_before", "service"):
        for n, service in enumerate(services):
            first = f"which version of {service} runs in prod?"
            if template == "staging":
                yield [first, wording], f"which version of {service} runs in staging?"
            elif template == "deployer":
                yield [first, wording], f"who deployed {service} to prod?"
            elif template == "service":
                other = services[(n + 1) % len(services)]
                yield [first, wording.format(other)], f"which version of {other} runs in prod?"
            else:
                at = told_at(ask(first))
                if at is not None:
                    yield (
                        [first, wording],
                        f"which version of {service} ran in prod before {rfc3339(at - 60 * SECOND)}?",
                    )
    elif template in ("person", "who_is"):
        for pull in pulls:
            by = told_by(ask(f"what is {pull}?"))
            if by:
                yield (
                    [f"what is {pull}?", wording],
                    f"what did {by} change?" if template == "person" else f"who is {by}?",
                )
    elif template in ("second", "second_approved"):
        for day in ("2026-09-24", "2026-05-19", "2026-08-25", "2026-07-16", "2026-10-20"):
            first = f"what changed in prod on {day}?"
            named = requests_of(ask(first))
            if len(named) > 1 and named[1]:
                verb = "merged" if "merged" in wording else "approved"
                yield [first, wording], f"what is {named[1]}?" if template == "second" else f"who {verb} {named[1]}?"
    elif template == "day":
        days = ("2026-09-24", "2026-05-19", "2026-08-25", "2026-10-20")
        for day, other in pairwise(days):
            yield [f"what changed in prod on {day}?", wording.format(other)], f"what changed in prod on {other}?"
    elif template in ("choice", "choice_name"):
        for first in ("who changed warehouse_timeout_ms?", "why was warehouse_timeout_ms changed?"):
            kept = first.replace("warehouse_timeout_ms", "warehouse_timeout_ms in orders/prod.yaml")
            yield [first, wording.format("prod")], kept
    elif template == "incident":
        full = (
            "who acknowledged incident #{}?"
            if "ack" in wording
            else "what fixed incident #{}?"
            if "fix" in wording
            else "what changed before incident #{}?"
        )
        for number in ("31", "38"):
            yield [f"what caused incident #{number}?", wording], full.format(number)
    elif template == "back":
        yield [wording], "!back"
        yield ["help", wording], "!back"
    elif template == "rollback":
        for pull in pulls[:CASES]:
            yield [f"who approved {pull}?", wording], f"!rollback {pull}"
    elif template == "fresh":
        for service in services[:2]:
            yield [f"who approved {pulls[0]}?", wording.format(service)], wording.format(service).removeprefix("and ")


def told_at(answer: Answer) -> Instant | None:
    """When the change happened that an answer tells first."""
    told = [
        c
        for c in answer.changes
        if c.effect not in _QUIET
        and (not answer.resolved or c.target is None or c.target.ref == answer.resolved[0].ref)
    ]
    return instant(told[0].at) if told else None


def told_by(answer: Answer) -> str:
    """Who made the change that an answer tells first."""
    told = [c for c in answer.changes if c.effect not in _QUIET]
    return told[0].by.name if told else ""


def requests_of(answer: Answer) -> list[str]:
    """The pull requests of the changes that it lists, in their order; empty for a change without one."""
    seen: dict[str, str] = {}
    for c in [c for c in answer.changes if c.effect not in _QUIET]:
        seen.setdefault(c.change.id, f"{c.change.repository}#{c.pull_request.number}" if c.pull_request else "")
    return list(seen.values())


def signature(answer: Answer) -> tuple[object, ...]:
    """What an answer says, apart from its words."""
    return (
        answer.kind,
        answer.status,
        tuple((c.change.id, c.target.ref if c.target else "") for c in answer.changes),
        tuple(e.ref for e in answer.entities),
        tuple(m.ref for m in answer.resolved),
        tuple(sorted(r.environment for c in answer.changes[:1] for r in c.reached)),
    )


def judge(dialogue: Dialogue, last: Told, ask: Callable[[str], Answer]) -> str:
    """right, asked back, or wrong."""
    if dialogue.right == "!back":
        return "right" if last.understood.action == "ask_back" else "wrong"
    if dialogue.right.startswith("!rollback"):
        name = dialogue.right.partition(" ")[2]
        if last.understood.action == "ask_back":
            return "asked back"
        return "right" if last.understood.action == "rollback" and last.understood.text == name else "wrong"
    if dialogue.right == "!remark" and last.understood.action == "nothing":
        return "right"
    if last.understood.action == "ask_back":
        return "asked back"
    if last.answer is None or dialogue.right == "!remark":
        return "wrong"
    # "What did it change" may be answered by the list of its changes, or by telling the change.
    rights = dialogue.right.split(" | ")
    if dialogue.template == "contents":
        rights.append(dialogue.right.replace("what is", "what did").replace("?", " change?"))
    return "right" if any(signature(last.answer) == signature(ask(right)) for right in rights) else "wrong"


def main(made: Made = dialogues, told: str | None = __doc__) -> None:
    """Hold the dialogues over the company in a directory, which is built when it is not there."""
    parser = argparse.ArgumentParser(description=told, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--directory", type=Path, help="where the company is, or is written to")
    parser.add_argument("--misses", action="store_true", help="show those of the development half")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        directory: Path = given.directory or Path(temporary)
        if not (directory / "lore.yaml").exists():
            build(directory)
        settings = replace(
            load(directory / "lore.yaml"), store=f"sqlite:///{directory.resolve()}/lore.db", embedder="none"
        )
        with Engine(settings) as engine:
            if engine.store.record() == 0:
                engine.ingest(engine.configured_sources())
            run(engine, made, misses=given.misses)


def run(engine: Engine, made: Made = dialogues, *, misses: bool = False) -> dict[str, Counter[str]]:
    """Hold every dialogue and print the counts."""
    known: dict[str, Answer] = {}

    def ask(question: str) -> Answer:
        if question not in known:
            known[question] = engine.ask(question, use_model=False)
        return known[question]

    counts: dict[str, Counter[str]] = {}
    halves = {"development": Counter[str](), "held out": Counter[str]()}
    took: list[float] = []
    for dialogue in made(Company(engine, engine.view), ask):
        talk = Conversation(engine, now=lambda: NOW, sync=False, use_model=False)
        last = None
        for line in dialogue.lines:
            started = time.perf_counter()
            understood = talk.understand(line)
            took.append(time.perf_counter() - started)
            last = talk.carry_out(line, understood)
        assert last is not None
        verdict = judge(dialogue, last, ask)
        counts.setdefault(dialogue.template, Counter())[verdict] += 1
        halves["held out" if dialogue.held_out else "development"][verdict] += 1
        if misses and verdict != "right" and not dialogue.held_out:
            asked = last.answer.question if last.answer is not None else last.text
            print(
                f"{verdict:10} {dialogue.template}: {' / '.join(dialogue.lines)}\n{'':11}understood: {asked[:160]}\n{'':11}right:      {dialogue.right}"
            )
    for template, count in counts.items():
        print(
            f"{template:16} {count['right']:3} of {sum(count.values()):3} right, {count['asked back']} asked back, {count['wrong']} wrong"
        )
    for half, count in halves.items():
        total = sum(count.values())
        print(
            f"{half}: {count['right']} of {total} right ({100 * count['right'] / max(total, 1):.0f}%), {count['asked back']} asked back, {count['wrong']} wrong"
        )
    took.sort()
    print(
        f"understanding a line: median {1000 * took[len(took) // 2]:.1f} ms, p95 {1000 * took[int(0.95 * len(took))]:.1f} ms; {len(took)} lines"
    )
    return {**counts, **halves}


if __name__ == "__main__":
    main()
