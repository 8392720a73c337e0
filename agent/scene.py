"""What generators and checks of one investigation share: the graph as of the symptom, where everything lies, what observations say.

A *generator* yields suspects, a *check* weighs several suspects at once with as few reads as it can. Both are deterministic: they read
the store through the scene's view, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from agent.incident import Evidence, Suspect, Symptom
from agent.surroundings import Surroundings
from graph.clock import DAY
from graph.model import EntityRef
from graph.store import GraphStore, View

if TYPE_CHECKING:
    from agent.memory_facts import ScopeRead
    from agent.observations import Observations
    from agent.reach import Reach

_DEPLOYED_WITHIN = 60 * DAY
"""Deployments are looked through so far back at least."""


@dataclass
class Scene:
    """One investigation's surroundings.

    Attributes:
        store: the graph.
        view: as of the symptom's time, as known at one pinned record, for one audience.
        symptom: as read.
        surroundings: where things lie, seen from the symptom's anchors.
        observations: metrics and logs, where connected; its answers are recorded.
        scopes: how far each source had been read, as a replay recorded it; None asks the store.
        unseen: what of metrics, logs and traces could not be read, and why; checks that ask for it fill it.
    """

    store: GraphStore
    view: View
    symptom: Symptom
    surroundings: Surroundings
    observations: Observations | None = None
    notes: list[str] = field(default_factory=list[str])
    scopes: tuple[ScopeRead, ...] | None = None
    unseen: dict[str, str] = field(default_factory=dict[str, str])

    @cached_property
    def reach(self) -> Reach:
        """What deployments carried where; one for the whole investigation."""
        from agent.reach import Reach

        longest = 5 * (self.symptom.at - self.symptom.since)
        return Reach(self.store, self.view, since=self.symptom.at - max(longest, _DEPLOYED_WITHIN))


class Check(Protocol):
    """A question asked of suspects: read-only, deterministic, cited.

    Attributes:
        name: stable, snake_case; the contract's `check`.
        asks: what it asks, as a phrase: 'whether it had reached prod by then'.
        cost: what asking it of one branch costs, 1 being one or two reads of the graph.
        power: information expected of asking an undecided suspect, in nats; trained on labelled cases, declared with them.
        kinds: the kinds of suspects that it can tell anything of; None is any.
    """

    name: str
    asks: str
    cost: float
    power: float
    kinds: frozenset[str] | None

    def weigh(self, scene: Scene, suspects: Sequence[Suspect]) -> Mapping[EntityRef, Evidence]:
        """Evidence by suspect's key, for each of the suspects; `no_data` where it has nothing to say."""
        ...


Generator = Callable[[Scene], Sequence[Suspect]]
"""Proposes suspects. The same suspect may come from several; the first one's `found_by` stays."""
