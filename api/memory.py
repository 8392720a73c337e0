"""Memory as jobs of the engine: keep an investigation, confirm and retract, replay, verify."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.errors import UsageError
from api.people import everything, named
from graph.model import Entity, EntityRef, FactBatch
from graph.store import GraphStore, View

if TYPE_CHECKING:
    from agent.investigation import Investigation
    from agent.kept import Difference, Stored
    from agent.memory_facts import InvestigationInputs, Learning
    from api.verify import Verified
    from api.wiring import Engine
    from graph.clock import Instant

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

Investigate = Callable[[GraphStore, View, "InvestigationInputs"], "Investigation"]
"""Runs an investigation again with these inputs, on this store and in this view, asking nobody."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """An investigation as it was, as it is when run again, and where they differ; `what_if` names what was left out."""

    before: Investigation
    after: Investigation
    differences: tuple[Difference, ...]
    what_if: str = ""


def keep(store: GraphStore, investigation: Investigation, inputs: InvestigationInputs, label: str) -> bool:
    """Store an investigation; whether it is new.

    Args:
        label: all labels that what it cites needs; its texts must be redacted.
    """
    from agent.memory import investigation_facts

    return store.apply(investigation_facts(investigation, inputs, label)).applied


def kept(store: GraphStore, view: View, investigation_id: str) -> Stored:
    """An investigation that was kept, with what it was run with.

    Raises:
        UsageError: there is no such investigation.
    """
    from agent.kept import NotRemembered, stored

    try:
        return stored(store, View(audience=view.audience), investigation_id.strip())
    except NotRemembered as error:
        raise UsageError(str(error), error.hint) from None


def confirm(
    store: GraphStore, view: View, investigation_id: str, cause: str, *, by: str, at: Instant, fix: str = ""
) -> Learning:
    """Learn that this was the cause; what was learned.

    Args:
        view: what whoever confirms may see.
        cause: a rank (`1`), a ref, or an exact name (`acme/infra#7`, a commit's hash).
        by: who confirms: a name, a login, a mail address.

    Raises:
        UsageError: there is no such investigation or cause.
    """
    from agent.memory import NotRemembered
    from agent.memory import confirm as confirmed

    now = View(audience=view.audience)
    meant = _meant(store, cause.strip(), now)
    try:
        batch = confirmed(
            store, now, investigation_id.strip(), meant, by=by, at=at, account=_account(store, by, now), fix=fix
        )
    except NotRemembered as error:
        raise UsageError(str(error), error.hint) from None
    store.apply(batch)
    return _learnings(batch)[0]


def retract(store: GraphStore, view: View, learning: str, *, by: str, reason: str, at: Instant) -> tuple[str, ...]:
    """Take back a learning (`lrn_…`), or a post-mortem's (its incident's ref or name); ids of investigations that had used it.

    Raises:
        UsageError: there is no such learning, or it was taken back already.
    """
    from agent.memory import NotRemembered
    from agent.memory import retract as retracted

    now = View(audience=view.audience)
    text = learning.strip()
    meant: EntityRef | str = text if text.startswith("lrn_") else named(store, text, now, ("Learning", "Incident"))
    try:
        # Whatever came from it goes, also what this person may not see.
        batch = retracted(
            store, everything(store) if _visible(store, meant, now) else now, meant, by=by, reason=reason, at=at
        )
    except NotRemembered as error:
        raise UsageError(str(error), error.hint) from None
    store.apply(batch)
    return tuple(sorted({used for one in _learnings(batch) for used in one.used_by}))


def propose(store: GraphStore, view: View, investigation_id: str) -> bool:
    """Whether a merged revert and a recovery proposed a cause for this investigation, which is then stored, unconfirmed."""
    from agent.memory import propose_from_recovery

    batch = propose_from_recovery(store, view, kept(store, view, investigation_id).result)
    return batch is not None and store.apply(batch).applied


def replay(store: GraphStore, view: View, investigation_id: str, run: Investigate, *, what_if: str = "") -> Replayed:
    """Run a stored investigation again on what was known then, and compare.

    Args:
        view: what the reader may see; the replay sees no more than that, and no more than the first run did.
        run: the investigator, with recorded observations and replies only.
        what_if: `without:slack`, or empty for the very same.

    Raises:
        UsageError: there is no such investigation, or the what-if is not understood.
    """
    from agent.kept import same_tree
    from agent.without import Without, hidden_sources

    before = kept(store, view, investigation_id)
    try:
        hidden = hidden_sources(what_if) if what_if else frozenset[str]()
    except ValueError as error:
        raise UsageError(str(error), "for example --what-if without:slack") from None
    known = {scope.source for scope in store.status().scopes}
    if unknown := sorted(hidden - known):
        raise UsageError(f"nothing was read from {unknown[0]!r}", f"sources are {', '.join(sorted(known))}")
    then = View(None, before.inputs.known_at, view.audience & (frozenset(before.inputs.audience) | {"public"}))
    after = run(Without(store, hidden) if hidden else store, then, before.inputs)
    return Replayed(before.result, after, same_tree(before.result, after), what_if)


def verify(engine: Engine, investigation_id: str) -> list[Verified]:
    """Each citation of a stored investigation, read again at its source.

    Raises:
        UsageError: there is no such investigation.
    """
    from api.verify import configured
    from api.verify import verify as verified
    from api.wiring import redact_key, wall_clock

    store, _ = engine.store_or_standby()
    return verified(
        store,
        kept(store, engine.view, investigation_id).result,
        configured(engine),
        now=wall_clock(),
        redact_key=redact_key(engine.settings.data_directory),
        observations=engine.observations(),
    )


def _meant(store: GraphStore, cause: str, view: View) -> int | EntityRef:
    """A rank, or what a ref, a commit's full hash or an exact name means."""
    if cause.isascii() and cause.isdecimal() and len(cause) < 4:
        return int(cause)
    if _SHA.fullmatch(cause) and store.entity(commit := EntityRef(f"Commit:{cause}"), view) is not None:
        return commit
    return named(store, cause, view)


def _account(store: GraphStore, by: str, view: View) -> EntityRef | None:
    """The one person or account of that name, when there is just one."""
    try:
        return named(store, by, view, ("Person", "Account"))
    except UsageError:
        return None


def _visible(store: GraphStore, meant: EntityRef | str, view: View) -> bool:
    from agent.memory_facts import learning_ref

    return store.entity(EntityRef(meant) if ":" in meant else learning_ref(meant), view) is not None


def _learnings(batch: FactBatch) -> list[Learning]:
    """The learnings that a batch states."""
    from agent.memory_facts import from_properties

    facts = [a.fact for a in batch.assertions]
    found = [from_properties(f.properties) for f in facts if isinstance(f, Entity) and f.ref.kind == "Learning"]
    return [one for one in found if one is not None]
