"""What is seen and said of an outage, and how it is repaired."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bench.world.outage_binding import Bound
from bench.world.outage_causes import (
    QuotaCause,
)
from bench.world.outage_model import Change, Hand, Outage, PodEvent, Said, Signal, Turn, Write
from bench.world.outage_tale import HOUR, MINUTE, Tale, add_pull
from bench.world.outage_words import (
    AFTER_CHATTER,
    CHATTER,
    PRECISE_ALERTS,
    SYMPTOMS,
)


def add_signals(tale: Tale, outage: Outage, bound: Bound) -> None:
    random, at = tale.random, outage.detected_at
    over = at + timedelta(minutes=random.randint(40, 130))
    if random.random() < 0.85:
        tale.signals.append(Signal(PRECISE_ALERTS[outage.symptom_class], outage.service, at - timedelta(seconds=random.randint(1, 40)), over, outage.symptom))  # fmt: skip
    cause = bound.cause
    for service in bound.up[1:]:
        if (
            cause is not None
            and random.random() < 0.75
            and (outage.effect_at is not None or isinstance(cause, QuotaCause))
        ):
            low = outage.effect_at or at - 20 * MINUTE
            seen = cause.seen[0] if service == bound.user else "5xx"
            words = {
                "s": service,
                "d": bound.thing.label if bound.thing else "its backend",
                "n": random.randint(5, 50),
                "ms": 4200,
            }
            moment = tale.between(low, at, 0.3, 0.95)
            tale.signals.append(Signal(PRECISE_ALERTS[seen], service, moment, over, random.choice(SYMPTOMS[seen]).format(**words), "warning"))  # fmt: skip
    if isinstance(cause, QuotaCause):
        label = bound.thing.label.removesuffix("-params") if bound.thing else "prod"
        if "alert" in cause.told_by:
            for k, n in enumerate((380, 397) if cause.key == "connections_used_up" else (9, 2)):
                moment = at - timedelta(minutes=random.randint(40, 200) if k == 0 else random.randint(1, 12))
                summary = cause.alert_text.format(l=label, n=n)
                tale.signals.append(Signal(cause.alert, "", moment, over, summary, "warning", {"resource": label}))
        if "event" in cause.told_by:
            for service in dict.fromkeys((bound.user, random.choice(bound.up))):
                moment = at - timedelta(minutes=random.randint(1, 14), seconds=random.randint(0, 50))
                tale.events.append(PodEvent(service, cause.reason, cause.message, moment, "cluster-autoscaler" if "Scale" in cause.reason else "kubelet"))  # fmt: skip
    elif outage.effect_at is not None and cause is not None:
        reasons = {"oom": ("OOMKilling", "Memory cgroup out of memory: Killed process 1"), "crash_loop": ("BackOff", "Back-off restarting failed container"), "unscheduled": ("FailedScheduling", "0/9 nodes are available: insufficient cpu"), "disk_full": ("Evicted", "The node was low on resource: ephemeral-storage")}  # fmt: skip
        if cause.seen[0] in reasons and random.random() < 0.7:
            reason, message = reasons[cause.seen[0]]
            tale.events.append(PodEvent(bound.user, reason, message, tale.between(outage.effect_at, at, 0.2, 0.95)))
    for _ in range(random.randint(0, 2)):  # alerts that mean nothing
        other = random.choice(tale.topology.organisation.services).name
        moment = at - timedelta(hours=random.randint(3, 60), minutes=random.randint(0, 59))
        seen = random.choice(("latency", "queue_lag", "5xx"))
        words = {"s": other, "d": "its backend", "n": random.randint(3, 9), "ms": 1800}
        tale.signals.append(Signal(PRECISE_ALERTS[seen], other, moment, moment + 8 * MINUTE, random.choice(SYMPTOMS[seen]).format(**words), "warning"))  # fmt: skip


def add_chatter(tale: Tale, outage: Outage) -> None:
    random, at = tale.random, outage.detected_at
    organisation = tale.topology.organisation
    if random.random() < 0.4:
        titles = [tale.changes[k].title for k in outage.distractors if k in tale.changes]
        blamed = random.choice([*titles, outage.service])
        for _ in range(random.randint(1, 2)):
            text = random.choice(CHATTER).format(s=outage.service, o=blamed)
            tale.said.append(Said(organisation.service(outage.service).channel, tale.person(), at - timedelta(seconds=random.randint(5, 400)), text))  # fmt: skip
    recovered = outage.recovered_at or at + HOUR
    tale.said.append(Said("incidents", tale.person(), at + timedelta(seconds=random.randint(30, 200)), outage.symptom))
    text = random.choice(AFTER_CHATTER).format(s=outage.service, cause=outage.cause_text, fix=outage.fix_text)
    tale.said.append(Said("incidents", tale.person(), recovered + 3 * MINUTE, text))


def add_repair(tale: Tale, outage: Outage, bound: Bound, pending: list[str]) -> None:
    random, at = tale.random, outage.detected_at
    fixed_at = at + timedelta(minutes=random.randint(28, 75))
    # what waits for prod and would break it is taken back first
    for key in pending:
        held = tale.changes[key]
        merged_at = at + timedelta(minutes=random.randint(4, 9), seconds=random.randint(0, 59))
        back = _undo(tale, held, merged_at, f'Revert "{held.title}"', "taken_back")
        back.body = f"Reverts {{{{number:{held.key}}}}}. Not now, and not without a test."
        # both reach prod together when all is calm, so that nothing is left for the next deployment to bring
        back.reach = {"staging": merged_at + 6 * MINUTE, "prod": at + timedelta(hours=random.randint(3, 9))}
    if outage.change:
        broken = tale.changes[outage.change]
        fix = _undo(tale, broken, at + timedelta(minutes=random.randint(12, 24), seconds=random.randint(0, 59)), f'Revert "{broken.title}"', "fix")  # fmt: skip
        fix.body = f"Reverts {{{{number:{broken.key}}}}}."
        fix.reach = {"prod": fixed_at}
        if "staging" in broken.reach:
            fix.reach["staging"] = fixed_at + 5 * MINUTE
        outage.fix_text = f"{broken.title!r} was reverted"
        if bound.kind == "deploy" and random.random() < 0.5:
            tale.rollbacks.append((broken.key, at + timedelta(minutes=random.randint(6, 11))))
    elif outage.hand:
        hand = tale.hands[outage.hand]
        first = bound.thing.attributes[hand.attribute] if bound.thing else ""
        undo = Hand(tale.next("h"), fixed_at, hand.address, hand.attribute, first, tale.person(), "fix")
        tale.hands[undo.key] = undo
        outage.fix_text = f"{bound.thing.label if bound.thing else 'it'} was set back by hand"
    elif bound.kind == "quota":
        outage.fix_text = "the limit was raised"
    elif bound.kind == "external":
        outage.fix_text = f"{tale.topology.vendors[bound.symptom_service]} recovered"
    outage.recovered_at = fixed_at + timedelta(minutes=random.randint(2, 9))


def _undo(tale: Tale, change: Change, merged_at: datetime, title: str, role: str) -> Change:
    edits: list[Turn | Write] = []
    for edit in change.edits:
        if isinstance(edit, Write):
            edits.append(Write(edit.path, edit.new, edit.old))
        else:
            thing = tale.topology.thing(edit.address)
            edits.append(replace(edit, after=thing.attributes[edit.attribute]))
    repository = "infra" if change.repository == tale.topology.organisation.infra_repository else "services"
    back = add_pull(tale, repository, title, tuple(edits), merged_at, service=change.service, role=role)
    back.created_at = merged_at - timedelta(minutes=2)
    return back
