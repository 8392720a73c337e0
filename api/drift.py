"""Drift as the application looks for it: Terraform planned where it can run, findings kept, fixes made, pull requests opened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from agent.drift.model import AttributeDrift, Drift, DriftReport
from agent.drift.observed import Observed
from agent.model import AttributeState
from api.drift_settings import DriftSettings, RootSettings, read_drift_settings, root_of
from api.errors import UsageError
from api.wiring import precise_clock
from graph.clock import DAY, instant
from graph.model import EntityRef, Value, ref
from graph.store import View
from ingest.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.fix.model import Fix
    from api.drift_announcements import Announcement
    from api.gateway import Outcome, Yes
    from api.wiring import Engine
    from graph.clock import Instant
    from ingest.terraform_reality import Compared, Differing

_SHORTEST = 6
_ANNOUNCED_WITHIN = DAY


@dataclass(frozen=True, slots=True)
class _Looked:
    """What one root module's plan told; no scope when it could not be made."""

    observed: tuple[Observed, ...] = ()
    lineage: str = ""
    scope: str = ""
    notes: tuple[str, ...] = ()


class Drifts:
    """What `lore drift` and its schedule do."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def settings(self) -> DriftSettings:
        """The section `drift:`. Raises `SettingsError`."""
        return read_drift_settings(self._engine.settings.drift)

    # -- looking

    def scan(self, *, environment: str = "", terraform: bool = True) -> DriftReport:
        """Look now, keep what was found, and tell it. What one root module cannot tell is a note and stands in no other's way.

        Raises:
            SettingsError: `drift:` cannot be used.
        """
        from agent.drift.findings import finding_batches, known, with_held
        from agent.drift.inventory import inventory_drift, scope_of
        from agent.drift.scan import capped, scan

        settings = self.settings
        store, view = self._engine.store, self._engine.view
        roots = [r for r in settings.terraform if not environment or r.environment == environment]
        looked = [self._look(root) for root in roots] if terraform else []
        planned = frozenset(one.lineage for one in looked if one.scope and one.lineage)
        listed = inventory_drift(store, view, environment=environment, planned=planned)
        before = known(store, View(audience=store.labels() | view.audience))
        now = precise_clock()
        notes = [note for one in looked for note in one.notes]
        if roots and not terraform:
            notes.append("Terraform was not run: what only a plan can tell is as the last scan with it left it")
        # What a plan told stands until the next plan of that root module, and counts more than what an inventory makes of the same thing.
        seen = {one.scope for one in looked if one.scope}
        held = [
            one
            for one in known(store, view).values()
            if one.scope.startswith("terraform/")
            and one.scope not in seen
            and (not environment or one.drift.environment == environment)
        ]
        told = {one.drift.ref for one in held}
        found = scan(
            store,
            view,
            [o for one in looked for o in one.observed] + [o for o in listed.observed if str(o.ref) not in told],
            now=now,
            first_seen={id_: one.drift.first_seen_at for id_, one in before.items()},
            rules=settings.rules(),
            notes=(*notes, *listed.notes),
            cut=listed.cut,
        )
        scopes = [one.scope for one in looked if one.scope] + list(listed.scopes)
        scopes += [
            one.scope
            for one in before.values()
            if one.scope.startswith("inventory/") and (not environment or one.scope == scope_of(environment))
        ]
        for batch in finding_batches(found.report, scopes, found.scopes, found.labels, before, now):
            store.apply(batch)
        here = {d.id for d in found.report.drifts}
        gone = sorted(id_ for id_, one in before.items() if one.scope in scopes and id_ not in here)
        return capped(msgspec.structs.replace(with_held(found.report, held), gone=tuple(gone)))

    def report(self, *, as_of: Instant | None = None, environment: str = "") -> DriftReport:
        """What the scans found that holds at this time, without looking anew."""
        from agent.drift.scan import capped

        return capped(self._known(as_of, environment))

    def _known(self, as_of: Instant | None = None, environment: str = "") -> DriftReport:
        """All of it, however much."""
        from agent.drift.findings import stored_report

        return stored_report(self._engine.store, replace(self._engine.view, as_of=as_of), environment)

    def of(self, drift: str) -> tuple[Drift, DriftReport]:
        """One drift by its id or the first characters of it, with the report whose citations it uses.

        Raises:
            UsageError: there is none, or there are several.
        """
        report = self._known()
        wanted = drift.strip()
        wanted = wanted if wanted.startswith("drift_") else f"drift_{wanted}"
        found = [d for d in report.drifts if d.id.startswith(wanted)]
        if len(found) == 1 and (len(wanted) >= _SHORTEST + len("drift_") or found[0].id == wanted):
            return found[0], report
        if not found:
            raise UsageError(f"there is no drift {drift}", "`lore drift --stored` lists those that are known")
        raise UsageError(f"{drift} may be {len(found)} drifts", "give more characters of its id")

    # -- mending

    def fix(self, drift: str, how: str = "", *, check: bool = True) -> Fix:
        """What to do about one drift (its id, or the first characters of it); `how` is adopt or revert, the first of its remedies when empty.

        Raises:
            UsageError: there is no such drift, or it cannot be mended this way.
        """
        from api.drift_fix import make_fix

        found, _ = self.of(drift)
        return make_fix(self._engine, self.settings, found, how, check=check)

    def write(self, fix: Fix) -> list[str]:
        """Write the fix's files into the work tree; where they are.

        Raises:
            UsageError: there is no work tree, a file is no longer what the edit was made of, or there is nothing to write.
        """
        from api.drift_pull_request import write_files

        if not fix.files or not fix.safe:
            raise UsageError(
                "nothing was written: the edit is not safe" if fix.files else "there is nothing to write", fix.why
            )
        found, _ = self.of(fix.drift)
        return write_files(self._engine, self.settings, found, fix)

    def open_pull_request(self, fix: Fix, yes: Yes | None) -> Outcome:
        """Push the fix's branch and open its pull request, or update the one that is open, through the gateway.

        Raises:
            UsageError: nothing is to be changed, it is not safe, or nobody knows which repository the code is in.
            OutwardUnavailable: it may work later.
        """
        from api.drift_pull_request import pull_request

        found, report = self.of(fix.drift)
        return self._engine.gateway.execute(pull_request(self.settings, found, fix, report), yes)

    # -- telling

    def announcements(self, report: DriftReport) -> tuple[Announcement, ...]:
        """What is to be told of drift that is new: each once, by its key, where its owners are."""
        from api.drift_announcements import announcements

        scanned = instant(report.scanned_at) if report.scanned_at else 0
        new = [d for d in report.drifts if instant(d.first_seen_at) >= scanned - _ANNOUNCED_WITHIN]
        return announcements(self.settings, report, new)

    # -- one root module

    def _look(self, root: RootSettings) -> _Looked:
        from ingest.terraform_cli import TerraformCli
        from ingest.terraform_reality import compared

        try:
            told = compared(TerraformCli(root_of(root, self._engine.settings)).planned())
        except SourceError as error:
            hint = f" ({error.hint})" if error.hint else ""
            return _Looked(notes=(f"{root.scope.removeprefix('terraform/')} was not compared: {error}{hint}",))
        notes: list[str] = []
        name = root.scope.removeprefix("terraform/")
        if told.planned:
            shown = ", ".join(told.planned[:3]) + (" …" if len(told.planned) > 3 else "")
            notes.append(f"{name}: {len(told.planned)} pending in code, not applied yet: {shown}")
        if not told.complete:
            notes.append(f"{name}: Terraform could not plan all of it")
        return _Looked(_observed(root, told, self._written_at(root, told)), told.lineage, root.scope, tuple(notes))

    def _written_at(self, root: RootSettings, told: Compared) -> Mapping[EntityRef, Instant]:
        """When the state last said something new of each instance, as the graph knows it."""
        from agent.drift.sides import last_state

        refs = [_ref(told, one.address, root.workspace) for one in told.differing]
        things = self._engine.store.entities(refs, self._engine.view)
        return {t.ref: s.valid_from for t in things if (s := last_state(t)) is not None}


def _observed(root: RootSettings, told: Compared, written: Mapping[EntityRef, Instant]) -> tuple[Observed, ...]:
    from ingest.names import cloud_resource

    found: list[Observed] = []
    for one in told.differing:
        if one.kind == "changed" and not one.moved:
            continue
        this = _ref(told, one.address, root.workspace)
        found.append(
            Observed(
                kind=one.kind,
                basis="plan",
                scope=root.scope,
                ref=this,
                address=one.address,
                type=one.type,
                cloud_refs=(cloud_resource(one.arn),) if one.arn else (),
                environment=root.environment,
                repository=root.repository,
                directory=root.path,
                cloud_id=one.cloud_id,
                attributes=tuple(map(_attribute, one.moved)),
                since=written.get(this),
            )
        )
    return tuple(found)


def _ref(told: Compared, address: str, workspace: str) -> EntityRef:
    return ref("Resource", told.lineage, workspace or "default", address)


def _attribute(one: Differing) -> AttributeDrift:
    return AttributeDrift(path=one.path, desired=_state(one.desired), actual=_state(one.actual))


def _state(side: Mapping[str, Value]) -> AttributeState:
    match side.get("state"):
        case "value":
            return AttributeState(state="value", value=side.get("value"))
        case "redacted":
            return AttributeState(state="redacted")
        case "unknown":
            return AttributeState(state="unknown")
        case _:
            return AttributeState(state="absent")
