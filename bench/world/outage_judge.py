"""Whether an investigation in `lore.investigation/1` names the cause of a labelled outage: its JSON is all that is looked at, and what its refs stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from graph.clock import instant
from graph.model import EntityRef
from graph.store import GraphStore, Limits, View

Json = Mapping[str, object]
FOUND = "cause_found"
_ROWS = Limits(rows=5_000)
_KINDS_OF = {"expiry": ("expiry",), "quota": ("quota", "capacity")}


@dataclass(frozen=True, slots=True)
class Outcome:
    """An outage with how an investigation of it fared.

    Attributes:
        rank: of the first right cause, 1 is the first; 0 when none of those listed is right.
        probability: what the first cause was given.
    """

    seed: int
    id: str
    kind: str
    symptom: str
    observable: bool
    rank: int
    verdict: str
    probability: float
    confidence: float
    steps: int
    seconds: float
    repeat: bool
    wrong_memory: bool
    distracted_by: str = ""
    baselines: Mapping[str, int] | None = None
    """Name of a baseline -> the rank that it gives the right change, 0 for none."""
    shown: str = ""

    @property
    def abstained(self) -> bool:
        """Whether it said that it found no cause."""
        return self.verdict != FOUND


class Judge:
    """Judges the investigations of one world. `store` resolves refs, at the end of time and at the outage's."""

    def __init__(self, store: GraphStore, audience: frozenset[str]) -> None:
        self._store = store
        self._view = View(audience=audience)

    def rank(self, label: Json, found: Json) -> int:
        """The rank of the first cause that is right, 0 when none is."""
        accepted = self._accepted(cast("Json", label["cause"]))
        for rank, cause in enumerate(_list(found, "causes"), 1):
            if self._right(label, accepted, cause):
                return rank
        return 0

    def distractor(self, label: Json, cause: Json) -> str:
        """Which distractor a cause names, by its kind; empty for none."""
        change = cause.get("change")
        if not isinstance(change, dict):
            return ""
        for one in _list(label, "distractors"):
            ids = {str(one["id"]), str(one["pull_request"])} - {""}
            if _names(cast("Json", change)) & ids:
                return str(one["how"])
        return ""

    # -- what counts

    def _accepted(self, cause: Json) -> frozenset[str]:
        told = {name: _strings(cause, name) for name in ("shas", "pull_requests", "deployments", "events")}
        accepted = {one for ids in told.values() for one in ids}
        for identifier in (*told["shas"], *told["deployments"], *told["events"]):
            for alias in self._store.resolve_alias(identifier, self._view, _ROWS).items:
                accepted |= {alias.ref, alias.ref.id}
        for rollout in _list(cause, "rollouts"):
            where = {"service": [str(rollout["service"])], "environment": [str(rollout["environment"])]}
            for one in self._store.select("Deployment", where, self._view, _ROWS).items:
                if one.properties.get("version") == rollout["version"]:
                    accepted |= {
                        *one.refs,
                        *(r.id for r in one.refs),
                        str(one.properties.get("deployment_id") or one.ref),
                    }
                    accepted |= {
                        alias.name for alias in self._store.aliases(one.refs, self._view) if alias.scheme == "id"
                    }
        for state in _list(cause, "states"):
            serial, lineage = str(state["serial"]), str(state["lineage"])
            for one in self._store.select("StateVersion", {"lineage": [lineage]}, self._view, _ROWS).items:
                if str(one.properties.get("serial")) == serial:
                    accepted |= {one.ref, one.ref.id, *(f"{lineage}{mark}{serial}" for mark in "/#@:")}
        return frozenset(accepted)

    def _right(self, label: Json, accepted: frozenset[str], cause: Json) -> bool:
        change = cause.get("change")
        if isinstance(change, dict) and _names(cast("Json", change)) & accepted:
            return True
        kinds = _KINDS_OF.get(str(label["kind"]), ())
        return cause.get("kind") in kinds and self._names_it(label, cause)

    def _names_it(self, label: Json, cause: Json) -> bool:
        """Whether the target of a cause without a change is the credential or limit, or whom it is of, named in the mechanism."""
        truth = cast("Json", label["cause"])
        names = {n.lower() for n in _strings(truth, "names")}
        target = str(cause.get("target") or "")
        told = {text.lower() for text in self._texts(EntityRef(target), label)}
        # one certificate's name may be part of another's; of a limit the environment's name may come with it
        within = label["kind"] == "quota"
        if any(name == text.rpartition("/")[2] or (within and name in text) for name in names for text in told):
            return True
        words = f"{cause.get('mechanism')} {' '.join(str(e.get('reason')) for e in _list(cause, 'evidence'))}".lower()
        near = {str(p).lower() for p in (*_strings(label, "path"), *_strings(truth, "targets"))}
        return bool(told & near) and any(name in words for name in names)

    def _texts(self, target: EntityRef, label: Json) -> set[str]:
        """What a target is called, then and later."""
        out = {str(target)}
        if ":" not in target:
            return out
        for view in (View(as_of=instant(str(label["detected_at"])), audience=self._view.audience), self._view):
            one = self._store.entity(target, view)
            if one is None:
                continue
            for name in ("name", "title", "address", "cloud_id", "number", "code", "reason", "alert_id", "summary"):
                value = one.properties.get(name)
                out |= {value} if isinstance(value, str) else set()
            domains = one.properties.get("domains")
            out |= {str(d) for d in cast("Sequence[object]", domains)} if isinstance(domains, list | tuple) else set()
            out |= {alias.name for alias in self._store.aliases(one.refs, view)}
        return out


def _names(change: Json) -> set[str]:
    """What a named change may be called: its id, and with its repository when that is a number."""
    identifier, repository = str(change.get("id") or ""), str(change.get("repository") or "")
    number = identifier.rpartition("#")[2]
    return {identifier, f"{repository}#{number}"} if number.isdigit() and len(number) < 9 else {identifier}


def _strings(struct: Json, name: str) -> list[str]:
    return [str(one) for one in cast("Sequence[object]", struct.get(name) or ())]


def _list(struct: Json, name: str) -> list[Json]:
    return [cast("Json", one) for one in cast("Sequence[object]", struct.get(name) or ()) if isinstance(one, dict)]
