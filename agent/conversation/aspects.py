"""The words by which the kinds of questions are told apart, whatever sentence they stand in, or none."""

from __future__ import annotations

import re
from functools import lru_cache

_WORDS = {
    "approved": "approve approves approved approver approvers approving approval approvals review reviews reviewed reviewer reviewers reviewing okayed lgtm",
    "merged": "merge merges merged merger merging",
    "why": "why reason reasons rationale motivation motive purpose justification",
    "discussed": "thread threads discussion discussions discussed discuss conversation conversations slack talk talked talking debate debated",
    "owner": "owner owners own owns owned owning ownership responsible responsibility maintain maintains maintained maintainer maintainers belong belongs team whose accountable",
    "deployed": "deploy deploys deployed deployer deploying deployment ship ships shipped release released releases rollout",
    "changed": "change changes changed changing modify modified modifies modification edit edits edited touch touched touches update updated altered",
    "contents": "diff diffs detail details content contents patch",
    "before": "before previous previously prior earlier preceding former older",
    "recent": "last latest recent recently newest",
    "when": "when since",
    "more": "else other others another more",
    "person": "he she him her his hers guy engineer colleague person author developer",
    "version": "version versions",
    "revert": "revert reverted reverting undo rollback",
    "acknowledged": "ack acked acknowledge acknowledged acknowledging responder responded responding",
    "fixed": "fix fixed fixes fixing solved solve solution resolve resolved resolution remedy mitigated mitigation",
    "reached": "live reach reached reaches landed arrived hit",
    "second": "2nd second",
    "third": "3rd third",
    "fourth": "4th fourth",
    "fifth": "5th fifth",
}
ORDINALS = frozenset({"second", "third", "fourth", "fifth"})
_SMALL_WORDS_TEXT = """
a an the this that these those it its itself there here then now again too also as well still yet already just only even both or and so but
if not no i me my we us our you your they them their theirs one ones thing things stuff who whom what which where how is are was were be
been being am do does did done doing has have had having can could would should shall will may might must of to in on at by for from with
about into onto over under up out off than through please pls plz thx thanks thank ty hi hey hello ok okay well hm hmm oh ah right cool
great nice sorry tell show give let know wonder wondering see open say exactly actually really maybe perhaps kindly quick quickly some any
anyone anybody someone somebody everyone all same is's re ve ll d s t m question question's btw tho though came come comes went gone go goes
put get got gets made make makes look looks looked happened happen want need like time times part bit way kind sort case moment anything
something everything nothing explain describe list find bring remind out
pr prs mr commit commits pull request requests environment env service resource there
"""
SMALL_WORDS = frozenset(_SMALL_WORDS_TEXT.split())
"""Words that neither name a thing nor tell what is asked of it."""
_PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.I), word)
    for pattern, word in (
        (r"(?:who|what|where|when|how|that|it|there|he|she)(?:'s|’s)", r""),
        (r"whos", "who is"),
        (r"whats", "what is"),
        (r"(?:which|what) (?:person|engineer|guy|colleague|developer)", "who"),
        (r"sign(?:ed|s|ing)?[- ]?(?:it |this |that )?offs?", "approved"),
        (r"(?:gave|given|give|gives|giving)(?: \w+){0,2}? (?:ok|okay|go-?ahead|green light|blessing|thumbs?[- ]up|nod|\+1)", "approved"),
        (r"what for|for what|how come|what(?: is|'s) the (?:point|idea|use)|y", "why"),
        (r"roll(?:ed|ing)? (?:\w+ )?back|back(?:ed)? (?:\w+ )?out|take (?:\w+ )?back", "revert"),
        (r"(?:roll|push|put|bring|rolled|pushed|brought)(?: it| this| that)? (?:out|live)|went (?:out|live)", "deployed"),
        (r"look(?:s|ed)? after|tak(?:es?|ing) care|in charge|whom? (?:to|should i|should we|can i|can we|do i|do we) (?:ask|contact|talk to|ping)", "owner"),
        (r"(?:go |step )?one back", "before"),
    )
)  # fmt: skip


@lru_cache(maxsize=1)
def aspects() -> dict[str, str]:
    """Each word and the aspect of a subject that it asks for."""
    return {word: aspect for aspect, words in _WORDS.items() for word in words.split()}


def in_plain_words(text: str) -> str:
    """The text with phrases replaced by the word that means the same: "signed off" by "approved"."""
    for pattern, word in _PHRASES:
        text = pattern.sub(lambda found, word=word: word or f"{found[0][:-2]} is", text)
    return text


def spelled(word: str, known: frozenset[str] = frozenset()) -> str:
    """The word of an aspect, a small one or one of `known` that a word is when one letter is wrong or two are swapped; empty when none is that near.

    The first letter must be right and the word long enough: "rate" is not "date".
    """
    if len(word) < 4 or not word.isalpha():
        return ""
    from rapidfuzz.distance import OSA

    for words in (aspects().keys(), SMALL_WORDS, known):
        near = {w for w in words if len(w) >= 5 and w[0] == word[0] and OSA.distance(w, word, score_cutoff=1) <= 1}
        if near:
            return min(near) if len({aspects().get(w, "") for w in near}) == 1 else ""
    return ""
