"""What a right answer holds, and whether an answer in `lore.answer/1` holds it. Strict about content, lenient about wording.

A *token* is an id, a hash, a name or a number; it counts as present where it stands by itself (`org/infra#12` is not in `org/infra#123`).
A *group* is a tuple of tokens of which one suffices.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

Group = tuple[str, ...]
_NEGATIVE = re.compile(
    r"\b(no|not|none|nobody|no one|nothing|never|unknown|isn't|hasn't|wasn't|didn't|cannot|can't|couldn't|without|undecided|unmerged|open|refused|denied|rejected|failed)\b", re.I
)  # fmt: skip
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_CLOCK = re.compile(r"(?<![\d:])(\d{2}:\d{2})(?::\d{2})?(?![\d:])")
_SOFT_HASH = 7


@dataclass(frozen=True, slots=True)
class Reach:
    """A moment that must be told: in an environment, anywhere between the beginning and the end of what brought it there."""

    environment: str
    earliest: datetime
    latest: datetime


@dataclass(frozen=True, slots=True)
class Expect:
    """What a right answer holds. Empty fields demand nothing.

    Attributes:
        says: each group must be told: in the text, the facts, the first change, the entities or the relations.
        never: tokens that must stand neither in the text nor in the facts nor with the first change: wrong people, wrong things, secrets.
        first: the first of `changes` must be this one, when there are changes and `says` is not about a state.
        contains: each must be among `changes`, in this order when `ordered`.
        allowed: what else may be among `changes`; None allows anything.
        absent: tokens that no change may carry.
        by: who did the first change, when its `by` says.
        unreached: environments that the first change must not be told to have reached by an apply or deploy.
        approved_by: all of these must be told as approvers, and nobody else in the structure.
        times: moments that must be told, to the minute.
        quote: words, one of which must be quoted (text, facts or `why`).
        cites: each group must be among the citations.
        about: when anything is told at all, one of these must be: the very thing that there is not.
        spans: changes whose moment lies in one of these are allowed too: the same arrival, as another system tells it.
        misplaced: what happened in another environment: its id, the names of who did it, where it was, and the environment that was asked for.
            It may be told only with where it was.
        nobody_approved: no approver may be named.
        denies: the right answer is that there is none, or that it is not known.
    """

    says: tuple[Group, ...] = ()
    never: tuple[str, ...] = ()
    first: Group = ()
    by: Group = ()
    contains: tuple[Group, ...] = ()
    ordered: bool = False
    allowed: tuple[str, ...] | None = None
    absent: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()
    approved_by: tuple[Group, ...] = ()
    times: tuple[Reach, ...] = ()
    quote: Group = ()
    cites: tuple[Group, ...] = ()
    about: Group = ()
    spans: tuple[tuple[datetime, datetime], ...] = ()
    misplaced: tuple[tuple[str, Group, str, str], ...] = ()
    nobody_approved: bool = False
    denies: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """`verdict`: right, wrong or abstained; `reasons` say what was missing or wrong."""

    verdict: str
    reasons: tuple[str, ...] = ()


Json = Mapping[str, object]


def score(expect: Expect, answer: Json) -> Score:
    """Judge an answer by `lore.answer/1` alone."""
    status = str(answer.get("status", ""))
    silent = status in ("not_found", "refused")
    if expect.denies:
        return _score_denial(expect, answer, silent)
    if silent or status == "ambiguous":
        return Score("abstained", (status,))
    wrong = [
        *_people_and_words(expect, answer),
        *_changes(expect, answer),
        *_approvers(expect, answer),
        *_times(expect, answer),
    ]
    wrong += [f"does not cite {group[0]}" for group in expect.cites if not _cited(answer, group)]
    return Score("wrong", tuple(wrong)) if wrong else Score("right")


def _score_denial(expect: Expect, answer: Json, silent: bool) -> Score:
    wrong = [f"tells {token!r}" for token in expect.never if _within(token, _main_text(answer))]
    wrong += [
        f"has the change {token}"
        for token in expect.absent
        for entry in _list(answer, "changes")
        if _is(entry, (token,))
    ]
    wrong += [f"tells that it reached {name}" for name in expect.unreached if _reached(answer, name)]
    if not silent:
        if not _NEGATIVE.search(_prose(answer)):
            wrong.append("does not say that there is none, or that it is not known")
        wrong += [f"does not tell {group[0]!r}" for group in expect.says if not _told(answer, group)]
        wrong += [f"does not cite {group[0]}" for group in expect.cites if not _cited(answer, group)]
        if expect.about and not any(_within(token, _prose(answer)) for token in expect.about):
            wrong.append(f"speaks of something else than {expect.about[0]}")
        if expect.nobody_approved:
            wrong += ["names an approver" for entry in _list(answer, "changes")[:1] if _items(entry.get("approved_by"))]
        wrong += _misplaced(expect, answer)
    elif expect.says or expect.cites:
        # it is known, and is not told
        return Score("wrong", tuple(wrong)) if wrong else Score("abstained", ("not found",))
    return Score("wrong", tuple(wrong)) if wrong else Score("right")


def _misplaced(expect: Expect, answer: Json) -> list[str]:
    out: list[str] = []
    prose = _prose(answer)
    for identifier, names, where, asked in expect.misplaced:
        entries = [entry for entry in _list(answer, "changes") if _is(entry, (identifier,))]
        told = entries or any(_within(name, prose) for name in names)
        claimed = any(r.get("environment") == asked for entry in entries for r in _list(entry, "reached"))
        if claimed or (told and not _within(where, prose)):
            out.append(f"tells what happened in {where} as of {asked}")
    return out


def _people_and_words(expect: Expect, answer: Json) -> list[str]:
    out = [f"does not tell {group[0]!r}" for group in expect.says if not _told(answer, group)]
    main = _main_text(answer)
    out += [f"tells {token!r}" for token in expect.never if _within(token, main)]
    if expect.quote and not any(_loosely(words, _prose(answer) + _whys(answer)) for words in expect.quote):
        out.append(f"does not quote {expect.quote[0]!r}")
    return out


def _changes(expect: Expect, answer: Json) -> list[str]:
    entries = _list(answer, "changes")
    out: list[str] = []
    if expect.first and entries and not _is(entries[0], expect.first) and not _in_spans(entries[0], expect):
        out.append(f"the first change is {_shown(entries[0])}, not {expect.first[0]}")
    if (
        expect.by
        and entries
        and (by := _text_of(entries[0].get("by")))
        and not any(_within(token, by) for token in expect.by)
    ):
        out.append(f"says that {by} did it, not {expect.by[0]}")
    places: list[int] = []
    for group in expect.contains:
        place = next((i for i, entry in enumerate(entries) if _is(entry, group)), None)
        if place is None:
            out.append(f"lacks the change {group[0]}")
        else:
            places.append(place)
    if expect.ordered and places != sorted(places):
        out.append("the changes are not newest first")
    out += [f"has the change {token}" for token in expect.absent for entry in entries if _is(entry, (token,))]
    if expect.allowed is not None:
        fine = (*expect.allowed, *(token for group in expect.contains for token in group))
        out += [
            f"has the change {_shown(entry)}"
            for entry in entries
            if not _is(entry, fine) and not _in_spans(entry, expect)
        ]
    return out


def _in_spans(entry: Json, expect: Expect) -> bool:
    moments = [_parse(entry.get("at")), *(_parse(r.get("earliest")) for r in _list(entry, "reached"))]
    return any(low <= at <= high for low, high in expect.spans for at in moments if at is not None)


def _approvers(expect: Expect, answer: Json) -> list[str]:
    if not expect.approved_by:
        return []
    entries = _list(answer, "changes")
    told = [_text_of(a) for a in _items(entries[0].get("approved_by"))] if entries else []
    prose = _prose(answer)
    out = [
        f"does not name {group[0]!r} as approver"
        for group in expect.approved_by
        if not any(_within(token, text) for token in group for text in (*told, prose))
    ]
    names = [token for group in expect.approved_by for token in group]
    return out + [f"names {text!r} as approver" for text in told if not any(_within(name, text) for name in names)]


def _times(expect: Expect, answer: Json) -> list[str]:
    out: list[str] = []
    for reach in expect.times:
        low, high = reach.earliest - timedelta(seconds=60), reach.latest + timedelta(seconds=60)
        structured = _reached(answer, reach.environment)
        if structured and not any(low <= at <= high for at in structured):
            out.append(
                f"tells {structured[0]:%Y-%m-%d %H:%M} for {reach.environment}, not {reach.latest:%Y-%m-%d %H:%M}"
            )
        elif not structured and not any(low <= at <= high for at in _moments(answer)):
            out.append(f"does not tell {reach.latest:%Y-%m-%d %H:%M}")
    return out


def _reached(answer: Json, environment: str) -> list[datetime]:
    entries = _list(answer, "changes")
    out: list[datetime] = []
    for reached in _list(entries[0], "reached") if entries else []:
        if reached.get("environment") == environment and reached.get("basis") in ("applied", "deployed"):
            out += [at for name in ("earliest", "latest") if (at := _parse(reached.get(name))) is not None]
    return out


def _moments(answer: Json) -> list[datetime]:
    prose = _prose(answer)
    found = {f"{day} {clock}" for day, clock in _MOMENT.findall(prose)}
    if days := {*_DATE.findall(prose), *_long_dates(prose)}:
        found |= {f"{day} {clock}" for day in days for clock in _CLOCK.findall(prose)}
    out: list[datetime] = []
    for text in found:
        try:
            out.append(datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC))
        except ValueError:
            continue
    entries = _list(answer, "changes")
    out += [at for entry in entries[:1] if (at := _parse(entry.get("at"))) is not None]
    return out


def _long_dates(prose: str) -> set[str]:
    out: set[str] = set()
    for text in re.findall(r"\b\d{1,2} [A-Z][a-z]+ \d{4}\b", prose):
        for form in ("%d %B %Y", "%d %b %Y"):
            try:
                out.add(datetime.strptime(text, form).strftime("%Y-%m-%d"))
            except ValueError:
                continue
    return out


def _parse(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _is(entry: Json, group: Iterable[str]) -> bool:
    """Whether a change is one of these: by its id, or its pull request."""
    change = entry.get("change")
    identifier = str(_get(change, "id"))
    repository = str(_get(change, "repository"))
    pull = entry.get("pull_request")
    names = [identifier, f"{repository}#{identifier}"]
    if pull:
        url = str(_get(pull, "url"))
        found = re.search(r"github\.com/([^/]+/[^/]+)/pull/", url)
        names.append(f"{found[1] if found else repository}#{_get(pull, 'number')}")
    for token in group:
        for name in names:
            if _within(token, name) or (len(name) >= _SOFT_HASH and len(token) == 40 and token.startswith(name)):
                return True
    return False


def _shown(entry: Json) -> str:
    change = entry.get("change")
    return f"{_get(change, 'kind')} {_get(change, 'id')}"


def _told(answer: Json, group: Group) -> bool:
    places = [_prose(answer), *(_text_of(e) for e in _list(answer, "changes")[:1])]
    places += [_text_of(e) for name in ("entities", "relations", "resolved") for e in _list(answer, name)]
    return any(_within(token, place) for token in group for place in places)


def _cited(answer: Json, group: Group) -> bool:
    for citation in _list(answer, "citations"):
        where = f"{citation.get('locator') or ''} {citation.get('url') or ''}"
        if any(_within(token, where) for token in group):
            return True
    return False


def _prose(answer: Json) -> str:
    return " ".join([str(answer.get("text", "")), *(str(fact.get("statement", "")) for fact in _list(answer, "facts"))])


def _main_text(answer: Json) -> str:
    first = [f"{_text_of(e.get('by'))} {_text_of(e.get('approved_by'))}" for e in _list(answer, "changes")[:1]]
    return " ".join([_prose(answer), *first])


def _whys(answer: Json) -> str:
    return " " + " ".join(_text_of(entry.get("why")) for entry in _list(answer, "changes")[:3])


def _within(token: str, text: str) -> bool:
    if not token:
        return False
    plain, place = _folded(token), _folded(text)
    return re.search(rf"(?<![a-z0-9]){re.escape(plain)}(?![a-z0-9])(?!\.\d)", place) is not None


def _loosely(words: str, text: str) -> bool:
    """Whether the words are there, whatever the punctuation; two thirds of a long clause in a row suffice."""
    wanted, place = re.findall(r"[a-z0-9]+", _folded(words)), " ".join(re.findall(r"[a-z0-9]+", _folded(text)))
    length = max(4, (2 * len(wanted) + 2) // 3)
    if len(wanted) <= length:
        return " ".join(wanted) in place
    return any(" ".join(wanted[i : i + length]) in place for i in range(len(wanted) - length + 1))


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("ø", "o").replace("Ø", "O"))
    return "".join(c for c in plain if not unicodedata.combining(c)).lower()


def _text_of(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(_text_of(v) for v in cast("Mapping[str, object]", value).values())
    if isinstance(value, list | tuple):
        return " ".join(_text_of(v) for v in cast("list[object]", value))
    return "" if value is None else str(value)


def _items(value: object) -> list[object]:
    return list(cast("list[object]", value)) if isinstance(value, list | tuple) else []


def _list(answer: Json, name: str) -> list[Json]:
    return [cast("Json", item) for item in _items(answer.get(name)) if isinstance(item, Mapping)]


def _get(value: object, name: str) -> object:
    return cast("Mapping[str, object]", value).get(name) if isinstance(value, Mapping) else ""
