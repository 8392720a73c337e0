"""The labels of a world's outages: which ids name the cause, in the sources that the world has."""

from __future__ import annotations

from datetime import datetime
from uuid import NAMESPACE_DNS, uuid5

from bench.world.outage_model import Deploy, Outage, Turn
from bench.world.outage_run import Ran, cloud_names
from examples.formats.output import stamp
from examples.formats.terraform_state import StateVersion

STATE_DAYS = {"prod": 5, "staging": 30}
"""The backend keeps one version of so many days, whatever happened in them."""


def kept_versions(versions: list[StateVersion], start: datetime, days: int) -> list[StateVersion]:
    """The last version of each span of days."""
    by_span = {max((v.written_at - start).days // days, -1): v for v in versions}
    return list(by_span.values())


def label_of(ran: Ran, outage: Outage, missing: frozenset[str]) -> dict[str, object]:
    tale = ran.tale
    why = _hidden(outage, missing)
    cause: dict[str, object] = {
        "shas": [], "pull_requests": [], "deployments": [], "rollouts": [], "events": [], "states": [], "names": list(outage.names), "targets": list(outage.targets),
    }  # fmt: skip
    if outage.change:
        change = tale.changes[outage.change]
        cause["shas"] = [change.merge_sha, *([change.head_sha] if change.style == "merge" else [])]
        cause["pull_requests"] = [] if "github" in missing else [f"{change.repository}#{change.number}"]
        deploy = next(d for d in ran.deploys if d.id == change.reached["prod"][0])
        if "deployments" not in missing:
            cause["deployments"] = [deploy.id]
        if deploy.service and "kubernetes" not in missing:
            cause["rollouts"] = [{"service": deploy.service, "version": deploy.version, "environment": "prod"}]
        if "cloudtrail" not in missing:
            cause["events"] = deploy.events
        if deploy.serial and "states" not in missing:
            cause["states"] = _first_with(ran, deploy, outage.detected_at)
    if outage.hand and "cloudtrail" not in missing:
        cause["events"] = [tale.hands[outage.hand].event_id]
    turned = tale.hands[outage.hand].address if outage.hand else ""
    for edit in tale.changes[outage.change].edits if outage.change else ():
        turned = edit.address if isinstance(edit, Turn) else turned
    if turned:
        cause["targets"] = [*outage.targets, *cloud_names(ran, turned)]
    return {
        "id": outage.id, "symptom": outage.symptom, "detected_at": stamp(outage.detected_at), "kind": outage.kind, "mechanism": outage.mechanism,
        "symptom_class": outage.symptom_class, "service": outage.service, "observable": not why, "why_not_observable": why, "cause": cause,
        "effect_at": stamp(outage.effect_at) if outage.effect_at else None,
        "lag_s": int((outage.detected_at - outage.effect_at).total_seconds()) if outage.effect_at else None,
        "hops": outage.hops, "path": list(outage.path), "distractors": _distractors(ran, outage, missing),
        "postmortem": outage.postmortem, "repeat_of": outage.repeat_of or None, "wrong_memory_of": outage.wrong_memory_of or None,
    }  # fmt: skip


def _first_with(ran: Ran, deploy: Deploy, until: datetime) -> list[dict[str, object]]:
    """The first kept version of prod's state that holds what this apply brought, when it was written by then."""
    lineage = str(uuid5(NAMESPACE_DNS, f"prod.{ran.topology.organisation.domain}"))
    for version in kept_versions(ran.states["prod"], ran.tale.start, STATE_DAYS["prod"]):
        if version.serial >= deploy.serial:
            return [{"lineage": lineage, "serial": version.serial}] if version.written_at <= until else []
    return []


def _hidden(outage: Outage, missing: frozenset[str]) -> str:
    if outage.kind == "external":
        return "a third party failed; nothing of the organisation's own changed"
    if outage.kind == "manual" and "cloudtrail" in missing:
        return "the change was made by hand and the audit log is not among the sources"
    if outage.kind == "expiry" and "secrets" in missing:
        return "the credential is in no source"
    if outage.kind == "quota" and outage.evidence and all(e in missing for e in outage.evidence):
        return f"the limit shows in {' and '.join(outage.evidence)} only, which are not among the sources"
    return ""


def _distractors(ran: Ran, outage: Outage, missing: frozenset[str]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for key in outage.distractors:
        if key in ran.tale.changes:
            change = ran.tale.changes[key]
            in_prod = change.reached.get("prod")
            at = in_prod[1] if in_prod and in_prod[1] < outage.detected_at else change.merged_at
            pull = f"{change.repository}#{change.number}"
            rows.append(
                {
                    "id": change.merge_sha,
                    "pull_request": "" if "github" in missing else pull,
                    "how": change.role,
                    "at": stamp(at),
                }
            )
        elif "cloudtrail" not in missing:
            hand = ran.tale.hands[key]
            rows.append({"id": hand.event_id, "pull_request": "", "how": hand.role, "at": stamp(hand.at)})
    return rows
