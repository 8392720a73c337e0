"""From a question in words to a `Question`: which kind, which words name the thing, which window.

A table of wordings per kind, tried in order; the first that fits wins. What fits none may still name a thing; then it is
asked what that is. Patterns run over bounded text only, and no text of the user ever becomes a pattern.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
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
    wanted: str = ""


_ENVIRONMENT = (
    r"(?:the )?(?P<e>prod(?:uction)?|prd|live|staging|stage|stg|dev(?:elopment)?|test(?:ing)?|qa|uat|preview|sandbox|canary|pre-?prod|dr)"
    r"(?: (?:env(?:ironment)?|account|cluster|workspace))?"
)
_INTO = rf"(?: (?:to|in|into|on|onto|against) {_ENVIRONMENT})"
_ARRIVE = (
    r"(?:reach(?:ed)?|hit|get (?:in)?to|got (?:in)?to|gotten (?:in)?to|land(?:ed)? (?:in|on)|arrived? (?:in|at)|go(?:ne)?(?: out| live)? (?:to|in|on)|"
    r"went(?: out| live)? (?:to|in|on)|(?:make|made) it (?:in)?to|ship(?:ped)?(?: out)? to|roll(?:ed)? out (?:to|in)|come to|"
    r"(?:get|got|been|be|was|were|is) (?:deployed|applied|released|rolled out|shipped|promoted|pushed|live)(?: (?:to|in|on|into))?|"
    r"take effect in|took effect in|taken effect in|deployed to|applied (?:to|in)|promoted to|released to)"
)
_SHIPPED = r"(?:deployed|shipped|released|rolled out|pushed(?: out)?|promoted|put live)"
_DEPLOY = r"(?:deploy(?:ment)?s?|releases?|roll-?outs?|shipments?|push(?:es)?|appl(?:y|ies)|promotions?)"
_RUN = r"(?:pipelines?|workflows?|ci|builds?|jobs?|actions|(?:pipeline|workflow|ci|build|github actions|actions|ci/cd) (?:runs?|jobs?|builds?)|runs?)"
_ALERTS = r"(?:alerts?|pages?|alarms?|monitors?)"
_FIRED = r"(?:fired?|firing|went off|go off|triggered|were firing|are firing|started(?: firing)?|did we get|have fired|came in|popped up|paged(?: us)?|rang|(?:were |was )?raised|showed up|follow(?:ed)?)"
_SIGNAL = r"(?:\b(?:incidents?|outages?|post-?mortem|inc[-# ]?\d+|(?=\w*\d)(?:Q\w{13}|P\w{6}))\b)"
_BY_HAND = (
    r"(?:by hand|manual(?:ly)?|hand-?(?:edit(?:ed)?|made)|outside (?:of )?(?:the )?(?:terraform|iac|code|infrastructure[- ]as[- ]code|pipelines?|ci(?:/cd)?|git|version control|automation)|"
    r"(?:in|through|via|from|using|with) the (?:aws |cloud |web )?(?:console|cli)|click-?ops|out[- ]of[- ]band|bypassing (?:terraform|the pipeline|ci|code review)|"
    r"without (?:terraform|going through (?:terraform|the pipeline|ci|code)|a (?:pull request|pr|commit)|code))"
)


_WORDINGS: tuple[_Wording, ...] = (
    # -- incidents and alerts, whatever else the sentence says
    _Wording("incident", rf"(?:(?:who|which \w+)(?: \w+)?? )(?:acknowledged|acked|ack'?ed|took(?: on)?|picked up|responded(?: first)? to|answered|handled) (?P<m>.*{_SIGNAL}.*)", wanted="acknowledged"),
    _Wording("incident", rf"who (?:resolved|closed|ended) (?P<m>.*{_SIGNAL}.*)", wanted="resolved"),
    _Wording("incident", rf"(?:how|what|by what|who)(?: \w+){{0,4}}? (?:fix(?:ed)?|mitigat(?:e|ed|ion)|resolv(?:e|ed)|recover(?:ed)? from|remed(?:y|ied|iation)|end(?:ed)?|stop(?:ped)?|solve[ds]?|get .* back|got .* back|made .* go away|helped) (?:of |for |with )?(?P<m>.*{_SIGNAL}.*)", wanted="fix"),
    _Wording("incident", rf"(?:how|what) (?:did|was|were) (?:we |they )?(?P<m>.*{_SIGNAL}.*?) (?:fixed|mitigated|resolved|solved|ended|stopped|over)", wanted="fix"),
    _Wording("expiring", rf"(?P<m>(?:which|what).*\b(?:cert(?:ificate)?|key|secret|token)\b.*{_SIGNAL}.*|.*{_SIGNAL}.*\b(?:which|what) (?:cert(?:ificate)?|key|secret|token)\b.*)", wanted="incident"),
    _Wording("running", rf"(?:which|what) (?:pr|pull request|merge request|commit|change|version|release|build)s?\b(?P<m>.*\b(?:version|release|build|code|running|ran|run)\b.*?) (?:when|as|at the (?:time|start|moment|beginning) of|during|while) (?P<w>.*{_SIGNAL}.*)"),
    _Wording("incident", rf"(?:whose|who)\b.*\b(?:manual|hand|console)\b.*?(?:caused|broke|led to|triggered|things in|behind|brought on|started|in) (?P<m>.*{_SIGNAL}.*)", wanted="by_hand"),
    _Wording("incident", rf"(?P<m>.*{_SIGNAL}.*|.*\b(?:fired|went off|paged(?: us)?)\b.*?)[:,;]? (?:what|which)\b.*\b(?:changed|happened|went out|gone out|deployed|applied|took effect|changes|going on)\b.*\b(?:before|prior|earlier|leading up)\b.*", wanted="before"),
    _Wording("incident", rf"(?:what|which)\b(?: \S+){{0,8}}? (?:changed|happened|went out|gone out|deployed|applied|took effect|changes|going on|change)\b.*?\b(?:before|prior to|leading up to|ahead of|preceding) (?P<m>.*(?:{_SIGNAL}|\bfired\b|\bwent off\b|[A-Z][a-z]+[A-Z]\w+).*)", wanted="before"),
    _Wording("on_call", rf"who(?:'s| is| was)? (?:currently )?(?:on[- ]?call|on duty|on rotation)\b(?: (?:for|of|when|with|at))? (?P<m>.*(?:{_SIGNAL}|\bservice\b).*)", wanted="on_call"),
    _Wording("on_call", r"(?:who|which team|what team|which group|whom)(?: team)? (?:owns?|is responsible for|is in charge of|looks after|maintains?|should (?:fix|handle|look at)|is the owner of|are the owners of) (?P<m>(?:the )?service\b (?:behind|that|of|for|which|affected|hit|in)\b.*)", wanted="owner"),
    _Wording("incident", rf"(?:according to (?:the )?post-?mortem,? )?(?:what(?:'s| is| was| were)?|why|how come)\b(?: \S+){{0,6}}?(?: (?:cause[ds]?|reason|culprit|behind|happen|happened|trigger(?:ed)?|led to|did|was|of|for|broke|go wrong|went wrong with))+ (?P<m>.*{_SIGNAL}.*)"),
    # -- approvals and reviews
    _Wording("approved", r"(?:who|which (?:reviewer|person)) (?:all )?(?:asked for|requested|wanted|demanded) changes (?:on|to|in|for|about) (?P<m>.+)", wanted="objected"),
    _Wording("approved", r"(?:did (?:a|any|some) (?:reviewer|body|one)s?|did (?:anyone|anybody|someone|somebody)|who) (?:object(?:ed)?(?: to)?|push(?:ed)? back (?:on|against)|block(?:ed)?|reject(?:ed)?|decline[d]?|veto(?:ed)?) (?P<m>.+?)(?:[?.]? (?:and )?who)?", wanted="objected"),
    _Wording("approved", r"who (?:merged|pressed merge on|hit merge on|pressed the merge button (?:on|for)|clicked merge on|landed) (?P<m>(?:the )?(?:\w+ )?(?:change|pr|pull request|merge request|mr|#|\S+#|\S+!).*)", wanted="merged"),
    _Wording("approved", r"(?:who|whose)(?: all)?(?: has| have| had)? (?:review(?:ed)? and )?(?:approv\w*|gave (?:the |a |an |it a )?(?:thumbs?[- ]up|plus one|\+1|lgtm|blessing|approval|ok|green light)|sign(?:ed)?[- ]?off|lgtm'?e?d|ok'?e?d)(?: (?:did|on|to|for|of|had|has))* (?P<m>.+?)(?: (?:have|get|had))?", wanted="approved"),
    _Wording("approved", r"(?P<m>.*\b(?:apply|applied|deploy(?:ment)?|release|rollout)\b.*?)[:,;]? who (?:approved|reviewed|signed off(?: on)?)(?: (?:that|this|it|the))?(?: change)?", wanted="approved"),
    # -- pipelines
    _Wording("pipeline", rf"(?:which|what) {_RUN} (?:brought|took|carried|moved|got|put|pushed|rolled) (?P<m>.+?)(?: (?:out|live))?{_INTO}?", wanted="applied"),
    _Wording("pipeline", rf"(?:at|in|on) (?:which|what) (?:step|job|stage) (?:did|does|was|has|of) (?P<m>.+?) (?:fail(?:ed)?|break|broke|stop(?:ped)?|die[d]?)(?: (?:in|for|on) {_ENVIRONMENT})?", wanted="failed"),
    _Wording("pipeline", r"(?P<m>.+?) (?:failed|broke|is red|was red|went red)[.:,;]? (?:at|in|on)? ?(?:which|what) (?:step|job|stage)", wanted="failed"),
    _Wording("pipeline", r"(?:which|what) (?:api|aws|cloud) ?(?:api )?calls (?:did|does|were|was) (?P<m>.+?) (?:make|made|do|issue|issued|cause)(?: in \w+)?", wanted="calls"),
    _Wording("pipeline", r"what did (?P<m>.*\b(?:apply|applying|run|deploy(?:ment)?)\b.*?) (?:really |actually |in fact )*(?:change|do|touch|modify)(?: (?:in|on) (?:aws|gcp|azure|the cloud|reality|the account))?", wanted="calls"),
    _Wording("running", rf"(?:(?:up )?to |until )?(?:which|what)(?: (?:is|was))?(?: the)?(?: last| latest| newest)? commit(?: (?:that|which))?(?: (?:is|was|has been|did|has|terraform|last|we|been))* (?:applied|apply)(?: (?:to|in|on))?(?: {_ENVIRONMENT})?", wanted="applied"),
    _Wording("running", rf"(?:up )?to (?:which|what) commit (?:is|was|has) {_ENVIRONMENT} (?:been )?applied", wanted="applied"),
    # -- who deployed, applied, rolled back; which version
    _Wording("running", r"who (?:ran|run|triggered|started|kicked off|did|launched|executed|made|performed) (?P<m>(?:the )?(?:\w+ )*?(?:apply|terraform)\b.*)", wanted="applied_by"),
    _Wording("running", rf"who (?:rolled back|reverted|did the rollback of|triggered the rollback of|rolled) (?P<m>.+?)(?: back)?{_INTO}?", wanted="rollback"),
    _Wording("running", r"(?P<m>.+?) was rolled back[.:,;]* (?:by whom|who(?: did (?:that|it|this))?|who was (?:that|it))", wanted="rollback"),
    _Wording("running", rf"(?:to )?(?:which|what)(?: version| release)? (?:was|were|did|have|has)(?: we| they)? (?:roll )?(?P<m>.+?) (?:been )?(?:rolled )?back(?: to)?{_INTO}?", wanted="rolled_to"),
    _Wording("running", rf"(?:what|which version|where) did (?:we|they|somebody) roll (?P<m>.+?) back to{_INTO}?", wanted="rolled_to"),
    _Wording("running", rf"who(?: was|'s| is)? (?:the )?(?:last|latest|most recent)(?: (?:one|person|engineer))? (?:to|who|that) (?:ship|shipped|deploy|deployed|release|released|push|pushed|roll out|rolled out) (?P<m>.+?){_INTO}?", wanted="who"),
    _Wording("running", rf"who (?:did|made|ran|triggered|kicked off|started|performed) (?:the )?(?:{_NEWEST} )?(?:(?P<e>prod(?:uction)?|staging|stage|dev) )?{_DEPLOY} (?:of|for) (?P<m>.+?)", wanted="who"),
    _Wording("running", rf"(?:what(?:'s| is| was)?|which is|tell me) (?:the )?(?:current|present|latest|deployed|live|running) (?:(?P<e>prod(?:uction)?|staging|stage|dev) )?(?:version|release|build|image|tag) of (?P<m>.+?)(?:{_INTO.replace('?P<e>', '?P<e2>')})?"),
    _Wording("running", rf"(?:from |on |at )?(?:which|what) (?:commit|sha|revision|version|code) (?:was|is|were|did) (?P<m>.+?)(?: (?:run(?:ning)?|live|built from|deployed))*{_INTO}?(?: from| at| on)?"),
    _Wording("running", rf"(?P<m>.+?){_INTO}?[:,;]* (?:which|what) (?:version|release|commit|build) (?:was|is|ran|were)(?: (?:that|it|this|there|running|live|then))*"),
    _Wording("reached", rf"(?:when|since when|at what time|how long) (?:did|does|has|have|is|was) (?P<m>.*\d+\.\d+.*?)(?: (?:go|gone|been|went|come))?(?: (?:live|out|deployed|released|shipped|running|rolled out))?(?:{_INTO})?", wanted="when"),
    _Wording("reached", rf"since when (?:did|does|has|is) {_ENVIRONMENT} (?:been )?(?:run|running|have|had|on|use|using|with) (?P<m>.+)", wanted="when"),
    _Wording("approved", r"whose (?:code|commits?|changes?|work) (?:went out|was shipped|was released|shipped|is|was|got out|landed)(?: (?:with|in|by))? (?P<m>.+)", wanted="authors"),
    # -- when it arrived
    _Wording("reached", rf"when did {_ENVIRONMENT} (?:get|receive|see|pick up|have) (?P<m>.+)", wanted="when"),
    _Wording("reached", r"(?:give|tell|show)(?: me| us)? (?:the )?(?:times?|moments?|dates?|when)(?: (?:at|on) which)? (?P<m>.+?) (?:reached|hit|got to|went to|arrived in|landed in|went live in) .+", wanted="when"),
    _Wording("reached", r"when did (?P<m>.+?) (?:go|get|come|reach|hit|arrive|land|make it)(?: (?:live|out))?(?: (?:in|to|into|on))? (?:\w+),? and (?:when |then )?(?:(?:to|in|into|on|hit|reach) )?\w+", wanted="when"),
    _Wording("reached", rf"(?:when|since when|at what time) (?:was|is|has|did|does|were|are) (?P<m>.+?) (?:been )?(?:{_ARRIVE}|(?:live|active) (?:in|on)) {_ENVIRONMENT}(?:[.?!,;].*)?", wanted="when"),
    _Wording("reached", rf"since when (?:was|is|has|are) (?P<m>.+?) (?:been )?(?:in|on) {_ENVIRONMENT}", wanted="when"),
    _Wording("reached", rf"(?:is|was|are|has|have|did) (?P<m>.+?) (?:already |actually |yet |now |ever )*(?:been )?(?:live (?:in|on)|in|on|{_ARRIVE}|reached|reach|running (?:in|on)|applied (?:to|in)) {_ENVIRONMENT}(?: (?:yet|already|by now|at all|so far|now))?", wanted="whether"),
    # -- what went out
    _Wording("went_out", rf"(?:what|which)(?: was| were| is|'s)?(?: the)? (?P<w>first|earliest)(?: \w+)?(?: (?:that|to|which|of all))* .*?(?:go|went|gone|deployed|applied|shipped|reached|reach|released)\b.*?{_ENVIRONMENT}"),
    _Wording("went_out", rf"what (?:went|was|has)\b.*?(?:out|deployed|applied|shipped)\b.*?{_INTO} (?P<w>first)"),
    _Wording("went_out", rf"(?:what|which) (?:was|is|were)(?: the)? (?P<w>most recent|last|latest|newest) (?:{_DEPLOY}|change|thing)(?: or (?:an? )?{_DEPLOY})*(?: (?:that|which|to|went|go|made|out))*{_INTO}(?: right)?"),
    _Wording("went_out", rf"what (?:went|was|got) (?:out|deployed|shipped|applied|live){_INTO}? (?P<w>right|just|immediately|directly|last)"),
    _Wording("went_out", rf"(?:what|list|show(?: me)?|which)(?: (?:was|were|has been|all|everything|things|got|that|the|of|what|did))* (?:deployed|applied|shipped|released|rolled out)(?: (?:or|and) (?:deployed|applied|shipped|released|rolled out))+{_INTO}?"),
    _Wording("went_out", rf"(?:list|show(?: me)?|tell me|give me)(?: (?:all|everything|what|which|that|the|of))* (?:reached|hit|went (?:out )?(?:to|live in)|got to|was (?:deployed|applied|shipped) to|arrived in|landed in) {_ENVIRONMENT}"),
    _Wording("went_out", rf"(?:which|what) (?P<w>pull requests?|prs?|merge requests?|mrs?)(?: (?:have|had|did|all))*(?: {_ARRIVE}| (?:reached|hit|went out to|went to|got to|shipped to|arrived in|landed in|made it to)) {_ENVIRONMENT}"),
    _Wording("went_out", rf"(?:which|what) (?:versions?|releases?|builds?) of (?P<m>.+?) (?:went|(?:was|were|have been|has been|got) (?:deployed|shipped|released|rolled out|live)|did|reached|hit|landed|came)(?: (?:out|live|go))*{_INTO}?"),
    # -- by hand or by the pipeline
    _Wording("by_hand", r"(?:was|were|is)(?: (?:the|that))? (?:change|edit|update|modification)s? (?:of|to|on|in) (?P<m>.+?) (?:made |done |at .* made )?(?:by hand|manual(?:ly)?|by a (?:person|human)|by the pipeline|by terraform|through terraform).*\bor\b.*", wanted="which"),
    _Wording("by_hand", r"(?:who|what)(?: or what| or who)? (?:changed|edited|touched|modified|updated) (?P<m>.+?)[:,;]? (?:a person|a human|somebody|by hand|manually|the pipeline|terraform|an? apply)\b.*\bor\b.*", wanted="which"),
    _Wording("by_hand", r"(?:which|what|any|were there(?: any)?|are there(?: any)?|list|show)(?: (?:the|all|me))* (?:manual|hand-?made|out-of-band|console) (?:changes?|edits?|modifications?|interventions?|tweaks?)(?: (?:did|has|have|were|was|made|done|there|happened))*(?: (?P<by>[A-Z\u00c0-\u024f][\w'\u00c0-\u024f-]*(?: [A-Z\u00c0-\u024f][\w'\u00c0-\u024f-]*){0,2}) (?:make|do|made|did|done|perform))?(?: (?:in|to|on|of) (?P<m>.+?))?"),
    _Wording("by_hand", r"(?:somebody|someone|anybody|a person) (?:touched|changed|edited|modified|fiddled with|messed with) (?P<m>.+?) (?:outside (?:of )?(?:terraform|iac|code|the pipeline)|by hand|manually|in the console)[.:,; ]*(?:who|when|what)?(?: was (?:it|that))?", wanted="who"),
    _Wording("by_hand", r"(?:was|were|has|is) (?P<m>.+?) (?:edited|changed|touched|modified|updated|altered) (?:by hand|manually|in the console|outside (?:of )?(?:terraform|iac|code|the pipeline))(?: (?:in|on|to) (?P<e>\w+))?[.:,;? ]*(?:and )?(?:by whom|who|when)?(?: was (?:it|that))?", wanted="who"),
    # -- why
    _Wording("why", r"what (?:was|is) (?P<m>.*?(?:#|\bpr |\bpull request |\bmerge request )#?\d+.*?) (?:for|about|good for)\b.*"),
    _Wording("why", rf"(?:for what|what) reasons? (?:did|had|has|have) {_SOMEBODY} {_VERB} (?P<m>.+)"),
    _Wording("why", r"(?:what|who) (?:made|drove|caused|prompted|led|motivated|pushed|got) (?:us|them|you|somebody|someone|the team)(?: to)? (?:to )?(?:change|changing|modify|set|raise|lower|bump|increase|decrease|update|touch|move|switch|reduce|drop) (?P<m>.+)"),
    _Wording("why", r"(?:what(?:'s| is| was)?) (?:the )?(?:story|idea|thinking|point|goal|deal|thought)s? (?:behind|of|for|with) (?:(?:the )?(?:change|changes|update|bump) (?:to|of|in|on) )?(?P<m>.+)"),
    _Wording("why", r"why (?:did|does|has) (?P<m>.+?) (?:go(?:ne)?|change[ds]?|move[ds]?|jump(?:ed)?|drop(?:ped)?|rise|r[io]sen?|fall(?:en)?|went|increase[ds]?|decrease[ds]?|come|get (?:changed|set|raised|lowered)) (?:up |down |over )?(?:from \S+ )?to \S+"),
    _Wording("why", r"why (?:is|are|was|were) (?P<m>.+?) (?:set to |at )?\S+(?: now)?,? (?:and not|not|instead of|rather than) \S+(?: any ?more)?"),
    _Wording("why", r"who decided(?: that)? (?P<m>.+?) (?:should|must|would|had to|has to|needs? to|ought to) (?:be|become|go to|get|have|stay).*(?:,|\band\b) why"),
    _Wording("why", r"why (?:did|do|have) (?:we|they) (?:ship|release|deploy|push out|roll out|put out) (?P<m>.+?)(?: (?:to|in|on) \w+)?"),
    _Wording("why", r"why (?:did|was|has) (?P<m>\S+ v?\d+\.\d+\S*)(?: (?:go(?:ne)?|went|been|shipped|released|deployed|come|put|pushed|rolled))*(?: (?:out|live))?(?: (?:to|in|on) \w+)?"),
    _Wording("why", r"what (?:was|is|were) (?P<m>\S*[#!]\d+) (?:for|about|good for)\b.*"),
    # -- talk
    _Wording("discussed", r"who (?:decided|agreed|proposed|suggested|said|ok'?e?d|wanted)(?: (?:that|on|to))* (?P<m>.+?) (?:should|must|would|had to|has to|needs? to|ought to|is to|was to|to) (?:be|become|go to|get)\b.*", wanted="decided"),
    _Wording("discussed", r"who (?:gave|had given) (?:the |a |us )?(?:go-?ahead|ok|okay|green light|permission|blessing|approval|thumbs?[- ]up) (?:for|to|on|about) (?P<m>.+?) (?:on|in|over) (?:slack|chat)", wanted="decided"),
    _Wording("discussed", r"what (?:did|have|had|was) (?:we|the team|people|they|everyone)? ?(?:agree|agreed|decide|decided|settle|settled)(?: (?:on|to do))? (?:for|about|with|regarding|on) (?P<m>.+)", wanted="decided"),
    _Wording("discussed", r"(?:which|what) (?:slack )?(?:thread|conversation|discussion|message|channel) (?:led to|resulted in|is behind|was behind|started|triggered|caused|preceded|is (?:about|for)|was (?:about|for)) (?P<m>.+)"),
    _Wording("discussed", r"(?:was|were|is|has|have) (?P<m>.+?) (?:been )?(?:ever )?(?:discussed|talked about|debated)(?: (?:anywhere|somewhere|in slack|on slack|in chat))?"),
    # -- people
    _Wording("what_changed", r"what (?:was|were|is|has|did) (?P<by>\S+(?: \S+){0,2}?) (?:up to|doing|working on|busy with|been up to|get up to)"),
    _Wording("who_is", r"(?:which|what) (?:pipeline |workflow |ci )?(?:run|pipeline|job|build) (?:was|is|used|had|owns?|is behind|was behind) (?:the )?(?P<m>.*\b(?:sessions?|accounts?|principals?)\b.+)"),
    _Wording("who_is", r"(?:what|which \w+|whom?|who) (?:did|does|do) (?:the )?(?P<m>.*\b(?:sessions?|accounts?|logins?|keys?|principals?)\b.*?) belong(?:ed|s)? to"),
    _Wording("what_changed", r"(?:show|list|give|tell)(?: me| us)? (?:everything|all|what|anything)(?: (?:that|the things))? (?P<by>\S+(?: \S+){0,2}?) (?:did|has done|was doing|worked on|changed|was up to|touched)"),
    _Wording("who_is", r"(?:who|which (?:person|human|engineer|colleague))(?:'s| is| was)?(?: (?:behind|using))? (?:the )?(?:(?:aws|slack|github|gitlab|kubernetes|k8s|pagerduty|iam|sso|git|cloudtrail|role|assumed) )*(?:account|login|user(?:name)?|handle|session|role session|access key|key|principal|identity|member)? ?(?P<m>\S*[\d:/@._-]\S*)(?: (?:on|in|at) (?:aws|slack|github|gitlab|kubernetes|k8s|pagerduty|git|the cloud))?"),
    _Wording("who_is", r"who(?:'s| is| was) (?P<m>@?\S+) (?:on|in|at) (?:aws|slack|github|gitlab|kubernetes|k8s|pagerduty|git)"),
    _Wording("who_is", r"(?:what|which)(?:'s| is| are| were)? (?:the )?(?:accounts?|logins?|handles?|identities|usernames?|user names?|names?|ids?)(?: name)? (?:of|for) (?P<m>.+?)(?: (?:on|in|at|across|for) (?:aws|slack|github|gitlab|kubernetes|k8s|pagerduty|git|all|every|the)\b.*)?"),
    # -- alerts
    _Wording("alerts", rf"(?:which|what|any|list|show|did any|were there any)(?: (?:the|all|of|other|new))* {_ALERTS}\b.*?\b(?:after|following|since|once) (?P<m>.+)", "out"),
    _Wording("expiring", r"(?:which|what) (?P<m>(?:tls |ssl |acm )?(?:certs?|certificates?|keys?|secrets?|credentials?|tokens?))\b.*\b(?:renew|rotate|replace|expire|expires|expiring|run out|due)\b.*"),
    # -- approvals
    _Wording("approved", rf"who(?:'s| all| has| have| had)* (?:approved|reviewed|signed off(?: on)?|okayed|ok(?:'e)?d|lgtm(?:'e)?d|greenlit|gave (?:the |an? )?(?:approval|go-?ahead|ok|green light|lgtm|sign-?off) (?:for|to|on)) (?:and merged )?{_THE}(?:{_NEWEST} )?(?:{_CHANGE} (?:to|of|in|on|for|that (?:\w+ )?changed|which (?:\w+ )?changed|that touched|behind) )?(?P<m>.+)"),
    _Wording("approved", rf"(?:by whom|from whom) (?:was|were|is|has) {_THE}(?:{_NEWEST} )?(?:{_CHANGE} (?:to|of|in|on|for) )?(?P<m>.+?) (?:been )?(?:approved|reviewed|signed off)"),
    _Wording("approved", rf"(?:was|were|has|is|did) {_THE}(?:{_NEWEST} )?(?:{_CHANGE} (?:to|of|in|on|for) )?(?P<m>.+?) (?:been |get |properly )*(?:approved|reviewed|signed off)(?: by (?:anyone|anybody|someone|somebody|who|whom))?"),
    _Wording("approved", rf"whose (?:approval|review|sign-?off|lgtm) (?:did|does|was|is|has) {_THE}(?:{_NEWEST} )?(?:{_CHANGE} (?:to|of|in|on|for) )?(?P<m>.+?)(?: (?:get|have|got|had|on))?"),
    _Wording("approved", rf"who (?:was|is|were|are) (?:the )?(?:approvers?|reviewers?) (?:of|for|on) {_THE}(?:{_NEWEST} )?(?:{_CHANGE} (?:to|of|in|on|for) )?(?P<m>.+)"),
    _Wording("approved", r"who (?:merged|pressed merge on|hit merge on) (?P<m>(?:the )?(?:pr|pull request|merge request|mr|#).*)"),
    # -- what stands before an alert or incident
    _Wording("incident", rf"what(?:'s| has| had| was| were| is| all| else)*{_ADVERBS} (?:{_VERB}|happen(?:ed)?|went (?:out|live)|gone out|going on|{_SHIPPED}|applied|new|different)(?: (?:in|to|on) (?P<e>\w+))?(?: (?:right|just|shortly|immediately|directly|in the (?:hour|minutes|day|run-?up)|an hour|within the hour))* (?:before|prior to|leading up to|ahead of|preceding|up to) (?P<m>.+)", wanted="before"),
    _Wording("incident", rf"(?:which|what|any|were there any|list|show)(?: (?:the|me|all))* (?:{_CHANGE}|{_DEPLOY})(?: (?:were|was|made|happened|landed|went out|went live|took effect|came|there|did we make|hit \w+|reached \w+))*(?: (?:right|just|shortly|immediately|directly|in the (?:hour|minutes|day|run-?up)|an hour|within the hour))* (?:before|prior to|leading up to|ahead of|preceding) (?P<m>.+)", wanted="before"),
    _Wording("incident", r"what(?:'s| was| is| were)? (?:the )?(?:(?:confirmed|root|actual|real|underlying) )*(?:caus(?:e|es|ed)|culprit)(?: (?:of|for|behind))? (?P<m>.+)"),
    _Wording("incident", r"what (?:led to|was behind|is behind|triggered|started|set off|broke|explains) (?P<m>.*\b(?:incident|outage|alert|alarm|page|inc[-#]?\d+|pd[-#]?\w+|down(?:time)?)\b.*)"),
    _Wording("incident", r"why did (?P<m>.*\b(?:incident|outage|alert|alarm|page|inc[-#]?\d+)\b.*?) (?:happen|occur|fire|start|begin|go off|trigger)"),
    _Wording("incident", r"why (?:was|were|did) (?:there|we have) (?P<m>.*\b(?:incident|outage|alert|alarm)\b.*)"),
    _Wording("incident", r"(?:what(?:'s| is| was)? )?(?:the )?root cause (?:of|for|behind) (?P<m>.+)"),
    # -- which version ran
    _Wording("running", rf"(?:which|what) (?:prs?|pull requests?|merge requests?|commits?|changes?)(?: (?:had|has))? (?:introduced|shipped|brought(?: in)?|produced|is behind|was behind|made up|went into|(?:was|were|is) in|contains?|led to|carried) (?:the )?(?:version|release|build|deployment|code)(?: of (?P<m>.+?))?(?: (?:that|which))?(?: (?:was|were|is))?(?: (?:running|live|deployed|active|ran|in))*(?:{_INTO})?(?: (?:when|at the time|as|while) (?:of )?(?P<w>.+))?"),
    _Wording("running", rf"(?:which|what) (?:version|release|commit|build|image|tag|revision|sha|image tag|code)(?: of)? (?P<m>.+?)(?: (?:was|is|were|ran|runs|has been))?(?: (?:currently|actually))*(?: (?:running|live|deployed|in use|active|serving|rolled out|out))?{_INTO}(?: (?:when|at the time|as) (?:of )?(?P<w>.+))?"),
    _Wording("running", rf"(?:which|what) (?:version|release|commit|build|image|tag|revision|sha|image tag|code)(?: (?:was|is|were|did|does|do))? (?:of )?(?P<m>.+?)(?: (?:was|is|were|ran|runs|run|running|on|at|use|have|live|deployed))*{_INTO}?(?: (?:when|at the time|as) (?:of )?(?P<w>.+))"),
    _Wording("running", rf"(?:which|what) (?:version|release|build|image|tag|revision|image tag)(?: (?:of|was|is|were|did|does|do))+ (?P<m>.+?)(?: (?:was|is|were|ran|runs|run|running|on|at|use|have|live|deployed|currently))*{_INTO}?"),
    _Wording("running", rf"what(?:'s| is| was| were) (?:currently )?(?:running|live|deployed)(?: (?:of|for) (?P<m>.+?))?{_INTO}(?: for (?P<n>.+))?"),
    _Wording("running", rf"who(?:'s| has| was it that| did)?(?: the)?(?: last(?: one)?| most recently| latest)?(?: to| who)? {_SHIPPED} (?P<m>.+?)(?: (?:last|most recently|latest))?{_INTO}?(?: (?:last|most recently|latest))?", wanted="who"),
    _Wording("running", rf"who (?:did|made|ran|triggered|kicked off|started|performed) (?:the )?(?:{_NEWEST} )?{_DEPLOY} (?:of|for|to) (?P<m>.+?){_INTO}?", wanted="who"),
    _Wording("running", rf"when (?:was|did|were)(?: \w+)?? (?P<m>.+?) (?:last|most recently) (?:{_SHIPPED}|ship|go out|deploy|get {_SHIPPED}){_INTO}?", wanted="when"),
    _Wording("running", rf"(?:(?:what|when|which|who)(?:'s| was| is)? )?(?:the )?{_NEWEST} {_DEPLOY} (?:of|for) (?P<m>.+?){_INTO}?", wanted="what"),
    # -- when a change reached an environment
    _Wording("reached", rf"(?:when|at what time|what time|since when) (?:did|was|were|has|is|had) {_THE}(?:{_NEWEST} )?(?:{_CHANGE} (?:to|of|in|on|for) )?(?P<m>.+?) (?:actually |finally |first )*{_ARRIVE} {_ENVIRONMENT}", wanted="when"),
    _Wording("reached", rf"(?:when|at what time|what time|since when) (?:was|were|is|has|had|did) {_THE}(?:{_NEWEST} )?(?:{_CHANGE} (?:to|of|in|on|for) )?(?P<m>.+?) (?:actually |finally |first )*(?:been )?(?:{_SHIPPED}|applied|live|go live|take effect|in effect|in){_INTO}?", wanted="when"),
    _Wording("reached", rf"(?:has|did|had|have) {_THE}(?:{_NEWEST} )?(?:{_CHANGE} (?:to|of|in|on|for) )?(?P<m>.+?) (?:actually |already |ever |yet |even )*{_ARRIVE} {_ENVIRONMENT}(?: (?:yet|already|at all|so far))?", wanted="whether"),
    _Wording("reached", rf"(?:is|was|are|were) {_THE}(?:{_NEWEST} )?(?:{_CHANGE} (?:to|of|in|on|for) )?(?P<m>.+?) (?:already |actually |yet |now )*(?:in|on|live in|live on|out in|out on|{_SHIPPED} (?:to|in|on)|running (?:in|on)|applied (?:to|in)) {_ENVIRONMENT}(?: (?:yet|already|by now|at all|so far|now))?", wanted="whether"),
    _Wording("reached", rf"(?:which|what) environments? (?:has|have|did|is|was) {_THE}(?:{_NEWEST} )?(?:{_CHANGE} (?:to|of|in|on|for) )?(?P<m>.+?)(?: (?:reached|reach|in|been (?:deployed|applied) to|live in|deployed to|gone to|got to))?", wanted="where"),
    # -- what went out
    _Wording("went_out", rf"what(?:'s| has| have| had| was| were| all| else| got| exactly)* (?:went|gone|go) (?:out|live){_INTO}?(?: (?:for|of|from) (?P<m>.+?))?(?: in the (?P<w>(?:\w+ )?(?:minutes?|hours?|day)))?"),
    _Wording("went_out", rf"what(?:'s| has| have| had| was| were| been| is| all| else| got| exactly| things| services?| did we)* (?:{_SHIPPED}|applied|shipped|ship|deploy|landed|land|release|rolled out|roll out){_INTO}?(?: (?:for|of|from|to) (?P<m>.+))?"),
    _Wording("went_out", rf"what(?:'s| has| have| had| all| else| changes?)* (?:reached|hit|made it (?:in)?to|arrived in|landed (?:in|on)|took effect (?:in|on)|got (?:in)?to|came to) {_ENVIRONMENT}"),
    _Wording("went_out", rf"(?:(?:which|what|list|show|all|any|give|get|were there|are there|have there been|did we have|me|the|us) )*{_DEPLOY}(?: (?:were|have|has|was|did|been|that|which|made|done|happened?|landed|there|went(?: out| live)?|reached|hit|we do|did we do|do we have|run))*{_INTO}?(?: (?:of|for) (?P<m>.+?))?{_INTO.replace('?P<e>', '?P<e2>')}?"),
    # -- where it was talked about
    _Wording("discussed", r"where (?:was|were|is|has|did|do|have)(?: (?:we|they|people|the team|anyone|somebody|someone|it))* (?P<m>.+?) (?:been )?(?:discussed|talked about|decided|agreed(?: on| upon)?|debated|mentioned|announced|brought up|raised|proposed)(?: (?:in|on) (?:slack|chat))?"),
    _Wording("discussed", r"where (?:did|do|have|was|were) (?:we|they|people|the team|anyone|somebody|someone|you|it) (?:discuss|discussed|talk about|talked about|decide(?:d)?(?: on)?|agree(?:d)?(?: on| to)?|debate|mention|bring up) (?P<m>.+)"),
    _Wording("discussed", r"(?:which|what|in which|in what|is there an?|was there an?|is there any|was there any|any|find|show|show me|link me|give me|point me (?:to|at))(?: the)? (?:slack )?(?:threads?|channels?|conversations?|discussions?|chats?|messages?|slack)(?: (?:was|were|is|has|did|that|which|where|we|people|they))* (?:discuss(?:ed|es|ing)?|cover(?:s|ed)|about|on|for|mention(?:s|ed|ing)?|talk(?:s|ed|ing)? about|led to|decided(?: on)?|behind|regarding|related to|concerning) (?P<m>.+?)(?: (?:discussed|talked about|decided|mentioned)(?: in)?)?"),
    _Wording("discussed", r"what (?:was|were|has been|had been|got) (?:said|decided|agreed(?: on| upon)?|discussed|the (?:decision|outcome|conclusion|discussion|conversation|consensus))(?: (?:in (?:slack|chat)))? (?:about|on|regarding|for|concerning|around|with|of) (?P<m>.+)"),
    _Wording("discussed", r"what did (?:we|the team|people|they|everyone|somebody|you guys|folks) (?:decide|agree|say|discuss|conclude)(?: (?:about|on|to do about|to do with|regarding|for|concerning|around|in slack about))? (?P<m>.+)"),
    _Wording("discussed", r"(?:what(?:'s| is| was) )?the (?:decision|discussion|conversation|consensus|slack thread|thread) (?:about|on|regarding|for|behind|around) (?P<m>.+)"),
    _Wording("discussed", r"(?:who|did (?:anyone|somebody|anybody|someone)) (?:discuss(?:ed)?|talk(?:ed)? about|mention(?:ed)?|say (?:something|anything) about|said (?:something|anything) about) (?P<m>.+)"),
    # -- alerts
    _Wording("alerts", rf"(?:which|what|any|list|show|did any|were there any|have any|has any|the|all|me) ?(?:the |all |of the |other |new )*{_ALERTS}(?: (?:{_FIRED}|we got|happened|occurred|there|did))*(?: (?:right|just|shortly|soon|immediately|directly|in the (?:hours?|minutes)))* (?:after|following|once|since|because of|as a result of|on the back of) (?P<m>.+)", "out"),
    _Wording("alerts", r"what (?:alerted|paged(?: us)?|fired|went off|started (?:alerting|firing))(?: (?:right|just|shortly|soon|immediately|directly))* (?:after|following|once|since) (?P<m>.+)", "out"),
    _Wording("alerts", rf"did (?P<n>.+? )?(?:deploy(?:ment|ing)?|releas(?:e|ing)|roll-?(?:ing )?out) (?:of )?(?P<m>.+?) (?:trigger|cause|set off|lead to|fire) (?:any )?{_ALERTS}", "out"),
    _Wording("alerts", rf"(?:which|what|any|list|show|did any|were there any|have any|are there any|is there any|has any|the|all|me) ?(?:the |all |of the |other |new |recent )*{_ALERTS}(?: (?:{_FIRED}|we got|happened|occurred|there|did|have|has|are|were|currently|been|right now|active|open))*(?: (?:for|about|on|in|from|against|to) (?P<m>.+))?"),
    # -- pipelines
    _Wording("pipeline", rf"(?:which|what) {_RUN}(?: (?:run|job|has|have|had|was it that|that))* (?:applied|{_SHIPPED}|built|ran(?: (?:for|on))?|was (?:for|used for)|carried out|executed|handled|tested|rolled out|put)(?: out)? {_THE}(?:{_CHANGE} (?:to|of|in|on|for) )?(?P<m>.+?)(?: live)?{_INTO}?"),
    _Wording("pipeline", rf"(?:which|what) {_RUN}(?: (?:has|have|had|was|were|is))*{_ADVERBS} (?:failed|broke(?:n)?|red|failing|errored)(?: (?:for|on|in|of|during) (?P<m>.+))?", wanted="failed"),
    _Wording("pipeline", r"(?:which|what) (?:step|job|stage|part)(?: of)? (?P<m>.+?) (?:failed|broke|errored)", wanted="failed"),
    _Wording("pipeline", r"(?:which|what) (?:step|job|stage)(?: has| had)? (?:failed|broke|errored) (?:in|on|for|of|during|when) (?P<m>.+)", wanted="failed"),
    _Wording("pipeline", rf"(?:why )?(?:did|has|have|is|was|were) (?:the )?{_RUN} (?:for|of|on|that (?:applied|deployed|built)) (?P<m>.+?) (?:fail(?:ed)?|pass(?:ed)?|succeed(?:ed)?|green|red|broken)"),
    _Wording("pipeline", rf"(?:by|in|with|through) (?:which|what) {_RUN} (?:was|were|did) {_THE}(?P<m>.+?) (?:been )?(?:applied|{_SHIPPED}|built|run|tested)(?:{_INTO})?"),
    # -- what expires
    _Wording("expiring", r"(?:which|what)(?: of (?:our|the))?(?: (?P<m>.*?\b(?:certs?|certificates?|keys?|secrets?|credentials?|tokens?)(?: for \S+)?))?(?: (?:will|is|are|is going to|are going to|that|which|do|does))*(?: (?:next|soon|first))? (?:expires?|expiring|runs? out|running out|due|lapses?|to expire)(?: (?:next|soon|first|soonest|in|within|the soonest))*"),
    _Wording("expiring", r"when (?:does|do|will|did|is|are)(?: (?:the|our))* (?P<m>.+?) (?:expires?|expiring|run out|lapse|due(?: to expire)?|set to expire|going to expire)"),
    _Wording("expiring", r"(?:(?:what|which)(?:'s| is| are) )?(?:the )?next (?P<m>(?:tls |ssl |acm )?(?:certs?|certificates?|keys?|secrets?|credentials?|tokens?))(?: (?:that |which )?(?:to expire|expiring|due(?: to expire)?|expires|will expire|that expires))?"),
    # -- on call
    _Wording("on_call", r"who(?:'s| is| was|'s been| are| were)? (?:currently )?on[- ]?call (?:for|of|on|about|when|with|at) (?P<m>.+)", wanted="on_call"),
    _Wording("on_call", r"who(?:m)? (?:should|do|can|could|must|would|shall) (?:i|we|one) (?:page|call|wake(?: up)?) (?:about|for|regarding|on|over|when) (?P<m>.+)", wanted="on_call"),
    _Wording("on_call", r"who(?:'s| is| was)? (?:the )?(?:on[- ]?call|first responder|primary)(?: (?:person|engineer|responder))? (?:for|of|on) (?P<m>.+)", wanted="on_call"),
    _Wording("on_call", r"(?:who|which team|what team|which group|whom) (?:owns?|is responsible for|is in charge of|looks after|maintains?|should (?:fix|handle|look at)|do i ping about) (?P<m>.*\b(?:alert(?:ing|s)?|alarm|incident|outage|paged?|firing|fired)\b.*)", wanted="owner"),
    # -- accounts
    _Wording("who_is", r"(?:which|what) (?:person|human|people|engineer|user|one of us|colleague|developer|employee) (?:is|was|are|uses?|used|owns?|has|belongs? to|goes by|is behind|hides behind)(?: (?:behind|the|an?|called|named))* (?P<m>.+)"),
    _Wording("who_is", r"whose (?:(?:aws|slack|github|gitlab|kubernetes|k8s|pagerduty|iam|sso) )*(?:account|login|user(?:name)?|handle|session|role session|access key|key|id|identity|email|mail|mail address|nick|nickname)(?: (?:name|id))? (?:is|was) (?P<m>.+)"),
    _Wording("who_is", r"who(?:'s| is| was| are)? (?:really |actually )*(?:behind|using|hiding behind) (?P<m>.+)"),
    _Wording("who_is", r"(?:what|which)(?: are| other)? (?:accounts?|logins?|handles?|identities|names|usernames?|user names)(?: does| do| did| has)? (?P<m>.+?)(?: (?:have|has|use|own|go by|got))?"),
    _Wording("who_is", r"what(?:'s| is| are| was) (?P<m>.+?)(?:'s|’s|s')? (?:(?:aws|slack|github|gitlab|kubernetes|k8s|pagerduty|iam|sso|git) )+(?:account|login|user(?:name)?|handle|id|name|session|email|mail|identity)"),
    _Wording("who_is", r"who(?:'s|se| is| was| are) (?:the )?(?:(?:aws|slack|github|gitlab|kubernetes|k8s|pagerduty|iam|sso|git|cloudtrail|role|assumed|display|user) )*(?:account|login|user(?:name)?|handle|session|role session|access key|key|principal|identity|mail|email|nick|member|author|committer|person|name)(?: (?:called|named|id|name|with the (?:name|id|mail|email|login)))? (?P<m>\S+(?: \S+){0,3})"),
    # -- owner
    _Wording("owner", rf"who(?:'s| is| are| was)? {_THE}(?:(?:current|code) ?)*(?:owners?|maintainers?|responsible|in charge|accountable) (?:person )?(?:of|for) (?P<m>.+)"),
    _Wording("owner", r"who (?:all )?(?:currently )?(?:owns?|owned|maintains?|looks after|takes care of|runs) (?P<m>.+)"),
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
    _Wording("state_at", r"(?:what|which) (?P<a>[\w.\- ]{1,60}?) (?:does|did|do|has|had) (?P<m>(?!(?:we|you|they|i)\b).+?) (?:have|has|had|use|used|listen(?:ed)? (?:on|to)|allow(?:ed)?|run(?: on)?|expose|set|open)"),
    _Wording("state_at", r"what (?:value|values) (?:did|does|has|had) (?P<m>.+?)(?: have| has)?"),
    _Wording("state_at", r"what (?:was|were) (?P<m>.+)"),
    # -- who is it
    _Wording("who_is", r"who(?:'s| is| was) (?P<m>@?[\w.@+\-/:]+(?: [\w.@+\-/:]+){0,2})"),
    # -- what is it
    _Wording("what_is", r"(?:what(?:'s| is| are|s)|describe|explain|(?:show|list|find|give|display|get)(?: me| us)?|locate|where(?:'s| is| are)|tell me about|info(?:rmation)? (?:on|about|for)|details? (?:of|on|about|for)|look ?up|search(?: for)?|about) (?:(?:all|about) )?(?:(?:of )?(?:the|our) )?(?P<m>.+?)(?: (?:defined|located|declared|live|for|about))?"),
    _Wording("what_is", rf"(?:what|which) (?P<m>.+?) (?:are there|do we have|exist)(?P<p> {_IN} .+)?"),
    _Wording("what_is", r"what (?:does|do) (?P<m>.+?) (?:do|mean|stand for)"),
)  # fmt: skip

_BY_HAND_OF = frozenset({"what_changed", "who_changed", "went_out", "reached", "why", "incident", "what_is"})
"""Kinds of question that may ask for what was done by hand only."""
_WITHOUT_MENTION = frozenset({"what_changed", "went_out", "alerts", "pipeline", "expiring", "running"})
"""Kinds of question that need name nothing."""
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
    r"right now|so far|which(?: ones?)?|and (?:when|why|how|by whom|what)(?: (?:exactly|and why|and when|and how))*|when and why|and in which (?:commit|pr)|"
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
    by_hand = _by_hand().search(rest)
    for worded in (rest, rest[:tail]) if tail is not None else (rest,):
        if by_hand and (question := _made_by_hand(asked, worded, times)):
            return question
        if question := _worded(asked, worded, times):
            return question
    if rest.casefold() in _SMALL_TALK:
        return Question("refused", asked, reason="Ask about the infrastructure.")
    if _imperative().fullmatch(rest):
        return Question(
            "refused", asked, mention=_mention(rest), reason="This asks for something to be done; infralore only reads."
        )
    return Question("what_is", asked, mention=_mention(rest), at=times.at, since=times.since, until=times.until)


def _made_by_hand(asked: str, text: str, times: Times) -> Question | None:
    """The question without the words that ask for manual changes: "who changed X by hand" asks that of X."""
    rest = _SPACE.sub(" ", _by_hand().sub(" ", text)).strip(" ,")
    rest = re.sub(r"^(were|was|are|is|have|has) there (any|some) changes?", r"what changes", rest, flags=re.I)
    question = _worded(asked, rest, times)
    if question is None or question.kind not in _BY_HAND_OF:
        return None
    mention = question.mention
    if question.kind == "reached":  # "did anybody change X in prod"
        mention = re.sub(rf"^(?:any|some)(?:body|one|thing)\b(?: {_VERB})?\s*", "", mention, flags=re.I)
    return replace(question, kind="by_hand", mention=mention)


def _worded(asked: str, text: str, times: Times) -> Question | None:
    """The question of the first wording that fits."""
    for wording in _WORDINGS:
        if not (found := _pattern(wording).fullmatch(text)):
            continue
        groups = found.groupdict()
        mention = _mention((groups.get("m") or groups.get("n") or "") + (groups.get("p") or ""))
        by = _person(groups.get("by") or "")
        effects = _effects(groups.get("v") or "")
        if question := _question(wording, asked, mention, by, times, effects, groups.get("a") or ""):
            environment = groups.get("e") or groups.get("e2") or ""
            wanted = _mention(groups.get("w") or "") or wording.wanted
            return replace(question, environment=environment.casefold(), wanted=wanted)
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
    if not mention and kind not in _WITHOUT_MENTION:
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
def _by_hand() -> re.Pattern[str]:
    return re.compile(rf"\b{_BY_HAND}(?!\w)", re.I)


@lru_cache(maxsize=1)
def _imperative() -> re.Pattern[str]:
    return re.compile(_IMPERATIVE, re.I)
