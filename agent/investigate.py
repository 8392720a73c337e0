"""From a symptom to its cause: anchors, hypotheses, checks, a stop rule and a report. No model is asked, unless one is given.

Everything is read through one view (as of the symptom, as known at one record), so that the same store gives the same tree, byte for byte, at any later
time. What is not in the store (metrics, a model's proposals, vectors) is recorded by whoever supplies it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from agent.assisted import Assistant
from agent.checks import checks
from agent.checks.sources import scopes_read
from agent.conclude import conclude
from agent.dense import likeness
from agent.hypotheses import GENERATORS
from agent.incident import Evidence, Suspect
from agent.investigation import Investigation, Step, Stopped
from agent.memory_facts import CauseRefs, InvestigationInputs, ScopeRead, investigation_id
from agent.odds import Odds, Weights, Worth, by_regime, prior_odds, weights
from agent.past import past_changes
from agent.recall import Recollection, recall
from agent.scene import Check, Scene
from agent.surroundings import surroundings
from agent.symptoms import cleaned, read_symptom
from agent.tree import Asking, Branch, Leaf, StopRule, Tree
from graph.clock import Instant, rfc3339
from graph.model import PUBLIC, EntityRef
from graph.store import GraphStore, View

if TYPE_CHECKING:
    from agent.llm import ChatModel
    from agent.llm_fence import Redact
    from agent.observations import Observations
    from graph.embeddings import Embedder

ENGINE = "1"
"""Version of the investigator: another one may find something else in the same facts."""
RECOGNISED = 0.4
"""From this likeness to a confirmed cause on, a suspect is looked at first."""
NEEDED = frozenset({"applied", "time_order", "attribute_fit"})
"""Checks without which nothing is believed."""
OBSERVING = ("metric_shift", "where", "logs")
"""Checks that ask metrics, logs and traces; they are not offered where none are connected."""
_PLACES = 5
"""Branches of what lies upstream; what lies further is one branch together."""


@dataclass(frozen=True, slots=True)
class Options:
    """How an investigation is run.

    Attributes:
        window_s: how far back causes are looked for.
        environment: where the symptom shows, when its text does not say.
        steps: at most so many steps.
        seconds: no step begins later than this; None sets no limit. A replay sets `steps` to what was done instead.
        confidence: probability at which a cause is called found, and the search stops.
        memory: whether solved incidents may move the ranking.
    """

    window_s: int = 7 * 86_400
    environment: str = ""
    steps: int = 24
    seconds: float | None = 20.0
    confidence: float = 0.8
    memory: bool = True


@dataclass(slots=True)
class Given:
    """What does not come from the store's facts.

    Attributes:
        embedder: judges likeness by meaning; None goes without.
        dense: likeness by change as judged before; what a replay gives in place of an embedder.
        observations: metrics and logs; a replay gives the recorded answers.
        model: a language model that may help (`agent.assisted`); what it says is recorded by whoever gives it, and a replay gives the record.
        redact: takes secrets out of what a model is shown; needed with one.
        notes: what a reader must know first.
        scopes: how far each source had been read, as recorded; None asks the store.
    """

    embedder: Embedder | None = None
    dense: Mapping[EntityRef, float] | None = None
    observations: Observations | None = None
    model: ChatModel | None = None
    redact: Redact | None = None
    notes: tuple[str, ...] = ()
    scopes: tuple[ScopeRead, ...] | None = None


Progress = Callable[[Step, str], None]
"""Told after each step: the step and the label of the likeliest suspect."""


@dataclass(frozen=True, slots=True)
class Run:
    """An investigation, and all that it was run with."""

    result: Investigation
    inputs: InvestigationInputs


def investigate(
    store: GraphStore,
    symptom: str,
    *,
    at: Instant,
    audience: frozenset[str] = frozenset({PUBLIC}),
    known_at: Instant | None = None,
    record: int | None = None,
    options: Options | None = None,
    given: Given | None = None,
    on_step: Progress | None = None,
    trained: Weights | None = None,
) -> Investigation:
    """Find what caused a symptom; see `run`, which also tells what it was run with."""
    done = run(
        store,
        symptom,
        at=at,
        audience=audience,
        known_at=known_at,
        record=record,
        options=options,
        given=given,
        on_step=on_step,
        trained=trained,
    )
    return done.result


def run(
    store: GraphStore,
    symptom: str,
    *,
    at: Instant,
    audience: frozenset[str] = frozenset({PUBLIC}),
    known_at: Instant | None = None,
    record: int | None = None,
    options: Options | None = None,
    given: Given | None = None,
    on_step: Progress | None = None,
    trained: Weights | None = None,
) -> Run:
    """Find what caused a symptom.

    Args:
        store: the graph; only read.
        symptom: what was seen, in words; anything at all may stand in it.
        at: when it was detected; nothing that took effect later is seen.
        audience: the labels that the asker holds.
        known_at: hides what was recorded later.
        record: number of the last record to be seen, instead of `known_at`; what a replay gives.
        given: what does not come from the store.
        on_step: told of each step.
        trained: coefficients; the checked-in ones when None.

    Returns:
        An investigation in every case; without anything to go by its verdict is `insufficient_evidence`.

    Raises:
        GraphError: the store cannot be read.
    """
    started = time.perf_counter()
    options = options or Options()
    given = given or Given()
    trained = trained or weights()
    view = View(at, record if record is not None else store.record(known_at), audience)
    helper = _assistant(given)
    read = read_symptom(store, view, symptom, at, window_s=options.window_s, environment=options.environment)
    read = helper.symptom(store, view, read) if helper else read
    scene = Scene(store, view, read, surroundings(store, view, read.anchors, read.environment), given.observations)
    scene.notes.extend(given.notes)
    if read.text != cleaned(symptom):
        scene.notes.append("a part of the symptom gives orders to its reader; it was not read")
    scene.scopes = given.scopes
    suspects = propose(scene)
    suspects = helper.suspects(scene, suspects, trained) if helper else suspects
    remembered = recall(scene, suspects) if options.memory else Recollection()
    held = len(scene.notes)
    dense = given.dense if given.dense is not None else likeness(scene, suspects, given.embedder)
    # What no fact tells comes first: a replay is given it, and must tell it in the same place.
    beside = (*given.notes, *scene.notes[held:])
    scene.notes[:] = [*beside, *scene.notes[len(given.notes) : held]]
    odds = prior_odds(read, suspects, past_changes(scene, suspects), remembered.by_suspect, dense, trained)
    tree = plant(scene, suspects, odds)
    trained = by_regime(trained, suspects)
    stopped = search(tree, scene, options, trained, remembered, started, on_step, helper)
    if helper:
        helper.explain(tree)
    found = conclude(scene, tree, odds, remembered, stopped, options.confidence)
    inputs = InvestigationInputs(
        symptom=symptom,
        at=rfc3339(at),
        options=asdict(replace(options, steps=len(tree.path) if stopped == "budget" else options.steps)),
        known_at=view.known_at or 0,
        audience=tuple(sorted(audience)),
        dense={str(ref): value for ref, value in sorted(dense.items())},
        causes=tuple(_cause_refs(rank, leaf) for rank, (leaf, _) in enumerate(tree.ranked()[: len(found.causes)], 1)),
        engine=ENGINE,
        scopes=scopes_read(scene),
        notes=beside,
    )
    found = helper.conclude(found) if helper else found
    used = msgspec.structs.replace(found.usage, elapsed_s=round(time.perf_counter() - started, 6))
    return Run(msgspec.structs.replace(found, id=investigation_id(inputs), usage=used), inputs)


def _assistant(given: Given) -> Assistant | None:
    if given.model is None:
        return None
    if given.redact is None:
        raise ValueError("a model is asked only where secrets are taken out of the question: give `redact`, too")
    return Assistant(given.model, given.redact)


def _cause_refs(rank: int, leaf: Leaf) -> CauseRefs:
    suspect = leaf.suspect
    return CauseRefs(
        rank=rank,
        key=str(suspect.key),
        change=str(suspect.change) if suspect.change is not None else None,
        target=str(suspect.target) if suspect.target is not None else None,
        also=tuple(str(r) for r in suspect.also),
    )


def propose(scene: Scene) -> tuple[Suspect, ...]:
    """What every generator proposes, each suspect once, newest first."""
    found: dict[EntityRef, Suspect] = {}
    for _, generator in GENERATORS:
        for suspect in generator(scene):
            found.setdefault(suspect.key, suspect)
    return tuple(sorted(found.values(), key=lambda s: (-s.at, s.key)))


def plant(scene: Scene, suspects: Sequence[Suspect], odds: Odds) -> Tree:
    """The tree before any check: a branch for each place where suspects lie."""
    where = _branches(scene, suspects, odds)
    branches = tuple(Branch(f"h{i}", claim) for i, claim in enumerate(dict.fromkeys(where.values()), start=1))
    of_claim = {b.claim: b.id for b in branches}
    counts: dict[str, int] = {}
    leaves: list[Leaf] = []
    for suspect in sorted(suspects, key=lambda s: (-odds.by_key[s.key], s.key)):
        branch = of_claim[where[suspect.key]]
        counts[branch] = counts.get(branch, 0) + 1
        leaves.append(Leaf(f"{branch}.{counts[branch]}", suspect, branch, odds.by_key[suspect.key]))
    symptom = scene.symptom
    what = ", ".join(symptom.class_names[:2]).replace("_", " ") or "something is wrong"
    named = next((a.label for a in symptom.anchors), "")
    claim = f"{f'{named}: ' if named else ''}{what}{f' in {symptom.environment}' if symptom.environment else ''}"
    return Tree(claim, branches, leaves, odds.none, "none of these: something that no source here tells")


def search(
    tree: Tree,
    scene: Scene,
    options: Options,
    trained: Weights,
    remembered: Recollection,
    started: float,
    on_step: Progress | None,
    helper: Assistant | None = None,
) -> Stopped:
    """Ask the check that is expected to tell most, of the branch that it tells most about, until it is enough; why it ended.

    `helper` may choose another of those worth asking; what it takes to answer does not count against `options.seconds`.
    """
    by_name = {c.name: c for c in checks() if scene.observations is not None or c.name not in OBSERVING}
    askings = [
        Asking(
            c.name, c.asks, c.cost, c.power if (p := trained.checks.get(c.name, Worth()).power) is None else p, c.kinds
        )
        for c in by_name.values()
    ]
    recognise(tree, scene, remembered, trained, on_step)
    rule = StopRule(confidence=max(options.confidence, 0.9), steps=options.steps, needed=NEEDED)
    while True:
        stopped = tree.stopped(rule)
        if stopped is not None:
            return stopped
        spent = time.perf_counter() - started - (helper.waited_s if helper else 0.0)
        if options.seconds is not None and spent > options.seconds:
            return "budget"
        step = (helper.choose(scene, tree, askings, rule) if helper else None) or tree.next(askings, rule)
        if step is None:
            return "exhausted"
        branch, asking, because = step
        evidence = weigh(by_name[asking.name], scene, tree.suspects(branch), trained)
        done = tree.weigh(branch, asking, because, evidence)
        if on_step is not None:
            on_step(done, tree.ranked()[0][0].suspect.title)


def recognise(tree: Tree, scene: Scene, remembered: Recollection, trained: Weights, on_step: Progress | None) -> None:
    """Look first at what a solved incident like this one speaks for: whether its conditions hold again, in one step."""
    known = [leaf for leaf, _ in tree.ranked() if remembered.by_suspect.get(leaf.suspect.key, 0.0) >= RECOGNISED]
    if not known:
        return
    leaf = max(known, key=lambda x: (remembered.by_suspect[x.suspect.key], x.odds, x.suspect.key))
    by_name = {c.name: c for c in checks()}
    found = [weigh(by_name[n], scene, [leaf.suspect], trained)[leaf.suspect.key] for n in sorted(NEEDED)]
    done = tree.recognise(leaf, remembered.reasons[leaf.suspect.key], found)
    if on_step is not None:
        on_step(done, tree.ranked()[0][0].suspect.title)


def weigh(check: Check, scene: Scene, suspects: Sequence[Suspect], trained: Weights) -> Mapping[EntityRef, Evidence]:
    """What a check finds, with its weights as they were found to be worth."""
    worth = trained.checks.get(check.name, Worth())
    return {
        key: replace(e, weight=round(e.weight * (worth.supports if e.weight > 0 else worth.refutes), 4))
        if e.weight
        else e
        for key, e in check.weigh(scene, suspects).items()
    }


def _branches(scene: Scene, suspects: Sequence[Suspect], odds: Odds) -> dict[EntityRef, str]:
    """By suspect: the claim of its branch. The likeliest places upstream have a branch each."""
    likeliest: dict[str, float] = {}
    claims: dict[EntityRef, str] = {}
    anchored = bool(scene.surroundings.places)
    for suspect in suspects:
        claims[suspect.key] = _claim(suspect, anchored=anchored)
        known = likeliest.get(claims[suspect.key])
        own = odds.by_key[suspect.key]
        likeliest[claims[suspect.key]] = own if known is None else max(known, own)
    upstream = [c for c in likeliest if c.startswith(_UPSTREAM)]
    kept = set(sorted(upstream, key=lambda c: (-likeliest[c], c))[:_PLACES])
    found = {k: c if c not in upstream or c in kept else f"{_UPSTREAM}other parts" for k, c in claims.items()}
    order = sorted(set(found.values()), key=lambda c: (-likeliest.get(c, -99.0), c))
    return {k: found[k] for claim in order for k in found if found[k] == claim}


_UPSTREAM = "in what it depends on: "


def _claim(suspect: Suspect, *, anchored: bool) -> str:
    if suspect.kind in ("expiry", "quota", "capacity"):
        return "something ran out: time, room or a quota"
    if suspect.kind == "external":
        return "outside: nothing of ours"
    place = suspect.place
    if place is None:
        return "elsewhere: no path to it is known" if anchored else "a change"
    if place.direction == "same":
        return f"in {place.label} itself"
    return f"{_UPSTREAM}{place.label}" if place.direction == "upstream" else "in what depends on it"
