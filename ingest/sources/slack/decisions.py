"""Which messages decide something: by their wording, or by the emoji that others put on them.

Both are declared tables. What is asked, negated, conditional, quoted or code decides nothing; neither does a bot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ingest.sources.slack.payloads import Reaction


class Decision(NamedTuple):
    """`kind`: agreed, approved, rejected or reverted. `words`: the wording or the emoji (`:heavy_check_mark:`) that says so."""

    kind: str
    words: str


class _Wording(NamedTuple):
    kind: str
    pattern: re.Pattern[str]
    refused_before: re.Pattern[str] | None


def _wording(kind: str, pattern: str, *, refused_before: re.Pattern[str] | None) -> _Wording:
    return _Wording(kind, re.compile(pattern), refused_before)


_SOME = r"(?:\S+ ){0,3}?"
_DO = r"(?:merge|deploy|ship|apply|proceed|roll (?:it |this )?out|release)"
_NEGATED = (
    r"\b(?:not|never|no|nobody|none|nor|neither|cannot|without|hardly|dont|cant|wont|didnt|isnt|wasnt|arent|havent|hasnt|shouldnt)\b"
    r"|n't\b"
)
_OPEN = (
    r"\b(?:if|once|until|till|unless|before|whether|should|could|would|can|may|might|shall|pending|wait|waiting|await|awaiting"
    r"|needs?|needed|requires?|required|wants?|asked|asking|consider|considering|maybe|perhaps|almost|who|why|how|has to|have to"
    r"|to be|to get|get|getting|gets|hope|hoping|as soon as)\b"
)
_ASSERTED = re.compile(f"{_NEGATED}|{_OPEN}")
_REPORTED = re.compile(rf"{_NEGATED}|{_OPEN}|\b(?:when|after)\b")
_STATED = re.compile(r"\b(?:if|once|until|unless|whether|maybe|perhaps|why|did|who)\b")
_ANNOUNCED = re.compile(
    rf"{_NEGATED}|{_OPEN}|\b(?:when|after)\b|(?:\b(?:i|we|they|he|she|it|will|to|gonna|and|then|me|just|'ll|ll|'d)\s+)$"
)

WORDINGS: tuple[_Wording, ...] = (
    _wording(
        "agreed",
        r"\b(?:we|we've|everyone|everybody|the team|team|all of us)\s+(?:(?:have|has|all|both|just|now|finally|jointly)\s+)*"
        r"(?:agreed|decided|settled)(?:\s+(?:to|on|that|not to|against))?\b",
        refused_before=_ASSERTED,
    ),
    _wording(
        "agreed",
        r"^\W*(?:decision|decided|agreed|resolution)\s*[:\-–—](?!\s*(?:pending|tbd|open|none|needed|to be|\?|$))",
        refused_before=None,
    ),
    _wording("agreed", r"^\W*agreed\b", refused_before=None),
    _wording(
        "agreed",
        r"\b(?:the (?:decision|consensus) is|it(?:'s| is) (?:agreed|decided|settled))\b",
        refused_before=_ASSERTED,
    ),
    _wording(
        "reverted",
        rf"\b(?:let's|lets|let us|we'll|we will|i'll|i will) (?:revert\b|roll {_SOME}back\b)",
        refused_before=_ASSERTED,
    ),
    _wording(
        "agreed",
        r"\b(?:let's|lets|let us|we'll|we will) (?:do|go with|go for|use|switch to|move to|keep|drop|take|merge|ship|roll out|proceed)\b",
        refused_before=_ASSERTED,
    ),
    _wording(
        "approved",
        rf"\b(?:you (?:can|may)|feel free to|(?:ok|okay|fine|good|clear|safe|free) (?:to|for you to)) (?:go ahead|{_DO})\b",
        refused_before=_REPORTED,
    ),
    _wording("approved", r"\bgo ahead\b", refused_before=_ANNOUNCED),
    _wording(
        "approved",
        r"\b(?:lgtm|looks good to me|ship it|good to go|green light|thumbs up|go for it|please proceed|\+1 from me)\b",
        refused_before=_REPORTED,
    ),
    _wording(
        "approved",
        r"(?<![\w-])(?:approved|approving|i approve|signed off|signing off)(?![\w-])",
        refused_before=_REPORTED,
    ),
    _wording(
        "rejected",
        rf"\b(?:do not|don't|dont|must not|mustn't|should not|shouldn't) {_DO}\b",
        refused_before=_STATED,
    ),
    _wording(
        "rejected",
        r"(?<![\w-])(?:rejected|rejecting|i reject|vetoed|nack|no-go|-1 from me)(?![\w-])",
        refused_before=_REPORTED,
    ),
    _wording(
        "reverted",
        rf"\b(?:rolling|rolled) {_SOME}back\b|\b(?:reverting|reverted)\b",
        refused_before=_ASSERTED,
    ),
)
"""What decides, in lower case. `refused_before` stands earlier in the same clause where the words decide nothing."""

EMOJI = {
    "white_check_mark": "approved",
    "heavy_check_mark": "approved",
    "ship": "approved",
    "shipit": "approved",
    "x": "rejected",
    "no_entry": "rejected",
    "no_entry_sign": "rejected",
}
"""Emoji that decide on any message."""
EMOJI_WHEN_ASKED = {"+1": "approved", "thumbsup": "approved", "-1": "rejected", "thumbsdown": "rejected"}
"""Emoji that decide only on a message that asks for approval."""

_ASKS = re.compile(
    r"\b(?:please|pls|can (?:someone|somebody|anyone|you)|could (?:someone|somebody|anyone|you))\b[^?.!\n]{0,40}"
    r"\b(?:approve|review|sign off|confirm)\b"
    r"|\b(?:needs?|needing|requesting|waiting for|looking for|asking for|seeking)\b[^?.!\n]{0,40}\b(?:approval|approve|review|sign-off|lgtm|go-ahead|ok)\b"
    r"|\b(?:any|no) objections?\b|\b(?:ok|okay|good|fine|ready|clear|safe) to (?:go|merge|deploy|ship|apply|proceed|roll|release|start)\b[^.!\n]{0,200}\?"
    r"|\b(?:can|may|shall|should|could) (?:i|we)\b[^.!\n]{0,200}\?|\b(?:approve|approved|lgtm|ship it|go ahead|all good|thumbs up)\b[^.!\n]{0,40}\?"
)
_MAX_CHARS = 10_000
_FENCED = re.compile(r"```.*?(?:```|$)", re.S)
_INLINE = re.compile(r"`[^`\n]*`")
_QUOTE_TO_END = re.compile(r"^[ \t]*(?:&gt;|>){3}.*", re.S | re.M)
_QUOTE_LINE = re.compile(r"^[ \t]*(?:&gt;|>).*$", re.M)
_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”")
_LINK = re.compile(r"<[^<>]*>")
_MARKS = re.compile(r"(?<!\w)[*_~]+|[*_~]+(?!\w)")
_HARMLESS = re.compile(
    r"\bno (?:problems?|objections?|worries|concerns?|issues?|complaints?)\b(?: (?:from|on) (?:me|my side|our side|us))?|\bwhy not\b|\bif you (?:want|like)\b"
)
_CLAUSE = re.compile(r"(?<=[,;!])\s|(?<=[.?])(?=\s|$)|\n|\s[-–—]\s|\bbut\b|\bso\b")
_INSIDE = re.compile(r"(\broll\w*) .+ back$")
_AFTER = re.compile(r"\W*(?:yet\b|\?)")


def by_words(text: str) -> Decision | None:
    """The first decision that a message's text, as Slack writes it, states; None when there is none."""
    for clause in _clauses(text):
        if decision := _in_clause(clause):
            return decision
    return None


def by_reactions(reactions: Sequence[Reaction], text: str, author: str) -> Decision | None:
    """What the emoji on a message decide; a rejection outweighs approvals. The author's own count for nothing."""
    asked = _ASKS.search(_own_words(text)) is not None
    found: dict[str, str] = {}
    for reaction in sorted(reactions, key=lambda r: r.name):
        name = reaction.name.partition("::")[0]
        kind = EMOJI.get(name) or (EMOJI_WHEN_ASKED.get(name) if asked else None)
        others = [user for user in reaction.users if user != author]
        if kind is not None and (others or not reaction.users):
            found.setdefault(kind, f":{name}:")
    for kind in ("rejected", "approved"):
        if kind in found:
            return Decision(kind, found[kind])
    return None


def _clauses(text: str) -> list[str]:
    words = _HARMLESS.sub(" ", _own_words(text))
    return [clause.strip() for clause in _CLAUSE.split(words) if clause and clause.strip()]


def _in_clause(clause: str) -> Decision | None:
    if clause.endswith("?"):
        return None
    first: tuple[int, Decision] | None = None
    for wording in WORDINGS:
        for found in wording.pattern.finditer(clause):
            before = clause[: found.start()]
            if wording.refused_before is not None and wording.refused_before.search(before) is not None:
                continue
            if _AFTER.match(clause, found.end()) is not None:
                continue
            if first is None or found.start() < first[0]:
                # Only the wording: what stands inside it is the message's own, which goes when the message is deleted.
                first = (found.start(), Decision(wording.kind, _INSIDE.sub(r"\1 … back", found[0].strip(" \t:-–—*_"))))
            break
    return first[1] if first is not None else None


def _own_words(text: str) -> str:
    """What the author says: without code, quotes, links and marks, in lower case."""
    text = text[:_MAX_CHARS]
    for pattern in (_FENCED, _INLINE, _QUOTE_TO_END, _QUOTE_LINE, _QUOTED, _LINK):
        text = pattern.sub(" ", text)
    return _MARKS.sub("", text.replace("’", "'").replace("&amp;", "and").lower())
