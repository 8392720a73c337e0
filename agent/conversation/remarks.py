"""What is said without asking anything: thanks, doubt, a thought, a plan of one's own."""

from __future__ import annotations

import re

_STANCE_TEXT = """
ok okay okey k kk thanks thank thx ty cheers great perfect nice cool awesome excellent wonderful lovely neat good bad wrong right correct
incorrect true false sure hm hmm hmmm huh oh ooh ah aha uh um wow lol haha hehe damn dang ouch whoa yikes ugh weird strange odd funny
interesting surprising impressive scary crazy fair enough fine alright understood agreed exactly indeed sense sorry yes no yep yeah nope nah
done bye lgtm hi hello hey morning afternoon evening noted believe doubt sounds looks see think thought guess suppose hope know knew mind
worries problem shame pity brilliant super sweet welcome appreciated helpful useful helps helped clear plausible possible impossible unlikely likely
really sec brb later fast quick slow
"""
_STANCE = frozenset(_STANCE_TEXT.split())
_FILL_TEXT = """
a an the this that it its i i'm im i'd me my we us you your he she they them there is are was were be been am do does did don't dont doesn't
didn't isn't wasn't aren't can can't cannot cant could couldn't would wouldn't should won't may might must not never so very too much lot
many all just only for to of in on at with about and or but then now still again what's that's thats it's one what as well of got get makes
make made let lets let's here how pretty quite rather bit kind some any by if such again of bot work job help idea needed question
"""
_FILL = frozenset(_FILL_TEXT.split())
_MINE = re.compile(
    r"(?:(?:ok|okay|hm+|well|alright|right|so|and|then|thanks|thx|cool|great)[\s,.!]+)*"
    r"(?:i|we)(?:'ll|’ll| will| shall|'m going to| am going to|'m gonna| gonna|'m on| am on| don'?t think| do not think| think| thought| guess| believe| doubt| "
    r"already (?:knew|know)| knew)\b.*|(?:(?:ok|okay|hm+|well|alright|so|then)[\s,.!]+)*(?:let me (?:check|see|think|look|try)|will (?:check|do|look|try|ask)|never ?mind|brb|"
    r"one (?:sec|second|moment|minute)|just a (?:sec|second|moment|minute)|hold on|hang on)\b[^?]*",
    re.I,
)
_ASKS = re.compile(
    r"(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|did|does|do|has|have|had|can|could|should|would|will|may|any|show|list)\b",
    re.I,
)
_INQUIRES = re.compile(r"\b(?:who|whom|whose|which|when|where|why|wonder|want|need)\b", re.I)
_GRATEFUL = re.compile(r"\b(?:thanks?|thank you|thx|ty|cheers|appreciated)\b", re.I)
_DOUBTFUL = re.compile(
    r"\b(?:wrong|incorrect|false|impossible|unlikely|doubt|really|sure|can'?t be|cannot be|not right|don'?t (?:think|believe)|weird|strange|odd)\b",
    re.I,
)


def is_remark(text: str) -> bool:
    """Whether a line asks nothing: all its words are thanks, judgement or filling, or it tells what its writer does or thinks."""
    line = re.sub(r":[a-z_+\d]+:|[:;]-?[()DPp/|]+", " ", text).strip()
    words = re.findall(r"[\w'’-]+", line.casefold().replace("’", "'"))
    if not words:
        return bool(text.strip())
    if _MINE.fullmatch(line) and not _INQUIRES.search(line):
        return True
    asked = bool(_ASKS.match(line)) and not {"you", "sure"} & set(words) and line.endswith("?")
    return not asked and all(w in _STANCE or w in _FILL for w in words) and any(w in _STANCE for w in words)


def reply_to(text: str) -> str:
    """A short fitting reply; it tells nothing about the infrastructure."""
    if _GRATEFUL.search(text):
        return "You're welcome."
    if _DOUBTFUL.search(text):
        return "Every statement is cited: check it at its citations, or ask “what exactly?” for the details."
    return ""


def without_remarks(text: str) -> str:
    """The text without the sentences that ask nothing: "Looks good. Who approved it?" becomes "Who approved it?"; all of it when nothing would be left."""
    sentences = [s for s in re.split(r"(?<=[a-z)][.!?…;])\s+|(?<=[.!?…;]{2})\s+|(?<=[a-z]{2}),\s+", text) if s.strip()]
    if len(sentences) < 2:
        return text
    # Only from its ends: what stands between is part of what is asked.
    while len(sentences) > 1 and is_remark(sentences[0]):
        sentences.pop(0)
    while len(sentences) > 1 and is_remark(sentences[-1]):
        sentences.pop()
    return text[text.index(sentences[0]) : text.rindex(sentences[-1]) + len(sentences[-1])].strip()
