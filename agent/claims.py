"""Is every sentence of a text borne out by what it cites? A model's wording is checked claim by claim; nothing is believed.

A sentence stands when it cites something, all it cites exists, and everything in it that could be wrong (numbers, times, hashes, ids, paths,
names, and who is said to have created, approved or caused something) stands in what it cites. What a fact only quotes (titles and messages,
between quotation marks) bears out nothing but the same quotation: anybody can write a title. That is a check of words: a sentence that only
swaps two names of one fact passes it, which is why the facts themselves stay beside the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.claim_words import BY_VALUE, CLAIMING, COMMON, HARMLESS, MONTHS, SPELLED

MARK = re.compile(r"\[\s*([A-Za-z]{1,3}\d+(?:\s*[,;]\s*[A-Za-z]{1,3}\d+)*)\s*\]")
"""Ids of citations in a text: `[c1]`, `[c1, c2]`."""
_END = re.compile(r"(?<=[.!?…。！？])(?:[\"'”’)]*)(?=\s|$)\s*|\n+")
_TRAILINGMARKS = re.compile(rf"^\s*((?:{MARK.pattern}\s*)+)\.?")
_TOKEN = re.compile(r"(?:[^\s\"“”`()<>{},;|=\[\]—–→]|(?<=\d),(?=\d))+")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?=[a-z%]{0,3}(?!\w))", re.I)
"""A number by itself, with a short unit perhaps; not one inside a name or a hash."""
_UNITS = "%|ms|s|m|min|h|d|k|kb|mb|gb|tb|ki|mi|gi|kib|mib|gib|st|nd|rd|th"
_MEASURED = re.compile(rf"(\d+(?:[.,]\d+)*)({_UNITS})?")
_UNIT = re.compile(rf"(?<![\w.])(\d+(?:[.,]\d+)*) ?({_UNITS})(?!\w)")
_HASH = re.compile(r"(?=[0-9a-f]*\d)[0-9a-f]{7,40}", re.I)
_QUOTED = re.compile(r"“([^“”]*)”|\"([^\"]*)\"")
_OTHERS = re.compile(r"“.*”|, \".*\"\)")
"""What a fact quotes, to the last mark of its sort: a title that holds such marks itself ends nothing."""
_VALUES = re.compile(r"(?<=[\w)]): .*(?: → | set to | removed \(was ).*")
"""Values of attributes, which may be any text as well: they bear out numbers and names, but not who did what."""
_EDGES = "._:/-#@!?*$€+~…'‘’\\"
_UNCASED = re.compile(r"[\u0590-\u05ff\u0600-\u06ff\u0900-\u0dff\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")

_NEGATION = re.compile(r"\b(?:not|no|never|without|nobody|none|neither|nor|cannot|unknown)\b|n['’]t\b", re.I)
_HEDGE = re.compile(
    r"\b(?:may|might|could|possibl[ey]|perhaps|likely|unlikely|probabl[ey]|suspect\w*|seems?|appears?|if)\b", re.I
)


@dataclass(frozen=True, slots=True)
class CitedFact:
    """Something that was retrieved: its id as cited, and what it says."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a checked text. `wrong` is empty when it stands, else why it does not, without quoting it."""

    text: str
    citations: tuple[str, ...]
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """A text sentence by sentence."""

    sentences: tuple[Sentence, ...]

    @property
    def kept(self) -> str:
        """The sentences that stand, as one paragraph."""
        return " ".join(s.text for s in self.sentences if not s.wrong)

    @property
    def dropped(self) -> int:
        """How many do not."""
        return sum(bool(s.wrong) for s in self.sentences)


def check(text: str, facts: Sequence[CitedFact]) -> Checked:
    """Each sentence of the text, and whether what it cites bears it out. Several facts may share an id."""
    known: dict[str, list[str]] = {}
    for fact in facts:
        known.setdefault(fact.id, []).append(fact.text)
    return Checked(tuple(_judged(sentence, known) for sentence in sentences_of(text)))


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, each with the marks that follow it before or after its full stop.

    >>> sentences_of("It was cut to 5.5 [c1]. Ann did it. [c2] Nobody else.")
    ['It was cut to 5.5 [c1].', 'Ann did it [c2].', 'Nobody else.']
    """
    made: list[str] = []
    for piece in _END.split(text):
        piece = piece.strip(" \t-*•")
        if made and (marks := _TRAILINGMARKS.match(piece)) and not MARK.search(made[-1]):
            made[-1] = f"{made[-1].rstrip('.')} {marks[1].strip()}."
            piece = piece[marks.end() :].strip()
        if any(c.isalnum() for c in piece):
            made.append(piece)
    return made


def unsupported(claim: str, sources: Iterable[str], *, names_only: bool = False) -> str:
    """Why what the sources say does not bear out a claim; empty when it does. The claim carries no citation marks.

    `names_only`: it is a guess; only what it names, counts and dates must stand in the sources.
    """
    told = "\n".join(sources)
    if not names_only:
        if any(_squeezed(quote) not in _squeezed(told) for quote in _quotes(claim)):
            return "a quotation that the cited facts do not have"
        claim, told = _QUOTED.sub(" … ", claim), "\n".join(_OTHERS.sub(" … ", line) for line in told.split("\n"))
    evidence = _Evidence(told)
    claim = _one_time(claim)
    if evidence.lacks_date(claim):
        return "a date that the cited facts do not have"
    for token, first in _tokens(_DAY.sub(" ", claim)):
        if wrong := evidence.lacks(token.removesuffix("'s").removesuffix("’s"), first):
            return wrong
    if any(run not in told for run in _UNCASED.findall(claim)):
        return "words that the cited facts do not use"
    return "" if names_only else _claims_more(claim, told)


def _claims_more(claim: str, told: str) -> str:
    numbers = len(set(_NUMBER.findall(_ISO.sub(" ", told)))) > 1
    told = "\n".join(_VALUES.sub("", line) for line in told.split("\n"))
    for what, pattern in CLAIMING.items():
        if pattern.search(claim) and not pattern.search(told) and not (what in BY_VALUE and numbers):
            return f"the cited facts say nothing of {what}"
    if _NEGATION.search(claim) and not _NEGATION.search(told):
        return "a denial that the cited facts do not make"
    segments = _nearest(claim, told)
    if segments and all(_NEGATION.search(segment) for segment in segments) and not _NEGATION.search(claim):
        return "the cited facts deny something that the sentence does not"
    if segments and all(_HEDGE.search(segment) for segment in segments) and not _HEDGE.search(claim):
        return "more certain than the cited facts"
    return ""


def _judged(sentence: str, known: Mapping[str, list[str]]) -> Sentence:
    ids = tuple(dict.fromkeys(i.strip() for found in MARK.finditer(sentence) for i in re.split("[,;]", found[1])))
    if not ids:
        return Sentence(sentence, (), "no citation")
    if any(i not in known for i in ids):
        return Sentence(sentence, ids, "a citation of what was not retrieved")
    claim = MARK.sub("", sentence)
    wrong = unsupported(claim, (text for i in ids for text in known[i]))
    # Marks are written one way, whatever way the model wrote them.
    end = claim.rstrip()[-1:] if claim.rstrip()[-1:] in "!?…" else "."
    shown = f"{' '.join(claim.split()).rstrip(' .!?…')} {''.join(f'[{i}]' for i in ids)}{end}"
    return Sentence(shown, ids, wrong)


class _Evidence:
    """What cited facts hold, in the forms in which a claim may say it."""

    def __init__(self, text: str) -> None:
        self._text = _one_time(text.casefold())
        self._words = {part for token, _ in _tokens(self._text) for part in _parts(token)}
        self._years = {found[0][:4] for found in _ISO.finditer(self._text)}
        # The parts of a date are no numbers that something else may have.
        self._numbers = {_plain_number(n) for n in _NUMBER.findall(_ISO.sub(" ", self._text))}
        self._measured = {(_plain_number(n), unit) for n, unit in _UNIT.findall(self._text)}
        self._numbers |= {number for word, number in SPELLED.items() if word in self._words}

    def lacks_date(self, claim: str) -> bool:
        """Whether a claim names a day or month in words that the facts do not have."""
        return any(not self._has_day(found) for found in _DAY.finditer(claim))

    def lacks(self, token: str, first: bool) -> str:
        """Why a token of a claim is not borne out; empty when it is, or when it is a common word."""
        folded = token.casefold()
        if spelled := SPELLED.get(folded):
            return "" if spelled in self._numbers else "a number that the cited facts do not have"
        if any(c.isdigit() for c in token):
            return self._lacks_number(folded)
        if folded in self._words or folded in HARMLESS or (first and folded in COMMON):
            return ""
        named = any(c.isupper() for c in token) or any(c in "._/:@#\\" for c in token)
        return "a name that the cited facts do not have" if named and not self._holds(folded) else ""

    def _lacks_number(self, token: str) -> str:
        if measured := _MEASURED.fullmatch(token):
            number, unit = _plain_number(measured[1]), measured[2]
            known = (number, unit) in self._measured if unit else number in self._numbers or token in self._years
            return "" if known else "a number that the cited facts do not have"
        if _HASH.fullmatch(token):
            return "" if re.search(rf"\b{token}", self._text) else "a hash that the cited facts do not have"
        if self._holds(token):
            return ""
        return (
            "a time that the cited facts do not have"
            if set(token) <= set("0123456789:-")
            else "a name that the cited facts do not have"
        )

    def _holds(self, token: str) -> bool:
        return re.search(rf"(?<!\w){re.escape(token)}(?!\w)", self._text) is not None

    def _has_day(self, found: re.Match[str]) -> bool:
        if self._holds(found[0].casefold()):
            return True
        month = MONTHS[(found["month"] or found["month2"]).casefold()]
        day, year = found["day"] or found["day2"], found["year"]
        wanted = f"{year or ''}-{month:02d}-" + (f"{int(day):02d}" if day else "")
        return wanted in self._text


# “may” is mostly no month.
_MONTH = f"(?i:{'|'.join(sorted(MONTHS.keys() - {'may'}, key=len, reverse=True))})|May"
_ORDINAL = r"(?:st|nd|rd|th)?"
_DAY = re.compile(
    rf"\b(?:(?P<day>\d{{1,2}}){_ORDINAL} (?:of )?(?P<month>{_MONTH})|(?P<month2>{_MONTH})(?: (?P<day2>\d{{1,2}})(?!\d|:){_ORDINAL}|(?= \d{{4}})))"
    r"\b(?:,? (?P<year>\d{4}))?"
)
_ISO = re.compile(r"\b\d{4}-\d\d-\d\d\b|\b\d\d:\d\d(?::\d\d(?:\.\d+)?)?\b")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[tT](\d\d:\d\d)")
_ZULU = re.compile(r"(:\d\d(?:\.\d+)?)[zZ]\b")


def _one_time(text: str) -> str:
    """A text whose timestamps are a date and a time of day, without the mark of UTC."""
    return _ZULU.sub(r"\1", _STAMP.sub(r"\1 \2", text))


def _tokens(text: str) -> list[tuple[str, bool]]:
    """The tokens of a text, and of each whether it begins it."""
    stripped = (found[0].strip(_EDGES) for found in _TOKEN.finditer(text))
    return [(token, i == 0) for i, token in enumerate(t for t in stripped if t)]


def _parts(token: str) -> list[str]:
    return [token, *(p for p in re.split(r"[._/:@#\\-]+", token) if p), token.removesuffix("'s").removesuffix("’s")]


def _nearest(claim: str, told: str) -> list[str]:
    """The statements (sentences, and what semicolons part) that share most words with a claim: those it says again."""
    pieces = [piece for piece in re.split(r"[.;!?]\s|\n", told) if any(c.isalnum() for c in piece)]
    words = {token.casefold() for token, _ in _tokens(claim)}
    shared = [len(words & {token.casefold() for token, _ in _tokens(piece)}) for piece in pieces]
    return [piece for piece, count in zip(pieces, shared, strict=True) if count == max(shared)]


def _quotes(text: str) -> list[str]:
    return [found[1] or found[2] or "" for found in _QUOTED.finditer(text)]


def _squeezed(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .,;")


def _plain_number(number: str) -> str:
    """A number in one writing: without thousands separators, leading zeros, and zeros after the point."""
    plain = re.sub(r",(?=\d{3}(?!\d))", "", number).replace(",", ".")
    whole, _, fraction = plain.partition(".")
    if "." in fraction:  # a version, an address
        return plain
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")
