"""What to do: at once, to end it; later, so that it does not come back. Only advice, and only what follows from what is known."""

from __future__ import annotations

from collections.abc import Sequence

from agent.culprit import Culprit
from agent.evidence import inline
from agent.incident import Suspect
from agent.investigation import Advice, Conclusion, Rollback
from agent.narrative import minute
from agent.phrasing import attribute, side
from agent.scene import Scene

MOST = 6
_TOOLS = ("git ", "aws ", "terraform ")


def is_command(text: str) -> bool:
    """Whether a rollback is a command line, and not words."""
    return text.startswith(_TOOLS)


def mitigation(scene: Scene, cause: Culprit | None, back: Rollback | None, verdict: Conclusion) -> tuple[Advice, ...]:
    """What ends it, best first. Without a cause that is sure enough, what to check first."""
    if cause is None:
        return (Advice(text="Nothing that is known suggests what to take back. Look at what could not be seen first."),)
    suspect = cause.suspect
    found: list[Advice] = []
    if verdict != "cause_found" and suspect.kind != "external":
        name = inline(suspect.title, 120)
        found.append(Advice(text=f"Check first whether it was “{name}”: it is only the likeliest of what is listed."))
    if back is not None:
        found.append(_taking_back(suspect, back))
        if not back.safe and back.command:
            found += _forward(cause)
    elif suspect.kind == "capacity":
        label = inline(suspect.title, 120)
        found.append(Advice(text=f"Raise the limit or add capacity: {label}.", citations=_cited(cause)))
    elif suspect.kind == "external":
        found.append(
            Advice(
                text="It lies outside: nothing of ours takes it back. Ask whoever runs it, switch over or switch the feature off, and tell those affected.",
                citations=_cited(cause),
            )
        )
    else:
        found += _forward(cause)
    if suspect.kind == "quota":
        found.append(
            Advice(
                text="Until the limit is raised: stop what uses most of it, or move some to another region or account."
            )
        )
    return tuple(found[:MOST])


def long_term(scene: Scene, cause: Culprit | None, back: Rollback | None) -> tuple[Advice, ...]:
    """What would have prevented it, or shown it sooner."""
    if cause is None:
        return (Advice(text="Connect the sources that are named under what could not be seen."),)
    suspect = cause.suspect
    cites = _cited(cause)
    found: list[Advice] = []
    match suspect.kind:
        case "expiry":
            found += [
                Advice(
                    text="Let it be renewed automatically, and be told 30 days before anything of its sort expires.",
                    citations=cites,
                ),
                Advice(text='List what else expires soon: `lore ask "what expires next month?"`.'),
            ]
        case "quota" | "capacity":
            found.append(Advice(text="Watch how much of the limit is used, with an alert at 80 %.", citations=cites))
        case "external":
            found.append(
                Advice(
                    text="Make the failure of what lies outside bearable: a timeout, a fallback, a cache or a second provider."
                )
            )
        case _:
            found += _of_change(scene, cause, cites)
    if back is not None and back.safe and suspect.kind in ("change", "manual") and suspect.reached:
        found.append(
            Advice(
                text="Taking it back ends the symptom, not its reason: do the change again in a way that holds, tried elsewhere first."
            )
        )
    return tuple(found[:MOST])


def _taking_back(suspect: Suspect, back: Rollback) -> Advice:
    if not back.command:
        return Advice(text=_sentence(back.why), citations=back.citations)
    careful = "" if back.safe else "Not safe as it is. "
    verb = {"expiry": "Renew it", "quota": "Raise the limit"}.get(suspect.kind, "Take it back")
    if is_command(back.command):
        return Advice(text=f"{careful}{verb}. {_sentence(back.why)}", command=back.command, citations=back.citations)
    return Advice(text=f"{careful}{_sentence(back.command)} {_sentence(back.why)}", citations=back.citations)


def _forward(cause: Culprit) -> list[Advice]:
    """Instead of taking all of it back: put back the attributes that matter by a new change."""
    change = next((c for c in cause.changes if c.attributes and c.effect == "updated"), None)
    if change is not None:
        known = [a for a in change.attributes if a.before.state in ("value", "absent")][:3]
        if known:
            label = inline(change.target.label, 120) if change.target else "it"
            back = "; ".join(
                f"{inline(a.path, 80)} back to {side(a.before)}"
                if a.before.state == "value"
                else f"take out {inline(a.path, 80)}"
                for a in known
            )
            return [
                Advice(
                    text=f"Or put back only what matters, by a new change to {label}: {back}.",
                    citations=change.citations,
                )
            ]
    gone = next((c for c in cause.changes if c.effect == "deleted" and c.target), None)
    if gone is not None and gone.target is not None:
        return [Advice(text=f"Add {inline(gone.target.label, 120)} again by a new change.", citations=gone.citations)]
    return []


def _of_change(scene: Scene, cause: Culprit, cites: Sequence[str]) -> list[Advice]:
    suspect = cause.suspect
    found: list[Advice] = []
    hand = suspect.by_hand or suspect.kind == "manual"
    if hand:
        outside = any(c.outside_code for c in cause.changes)
        more = " Put the setting into the code that manages it, or the next apply undoes it." if outside else ""
        found.append(
            Advice(
                text=f"Let changes of this sort be made by reviewed code, and not by hand.{more}",
                citations=tuple(cites),
            )
        )
    elif cause.request is None and suspect.change is not None and suspect.change.kind == "Commit":
        found.append(
            Advice(
                text="No pull request is known for it: protect the branch, so that somebody looks at such changes.",
                citations=tuple(cites),
            )
        )
    elif cause.request is not None and not cause.chain.approvals:
        found.append(
            Advice(
                text=f"Nobody is known to have approved #{cause.request.number}: ask for a review of such changes.",
                citations=tuple(cites),
            )
        )
    here = scene.symptom.environment
    at = suspect.reached.get(here)
    if at is not None and not hand:
        before = sorted((moment, name) for name, moment in suspect.reached.items() if name != here and moment < at)
        if not before and len(scene.reach.shipments.environments - {here}) > 0:
            found.append(
                Advice(
                    text=f"It reached {inline(here, 40)} without being known to have run anywhere else before: let such changes pass another environment first."
                )
            )
        elif before and at - before[-1][0] < 3_600_000_000:
            moment, name = before[-1]
            found.append(
                Advice(
                    text=f"It ran in {inline(name, 40)} only since {minute(moment)} before it reached {inline(here, 40)}: leave time to notice."
                )
            )
    change = next((c for c in cause.changes if c.attributes and c.effect == "updated" and c.target), None)
    if change is not None and change.target is not None:
        one = change.attributes[0]
        found.append(
            Advice(
                text=f"Add a check to the pipeline that refuses what happened here ({inline(change.target.label, 100)}: {attribute(one)}).",
                citations=change.citations,
            )
        )
    return found


def _cited(cause: Culprit) -> tuple[str, ...]:
    return cause.main.citations[:2] if cause.main is not None else ()


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
