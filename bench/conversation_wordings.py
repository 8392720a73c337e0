"""The second set of dialogues: follow-ups by other habits of writing than those of `bench.conversation`.

    python -m bench.conversation_wordings [--directory DIR] [--misses]

Terse chat without verbs, typos, politeness, two sentences, word order of other languages, questions that change the subject, questions that only look
elliptic, and remarks that ask nothing; and the wordings of the first set changed by rule: with a slip of the keys, without its small words, and with
words around them. The halves are split by the hash of the wording as in the first set; only the development half can be looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b

from agent.model import Answer
from bench.conversation import Company, Dialogue, main, requests_of, told_at, told_by
from bench.conversation import dialogues as first_set
from graph.clock import SECOND, rfc3339

CASES = 2

WORDINGS: dict[str, tuple[str, ...]] = {
    "approved": (
        "approver?", "approved by", "reviewer pls", "aproved by who", "who did aprove", "whos the reviewer", "sign-off from?",
        "pls who has given the ok", "could you tell me who approved it please?", "Looks good. Who approved it?", "ok thx. and the reviewers?",
        "by who was it reviewed", "who has approve this", "approvals", "and it was approved by", "do we know who approved that one?",
        "I wonder who approved it", "who waved this through?", "was there a second pair of eyes?", "hi, who was approving this please",
    ),
    "merged": (
        "merger?", "merged by", "who did merge", "who has it merged", "whos merged this", "pls tell me who merged it, thanks", "and the merge was by?",
        "who clicked the merge button", "merge by whom", "who landed it",
    ),
    "reached": (
        "prod?", "prod when", "when prod", "in prod already?", "when it came to prod?", "it is in prod?", "has it landed in production already or not",
        "did that hit prod yet pls", "and when was it in prod then", "prod since when", "already live in prod?", "is this deployed on prod now",
        "Nice. When did prod get that?",
    ),
    "why": (
        "reason?", "but why tho", "motivation?", "for what was this", "why they did it", "what's the point of that", "explain why pls",
        "whats the reason behind", "rationale", "for which reason was it done?", "why did we need this", "and why", "y tho",
        "what problem did that solve?",
    ),
    "discussed": (
        "thread?", "slack link?", "discussion?", "link to the discussion pls", "where they talked about it", "was there any talk about it in slack?",
        "who discussed it where", "is there some slack conversation for it",
    ),
    "owner": (
        "owner", "whose?", "responsible?", "who's responsible pls", "which team owns that thing", "who is owner", "whom to ask", "owned by",
        "is there an owner for this", "who is the owner of it please", "ok. and who owns it", "which team has it", "hm and the owner is", "team?",
        "it belongs to which team", "ownership?", "ownr?",
    ),
    "last_change": (
        "last change?", "changed when", "last touched by?", "latest edit?", "who was the last one to change it", "and changed by", "whos changed it",
        "who has changed this last time", "last modified", "when it was changed last", "recent changes?",
    ),
    "before": (
        "and the one before", "previous?", "one earlier", "prior change", "before this one?", "who before?", "and who before him", "the one prior to that pls",
        "go one back",
    ),
    "staging": (
        "stg", "same for staging pls", "staging pls", "in staging too?", "what is with staging", "ok and now staging", "what has staging", "staging version?",
        "and on staging it is?", "stagging?", "now the same for staging please",
    ),
    "service": (
        "{}?", "{} pls", "now {}", "same question for {}", "and {} then", "what is with {}", "and how about {} please", "do {} too", "ok, {}",
    ),
    "deployer": (
        "deployed by", "who deployed", "deployer?", "who did the deploy", "who has deployed this", "who pushed it out", "and the deploy was by whom",
        "which person deployed it", "who did deploy that version pls",
    ),
    "version_before": ("previous version", "prior version?", "version before that one", "and the version earlier", "what was the version before", "older version?"),
    "person": (
        "other changes of him?", "what else has he touched", "her other changes", "anything else by him?", "what else from this person", "more by the same author",
        "and what else did this guy do", "what did he change else",
    ),
    "who_is": ("who's that", "who is this guy", "which team is she in pls", "and who is he", "who's this engineer?"),
    "second": ("2nd", "#2", "the 2nd pls", "show 2", "open the second", "more on the second one", "second one details"),
    "day": ("{}?", "{} then", "same but on {}", "now on {}", "do {} pls", "and what about {} then"),
    "incident_ack": ("acked by", "who took it", "acknowledged by whom", "who was responding", "who did ack it", "ack?"),
    "incident_fix": ("fix?", "how did we fix it", "what resolved it", "solution?", "and the fix was", "how it was solved"),
    "rollback": ("rollback pls", "revert?", "can i revert this", "undo", "i want to roll it back", "back it out pls", "how to revert", "Hm, bad idea. Can we undo it?"),
    "contents": (
        "diff?", "what's in it", "details pls", "what changed exactly there", "show the changes", "what was modified", "what it changed", "and what does it change",
        "contents?",
    ),
    "fresh_owner": (
        "who owns {}", "{} owner?", "owner of {}", "ok different topic: who owns {}?", "another question. who owns {}?", "one more: who owns {}",
        "never mind. who owns {}?", "pls tell me who owns {}", "which team owns {} btw", "and whose is {}?", "who is owner of {} pls",
    ),
    "fresh_version": (
        "which version of {} runs in prod", "btw which version of {} runs in prod?", "Thanks! Which version of {} runs in prod?", "what version of {} is in prod",
        "{} version in prod?",
    ),
    "fresh_pull": ("who approved {}", "and {}: who approved it?", "ok, who approved {} then?", "approver of {}?", "for {} who was the approver"),
    "complete": (
        "what changed last week?", "what changed in prod on 2026-09-24", "which alerts fired in october 2026?", "what went out on 2026-10-20?",
        "what changed yesterday in prod?", "who changed the cost tags?", "which certificates expire soon?", "what was changed by hand last month?",
        "what changed in staging since 2026-10-01",
    ),
    "unknown": (
        "who owns the flux capacitor?", "who changed the warp drive?", "and who approved zorbly#9?", "who deployed frobnicator to prod?", "what is quuxbar?",
    ),
    "remark": (
        "thanks", "ok", "hm", "that can't be right", "interesting", "lol", "wow", "i see", "thx a lot :)", "makes sense", "nice work", "ah ok got it",
        "are you sure?", "no that's wrong", "weird", "good to know", "will check", "alright then", "oh no", "ok cool thanks for the help", "one sec",
        "let me check", "I don't think so", "that was fast", "you are wrong", "ok I'll ask her", "damn", "fair enough", "hmm, strange", "ty, that's all",
        "I'll look into it tomorrow", "sounds about right", "great, this is what I needed", "never mind", "sorry", "really?",
    ),
    "senseless": (
        "bananas?", "asdf", "purple monkey", "what about the thing", "do the needful", "more colour?", "how much does it weigh?", "is it nice?",
        "how many lines?", "is it secure?", "who paid for it?", "does it have tests?", "was it tested on friday?", "can it fly", "who likes it?",
        "what's the weather?", "which one is better?", "tell me a joke", "is that normal?", "should I worry?",
    ),
    "first": ("approver?", "since when", "and the one before", "same for staging pls", "owner pls", "reason?", "merged by", "diff?", "who did the deploy"),
}  # fmt: skip


def dialogues(company: Company, ask: Callable[[str], Answer]) -> Iterator[Dialogue]:
    """All dialogues: for each wording of each template up to `CASES`."""
    pulls, things, services = company.pulls(), company.things(), company.services()
    for template, wordings in WORDINGS.items():
        for number, wording in enumerate(wordings):
            turned = (pulls[number:] + pulls[:number], things[number % 5 :] + things[: number % 5])
            for count, (lines, right) in enumerate(_made(template, wording, *turned, services, ask)):
                if count == CASES:
                    break
                yield Dialogue(template, wording, tuple(lines), right)
    yield from changed_by_rule(company, ask)


def _slipped(wording: str) -> str:
    """Two letters of its longest word swapped; which two is told by its hash."""
    word = max(re.findall(r"[a-z]+", wording), key=len)
    if len(word) < 5:
        return ""
    at = 1 + blake2b(wording.encode(), digest_size=2).digest()[1] % (len(word) - 2)
    return wording.replace(word, word[:at] + word[at + 1] + word[at] + word[at + 2 :], 1)


def _clipped(wording: str) -> str:
    """Without the words that hurried people leave out, and without its mark."""
    if len(wording.split()) < 4:
        return ""
    return " ".join(re.sub(r"\b(?:the|it|that|this|is|was|did|and|a|to|for|of|i|we|they)\b|[?,]", " ", wording).split())


_CHANGED_BY_RULE: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("slip", _slipped),
    ("clipped", _clipped),
    ("before it", lambda wording: f"Perfect, that helps. {wording[:1].upper()}{wording[1:]}"),
    ("after it", lambda wording: f"{wording.rstrip('?')}, if you happen to know?"),
    ("in full", lambda wording: f"Could somebody here maybe find out {wording.removeprefix('and ')}"),
)
_UNCHANGED = frozenset({"service", "day", "choice", "choice_name", "second", "second_approved", "fresh", "back"})
"""Templates whose wordings name something, or are too short to be changed and mean the same."""


def changed_by_rule(company: Company, ask: Callable[[str], Answer]) -> Iterator[Dialogue]:
    """The first set's first case of each wording, with its last line changed."""
    seen: set[str] = set()
    for dialogue in first_set(company, ask):
        if dialogue.wording in seen or dialogue.template in _UNCHANGED:
            continue
        seen.add(dialogue.wording)
        right = dialogue.right
        if dialogue.template == "contents":
            right = f"{right} | {right.replace('what is', 'what did').replace('?', ' change?')}"
        for name, change in _CHANGED_BY_RULE:
            if (line := change(dialogue.lines[-1])) and line != dialogue.lines[-1]:
                yield Dialogue(name, line, (*dialogue.lines[:-1], line), right)


_OF_PULL = {
    "approved": "who approved {}?", "merged": "who merged {}?", "reached": "when did {} reach prod?", "why": "why was {} made?",
    "discussed": "where was {} discussed?", "rollback": "!rollback {}", "contents": "what is {}? | what did {} change?",
}  # fmt: skip
_FIRSTS = {
    "approved": ("what did {} change?", "who merged {}?"), "rollback": ("who approved {}?", "what is {}?"), "contents": ("who approved {}?", "who merged {}?"),
    "merged": ("what is {}?", "who approved {}?"),
}  # fmt: skip


def _made(
    template: str,
    wording: str,
    pulls: Sequence[str],
    things: Sequence[str],
    services: Sequence[str],
    ask: Callable[[str], Answer],
) -> Iterator[tuple[list[str], str]]:
    changed = f"who changed {things[0]}?"
    before = (f"who approved {pulls[0]}?", changed)
    if template in _OF_PULL:
        firsts = _FIRSTS.get(template, ("what did {} change?", "who approved {}?"))
        for first, pull in zip(firsts, pulls, strict=False):
            yield [first.format(pull), wording], _OF_PULL[template].replace("{}", pull)
    elif template in ("owner", "last_change"):
        first, full = (
            ("who changed {}?", "who owns {}?") if template == "owner" else ("who owns {}?", "who changed {}?")
        )
        also = " | when was {} changed?" if template == "last_change" else ""
        for thing in things[:CASES]:
            yield [first.format(thing), wording], (full + also).replace("{}", thing)
    elif template == "before":
        for thing in things:
            at = told_at(ask(f"who changed {thing}?"))
            if at is not None and ask(full := f"who changed {thing} before {rfc3339(at)}?").changes:
                yield [f"who changed {thing}?", wording], full
    elif template in ("staging", "deployer", "service", "version_before"):
        for n, service in enumerate(services):
            first, other = f"which version of {service} runs in prod?", services[(n + 1) % len(services)]
            at = told_at(ask(first))
            if template == "version_before" and at is not None:
                yield (
                    [first, wording],
                    f"which version of {service} ran in prod before {rfc3339(at - 60 * SECOND)}?",
                )
            elif template == "staging":
                yield [first, wording], f"which version of {service} runs in staging?"
            elif template == "deployer":
                yield [first, wording], f"who deployed {service} to prod?"
            elif template == "service":
                yield [first, wording.format(other)], f"which version of {other} runs in prod?"
    elif template in ("person", "who_is"):
        for pull in pulls:
            if by := told_by(ask(f"what is {pull}?")):
                yield (
                    [f"what is {pull}?", wording],
                    f"what did {by} change?" if template == "person" else f"who is {by}?",
                )
    elif template == "second":
        for day in ("2026-09-24", "2026-05-19", "2026-08-25", "2026-07-16", "2026-10-20"):
            named = requests_of(ask(first := f"what changed in prod on {day}?"))
            if len(named) > 1 and named[1]:
                yield [first, wording], f"what is {named[1]}?"
    elif template == "day":
        for day, other in (("2026-09-24", "2026-05-19"), ("2026-08-25", "2026-10-20")):
            yield [f"what changed in prod on {day}?", wording.format(other)], f"what changed in prod on {other}?"
    elif template.startswith("incident_"):
        full = "who acknowledged incident #{}?" if template == "incident_ack" else "what fixed incident #{}?"
        for number in ("31", "38"):
            yield [f"what caused incident #{number}?", wording], full.format(number)
    elif template.startswith("fresh_"):
        full = {"owner": "who owns {}?", "version": "which version of {} runs in prod?", "pull": "who approved {}?"}[
            template[6:]
        ]
        for n, first in enumerate(before):
            other = pulls[3 + n] if template == "fresh_pull" else services[n]
            yield [first, wording.format(other)], full.format(other)
    elif template in ("complete", "unknown"):
        for first in before:
            yield [first, wording], wording.removeprefix("and ")
    elif template == "first":
        yield [wording], "!back"
        yield ["thanks", wording], "!back"
    else:
        for first in before:
            yield [first, wording], "!remark" if template == "remark" else "!back"


if __name__ == "__main__":
    main(dialogues, __doc__)
