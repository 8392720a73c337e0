"""Lines that the turns before make whole: "and who approved it?", "what about staging?", "before that?", "the second one".

Each pattern is tried over a bounded line; what it captures becomes part of a question in words, never of a pattern or a query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agent.conversation_turns import ChangeTopic, Choice, Turn, replaced
from agent.evidence import inline, text_of
from agent.intent import understand
from agent.people import find_people
from agent.reach import environment_of
from agent.shipments import moment
from agent.times import read_times
from graph.clock import DAY, SECOND, Instant, rfc3339
from graph.store import GraphStore, Limits, View

_LEAD = re.compile(
    r"(?:(?:and|so|but|ok(?:ay)?|also|hm+|well|then|right|now|actually|wait|no|yes|cool|thanks)\b[\s,:.-]*)+", re.I
)
_NOUNS = "changes?|prs?|pull requests?|merge requests?|commits?|ones?|deploy(?:ment)?s?|releases?|apply|edits?|merges?|rollouts?|updates?"
_IT = rf"(?:it|that|this|them|those|these|(?:that|this|the|the same|said) (?:{_NOUNS}))"
_THING_NOUNS = (
    "things?|resources?|rules?|services?|files?|buckets?|databases?|dbs?|queues?|certs?|certificates?|incidents?|alerts?|outages?|"
    "settings?|values?|groups?|modules?|instances?|clusters?|load balancers?|lbs?"
)
_THAT = rf"(?:it|that|this|them|those|these|(?:that|this|the same|said) (?:{_NOUNS}|{_THING_NOUNS}))"
_PERSON = r"(?:he|she|him|her|they|them|(?:that|this|the same) (?:person|guy|engineer|colleague))"
_POSSESSIVE = re.compile(r"\b(?P<p>its)\b", re.I)
_CHANGE_KINDS = frozenset({"approved", "why", "reached", "pipeline", "discussed"})
_CHANGE_NOUN = re.compile(rf"\b(?:that|this|the|the same|said) (?:{_NOUNS})\b", re.I)
_QUESTION = re.compile(
    r"(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|did|does|do|has|have|had|can|could|should|would|will|any|"
    r"show|list|tell|give|investigate|find|describe|explain|by|at|in which|since when|what's|who's)\b",
    re.I,
)
_HOUR: Instant = 3_600 * SECOND


@dataclass(frozen=True, slots=True)
class Followed:
    """A full question; or why it is asked back, with what may be picked; or a change to show the way back of; or a symptom."""

    question: str = ""
    back: str = ""
    choices: tuple[Choice, ...] = ()
    rollback: Turn | None = None
    symptom: str = ""
    at: Instant | None = None


@dataclass(slots=True)
class _Line:
    """A line being understood, and what it can refer to."""

    text: str
    turns: Sequence[Turn]
    store: GraphStore
    view: View
    now: Instant
    continued: bool = False
    _known: frozenset[str] | None = field(default=None)

    @property
    def last(self) -> Turn | None:
        """The turn before."""
        return self.turns[-1] if self.turns else None

    @property
    def subject(self) -> Turn | None:
        """The newest turn that is about something."""
        return next((t for t in reversed(self.turns) if t.has_subject), None)

    @property
    def environments(self) -> frozenset[str]:
        """The names of environments that the reader may see."""
        if self._known is None:
            page = self.store.select("Environment", {}, self.view, Limits(rows=200))
            self._known = frozenset(text_of(e.properties, "name").casefold() for e in page.items) - {""}
        return self._known

    def environment(self, word: str) -> str:
        """The environment that a word names."""
        plain = word.strip().casefold()
        plain = re.sub(r"^the | (?:environment|env|account|cluster|one)$", "", plain)
        return environment_of(plain, self.environments) if plain else ""


_Answer = Callable[["_Line", re.Match[str]], "Followed | None"]


def follow(text: str, turns: Sequence[Turn], store: GraphStore, view: View, now: Instant) -> Followed | None:
    """What a line means that the turns before make whole; None when it stands by itself."""
    line = text.strip(" \t?!.…,;")
    lead = _LEAD.match(line)
    rest = line[lead.end() :] if lead is not None and lead.end() < len(line) else line
    said = _Line(rest, turns, store, view, now, continued=rest != line)
    for pattern, answer in _TABLE:
        if (found := pattern.fullmatch(rest)) and (followed := answer(said, found)):
            return followed
    return _switched(said) or _referring(said)


# -- what is meant


def _back(what: str) -> Followed:
    return Followed(back=f"{what} Nothing was asked here that it could refer to: name the thing or the change.")


def _about(line: _Line, question: Callable[[str], str], *, change: bool, what: str) -> Followed:
    """The question about the change, or the thing, of the turns before; asked back when there is none or there are several."""
    turn = line.subject
    if turn is None:
        return _back(what)
    if change:
        if turn.change is not None:
            return Followed(question(turn.change.name))
        if len(turn.changes) > 1 and turn.thing is None:
            return _which(turn.changes, question)
        if turn.thing is not None:
            return Followed(question(turn.thing.name))
        return Followed(question(turn.changes[0].name)) if turn.changes else _back(what)
    if turn.thing is not None:
        return Followed(question(turn.thing.name))
    if turn.change is not None:
        return Followed(question(turn.change.thing.name if turn.change.thing else turn.change.name))
    things = {c.thing.name: c.thing for c in turn.changes if c.thing is not None}
    if len(things) == 1:
        return Followed(question(next(iter(things))))
    if things:
        choices = tuple(Choice(label=inline(name, 160), question=question(name)) for name in list(things)[:10])
        return Followed(back=f"Which of these {len(choices)}?", choices=choices)
    return _which(turn.changes, question)


def _which(changes: Sequence[ChangeTopic], question: Callable[[str], str]) -> Followed:
    choices = tuple(
        Choice(label=inline(f"{c.label} ({c.at[:10]}{f', {c.by}' if c.by else ''})", 160), question=question(c.name))
        for c in changes[:10]
    )
    return Followed(back=f"{len(changes)} changes were named. Which one?", choices=choices)


def _of_change(template: str, what: str) -> _Answer:
    """A question about the change that was talked about; `{e}` is the environment that the line names, `{}` the change."""

    def answer(line: _Line, found: re.Match[str]) -> Followed | None:
        said = found.groupdict().get("e") or ""
        environment = line.environment(said)
        if said and not environment:
            return None
        return _about(line, lambda name: template.format(name, e=environment), change=True, what=what)

    return answer


def _of_thing(template: str, what: str) -> _Answer:
    def answer(line: _Line, found: re.Match[str]) -> Followed | None:
        return _about(line, template.format, change=False, what=what)

    return answer


# -- the lines that leave most out


def _who(line: _Line, _: re.Match[str]) -> Followed | None:
    turn = line.subject
    if turn is not None and turn.change is not None and turn.change.kind == "deployment":
        where = f" to {turn.change.environments[0]}" if turn.change.environments else ""
        return Followed(f"who deployed {turn.change.name}{where}?")
    return _about(line, lambda name: f"who changed {name}?", change=True, what="Who did what?")


def _when(line: _Line, _: re.Match[str]) -> Followed | None:
    turn = line.subject
    if turn is not None and turn.thing is not None and turn.thing.kind == "Credential":
        return Followed(f"when does {turn.thing.name} expire?")
    return _about(line, lambda name: f"when was {name} changed?", change=True, what="When did what happen?")


def _why(line: _Line, _: re.Match[str]) -> Followed | None:
    turn = line.subject
    if turn is not None and turn.kind == "incident" and turn.thing is not None:
        return Followed(f"what caused {turn.thing.name}?")
    named = turn is not None and (turn.change is not None or (turn.thing is None and bool(turn.changes)))
    if not named:
        return _about(line, lambda name: f"why was {name} changed?", change=False, what="Why what?")
    if turn is not None and turn.change is not None and turn.change.kind == "deployment":
        return Followed(f"why was {turn.change.name} deployed?")
    return _about(line, lambda name: f"why was {name} made?", change=True, what="Why what?")


def _instant(turn: Turn) -> Instant | None:
    told = turn.change.at if turn.change is not None else turn.at
    if not told and turn.changes:
        told = min((c.at for c in turn.changes if c.at), default="")
    return moment(told)


def _before(line: _Line, _: re.Match[str]) -> Followed | None:
    turn = line.subject
    at = _instant(turn) if turn is not None else None
    if turn is None:
        return _back("Before what?")
    question = understand(turn.asked, line.now)
    if turn.kind in ("incident", "alerts") and turn.thing is not None:
        return Followed(f"what changed before {turn.thing.name}?")
    if at is None:
        return Followed(back="Before what? What was answered last has no time.")
    if turn.kind in ("what_changed", "went_out", "by_hand"):
        since = question.since if question.since is not None else at
        rest = read_times(turn.asked, line.now).rest.strip(" ?")
        return Followed(f"{rest} between {rfc3339(since - 7 * DAY)} and {rfc3339(since)}?")
    if turn.kind == "running" and turn.thing is not None:
        where = f" in {turn.environment}" if turn.environment else ""
        return Followed(f"which version of {turn.thing.name} ran{where} before {rfc3339(at - 60 * SECOND)}?")
    return _about(line, lambda name: f"who changed {name} before {rfc3339(at)}?", change=False, what="Before what?")


def _after(line: _Line, found: re.Match[str]) -> Followed | None:
    turn = line.subject
    at = _instant(turn) if turn is not None else None
    if turn is None or at is None:
        return (
            _back("Since when?") if turn is None else Followed(back="Since when? What was answered last has no time.")
        )
    since = rfc3339(at + 60 * SECOND)
    if any(found[group] for group in ("i", "i2", "i3")) or turn.kind in ("who_changed", "why"):
        return _about(line, lambda name: f"who changed {name} since {since}?", change=False, what="Since when?")
    where = f" in {turn.environment}" if turn.environment else ""
    return Followed(f"what changed{where} since {since}?")


def _else_then(line: _Line, _: re.Match[str]) -> Followed | None:
    turn = line.subject
    at = _instant(turn) if turn is not None else None
    if turn is None or at is None:
        return _back("What else when?")
    where = f" in {turn.environment}" if turn.environment else ""
    return Followed(f"what changed{where} between {rfc3339(at - 12 * _HOUR)} and {rfc3339(at + 12 * _HOUR)}?")


def _person_did(line: _Line, found: re.Match[str]) -> Followed | None:
    turn = next((t for t in reversed(line.turns) if t.people), None)
    if turn is None:
        return _back("Who is meant?")
    window = ""
    at = _instant(turn)
    if (found.groupdict().get("w") or "") and at is not None:
        days = 7 if "week" in found["w"].casefold() else 1
        window = f" between {rfc3339(at - days * DAY)} and {rfc3339(at + days * DAY)}"
    elif found.groupdict().get("r"):
        window = f" {found['r'].strip()}"
    return Followed(f"what did {turn.people[0]} change{window}?")


def _person_is(line: _Line, _: re.Match[str]) -> Followed | None:
    turn = next((t for t in reversed(line.turns) if t.people), None)
    return Followed(f"who is {turn.people[0]}?") if turn is not None else _back("Who is meant?")


def _was_before(line: _Line, found: re.Match[str]) -> Followed | None:
    turn = line.subject
    at = _instant(turn) if turn is not None else None
    if at is None:
        return _back("Before what?")
    return _about(
        line, lambda name: f"what was {name} on {rfc3339(at - 60 * SECOND)}?", change=False, what="Before what?"
    )


def _was_at(line: _Line, found: re.Match[str]) -> Followed | None:
    times = read_times(found["t"], line.now)
    if times.rest.strip() or (times.at is None and times.since is None):
        return None
    return _about(line, lambda name: f"what was {name} {found['t']}?", change=False, what="What was what?")


def _reverting(line: _Line, _: re.Match[str]) -> Followed | None:
    turn = line.subject
    if turn is None:
        return _back("Take what back?")
    if turn.change is None:
        if turn.changes:
            return _which(turn.changes, lambda name: f"what is {name}?")
        return Followed(back="Take what back? No change was named: ask who changed it first.")
    return Followed(rollback=turn)


def _nth(line: _Line, found: re.Match[str]) -> Followed | None:
    turn = next((t for t in reversed(line.turns) if t.changes), None)
    if turn is None:
        return Followed(back="Which one? Nothing was listed here.")
    chosen = _chosen(turn, found["n"])
    if chosen is None:
        return Followed(back=f"Only {len(turn.changes)} were listed.")
    return Followed(f"what is {chosen.name}?")


def _chosen(turn: Turn, word: str) -> ChangeTopic | None:
    plain = word.casefold()
    index = _ORDER.get(plain)
    if index is None:
        index = int(plain) - 1 if plain.isdecimal() else len(turn.changes)
    return turn.changes[index] if -len(turn.changes) <= index < len(turn.changes) else None


def _described(line: _Line, found: re.Match[str]) -> Followed | None:
    """ "The one in staging", "Omar's", "the payments one": of what was listed."""
    turn = line.last
    if turn is None or len(turn.changes) < 2:
        return None
    word = found["w"].casefold().removesuffix("'s").removesuffix("’s").strip()
    environment = line.environment(word)
    fits = [
        c
        for c in turn.changes
        if (environment and environment in c.environments)
        or word in c.by.casefold().split()
        or word == c.by.casefold()
        or re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", c.label.casefold())
    ]
    if len(fits) == 1:
        return Followed(f"what is {fits[0].name}?")
    return _which(fits, lambda name: f"what is {name}?") if fits else None


def _symptom(line: _Line, _: re.Match[str]) -> Followed | None:
    turn = next((t for t in reversed(line.turns) if t.symptom), None)
    if turn is None:
        return Followed(back="Investigate what? Tell the symptom: “investigate checkout returns 502”.")
    return Followed(symptom=turn.symptom, at=moment(turn.at))


def _caused(line: _Line, found: re.Match[str]) -> Followed | None:
    turn = line.subject
    if turn is not None and turn.kind in ("incident", "alerts", "on_call") and turn.thing is not None:
        return Followed(f"what caused {turn.thing.name}?")
    return None


def _alerts_since(line: _Line, _: re.Match[str]) -> Followed | None:
    turn = line.subject
    at = _instant(turn) if turn is not None else None
    if at is None:
        return _back("Alerts since when?")
    return Followed(f"which alerts fired between {rfc3339(at)} and {rfc3339(at + DAY)}?")


def _go(text: str) -> re.Pattern[str]:
    return re.compile(text, re.I)


_ORDER = {
    "first": 0, "1st": 0, "newest": 0, "latest": 0, "top": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4,
    "5th": 4, "sixth": 5, "last": -1, "oldest": -1,
}  # fmt: skip
_N = rf"(?P<n>{'|'.join(_ORDER)}|\d{{1,2}})"
_REACH = (
    r"(?:reach|hit|get (?:in)?to|go(?: out| live)? (?:to|in|on)|land (?:in|on)|arrive (?:in|at|on)|make it (?:in)?to|ship to|come to|"
    r"(?:get|been|was|is|be) (?:deployed|applied|released|rolled out|shipped|live)(?: (?:to|in|on))?|take effect in)"
)
_E = r"(?P<e>(?:the )?[\w-]+(?: (?:environment|env|account|cluster))?)"
_TABLE: tuple[tuple[re.Pattern[str], _Answer], ...] = (
    (_go(rf"(?:who|which reviewers?)(?: all| else)?(?: has| have)? (?:approved|reviewed|okayed|signed off(?: on)?|ok'?e?d|lgtm'?e?d|accepted)(?: {_IT})?|(?:who|which reviewer)(?: all)? (?:gave|has given)(?: {_IT})? (?:the |a |an |its |their )?(?:thumbs?[- ]up|ok(?:ay)?|go-?ahead|green light|approval|lgtm|\+1|plus one|blessing|sign-?off|nod)(?: (?:to|for|on) {_IT})?"), _of_change("who approved {}?", "Who approved what?")),
    (_go(rf"(?:approved|reviewed) by (?:whom|who)|by whom (?:was|were) {_IT} (?:approved|reviewed)|who (?:was|is|were) (?:the )?(?:approvers?|reviewers?)|(?:was|were|is) {_IT} (?:approved|reviewed)(?: by (?:anyone|anybody|someone|somebody))?|did (?:anyone|anybody|someone|somebody) (?:approve|review) {_IT}|any (?:approvals?|reviews?)|the (?:approvers?|reviewers?)"), _of_change("who approved {}?", "Who approved what?")),
    (_go(rf"who merged(?: {_IT})?|(?:merged )?by whom was {_IT} merged|who (?:pressed|hit) merge"), _of_change("who merged {}?", "Who merged what?")),
    (_go(rf"(?:when|since when|at what time) (?:did|was|is|has|does) {_IT} {_REACH} ?{_E}|(?:did|has|have|is|was) {_IT} (?:already )?{_REACH.replace('?P<e>', '')} ?{_E.replace('?P<e>', '?P<e2>')}(?: (?:yet|already|too|as well|also))?"), lambda line, found: _arrived(line, found)),
    (_go(rf"(?:is|was) {_IT} (?:already |also |live )*(?:in|on) {_E}(?: (?:yet|already|too|as well|also))?|(?:when|since when) (?:was|is) {_IT} (?:live )?(?:in|on) {_E.replace('?P<e>', '?P<e2>')}|(?:when|since when) (?:in|on) {_E.replace('?P<e>', '?P<e3>')}|in {_E.replace('?P<e>', '?P<e4>')} (?:too|as well|also|yet)"), lambda line, found: _arrived(line, found)),
    (_go(rf"(?:where|which environments?|in which environments?|what environments?) (?:is|did|has|was|have) {_IT}(?: (?:reach|reached|live|been deployed to|running|go to|in|deployed|applied|land in|got to|hit))?"), _of_change("which environments has {} reached?", "Where is what?")),
    (_go(rf"why(?: though| that| so| is that| was that)?|how come|what for|for what(?: reason)?|(?:what(?:'s| is| was) )?the (?:reason|motivation|rationale|story)(?: (?:for|behind|of) {_IT})?|why (?:was|is|were|did|has|had) (?:{_IT}|{_PERSON}|somebody|someone|we|they)(?: (?:changed?|made|done|do|make|happen(?:ed)?|merged?|needed|been (?:changed|made|done)|deployed?|ship(?:ped)?|lowered?|raised?))?(?: {_IT})?"), _why),
    (_go(rf"when(?: exactly| precisely)?|when (?:was|did|is) {_IT}(?: (?:changed|made|happen(?:ed)?|done|merged|be|change))?|at what time|what time|since when|when(?: did| was) {_IT} (?:happen|go out|take place|expire)"), _when),
    (_go(rf"who|by whom|who (?:did|made|wrote|authored|was|is behind|did) {_IT}|who (?:was|did) (?:it|that)|whose (?:change|commit|pr|doing|work) (?:was|is) {_IT}|who dunnit|who ran {_IT}|who deployed(?: {_IT})?|who (?:shipped|applied) {_IT}"), _who),
    (_go(rf"(?:who|which team|what team)(?: is| are)? (?:owns?|maintains?|responsible(?: for)?|the owners?(?: of)?|in charge(?: of)?|looks after)(?: (?:{_THAT}|there))?|whose (?:is )?(?:it|that|this)(?: is it)?|(?:and )?(?:the )?owners?|who (?:should|do|can|could) (?:i|we) (?:ask|talk to|ping|contact)(?: (?:about|for) {_THAT})?|whose (?:service|resource|thing|file) is {_THAT}"), _of_thing("who owns {}?", "Who owns what?")),
    (_go(rf"who(?:'s| is| was)? on[- ]?call(?: (?:for|of) {_THAT})?|who (?:should|do|can) (?:i|we) (?:page|call|wake(?: up)?)(?: (?:about|for) {_THAT})?"), _of_thing("who is on call for {}?", "On call for what?")),
    (_go(r"(?:what|how) (?:was|were|did|had) (?:it|that|this|the (?:value|setting|config)s?)(?: (?:look like|be|been|set to|say|have))? (?:before|previously|earlier|then|at the time)(?: (?:that|this|then))?|what was (?:it|that) (?:set to )?before(?:hand)?|what did it look like before(?: that)?|(?:the )?(?:old|previous|former) value"), _was_before),
    (_go(r"(?:what|how) (?:was|were|did) (?:it|that|this)(?: (?:look(?: like)?|be|set to))? (?P<t>(?:on|at|in|as of|yesterday|last|before) ?.*)"), _was_at),
    (_go(rf"(?:what about |how about |who changed it |what (?:was|happened|changed|came) |the (?:one|change|version|release) |what (?:was )?(?:the )?(?:one|change|version) )?(?:right |just )?(?:before|prior to) (?:that|this|it|then)(?: one| change)?|(?:(?:what|who|which)(?: was|'s| is)? )?(?:the )?(?:previous|prior|preceding|earlier) (?:one|change|version|release|deploy(?:ment)?|pr|commit)|(?:who|what|which version)(?: \w+){{0,3}} before (?:that|this|it|then)|before(?: that)?|(?:the )?(?:one|change|version|pr|release|deploy(?:ment)?) before(?: {_IT})?|(?:who|what|which (?:one|version|change))(?: [\w']+){{0,5}} before(?:hand)?"), _before),
    (_go(r"(?:what|who) (?:has |have |was |else )?(?:changed|happened|been changed|went out|touched (?P<i>it))? ?(?:since|after)(?: (?:then|that|this|it))?|(?:was|has|did|were) (?P<i2>it|that|this)(?: been)? (?:change[d]?|touched|modified) (?:since|after|again)(?: (?:then|that|this))?|and (?:since|after)(?: then| that)?|(?:since|after) (?:then|that)|who (?:has )?(?:changed|touched) (?P<i3>it|that) (?:since|after)(?: (?:then|that))?"), lambda line, found: _after(line, found)),
    (_go(r"(?:what|anything)(?: else| other)? (?:(?:did|does|do) (?P<q>he|she|they|the (?:same )?person) (?:change|do|touch|work on|make|break|deploy|merge)|has (?:he|she) (?:changed|done|touched))(?: else)?(?P<w> (?:then|that (?:day|week)|around (?:then|that time)|at (?:that|the same) time|on that day))?(?P<r> (?:since|last|this|yesterday|in|on|between|before|after|today) ?.*)?"), _person_did),
    (_go(r"who(?:'s| is| was) (?:he|she|that|this|(?:that|this|the) (?:person|guy|colleague|engineer))|(?:which|what) team (?:is|are) (?:he|she|they) (?:in|on|of|from)|how (?:do|can) (?:i|we) (?:reach|contact) (?:him|her|them)|what(?:'s| is) (?:his|her|their) (?:\w+ )?(?:account|login|handle|name|team|email)s?"), _person_is),
    (_go(rf"what(?: else)? (?:was|is|were|changed)(?: else)?(?: in| with| by) (?:it|that|this|(?:that|this|the same) (?:{_NOUNS}))|what (?:else )?did (?:it|that|this|(?:that|this) (?:{_NOUNS})) (?:change|touch|do|contain|bring)(?: else)?|what(?:'s| is| was) in (?:it|that|this|that (?:{_NOUNS}))"), _of_change("what did {} change?", "What did what change?")),
    (_go(r"(?:what|anything|something)(?: else)? (?:changed|happened|was changed|went out|was deployed|was going on|was there|was different|changes)(?: else)?(?: (?:then|that (?:day|week)|around (?:then|that time|it)|at (?:that|the same) (?:time|day|moment)|on (?:that|the same) day|with it|meanwhile|nearby|alongside))?|what else|anything else(?: (?:then|that day))?"), lambda line, found: _else_then(line, found) if _else_meant(found[0]) else None),
    (_go(rf"where (?:was|is|were|did (?:we|they|you|people)) (?:{_IT} )?(?:been )?(?:discuss(?:ed)?|talk(?:ed)? about|decided?|agreed?(?: on)?|mentioned|said|announced)(?: {_IT})?|(?:which|what|any|is there an?|was there an?|link(?: me)?(?: to)?|show(?: me)?) ?(?:the )?(?:slack )?(?:threads?|discussions?|conversations?)(?: (?:was|is) (?:{_IT}|there)| (?:about|on|for) {_IT}| there)?|(?:was|were) {_IT} (?:discussed|talked about|announced)(?: (?:anywhere|somewhere|in slack))?|what (?:was|did (?:people|they|we|the team)) (?:said|say|talk) about {_IT}"), _of_change("where was {} discussed?", "Where was what discussed?")),
    (_go(rf"(?:show (?:me )?)?(?:the )?(?:details?|diff|values?)(?: (?:of|please))?(?: {_IT})?|what (?:exactly|precisely)(?: (?:changed|was changed|was it))?|(?:from what to what)|what (?:was|is) {_IT}|tell me (?:more )?about {_IT}|what (?:exactly )?was (?:changed|done)|(?:describe|explain) {_IT}|what happened|what changed exactly|what was the change"), _of_change("what is {}?", "What is what?")),
    (_go(rf"(?:(?:can|could|should|shall|may|would|will|please|do|let'?s|how (?:do|can|could|would|to)|i|we|you|want(?: to)?|is it safe to|just|now|is it ok to|go ahead and) ?)*(?:roll ?(?:{_IT} )?back|revert|undo|take ?(?:{_IT} )?back|back ?(?:{_IT} )?out|rollback)(?: {_IT})?(?: (?:now|please|safely|in \w+))?"), _reverting),
    (_go(r"(?:(?:please|can you|could you) )*(?:investigate|look into|root[- ]cause|rca)(?: (?:it|that|this|them|(?:that|this|the) (?:incident|alert|outage|one)))?"), _symptom),
    (_go(rf"what (?:caused|broke|triggered|was behind|is behind|led to) {_THAT}|what (?:was|is) the (?:root )?cause(?: of {_THAT})?|(?:the )?root cause"), _caused),
    (_go(rf"(?:did|has) (?:{_IT}|that) (?:cause|trigger|set off|fire) (?:any )?(?:alerts?|pages?|incidents?)|(?:any|which|what) (?:alerts?|pages?)(?: (?:fired|went off|followed|came))?(?: (?:since|after|then|from it|because of it)(?: (?:that|then|it))?)?"), _alerts_since),
    (_go(rf"(?:(?:what|how) about |show (?:me )?|tell me about |what (?:is|was) |open |expand |details? (?:of|on) )?(?:the |number |no\.? |#)?{_N}(?: (?:one|change|pr|pull request|commit|entry|item|suspect|cause|deployment|of (?:them|those|these)))?"), _nth),
    (_go(r"(?:what about |how about |show me |i mean )?(?:the (?:one|change|pr|commit) (?:in|on|to|by|from|of|about|for) (?P<w>[^?]{1,60})|the (?P<w2>[\w./-]{2,40}) (?:one|change|pr|commit))"), lambda line, found: _described_any(line, found)),
)  # fmt: skip


def _else_meant(text: str) -> bool:
    """Whether "what changed" means the turns before, and is no question by itself."""
    return bool(re.search(r"\b(?:else|then|that|meanwhile|nearby|alongside|with it|same|around it)\b", text, re.I))


def _arrived(line: _Line, found: re.Match[str]) -> Followed | None:
    said = next((v for k, v in found.groupdict().items() if k.startswith("e") and v), "")
    environment = line.environment(said)
    if not environment:
        return None
    turn = line.subject
    if turn is not None and turn.kind == "running" and turn.change is None:
        return None
    return _about(line, lambda name: f"when did {name} reach {environment}?", change=True, what="When did what arrive?")


def _described_any(line: _Line, found: re.Match[str]) -> Followed | None:
    word = found["w"] or found["w2"]
    fake = re.fullmatch(r"(?P<w>.*)", word)
    return _described(line, fake) if fake is not None else None


# -- the same question about another environment, time, thing or person

_RUNS_THERE = re.compile(
    r"(?:what|which version)(?: is| does| do|'s)? (?:the )?(?P<e>[\w-]+) (?:run(?:ning|s)?|have|has|on|use|using)", re.I
)
_SAME = re.compile(
    r"(?P<lead>(?:what|how) about|(?:and )?(?:the )?same(?: thing| question)? (?:for|in|on|of)|for|and)?\s*(?:in |on |to |at |for |with )?(?P<x>.+)",
    re.I,
)


def _switched(line: _Line) -> Followed | None:
    """The last question again with one thing in it replaced."""
    if (there := _RUNS_THERE.fullmatch(line.text)) and (named := line.environment(there["e"])):
        return _elsewhere(line, named) if any(t.kind == "running" for t in line.turns[-1:]) else None
    found = _SAME.fullmatch(line.text)
    if found is None:
        return None
    lead = (found["lead"] or "").casefold().strip()
    asked = bool(lead) or line.continued
    short = len(line.text.split()) <= 4
    turn = next((t for t in reversed(line.turns) if t.asked and t.kind not in _COMMANDS), None)
    environment = line.environment(found["x"]) if len(found["x"].split()) <= 3 else ""
    if environment and (asked or short):
        return _elsewhere(line, environment) if turn is not None else _back(f"What about {environment}?")
    told = line.text[found.end("lead") :].strip() if found["lead"] else line.text
    times = read_times(told, line.now)
    timed = not times.rest.strip(" ?,.") and (times.since, times.until, times.at) != (None, None, None)
    if timed:
        if turn is None:
            return _back("What about that time?")
        rest = read_times(turn.asked, line.now).rest.strip(" ?")
        if turn.kind == "running":
            rest = re.sub(r"\b(?:runs|is running)\b", "ran", rest, count=1, flags=re.I)
        return Followed(f"{rest} {told}?")
    if not asked or _QUESTION.match(told) or (not lead and _referring_words(told)):
        return None
    if re.fullmatch(rf"{_IT}|{_PERSON}|there|then", told, re.I):
        return None
    if turn is None:
        return (
            Followed(back=f"What about {inline(told, 80)}? Ask a full question: “who changed {inline(told, 80)}?”.")
            if lead
            else None
        )
    return _another(line, turn, told)


_COMMANDS = frozenset({"investigate", "drift", "cost", "waste", "digest", "status", "help"})


def _elsewhere(line: _Line, environment: str) -> Followed:
    """The last question for another environment."""
    turn = next(t for t in reversed(line.turns) if t.asked and t.kind not in _COMMANDS)
    question = understand(turn.asked, line.now)
    if question.kind in ("approved", "why", "discussed", "who_is", "owner", "pipeline") and turn.change is not None:
        return Followed(f"when did {turn.change.name} reach {environment}?")
    if (
        turn.change is not None
        and question.mention == turn.change.name
        and question.kind in ("what_is", "what_changed")
    ):
        return Followed(f"when did {turn.change.name} reach {environment}?")
    words = [w for w in re.findall(r"[\w-]+", turn.asked) if line.environment(w) and line.environment(w) != environment]
    for word in words:
        # An environment that stands by itself, and not inside a path or an address.
        swapped, count = re.subn(
            rf"(?<![\w/.\-]){re.escape(word)}(?![\w/.\-](?!\s|$))", environment, turn.asked, flags=re.I
        )
        if count:
            return Followed(f"{swapped.rstrip(' ?')}?")
    twin = _twin(line, turn, environment)
    if twin:
        return Followed(replaced(turn.asked, question.mention, twin))
    return Followed(f"{turn.asked.rstrip(' ?')} in {environment}?")


def _twin(line: _Line, turn: Turn, environment: str) -> str:
    """The same file or address of another environment: `orders/staging.yaml` to `orders/prod.yaml`."""
    if turn.thing is None:
        return ""
    question = understand(turn.asked, line.now)
    if not question.mention:
        return ""
    for choice in turn.choices:
        label = choice.label.casefold()
        if any(line.environment(w) == environment for w in re.findall(r"[a-z0-9]+", label)):
            before, _, _ = turn.asked.partition(question.mention)
            after = turn.asked[len(before) + len(question.mention) :]
            middle = choice.question.removeprefix(before)
            return middle[: len(middle) - len(after)] if after else middle
    for word in reversed(
        re.findall(r"[A-Za-z0-9]+", turn.thing.name)
    ):  # the path's end tells more than the thing's own name
        if (named := line.environment(word)) and named != environment:
            return re.sub(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])", environment, turn.thing.name)
    return ""


def _another(line: _Line, turn: Turn, told: str) -> Followed | None:
    question = understand(turn.asked, line.now)
    plain = re.sub(r"^(?:the|our|a|an) ", "", told, flags=re.I)
    if question.by and find_people(line.store, plain, line.view):
        return Followed(replaced(turn.asked, question.by, plain))
    if question.mention:
        return Followed(
            replaced(turn.asked, question.mention, told if told != plain and "the " not in turn.asked else plain)
        )
    if question.kind in ("what_changed", "went_out", "alerts"):
        return Followed(f"{turn.asked.rstrip(' ?')} in {plain}?")
    return None


# -- a full question in which one word refers to the turns before

_REFERS = re.compile(rf"(?<![\w-])(?P<w>{_THAT})(?![\w-])", re.I)
_NTH_INSIDE = re.compile(rf"\bthe {_N} (?:one|change|pr|pull request|commit|suspect|cause|deployment)\b", re.I)
_WHO = re.compile(rf"(?<![\w-])(?P<w>{_PERSON})(?![\w-])", re.I)


def _referring_words(text: str) -> bool:
    return bool(_REFERS.search(text) or _WHO.search(text))


def _referring(line: _Line) -> Followed | None:
    """A question that would be whole but for "it", "he", "its" or "the second one"."""
    text = line.text
    if nth := _NTH_INSIDE.search(text):
        turn = next((t for t in reversed(line.turns) if t.changes), None)
        if turn is None:
            return Followed(back="Which one? Nothing was listed here.") if not line.turns else None
        chosen = _chosen(turn, nth["n"])
        if chosen is None:
            return Followed(back=f"Only {len(turn.changes)} were listed.")
        return Followed(f"{text[: nth.start()]}{chosen.name}{text[nth.end() :]}?")
    question = understand(text, line.now)
    if question.by and _WHO.fullmatch(question.by):
        turn = next((t for t in reversed(line.turns) if t.people), None)
        if turn is None:
            return _back(f"Who is “{question.by}”?")
        return Followed(f"{replaced(text, question.by, turn.people[0]).rstrip(' ?')}?")
    if own := _POSSESSIVE.search(text):
        return _about(
            line, lambda name: f"{text[: own.start()]}{name}'s{text[own.end() :]}?", change=False, what="Whose?"
        )
    if held := _IT_INSIDE.search(text):
        whole = _with_subject(line, held)
        if whole is not None:
            return whole
    mention = question.mention.casefold()
    found = _REFERS.search(mention)
    if found is None or (len(mention) - len(found[0]) > 30) or not _only(mention, found[0], line):
        return None
    at = text.casefold().find(mention)
    inside = _REFERS.search(text, max(at, 0))
    if inside is None:
        return None
    as_change = bool(_CHANGE_NOUN.search(inside[0])) or question.kind in _CHANGE_KINDS
    return _about(
        line,
        lambda name: f"{text[: inside.start()]}{name}{text[inside.end() :]}?",
        change=as_change,
        what=f"What is “{inside[0]}”?",
    )


_IT_INSIDE = re.compile(
    r"(?<![\w-])(?:it|(?:that|this)(?=\s*$)|(?:that|this) (?:incident|alert|outage|service|thing|resource))(?![\w-])",
    re.I,
)


def _with_subject(line: _Line, held: re.Match[str]) -> Followed | None:
    """The text with "it" replaced by what was talked about, when that makes a question of it; None when it is none either way."""
    turn = line.subject
    before, after = line.text[: held.start()], line.text[held.end() :]
    if turn is None:
        mention = understand(line.text, line.now).mention.casefold()
        return _back(f"What is “{held[0]}”?") if mention == held[0].casefold() else None
    names = [n for n in (turn.thing.name if turn.thing else "", turn.change.name if turn.change else "") if n]
    for name in names:
        whole = f"{before}{name}{after}?"
        kind = understand(whole, line.now).kind
        if kind in ("refused", "what_is"):
            continue
        change = kind in _CHANGE_KINDS or bool(_CHANGE_NOUN.search(held[0]))
        return _about(line, lambda n: f"{before}{n}{after}?", change=change, what=f"What is “{held[0]}”?")
    return None


def _only(mention: str, word: str, line: _Line) -> bool:
    """Whether a mention is that word alone, perhaps with an article or an environment."""
    rest = mention.replace(word, " ", 1)
    words = [w for w in re.findall(r"[\w./#@-]+", rest) if w not in _FILLERS]
    return all(line.environment(w) for w in words)


_FILLERS = frozenset(
    [
        "the",
        "a",
        "an",
        "in",
        "on",
        "to",
        "of",
        "for",
        "at",
        "by",
        "with",
        "change",
        "changes",
        "changed",
        "last",
        "also",
        "else",
        "again",
        "too",
        "exactly",
        "really",
        "please",
    ]
)
