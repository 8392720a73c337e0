"""What took effect in the world in a window, ordered by when it arrived there and not by when it was merged."""

from __future__ import annotations

from agent.context import Context
from agent.effects import Effect, carried_requests, effects, told
from agent.evidence import inline, text_of
from agent.model import Answer, Change
from agent.named_service import environment_in, service_in
from agent.narrative import minute
from agent.phrasing import listing
from graph.clock import DAY, EARLIEST, Instant

SHOWN = 30
_FIRST = frozenset({"first", "earliest"})
_LAST = frozenset({"right", "just", "immediately", "directly", "last", "most recent", "latest", "newest"})
_TOLD = 8
_LOOK_BACK: Instant = 7 * DAY
_SPANS: dict[str, Instant] = {"minutes": DAY // 96, "hour": DAY // 24, "day": DAY}


def answer(context: Context) -> Answer:
    """Deployments, applies and manual changes of the window, newest first."""
    question = context.question
    words = f"{question.mention} {question.environment}"
    environment, service = environment_in(context, words), service_in(context, words)
    until = question.until if question.until is not None else _end(context)
    since = question.since if question.since is not None else until - _LOOK_BACK
    found = effects(context, since, until, environment=environment, service=service)
    if not found and question.since is None:
        since = EARLIEST
        found = effects(context, since, until, environment=environment, service=service)
    where = _where(environment, service)
    if not found:
        context.missing.append("no deployment, apply or audit event of that time is known")
        between = f"between {minute(since)} and" if question.since is not None else "before"
        text = f"Nothing is known to have gone out{where} {between} {minute(until)}."
        return context.answer("not_found", text, confidence=0.3)
    wanted = question.wanted.casefold()
    if wanted in _FIRST:
        found = found[-1:]
    elif wanted in _LAST:
        found = found[:1]
    elif wanted in ("hour", "day", "minutes"):
        found = tuple(e for e in found if e.at >= until - _SPANS[wanted])
    changes = told(context, found[:SHOWN])
    head = f"{len(found)} change{'s' if len(found) > 1 else ''} took effect{where} before {minute(until)}, the newest first:"
    if wanted in _FIRST or wanted in _LAST:
        head = f"The {'first' if wanted in _FIRST else 'last'} change that took effect{where}:"
    sentences = [head, *sentences_of(context, found[:_TOLD], changes)]
    return context.answer(
        "answered", " ".join(sentences), confidence=0.9, changes=changes, truncated=len(found) > SHOWN
    )


def _end(context: Context) -> Instant:
    return min(context.now, context.as_of) + 1 if context.as_of is not None else context.now + 1


def _where(environment: str, service: str) -> str:
    return (f" of {inline(service, 60)}" if service else "") + (f" in {inline(environment, 40)}" if environment else "")


def sentences_of(context: Context, found: tuple[Effect, ...], changes: list[Change]) -> list[str]:
    """A sentence for each effect."""
    sentences: list[str] = []
    for effect, change in zip(found, changes, strict=False):
        sentences.append(
            context.state(sentence(context, effect, change) + ".", *change.citations, *carried_cited(context, effect))
        )
    return sentences


def carried_cited(context: Context, effect: Effect) -> list[str]:
    """Citations of the pull requests that a deployment carried."""
    requests = carried_requests(context, effect.shipment) if effect.shipment is not None else []
    return [context.citations.cite(r.statements[0].provenance) for r in requests[:4]]


def sentence(context: Context, effect: Effect, change: Change) -> str:
    """What took effect when, where, by whom."""
    by = f" by {change.by.name}" if change.by.name else ""
    where = f" in {inline(effect.environment, 40)}" if effect.environment else ""
    if effect.shipment is not None:
        one = effect.shipment
        version = inline(one.version[:12] if len(one.version) == 40 else one.version, 40)
        what = (
            f"{inline(one.service, 60)} {version}"
            if one.service
            else inline(one.repository or one.workspace or "the code", 60)
        )
        verb = {"rollback": "rolled back"}.get(one.action, "applied" if one.is_apply else "deployed")
        if one.action != "rollback":
            where = where.replace(" in ", " to ", 1)
        requests = carried_requests(context, one)
        said = ""
        if requests:
            told_ = [
                f"#{r.properties.get('number')} “{inline(text_of(r.properties, 'title'), 80)}”" for r in requests[:4]
            ]
            said = f" with {listing(told_, 4)}"
        return f"{minute(effect.at)}: {what} was {verb}{where}{by}{said}"
    label = change.target.label if change.target else "something"
    if effect.door is not None:
        how = " by hand, outside of the code" if effect.door.outside_code else " by hand"
        return f"{minute(effect.at)}: {inline(label, 100)} was {_VERB.get(change.effect, 'changed')}{where}{how}{by} ({inline(change.title, 80)})"
    return f"{minute(effect.at)}: {inline(label, 100)} was {_VERB.get(change.effect, 'changed')}{where} by an apply"


_VERB = {"created": "created", "deleted": "deleted"}
