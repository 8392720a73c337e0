"""Lines that leave most out: "and who approved it?", "before that?", "the second one". One pattern each.

Each is tried over a bounded line; what it captures becomes part of a question in words, never of a pattern or a query.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from agent.conversation.line import Followed, Line, about, instant_of, not_named, nth_of, which
from agent.conversation.words import IT, NOUNS, NTH, PERSON, THAT
from agent.intent import understand
from agent.shipments import moment
from agent.times import read_times
from graph.clock import DAY, SECOND, Instant, rfc3339

_HOUR: Instant = 3_600 * SECOND
_Answer: TypeAlias = Callable[[Line, re.Match[str]], "Followed | None"]


def _of_change(template: str, what: str) -> _Answer:
    """A question about the change that was talked about; `{e}` is the environment that the line names, `{}` the change."""

    def answer(line: Line, found: re.Match[str]) -> Followed | None:
        said = found.groupdict().get("e") or ""
        environment = line.environment(said)
        if said and not environment:
            return None
        return about(line, lambda name: template.format(name, e=environment), change=True, what=what)

    return answer


def _of_thing(template: str, what: str) -> _Answer:
    """A question about the thing that was talked about."""

    def answer(line: Line, found: re.Match[str]) -> Followed | None:
        return about(line, template.format, change=False, what=what)

    return answer


def _who(line: Line, _: re.Match[str]) -> Followed | None:
    turn = line.subject
    if turn is not None and turn.change is not None and turn.change.kind == "deployment":
        where = f" to {turn.change.environments[0]}" if turn.change.environments else ""
        return Followed(f"who deployed {turn.change.name}{where}?")
    return about(line, lambda name: f"who changed {name}?", change=True, what="Who did what?")


def _when(line: Line, _: re.Match[str]) -> Followed | None:
    turn = line.subject
    if turn is not None and turn.thing is not None and turn.thing.kind == "Credential":
        return Followed(f"when does {turn.thing.name} expire?")
    return about(line, lambda name: f"when was {name} changed?", change=True, what="When did what happen?")


def _why(line: Line, _: re.Match[str]) -> Followed | None:
    turn = line.subject
    if turn is not None and turn.kind == "incident" and turn.thing is not None:
        return Followed(f"what caused {turn.thing.name}?")
    named = turn is not None and (turn.change is not None or (turn.thing is None and bool(turn.changes)))
    if not named:
        return about(line, lambda name: f"why was {name} changed?", change=False, what="Why what?")
    if turn is not None and turn.change is not None and turn.change.kind == "deployment":
        return Followed(f"why was {turn.change.name} deployed?")
    return about(line, lambda name: f"why was {name} made?", change=True, what="Why what?")


def _before(line: Line, _: re.Match[str]) -> Followed | None:
    turn = line.subject
    at = instant_of(turn) if turn is not None else None
    if turn is None:
        return not_named("Before what?")
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
    return about(line, lambda name: f"who changed {name} before {rfc3339(at)}?", change=False, what="Before what?")


def _after(line: Line, found: re.Match[str]) -> Followed | None:
    turn = line.subject
    at = instant_of(turn) if turn is not None else None
    if turn is None or at is None:
        return (
            not_named("Since when?")
            if turn is None
            else Followed(back="Since when? What was answered last has no time.")
        )
    since = rfc3339(at + 60 * SECOND)
    if any(found[group] for group in ("i", "i2", "i3")) or turn.kind in ("who_changed", "why"):
        return about(line, lambda name: f"who changed {name} since {since}?", change=False, what="Since when?")
    where = f" in {turn.environment}" if turn.environment else ""
    return Followed(f"what changed{where} since {since}?")


def _else_then(line: Line, found: re.Match[str]) -> Followed | None:
    if not _else_meant(found[0]):
        return None
    turn = line.subject
    at = instant_of(turn) if turn is not None else None
    if turn is None or at is None:
        return not_named("What else when?")
    where = f" in {turn.environment}" if turn.environment else ""
    return Followed(f"what changed{where} between {rfc3339(at - 12 * _HOUR)} and {rfc3339(at + 12 * _HOUR)}?")


def _person_did(line: Line, found: re.Match[str]) -> Followed | None:
    turn = line.people
    if turn is None:
        return not_named("Who is meant?")
    window = ""
    at = instant_of(turn)
    if (found.groupdict().get("w") or "") and at is not None:
        days = 7 if "week" in found["w"].casefold() else 1
        window = f" between {rfc3339(at - days * DAY)} and {rfc3339(at + days * DAY)}"
    elif found.groupdict().get("r"):
        window = f" {found['r'].strip()}"
    return Followed(f"what did {turn.people[0]} change{window}?")


def _person_is(line: Line, _: re.Match[str]) -> Followed | None:
    turn = line.people
    return Followed(f"who is {turn.people[0]}?") if turn is not None else not_named("Who is meant?")


def _was_before(line: Line, _: re.Match[str]) -> Followed | None:
    turn = line.subject
    at = instant_of(turn) if turn is not None else None
    if at is None:
        return not_named("Before what?")
    return about(
        line, lambda name: f"what was {name} on {rfc3339(at - 60 * SECOND)}?", change=False, what="Before what?"
    )


def _was_at(line: Line, found: re.Match[str]) -> Followed | None:
    times = read_times(found["t"], line.now)
    if times.rest.strip() or (times.at is None and times.since is None):
        return None
    return about(line, lambda name: f"what was {name} {found['t']}?", change=False, what="What was what?")


def _reverting(line: Line, _: re.Match[str]) -> Followed | None:
    turn = line.subject
    if turn is None:
        return not_named("Take what back?")
    if turn.change is None:
        if turn.changes:
            return which(turn.changes, lambda name: f"what is {name}?")
        return Followed(back="Take what back? No change was named: ask who changed it first.")
    return Followed(rollback=turn)


def _nth(line: Line, found: re.Match[str]) -> Followed | None:
    turn = line.listing
    if turn is None:
        return Followed(back="Which one? Nothing was listed here.")
    chosen = nth_of(turn, found["n"])
    if chosen is None:
        return Followed(back=f"Only {len(turn.changes)} were listed.")
    return Followed(f"what is {chosen.name}?")


def _described(line: Line, found: re.Match[str]) -> Followed | None:
    """ "The one in staging", "Omar's", "the payments one": of what was listed."""
    turn = line.last
    if turn is None or len(turn.changes) < 2:
        return None
    word = (found["w"] or found["w2"]).casefold().removesuffix("'s").removesuffix("’s").strip()
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
    return which(fits, lambda name: f"what is {name}?") if fits else None


def _symptom(line: Line, _: re.Match[str]) -> Followed | None:
    turn = next((t for t in reversed(line.turns) if t.symptom), None)
    if turn is None:
        return Followed(back="Investigate what? Tell the symptom: “investigate checkout returns 502”.")
    return Followed(symptom=turn.symptom, at=moment(turn.at))


def _caused(line: Line, _: re.Match[str]) -> Followed | None:
    turn = line.subject
    if turn is not None and turn.kind in ("incident", "alerts", "on_call") and turn.thing is not None:
        return Followed(f"what caused {turn.thing.name}?")
    return None


def _alerts_since(line: Line, _: re.Match[str]) -> Followed | None:
    turn = line.subject
    at = instant_of(turn) if turn is not None else None
    if at is None:
        return not_named("Alerts since when?")
    return Followed(f"which alerts fired between {rfc3339(at)} and {rfc3339(at + DAY)}?")


def _arrived(line: Line, found: re.Match[str]) -> Followed | None:
    said = next((v for k, v in found.groupdict().items() if k.startswith("e") and v), "")
    environment = line.environment(said)
    if not environment:
        return None
    turn = line.subject
    if turn is not None and turn.kind == "running" and turn.change is None:
        return None
    return about(line, lambda name: f"when did {name} reach {environment}?", change=True, what="When did what arrive?")


def _else_meant(text: str) -> bool:
    """Whether "what changed" means the turns before, and is no question by itself."""
    return bool(re.search(r"\b(?:else|then|that|meanwhile|nearby|alongside|with it|same|around it)\b", text, re.I))


def _go(text: str) -> re.Pattern[str]:
    return re.compile(text, re.I)


_REACH = (
    r"(?:reach|hit|get (?:in)?to|go(?: out| live)? (?:to|in|on)|land (?:in|on)|arrive (?:in|at|on)|make it (?:in)?to|ship to|come to|"
    r"(?:get|been|was|is|be) (?:deployed|applied|released|rolled out|shipped|live)(?: (?:to|in|on))?|take effect in)"
)
_E = r"(?P<e>(?:the )?[\w-]+(?: (?:environment|env|account|cluster))?)"
_TABLE: tuple[tuple[re.Pattern[str], _Answer], ...] = (
    (_go(rf"(?:who|which reviewers?)(?: all| else)?(?: has| have)? (?:approved|reviewed|okayed|signed off(?: on)?|ok'?e?d|lgtm'?e?d|accepted)(?: {IT})?|(?:who|which reviewer)(?: all)? (?:gave|has given)(?: {IT})? (?:the |a |an |its |their )?(?:thumbs?[- ]up|ok(?:ay)?|go-?ahead|green light|approval|lgtm|\+1|plus one|blessing|sign-?off|nod)(?: (?:to|for|on) {IT})?"), _of_change("who approved {}?", "Who approved what?")),
    (_go(rf"(?:approved|reviewed) by (?:whom|who)|by whom (?:was|were) {IT} (?:approved|reviewed)|who (?:was|is|were) (?:the )?(?:approvers?|reviewers?)|(?:was|were|is) {IT} (?:approved|reviewed)(?: by (?:anyone|anybody|someone|somebody))?|did (?:anyone|anybody|someone|somebody) (?:approve|review) {IT}|any (?:approvals?|reviews?)|the (?:approvers?|reviewers?)"), _of_change("who approved {}?", "Who approved what?")),
    (_go(rf"who merged(?: {IT})?|(?:merged )?by whom was {IT} merged|who (?:pressed|hit) merge"), _of_change("who merged {}?", "Who merged what?")),
    (_go(rf"(?:when|since when|at what time) (?:did|was|is|has|does) {IT} {_REACH} ?{_E}|(?:did|has|have|is|was) {IT} (?:already )?{_REACH.replace('?P<e>', '')} ?{_E.replace('?P<e>', '?P<e2>')}(?: (?:yet|already|too|as well|also))?"), _arrived),
    (_go(rf"(?:is|was) {IT} (?:already |also |live )*(?:in|on) {_E}(?: (?:yet|already|too|as well|also))?|(?:when|since when) (?:was|is) {IT} (?:live )?(?:in|on) {_E.replace('?P<e>', '?P<e2>')}|(?:when|since when) (?:in|on) {_E.replace('?P<e>', '?P<e3>')}|in {_E.replace('?P<e>', '?P<e4>')} (?:too|as well|also|yet)"), _arrived),
    (_go(rf"(?:where|which environments?|in which environments?|what environments?) (?:is|did|has|was|have) {IT}(?: (?:reach|reached|live|been deployed to|running|go to|in|deployed|applied|land in|got to|hit))?"), _of_change("which environments has {} reached?", "Where is what?")),
    (_go(rf"why(?: though| that| so| is that| was that)?|how come|what for|for what(?: reason)?|(?:what(?:'s| is| was) )?the (?:reason|motivation|rationale|story)(?: (?:for|behind|of) {IT})?|why (?:was|is|were|did|has|had) (?:{IT}|{PERSON}|somebody|someone|we|they)(?: (?:changed?|made|done|do|make|happen(?:ed)?|merged?|needed|been (?:changed|made|done)|deployed?|ship(?:ped)?|lowered?|raised?))?(?: {IT})?"), _why),
    (_go(rf"when(?: exactly| precisely)?|when (?:was|did|is) {IT}(?: (?:changed|made|happen(?:ed)?|done|merged|be|change))?|at what time|what time|since when|when(?: did| was) {IT} (?:happen|go out|take place|expire)"), _when),
    (_go(rf"who|by whom|who (?:did|made|wrote|authored|was|is behind|did) {IT}|who (?:was|did) (?:it|that)|whose (?:change|commit|pr|doing|work) (?:was|is) {IT}|who dunnit|who ran {IT}|who deployed(?: {IT})?|who (?:shipped|applied) {IT}"), _who),
    (_go(rf"(?:who|which team|what team)(?: is| are)? (?:owns?|maintains?|responsible(?: for)?|the owners?(?: of)?|in charge(?: of)?|looks after)(?: (?:{THAT}|there))?|whose (?:is )?(?:it|that|this)(?: is it)?|(?:and )?(?:the )?owners?|who (?:should|do|can|could) (?:i|we) (?:ask|talk to|ping|contact)(?: (?:about|for) {THAT})?|whose (?:service|resource|thing|file) is {THAT}"), _of_thing("who owns {}?", "Who owns what?")),
    (_go(rf"who(?:'s| is| was)? on[- ]?call(?: (?:for|of) {THAT})?|who (?:should|do|can) (?:i|we) (?:page|call|wake(?: up)?)(?: (?:about|for) {THAT})?"), _of_thing("who is on call for {}?", "On call for what?")),
    (_go(r"(?:what|how) (?:was|were|did|had) (?:it|that|this|the (?:value|setting|config)s?)(?: (?:look like|be|been|set to|say|have))? (?:before|previously|earlier|then|at the time)(?: (?:that|this|then))?|what was (?:it|that) (?:set to )?before(?:hand)?|what did it look like before(?: that)?|(?:the )?(?:old|previous|former) value"), _was_before),
    (_go(r"(?:what|how) (?:was|were|did) (?:it|that|this)(?: (?:look(?: like)?|be|set to))? (?P<t>(?:on|at|in|as of|yesterday|last|before) ?.*)"), _was_at),
    (_go(rf"(?:what about |how about |who changed it |what (?:was|happened|changed|came) |the (?:one|change|version|release) |what (?:was )?(?:the )?(?:one|change|version) )?(?:right |just )?(?:before|prior to) (?:that|this|it|then)(?: one| change)?|(?:(?:what|who|which)(?: was|'s| is)? )?(?:the )?(?:previous|prior|preceding|earlier) (?:one|change|version|release|deploy(?:ment)?|pr|commit)|(?:who|what|which version)(?: \w+){{0,3}} before (?:that|this|it|then)|before(?: that)?|(?:the )?(?:one|change|version|pr|release|deploy(?:ment)?) before(?: {IT})?|(?:who|what|which (?:one|version|change))(?: [\w']+){{0,5}} before(?:hand)?"), _before),
    (_go(r"(?:what|who) (?:has |have |was |else )?(?:changed|happened|been changed|went out|touched (?P<i>it))? ?(?:since|after)(?: (?:then|that|this|it))?|(?:was|has|did|were) (?P<i2>it|that|this)(?: been)? (?:change[d]?|touched|modified) (?:since|after|again)(?: (?:then|that|this))?|and (?:since|after)(?: then| that)?|(?:since|after) (?:then|that)|who (?:has )?(?:changed|touched) (?P<i3>it|that) (?:since|after)(?: (?:then|that))?"), _after),
    (_go(r"(?:what|anything)(?: else| other)? (?:(?:did|does|do) (?P<q>he|she|they|the (?:same )?person) (?:change|do|touch|work on|make|break|deploy|merge)|has (?:he|she) (?:changed|done|touched))(?: else)?(?P<w> (?:then|that (?:day|week)|around (?:then|that time)|at (?:that|the same) time|on that day))?(?P<r> (?:since|last|this|yesterday|in|on|between|before|after|today) ?.*)?"), _person_did),
    (_go(r"who(?:'s| is| was) (?:he|she|that|this|(?:that|this|the) (?:person|guy|colleague|engineer))|(?:which|what) team (?:is|are) (?:he|she|they) (?:in|on|of|from)|how (?:do|can) (?:i|we) (?:reach|contact) (?:him|her|them)|what(?:'s| is) (?:his|her|their) (?:\w+ )?(?:account|login|handle|name|team|email)s?"), _person_is),
    (_go(rf"what(?: else)? (?:was|is|were|changed)(?: else)?(?: in| with| by) (?:it|that|this|(?:that|this|the same) (?:{NOUNS}))|what (?:else )?did (?:it|that|this|(?:that|this) (?:{NOUNS})) (?:change|touch|do|contain|bring)(?: else)?|what(?:'s| is| was) in (?:it|that|this|that (?:{NOUNS}))"), _of_change("what did {} change?", "What did what change?")),
    (_go(r"(?:what|anything|something)(?: else)? (?:changed|happened|was changed|went out|was deployed|was going on|was there|was different|changes)(?: else)?(?: (?:then|that (?:day|week)|around (?:then|that time|it)|at (?:that|the same) (?:time|day|moment)|on (?:that|the same) day|with it|meanwhile|nearby|alongside))?|what else|anything else(?: (?:then|that day))?"), _else_then),
    (_go(rf"where (?:was|is|were|did (?:we|they|you|people)) (?:{IT} )?(?:been )?(?:discuss(?:ed)?|talk(?:ed)? about|decided?|agreed?(?: on)?|mentioned|said|announced)(?: {IT})?|(?:which|what|any|is there an?|was there an?|link(?: me)?(?: to)?|show(?: me)?) ?(?:the )?(?:slack )?(?:threads?|discussions?|conversations?)(?: (?:was|is) (?:{IT}|there)| (?:about|on|for) {IT}| there)?|(?:was|were) {IT} (?:discussed|talked about|announced)(?: (?:anywhere|somewhere|in slack))?|what (?:was|did (?:people|they|we|the team)) (?:said|say|talk) about {IT}"), _of_change("where was {} discussed?", "Where was what discussed?")),
    (_go(rf"(?:show (?:me )?)?(?:the )?(?:details?|diff|values?)(?: (?:of|please))?(?: {IT})?|what (?:exactly|precisely)(?: (?:changed|was changed|was it))?|(?:from what to what)|what (?:was|is) {IT}|tell me (?:more )?about {IT}|what (?:exactly )?was (?:changed|done)|(?:describe|explain) {IT}|what happened|what changed exactly|what was the change"), _of_change("what is {}?", "What is what?")),
    (_go(rf"(?:(?:can|could|should|shall|may|would|will|please|do|let'?s|how (?:do|can|could|would|to)|i|we|you|want(?: to)?|is it safe to|just|now|is it ok to|go ahead and) ?)*(?:roll ?(?:{IT} )?back|revert|undo|take ?(?:{IT} )?back|back ?(?:{IT} )?out|rollback)(?: {IT})?(?: (?:now|please|safely|in \w+))?"), _reverting),
    (_go(r"(?:(?:please|can you|could you) )*(?:investigate|look into|root[- ]cause|rca)(?: (?:it|that|this|them|(?:that|this|the) (?:incident|alert|outage|one)))?"), _symptom),
    (_go(rf"what (?:caused|broke|triggered|was behind|is behind|led to) {THAT}|what (?:was|is) the (?:root )?cause(?: of {THAT})?|(?:the )?root cause"), _caused),
    (_go(rf"(?:did|has) (?:{IT}|that) (?:cause|trigger|set off|fire) (?:any )?(?:alerts?|pages?|incidents?)|(?:any|which|what) (?:alerts?|pages?)(?: (?:fired|went off|followed|came))?(?: (?:since|after|then|from it|because of it)(?: (?:that|then|it))?)?"), _alerts_since),
    (_go(rf"(?:(?:what|how) about |show (?:me )?|tell me about |what (?:is|was) |open |expand |details? (?:of|on) )?(?:the |number |no\.? |#)?{NTH}(?: (?:one|change|pr|pull request|commit|entry|item|suspect|cause|deployment|of (?:them|those|these)))?"), _nth),
    (_go(r"(?:what about |how about |show me |i mean )?(?:the (?:one|change|pr|commit) (?:in|on|to|by|from|of|about|for) (?P<w>[^?]{1,60})|the (?P<w2>[\w./-]{2,40}) (?:one|change|pr|commit))"), _described),
)  # fmt: skip


def short_line(line: Line) -> Followed | None:
    """What the first pattern makes of a line that has something to say of it."""
    for pattern, answer in _TABLE:
        if (found := pattern.fullmatch(line.text)) and (followed := answer(line, found)):
            return followed
    return None


@lru_cache(maxsize=1)
def pattern_words() -> frozenset[str]:
    """The longer words that stand in the patterns: what a misspelled word may have been."""
    return frozenset(w for pattern, _ in _TABLE for w in re.findall(r"(?<!\\)\b[a-z]{5,}\b", pattern.pattern))
