"""From a question in words to a `Question`: which kind, which words name the thing, which window.

A table of wordings per kind, tried in order; the first that fits wins. What fits none may still name a thing; then it is
asked what that is. Patterns run over bounded text only, and no text of the user ever becomes a pattern.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from agent.model import Question, QuestionKind
from agent.times import Times, read_times
from graph.clock import Instant

MAX_QUESTION_CHARS = 2_000
"""What follows is not read: no question is that long."""

_ANY = "chang(?:e|es|ed|ing)|modif(?:y|ies|ied)|updat(?:e|es|ed)|edit(?:s|ed)?|touch(?:es|ed)?|alter(?:s|ed)?|tweak(?:s|ed)?|adjust(?:s|ed)?|broke|break|broken|fix(?:ed)?|commit(?:s|ted)?|mess(?:ed)? (?:with|up)|work(?:ed)? on|patch(?:ed)?|bump(?:ed)?|merge[ds]?"
_VERBS: dict[str, frozenset[str]] = {
    "delet(?:e|es|ed)|remov(?:e|es|ed)|dropp?(?:ed)?|destroy(?:s|ed)?|kill(?:s|ed)?": frozenset({"deleted"}),
    "creat(?:e|es|ed)|add(?:s|ed)?|introduc(?:e|es|ed)|wrote|written|built|set up|provision(?:ed)?": frozenset(
        {"created"}
    ),
    "mov(?:e|es|ed)|renam(?:e|es|ed)": frozenset({"moved"}),
    "reformat(?:ted)?|format(?:ted)?": frozenset({"format_only"}),
}
_VERB = f"(?P<v>{'|'.join([_ANY, *_VERBS])})"
_SOMEBODY = "(?:somebody|someone|anybody|anyone|we|they|you|people)"
_CHANGE = (
    "(?:changes?|modifications?|updates?|edits?|commits?|tweaks?|touch|prs?|pull requests?|merge requests?|diffs?)"
)
_NEWEST = "(?:very )?(?:last|latest|most recent|newest|recent|previous|final)"
_ADVERBS = "(?: (?:last|recently|lately|most recently|ever|just|actually|been|be|get|got|first|originally|initially|also|again))*"
_IN = "(?:in|to|on|of|at|for|with|about|under|inside|within|around|across|affecting|touching|against)"
_THE = "(?:(?:the|a|an|any|all) )*"


class _Wording(NamedTuple):
    kind: QuestionKind
    pattern: str
    direction: Literal["in", "out"] = "in"


_WORDINGS: tuple[_Wording, ...] = (
    # -- owner
    _Wording("owner", rf"who(?:'s| is| are| was)? {_THE}(?:(?:current|code) ?)*(?:owners?|maintainers?|responsible|in charge|accountable) (?:person )?(?:of|for) (?P<m>.+)"),
    _Wording("owner", r"who (?:all )?(?:currently )?(?:owns?|owned|maintains?|looks after|takes care of|runs|is on call for) (?P<m>.+)"),
    _Wording("owner", r"(?:which|what) (?:team|person|group|people|teams|squad) (?:owns?|maintains?|is responsible for|is in charge of|looks after|runs) (?P<m>.+)"),
    _Wording("owner", r"whose (?:is )?(?P<m>.+?)(?: (?:is|are) (?:it|this|that|these))?"),
    _Wording("owner", r"(?:the )?(?:code ?)?owners? (?:of|for) (?P<m>.+)"),
    _Wording("owner", r"who (?:should|can|do|could|must) (?:i|we) (?:ask|contact|talk to|ping|call|page) (?:about|for|regarding|on) (?P<m>.+)"),
    # -- dependencies
    _Wording("dependencies", r"(?:what|who|which(?: [\w-]+){1,3}|does anything|anything|everything that|things that)(?: (?:else|all|resources?))? (?:depends?|depending|depended|relies|rely|is dependent|are dependent) (?:up)?on (?P<m>.+)"),
    _Wording("dependencies", r"(?:what|who|which(?: [\w-]+){1,3}|does anything|anything|everything that)(?: (?:else|all))? (?:uses?|references?|refers? to|consumes?|calls?|needs?|requires?|is using|are using|points? (?:to|at)|is attached to|are attached to) (?P<m>.+)"),
    _Wording("dependencies", r"what(?:'s| is| are| would be| gets?| will be)? affected (?:by|if|when) (?:(?:i|we|you|somebody|someone) )?(?:(?:delete|remove|change|destroy|touch)s? )?(?P<m>.+?)(?: (?:is|gets|goes|was|were|are) (?:deleted|removed|changed|down|away|destroyed))?"),
    _Wording("dependencies", r"what (?:breaks|would break|will break|happens|would happen|could break) (?:if|when) (?:(?:i|we|you|somebody|someone) )?(?:(?:delete|remove|change|destroy|touch)s? )?(?P<m>.+?)(?: (?:is|gets|goes|was|were|are) (?:deleted|removed|changed|down|away|destroyed)| breaks| fails| goes)?"),
    _Wording("dependencies", r"(?:what(?:'s| is) |show )?(?:the )?(?:blast radius|impact|dependents|dependants|users|consumers|callers) (?:of|on|for) (?P<m>.+)"),
    _Wording("dependencies", r"where(?:'s| is| are) (?P<m>.+?) (?:used|referenced|called|consumed)"),
    _Wording("dependencies", r"(?:what|which(?: [\w-]+){1,3}) (?:does|do|did) (?P<m>.+?) (?:depend|rely) (?:up)?on", "out"),
    _Wording("dependencies", r"(?:what|which(?: [\w-]+){1,3}) (?:does|do) (?P<m>.+?) (?:use|need|reference|refer to|require|call|consume)", "out"),
    _Wording("dependencies", r"(?:(?:what are|show|list) )?(?:the )?(?:dependencies|requirements|references) (?:of|for) (?P<m>.+)", "out"),
    _Wording("dependencies", r"what(?:'s| is| are) (?P<m>.+?) (?:dependent|depending) (?:up)?on", "out"),
    # -- why
    _Wording("why", rf"why did {_SOMEBODY}{_ADVERBS} {_VERB} (?P<m>.+)"),
    _Wording("why", rf"why (?:did|has|have|had) (?P<by>\S+(?: \S+){{0,3}}?){_ADVERBS} {_VERB} (?P<m>.+)"),
    _Wording("why", rf"(?:why|for what reason)(?: (?:was|were|is|are|did|do|does|has|have|had))?(?: there)? {_THE}(?:{_NEWEST} )?{_CHANGE} (?:to|of|in|on|for) (?P<m>.+?)(?: made| done| merged)?"),
    _Wording("why", rf"(?:why|for what reason)(?: (?:was|were|is|are|did|do|does|has|have|had))* (?P<m>.+?){_ADVERBS} {_VERB}(?P<p> {_IN} .+)?"),
    _Wording("why", r"(?:why|for what reason)(?: (?:was|were|is|are|did|do|does|has|have|had|do we have|is there))* (?P<m>.+?)(?: (?:exist|there|like this|like that|that way|needed))?"),
    _Wording("why", rf"(?:what(?:'s| is| was) )?(?:the )?(?:reasons?|motivation|rationale|explanation|purpose|background) (?:for|behind|of) {_THE}(?:(?:{_NEWEST} )?{_CHANGE} (?:to|of|in|on) )?(?P<m>.+)"),
    # -- what changed
    _Wording("what_changed", rf"what did (?P<by>\S+(?: \S+){{0,3}}?){_ADVERBS} (?:{_VERB}|do|work on)(?: (?:{_IN} )?(?P<m>.+))?"),
    _Wording("what_changed", rf"what (?:has|have|had) (?!been |recently |changed|happened)(?P<by>\S+(?: \S+){{0,3}}?){_ADVERBS} {_VERB}(?: (?:{_IN} )?(?P<m>.+))?"),
    _Wording("what_changed", rf"(?:so )?what(?:'s| is| are| was| were| has| have| had| all| else| things| resources?| got| exactly)*{_ADVERBS} (?:{_VERB}|happen(?:ed|ing)|going on|new|different)(?: (?!by ){_IN} (?P<m>(?!by ).+?))?(?: by (?P<by>\S.*))?"),
    _Wording("what_changed", rf"(?:(?:which|what|list|show|all|any|give|get|display|see|print|were there|are there|have there been) )*{_THE}(?:(?:all|recent|new|me|other|the|(?:last|latest|newest) \d+) )*{_CHANGE}(?: (?:were|have|has|was|did|been|that|which|made|merged|done|happened?|landed|occurred|there))*(?: {_IN} (?P<m>(?!by ).+?))?(?: (?:from|by|of) (?P<by>\S.*))?"),
    _Wording("what_changed", rf"(?:has |did |was |is |were |have )?(?:there )?(?:anything|something|everything)(?: (?:that|which|has|was))*{_ADVERBS} (?:{_VERB}|happen(?:ed)?|new|different)(?: {_IN} (?P<m>.+?))?(?: by (?P<by>\S.*))?"),
    _Wording("what_changed", rf"which (?!commit|pr\b|person|pull request|user|developer)(?P<m>.+?)(?: (?:were|was|have|has|got))?{_ADVERBS} {_VERB}(?: by (?P<by>\S.*))?"),
    # -- who changed
    _Wording("who_changed", rf"who(?:'s| has| did| was| is)?(?: the (?:last|one)(?: person| one)?(?: who| that| to)?)?(?: made| make| did| do| authored| pushed| wrote| landed| responsible for| behind)? {_THE}(?:{_NEWEST} )?(?:\w+ )?{_CHANGE} (?:to|in|on|of|for|touching) (?P<m>.+)"),
    _Wording("who_changed", rf"(?:who(?:'s)?|whom|which (?:person|user|developer|engineer|commit|pr|pull request|change|one|team)|what (?:commit|pr|pull request|change))(?: (?:was|were|has|have|had|is|did|do|else|all|the|person|people|one|that|who|to))*{_ADVERBS}(?: (?:one|person))?(?: (?:to|that|who))? {_VERB}(?: (?P<m>.+))?"),
    _Wording("who_changed", rf"(?:by|from) whom (?:was|were|has|have|is) (?P<m>.+?){_ADVERBS} {_VERB}"),
    _Wording("who_changed", rf"who(?:m)? (?:was|were|has|have|is) (?P<m>.+?){_ADVERBS} {_VERB}{_ADVERBS} by"),
    _Wording("who_changed", rf"when (?:was|is|were|did) {_THE}(?:{_NEWEST} )(?:time )?(?:{_CHANGE} (?:to|of|in|on|for)|{_SOMEBODY} {_VERB}) (?P<m>.+?)"),
    _Wording("who_changed", rf"(?:and )?when(?: and (?:why|by whom|how))? (?:did|has|have|had) {_SOMEBODY}{_ADVERBS} {_VERB} (?P<m>.+)"),
    _Wording("who_changed", rf"when(?: and (?:why|by whom|how))? (?:was|were|did|do|does|has|have|had|is|are) (?P<m>.+?){_ADVERBS} {_VERB}{_ADVERBS}(?P<p> {_IN} .+?)?(?: by (?P<by>\S.*))?"),
    _Wording("who_changed", r"(?:when|since when) (?:did|does|do|has|have|is|was) (?P<m>.+?) (?:appear(?:ed)?|disappear(?:ed)?|exist(?:ed)?|there|vanish(?:ed)?)"),
    _Wording("who_changed", rf"(?:(?:what(?:'s|s| was| is| were)?|show|give|find|get|tell|which(?: was)?) )?(?:me )?(?:the )?{_NEWEST} (?:\w+ )?{_CHANGE}(?: (?:made|done|that|which|was|were|merged|happened|affecting|touching))* (?:to|of|in|on|for|touching|affecting|against) (?P<m>.+)"),
    _Wording("who_changed", rf"(?:(?:what(?:'s|s| was| is| were)?|who made|when was|show|give|find|get|tell|which(?: was)?) )?(?:me )?(?:the )?{_NEWEST} (?P<m>.+?) {_CHANGE}(?: (?:made|done|merged|that happened))?(?P<p> {_IN} .+)?"),
    _Wording("what_changed", rf"(?:(?:what(?:'s|s| was| is| were)?|show|give|list|which) )?(?:me )?(?:the )?{_NEWEST}(?: \d+)? {_CHANGE}(?: (?:made|merged))?(?: by (?P<by>\S.*))?"),
    _Wording("who_changed", rf"(?:the )?(?:last|latest|most recently) {_VERB}(?: by)?:? (?P<m>.+)"),
    _Wording("who_changed", rf"(?P<m>.+?),? (?:(?:was|were|has been|is|got) )?(?:last|most recently|recently|latest) {_VERB}(?: by(?: whom| who)?| when)?"),
    _Wording("who_changed", rf"(?:did|has|have|had) {_SOMEBODY}(?: else)?{_ADVERBS} {_VERB} (?P<m>.+)"),
    _Wording("who_changed", rf"(?:was|were|has|have|had|did|is) (?P<m>.+?){_ADVERBS} {_VERB}{_ADVERBS}(?: by (?:{_SOMEBODY}|(?P<by>\S.*)))?"),
    _Wording("who_changed", rf"how (?:did|has|was|were|have) (?P<m>.+?){_ADVERBS} (?:{_VERB}|evolved?)(?: over time)?"),
    _Wording("who_changed", rf"(?P<m>.+?) (?:was|were|has been|got){_ADVERBS} {_VERB} by (?:whom|who)"),
    _Wording("who_changed", r"(?:(?:show|give|what is|what's) )?(?:me )?(?:the )?(?:git )?(?:change )?(?:blame|annotate|log|history|changelog|change log)(?: of| for| on)? (?P<m>.+)"),
    _Wording("who_changed", r"(?:who(?:'s| is| was) )?(?:the )?(?:last |latest |original )?(?:author|committer|editor|creator|culprit|contributor)s? (?:of|for|behind) (?P<m>.+)"),
    # -- state at a time
    _Wording("state_at", r"(?:(?:what|which)(?:'s| was| were| is| are) |show |give |get )?(?:me )?(?:the )?(?:(?:current|old|previous|exact) )?(?:values?|settings?|content|contents|state|config|configuration|definition|attributes|properties) (?:of|for) (?P<m>.+)"),
    _Wording("state_at", r"(?:what|how) (?:did|does|do) (?P<m>.+?) look(?:ed)? like"),
    _Wording("state_at", r"how (?:was|is|were|are) (?P<m>.+?) (?:configured|defined|set(?: up)?|declared)"),
    _Wording("state_at", r"(?:what|which) (?P<a>[\w.\- ]{1,60}?) (?:does|did|do|has|had) (?P<m>.+?) (?:have|has|had|use|used|listen(?:ed)? (?:on|to)|allow(?:ed)?|run(?: on)?|expose|set|open)"),
    _Wording("state_at", r"what (?:value|values) (?:did|does|has|had) (?P<m>.+?)(?: have| has)?"),
    _Wording("state_at", r"what (?:was|were) (?P<m>.+)"),
    # -- what is it
    _Wording("what_is", r"(?:what(?:'s| is| are|s)|describe|explain|(?:show|list|find|give|display|get)(?: me| us)?|locate|where(?:'s| is| are)|tell me about|info(?:rmation)? (?:on|about|for)|details? (?:of|on|about|for)|look ?up|search(?: for)?|about) (?:(?:all|about) )?(?:(?:of )?(?:the|our) )?(?P<m>.+?)(?: (?:defined|located|declared|live|for|about))?"),
    _Wording("what_is", rf"(?:what|which) (?P<m>.+?) (?:are there|do we have|exist)(?P<p> {_IN} .+)?"),
    _Wording("what_is", r"what (?:does|do) (?P<m>.+?) (?:do|mean|stand for)"),
)  # fmt: skip

_SMALL_TALK = frozenset(
    {"help", "hello", "hi", "hey", "thanks", "thank you", "test", "ping", "?", "yes", "no", "ok", "what", "who", "why"}
)
_IMPERATIVE = (
    r"(?:please )?(?:delete|remove|destroy|drop|create|add|make|build|apply|run|restart|reboot|stop|start|scale|deploy|redeploy|roll ?back|"
    r"revert|undo|fix|change|update|modify|rename|move|kill|terminate|drain|merge|push|commit|write|generate|send|ignore|forget|"
    r"pretend|print|execute|import|ingest|install|upgrade|open|close|set|increase|decrease|disable|enable|rotate|grant|revoke|"
    r"allow|block|resize|migrate|format|turn|switch|insert|select|match|truncate|purge|wipe|shut)\b\s+\S.*"
)
_COURTESY = re.compile(
    r"(?:(?:hey|hi|hello|please|pls|ok|okay|so|well|lore|and|but|um|hmm|quick question|question)\b[\s,:!.-]*|"
    r"(?:can|could|would|will) (?:you|u|anyone|anybody|someone|somebody) (?:please )?(?:tell|show|give|explain to|find|let) (?:me|us)(?: know)?\s+|"
    r"(?:tell|let) (?:me|us)(?: know)? (?=who|what|when|why|which|how|whose|by whom|the)|"
    r"(?:do|does|would) (?:you|anyone|anybody|someone|somebody) (?:happen to )?(?:know|remember)\s+|"
    r"(?:i|we)(?:'d| would)? (?:want|need|like|wish|am trying|are trying)(?: to (?:know|see|find out|understand|learn))? (?=who|what|when|why|which|how|whose)|"
    r"i(?:'m| am) (?:wondering|trying to (?:find out|understand|figure out))\s+|any idea\s+|find out\s+(?=who|what|when|why|which))",
    re.I,
)
_TAIL = re.compile(
    r"[\s,;]*(?:\b(?:please|pls|thanks|thank you|thx|for me|exactly|anyway|though|then|again|lately|recently|"
    r"right now|so far|and (?:when|why|how|by whom|what)(?: (?:exactly|and why|and when|and how))*|when and why|and in which (?:commit|pr)|"
    r"last|most recently|last time|the last time|to date|over time)|[?!.…])[\s?!.…]*",
    re.I,
)
_SPACE = re.compile(r"\s+")


def clean(text: str) -> str:
    """The text in one line: composed, without control characters, terminal escapes and directional marks; cut to a bound."""
    text = text[: MAX_QUESTION_CHARS * 2]
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if text.isprintable():
        return _SPACE.sub(" ", text).strip()[:MAX_QUESTION_CHARS]
    text = "".join(
        " " if c in "\t\r\n\v\f\x85\u2028\u2029" else c
        for c in _ESCAPE.sub("", text)
        if c in "\t\r\n\v\f\x85" or unicodedata.category(c)[0] != "C"
    )
    return _SPACE.sub(" ", text).strip()[:MAX_QUESTION_CHARS]


_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")


def understand(text: str, now: Instant) -> Question:
    """The question a text asks. Never raises; what cannot be answered is of kind `refused` with a reason."""
    asked = clean(text)
    core = _core(asked)
    if not any(c.isalnum() for c in core):
        return Question("refused", asked, reason="There is no question in this.")
    times = read_times(core, now)
    rest = _core(times.rest)
    tail = _last_tail(rest)
    for worded in (rest, rest[:tail]) if tail is not None else (rest,):
        if question := _worded(asked, worded, times):
            return question
    if rest.casefold() in _SMALL_TALK:
        return Question("refused", asked, reason="Ask about the infrastructure.")
    if _imperative().fullmatch(rest):
        return Question(
            "refused", asked, mention=_mention(rest), reason="This asks for something to be done; infralore only reads."
        )
    return Question("what_is", asked, mention=_mention(rest), at=times.at, since=times.since, until=times.until)


def _worded(asked: str, text: str, times: Times) -> Question | None:
    """The question of the first wording that fits."""
    for wording in _WORDINGS:
        if not (found := _pattern(wording).fullmatch(text)):
            continue
        groups = found.groupdict()
        mention = _mention((groups.get("m") or "") + (groups.get("p") or ""))
        by = _person(groups.get("by") or "")
        effects = _effects(groups.get("v") or "")
        if question := _question(wording, asked, mention, by, times, effects, groups.get("a") or ""):
            return question
    return None


def _question(
    wording: _Wording,
    asked: str,
    mention: str,
    by: str,
    times: Times,
    effects: frozenset[str],
    attribute: str,
) -> Question | None:
    kind = wording.kind
    if kind == "who_changed" and (anything := _anything().fullmatch(mention)):
        mention = anything["rest"] or ""
        kind = "what_changed"
    if kind == "who_changed" and not mention:
        kind = "what_changed"
    if not mention and kind != "what_changed":
        return None
    return Question(
        kind, asked, mention, times.since, times.until, times.at, by, effects, _mention(attribute), wording.direction
    )


def _core(text: str) -> str:
    """The text without greetings before and politeness after."""
    for pattern in (_COURTESY,):
        while (found := pattern.match(text)) and found.end() < len(text):
            text = text[found.end() :].lstrip(" ,:")
    return text.strip(" \t?!.…,;")


def _mention(text: str) -> str:
    text = text.strip()
    while (start := _last_tail(text)) is not None:
        text = text[:start].rstrip()
    return text.strip(" ,;:?!…")


def _last_tail(text: str) -> int | None:
    """Where a polite or temporal tail of the text begins, when it has one that is not the whole text."""
    for found in _TAIL.finditer(text, max(0, len(text) - 60)):
        if found.end() == len(text) and 0 < found.start() < len(text):
            return found.start()
    return None


def _person(text: str) -> str:
    return "" if re.fullmatch(rf"{_SOMEBODY}|whom|who|it|the team", text, re.I) else text.strip(" ,;:?!…'\"")


def _effects(verb: str) -> frozenset[str]:
    for pattern, effects in _VERBS.items():
        if verb and re.fullmatch(pattern, verb, re.I):
            return effects
    return frozenset()


@cache
def _pattern(wording: _Wording) -> re.Pattern[str]:
    # Compiled when first tried: all of them would take a cold start longer than its answer.
    return re.compile(wording.pattern, re.I)


@lru_cache(maxsize=1)
def _anything() -> re.Pattern[str]:
    return re.compile(rf"(?:any|some|every)thing(?: (?:else|at all))?(?: {_IN} (?P<rest>.+))?", re.I)


@lru_cache(maxsize=1)
def _imperative() -> re.Pattern[str]:
    return re.compile(_IMPERATIVE, re.I)
