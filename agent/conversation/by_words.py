"""A line that no pattern fits, understood by its words: which of them ask, and which of them name something of their own.

A line whose words only ask ("approver?") is about the last subject. One that names a thing that the graph knows is a question about that thing.
One with a word that is neither is not guessed at: it is asked back, with what may be meant.
"""

from __future__ import annotations

import re
from dataclasses import replace

from agent.context import Context
from agent.conversation.aspects import ORDINALS, SMALL_WORDS, aspects, spelled
from agent.conversation.line import Followed, Line
from agent.conversation.referring import REFERS, has_reference, referring
from agent.conversation.short_lines import pattern_words, short_line
from agent.conversation.switched import switched
from agent.conversation.told_apart import EXPLICIT, LONGEST, Words, words_of
from agent.conversation.turns import Choice, Turn
from agent.evidence import inline
from agent.intent import understand
from agent.model import Question
from agent.people import find_people
from agent.target import find_target

_INCIDENT = re.compile(r"\b(?:incident|outage|inc|alert)s?[ -]?#?\d+", re.I)
_ANNOUNCED_CHARS = 300
_SAYS_IT_ALL = 10
"""Words: a longer line is hardly one that left out its subject."""
_SURE = 0.9
_WHO = frozenset({"who", "whom", "by"})
_ASKED_PLAINLY = re.compile(
    r"(?:what(?:'s| is| are| was| were)|who(?:'s| is)|tell me about|describe|explain|show(?: me)?)\b", re.I
)
_ASKS_BY_ITSELF = frozenset({"who", "whom", "what", "which", "when", "where", "how"})
_BESIDE = "and or same question thing for now then too also as well what about how with is the our in on to do of please pls ok again at not but so just try mean i"
_BESIDE_A_NAME = frozenset(_BESIDE.split())
"""Words beside a name that ask nothing new: "now do orders too"."""
_NEEDS_NONE = frozenset({"what_changed", "went_out", "alerts", "expiring", "by_hand"})
_FULL = {
    "approved": "who approved {}?", "merged": "who merged {}?", "why": "why was {} changed?", "owner": "who owns {}?", "discussed": "where was {} discussed?",
    "contents": "what is {}?", "changed": "who changed {}?", "recent": "who changed {}?",
}  # fmt: skip
_LABELS = (
    ("who approved it", "approval"), ("why", "reason"), ("when did it reach prod", "arrival in prod"), ("who owns it", "owner"),
    ("before that", "the change before"),
)  # fmt: skip


def by_words(line: Line) -> Followed | None:
    """What the words mean when they only ask, or ask of a thing that the graph knows; None when neither is clear."""
    if len(line.text.split()) > LONGEST:
        return None
    words = words_of(line)
    if words.own:
        return _of_its_own(line, words)
    if words.timed:
        return switched(replace(line, text=f"what about {words.timed}")) if not words.asking - {"when"} else None
    meant = _meant(words, line.subject)
    if not meant:
        return None
    said = replace(line, text=meant, continued=False)
    followed = short_line(said) or switched(said) or referring(said)
    by_itself = understand(line.text, line.now)
    if followed is not None and followed.question and by_itself.kind in _NEEDS_NONE and not by_itself.mention:
        # "Recent changes" may be those of the subject, or any at all.
        other = f"{line.text}?"
        return replace(followed, choices=(Choice(label=other, question=other),))
    return followed


def strayed(line: Line, followed: Followed | None) -> Followed | None:
    """What was understood, unless a word was left beside its subject that names nothing: "who approved it spiritually" is asked back."""
    subject = line.subject
    if followed is None or not followed.question or subject is None:
        return followed
    mention = understand(followed.question, line.now).mention
    names = [topic.name for topic in (subject.thing, subject.change, *subject.changes) if topic is not None]
    name = max((n for n in names if n in mention), key=len, default="")
    words = words_of(replace(line, text=mention.replace(name, " "))) if name else None
    if words is None or not words.own or any(line.is_name(w) or EXPLICIT.fullmatch(w) for w in words.own.split()):
        return followed
    return replace(_offered(line), unsure="subject")


def respelled(line: Line) -> Line | None:
    """The line with its misspelled words put right, as far as they name nothing; None when there are none."""
    out: list[str] = []
    for part in re.split(r"(\W+)", line.text):
        word = part.casefold()
        known = not word.isalpha() or word in aspects() or word in SMALL_WORDS or word in pattern_words()
        right = "" if known or line.is_name(word) or line.environment(word) else spelled(word, pattern_words())
        out.append(right or part)
    text = "".join(out)
    return replace(line, text=text) if text != line.text else None


def unclear(line: Line) -> Followed | None:
    """Asked back when a line neither stands by itself nor follows up on what was said; None when it is a question by itself."""
    if not line.turns or _INCIDENT.search(line.text):
        return None
    question = understand(line.text, line.now)
    wild = question.kind == "refused" or (question.kind == "what_is" and not _ASKED_PLAINLY.match(line.text))
    refers = _refers(line, question.mention or (line.text if wild else ""))
    if not wild and not refers:
        words = words_of(line)
        # "What was modified" asks by itself of everything; of nothing in particular it asks only with a time or a place.
        if question.mention and not question.by and not (words.own or words.environment or words.timed):
            return replace(_offered(line), unsure="subject")
        if question.mention or question.kind not in _NEEDS_NONE or words.timed or words.own:
            return None
        if line.subject is None or not (has_reference(line.text) or "more" in words.asking):
            return None
    if wild and not refers and (len(line.text.split()) > _SAYS_IT_ALL or _known(line, question)):
        return None
    return replace(_offered(line), unsure="wording" if wild and not refers else "subject")


def announced(line: Line) -> str:
    """The question after an announcement ("another question: who owns it"), or after the name that it is about; empty when there is none."""
    if len(line.text) > _ANNOUNCED_CHARS:
        return ""
    for cut in list(re.finditer(r"(?<=\w)(?:[:.!;,]| [-–])\s+", line.text))[:4]:
        head, tail = line.text[: cut.start()], line.text[cut.end() :]
        before = words_of(replace(line, text=head))
        if (
            len(head.split()) > 6
            or before.small & _ASKS_BY_ITSELF
            or before.asking - {"more"}
            or before.environment
            or before.timed
        ):
            continue
        question = understand(tail, line.now)
        after = words_of(replace(line, text=tail))
        if question.kind in ("what_is", "refused") and not (after.asking or after.environment or after.timed):
            continue
        if before.own and _names(line, before.own):
            held = REFERS.search(tail)
            return f"{tail[: held.start()]}{before.own}{tail[held.end() :]}" if held is not None else ""
        return announced(replace(line, text=tail)) or tail
    return ""


def _of_its_own(line: Line, words: Words) -> Followed | None:
    """A question about what it names itself."""
    question = understand(line.text, line.now)
    clear = question.kind not in ("what_is", "refused")
    if clear and (question.mention or question.by) and not has_reference(f"{question.mention} {question.by}"):
        return Followed(stands=True)
    if words.broken or has_reference(line.text) or _INCIDENT.search(line.text):
        return None
    alone = not words.asking and not words.environment and words.small <= _BESIDE_A_NAME
    alone = alone and (
        words.small.isdisjoint({"is", "do"}) or "with" in words.small or line.text.casefold().startswith("do ")
    )
    if not _names(line, words.own):
        return _nameless(line, words) if alone and not words.timed else None
    name, where = words.own, words.environment
    asking = words.asking - {"when"} if not where else words.asking
    if words.timed:
        return None
    if "deployed" in asking and asking <= {"deployed", "recent"}:
        return Followed(f"who deployed {name}{f' to {where}' if where else ''}?")
    if where and asking <= {"version"}:
        return Followed(f"which version of {name} runs in {where}?")
    if where and asking <= {"when", "reached"}:
        return Followed(f"when did {name} reach {where}?")
    if len(asking) == 1 and not where and (full := _FULL.get(next(iter(asking)))):
        return Followed(full.format(name))
    if alone and line.question is not None:
        followed = switched(replace(line, text=f"what about {name}"))
        if followed is not None and followed.question:
            other = f"what is {name}?"
            return replace(followed, choices=(Choice(label=other, question=other),))
    return None


def _nameless(line: Line, words: Words) -> Followed | None:
    """Asked back for a word that names nothing: "and green?". The last question about it can be picked all the same."""
    if line.question is None or any(EXPLICIT.fullmatch(w) for w in words.own.split()):
        return None
    followed = switched(replace(line, text=f"what about {words.own}"))
    other = followed.question if followed is not None else ""
    choices = (Choice(label=other, question=other),) if other else ()
    return Followed(back=f"“{inline(words.own, 60)}” names nothing that I know.", choices=choices, unsure="wording")


def _meant(words: Words, subject: Turn | None) -> str:
    """The line in a wording that a pattern knows; empty when the words do not tell just one thing."""
    asking, where = words.asking, words.environment
    who = bool(words.small & _WHO)
    nth = next((a for a in asking if a in ORDINALS), "")
    incident = subject is not None and subject.kind in ("incident", "alerts")
    rest = asking - {nth, "recent", "when"}

    def only(*aspects: str) -> bool:
        return rest == frozenset(aspects)

    table: tuple[tuple[bool, str], ...] = (
        (bool(nth) and not where and rest <= {"contents", "more", "changed"}, f"the {nth} one"),
        (bool(nth) and not where and only("approved"), f"who approved the {nth} one"),
        (bool(nth) and not where and only("merged"), f"who merged the {nth} one"),
        (bool(nth), ""),
        (only("revert"), "roll it back"),
        (only("acknowledged") and incident, "who acknowledged it"),
        (only("fixed") and incident, "what fixed it"),
        (only("approved") and not where, "who approved it"),
        (only("merged") and not where, "who merged it"),
        (only("discussed") or only("discussed", "changed"), "where was it discussed"),
        ("why" in rest and rest <= {"why", "changed", "deployed", "merged"}, "why"),
        ("person" in rest and rest <= {"person", "owner"}, "who is that" if who or "owner" in rest else ""),
        ({"person", "more"} <= rest <= {"person", "more", "changed", "deployed", "merged"}, "what else did they change"),
        (only("owner") and not where, "who owns it"),
        ("before" in rest and rest <= {"before", "version", "changed", "deployed"} and not where, "before that"),
        ((only("deployed") and not where) or (rest <= {"deployed", "version"} and "deployed" in rest and who), "who deployed it"),
        (bool(where) and rest <= {"reached", "deployed"} and (bool(rest) or "when" in asking) and not who, f"when did it reach {where}"),
        (bool(where) and rest <= {"version"} and "recent" not in asking, f"what about {where}"),
        (bool(where), ""),
        (only("contents") or only("contents", "changed"), "what exactly"),
        (only("changed") and (who or bool(asking & {"recent", "when"})), "who changed it"),
        (only("changed"), "what exactly"),
        (asking == frozenset(["when"]), "when"),
    )  # fmt: skip
    return next((meant for fits, meant in table if fits), "")


def _names(line: Line, text: str) -> bool:
    """Whether the graph surely has a thing, a change, a place or a person of this name."""
    question = Question("what_is", text, mention=text)
    target = find_target(Context(line.store, question, line.view, line.now, None, None), text)
    if target is not None:
        if target.sort == "change":
            return True
        # One plain word is too little for a directory, or for a setting that has it in its name.
        if (target.sort == "place" or target.attribute) and (len(text.split()) > 1 or EXPLICIT.fullmatch(text)):
            return True
        best = target.resolution.best
        if not target.resolution.unknown and (
            target.resolution.group is not None or (best is not None and best.score >= _SURE)
        ):
            return True
    return len(text) > 2 and bool(find_people(line.store, text, line.view))


def _known(line: Line, question: Question) -> bool:
    """Whether a line of no known wording names something as a whole."""
    return bool(question.mention) and _names(line, question.mention)


def _refers(line: Line, text: str) -> bool:
    """Whether a word of it means something that was said before, and no other word names anything: "that broke checkout" does not."""
    own = words_of(replace(line, text=text)).own
    if own:
        text = re.sub(r"\bthat(?= \w)", "", text, flags=re.I)
    return has_reference(text) and not any(line.is_name(w) for w in own.split())


def _offered(line: Line) -> Followed:
    """Asked back, with what can be told of the last subject."""
    subject = line.subject
    if subject is None:
        return Followed(
            back="I can't tell what that asks. Ask a full question: “who changed THING?”, “who owns THING?”."
        )
    words = words_of(line)
    if words.own and any(line.is_name(w) for w in words.own.split()) and _names(line, words.own):
        asked = (f"what is {words.own}?", f"who changed {words.own}?", f"who owns {words.own}?")
        return Followed(
            back=f"I can't tell what that asks of {inline(words.own, 60)}.",
            choices=tuple(Choice(label=question, question=question) for question in asked),
        )
    first = _meant(replace(words, own=""), subject) if words.asking else ""
    choices: dict[str, Choice] = {}
    for meant in (first, *(m for m, _ in _LABELS)):
        said = replace(line, text=meant, continued=False)
        followed = (short_line(said) or referring(said)) if meant else None
        if followed is not None and followed.question:
            choices.setdefault(followed.question, Choice(label=followed.question, question=followed.question))
    name = (
        subject.change.label if subject.change is not None else subject.thing.name if subject.thing is not None else ""
    )
    of_it = f" Of {inline(name, 100)} I can tell:" if name and choices else ""
    strange = " ".join(w for w in words.own.split() if not line.is_name(w))
    word = f" “{inline(strange, 60)}” names nothing that I know." if strange else ""
    return Followed(back=f"I can't tell what that asks.{word}{of_it}", choices=tuple(choices.values())[:5])
