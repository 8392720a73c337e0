"""Log odds of each suspect before any check is asked: what its words, its age and its place say. Coefficients are trained by `bench/`, see `weights.json`.

Two regimes, because a graph is not always there. Without anchors (a bare git history) words and age decide, by the model of `agent.prior`. With anchors
that model's score is one feature among those of the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from math import exp, log1p

import msgspec

from agent.assemble import attributes
from agent.evidence import text_of
from agent.incident import Place, Suspect, Symptom, SymptomClass
from agent.orders import without_orders
from agent.past import Past
from agent.prior import Asked, Candidate, Contribution, Corpus, Model, Scored, score, shipped_model
from agent.topics import RELEASE_FILES, changes_logic, inert, topic_fit, wording_only
from graph.clock import SECOND, Instant
from graph.model import EntityRef


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """What a check was found to be worth: what its weights are multiplied by, and how much its answers move a likely suspect, in nats."""

    supports: float = 1.0
    refutes: float = 1.0
    power: float | None = None


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """What was trained: coefficients of the graph's features, what each check is worth, and coefficients of "none of these".

    `text_checks`: what each check is worth where words and age are all there is, of which what it asks may be a part; a check that is not
    named there keeps its worth.
    """

    graph: dict[str, float]
    checks: dict[str, Worth]
    none: dict[str, float]
    text_checks: dict[str, Worth] = {}
    command: str = ""
    trained_on: str = ""


@cache
def weights() -> Weights:
    """The checked-in coefficients."""
    return msgspec.json.decode(files("agent").joinpath("weights.json").read_bytes(), type=Weights)


@dataclass(frozen=True, slots=True)
class Points:
    """One reason of a prior: a feature, its value, what it adds to the log odds, and a sentence."""

    feature: str
    value: float
    points: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Odds:
    """Log odds by suspect's key, and of "none of these"; with their reasons."""

    by_key: Mapping[EntityRef, float]
    none: float
    reasons: Mapping[EntityRef, tuple[Points, ...]] = field(default_factory=dict[EntityRef, "tuple[Points, ...]"])


def candidate(
    suspect: Suspect, memory: float = 0.0, *, environment: str = "", undone_at: Instant | None = None
) -> Candidate:
    """A suspect as the model of words and age sees it. `environment`: where the symptom shows; `undone_at`: when it was taken back."""
    place = suspect.place
    removed, added, sections = (_of_files(suspect, name) for name in ("removed", "added", "sections"))
    known = removed or added
    return Candidate(
        ref=suspect.key,
        at=suspect.at,
        title=without_orders(suspect.title),
        message=without_orders(suspect.text),
        paths=suspect.paths,
        changed=suspect.changed,
        before_text=removed if known else suspect.removed,
        after_text=added if known else suspect.added,
        distance=place.distance if place else None,
        direction=place.direction if place else "",
        environment_match=_environment_match(suspect, environment),
        memory=memory,
        format_only=bool(suspect.views) and all(v.properties.get("effect") == "format_only" for v in suspect.views),
        undone_at=undone_at,
        sections=sections,
    )


def _of_files(suspect: Suspect, name: str) -> str:
    """What its files tell of changed lines. Blocks tell the same again, by attribute: words are not to count twice."""
    told = (text_of(v.properties, name) for v in suspect.views if v.target.kind == "File")
    return "\n".join(dict.fromkeys(t for t in told if t))


def _environment_match(suspect: Suspect, environment: str) -> float:
    """1: it had reached the symptom's environment. -1: only others, or none where it would be seen to arrive. 0: nobody tells."""
    if not environment:
        return 0.0
    if environment in suspect.reached:
        return 1.0
    return -1.0 if suspect.reached or environment in suspect.expected else 0.0


def prior_odds(
    symptom: Symptom,
    suspects: Sequence[Suspect],
    corpus: Corpus,
    memory: Mapping[EntityRef, float],
    dense: Mapping[EntityRef, float] | None = None,
    trained: Weights | None = None,
    model: Model | None = None,
) -> Odds:
    """Prior log odds of these suspects. `model` is that of words and age, the shipped one when None."""
    trained = trained or weights()
    if text_regime(suspects):
        scored = _scored(symptom, suspects, corpus, memory, dense, _ALONE, model)
        return Odds(
            {s.key: scored.log_odds[i] for i, s in enumerate(suspects)},
            scored.none_log_odds,
            {s.key: tuple(_points(c) for c in scored.contributions[i]) for i, s in enumerate(suspects)},
        )
    scored = _scored(symptom, suspects, corpus, {}, dense, _BESIDE_THE_GRAPH, model)
    by_key: dict[EntityRef, float] = {}
    reasons: dict[EntityRef, tuple[Points, ...]] = {}
    for i, suspect in enumerate(suspects):
        values = graph_features(symptom, suspect, scored.log_odds[i], memory.get(suspect.key, 0.0))
        words = _words(symptom, suspect)
        points = [
            Points(name, value, trained.graph.get(name, 0.0) * value, _SENTENCES.get(name, name).format(**words))
            for name, value in values.items()
            if value and trained.graph.get(name, 0.0)
        ]
        by_key[suspect.key] = sum(p.points for p in points)
        reasons[suspect.key] = tuple(sorted(points, key=lambda p: (-abs(p.points), p.feature)))
    none = sum(trained.none.get(name, 0.0) * value for name, value in none_features(symptom, suspects).items())
    return Odds(by_key, none, reasons)


def words_and_age(
    symptom: Symptom,
    suspects: Sequence[Suspect],
    corpus: Corpus,
    dense: Mapping[EntityRef, float] | None,
) -> Sequence[float]:
    """What the model of words and age gives each suspect, relative to "none of these"."""
    return _scored(symptom, suspects, corpus, {}, dense, _BESIDE_THE_GRAPH, None).log_odds


def text_regime(suspects: Sequence[Suspect]) -> bool:
    """Whether the graph does not tell where any suspect lies: words and age are all there is.

    A place in code alone is none. A bare history has blocks and files that are called like a word of the symptom, and no part that runs.
    """
    return not any(s.place and s.place.ref.kind not in _CODE for s in suspects)


_CODE = frozenset({"Block", "File", "Module", "Repository", "Commit", "PullRequest"})


def by_regime(trained: Weights, suspects: Sequence[Suspect]) -> Weights:
    """With what checks are worth beside the odds that these suspects have."""
    if not trained.text_checks or not text_regime(suspects):
        return trained
    # How much is expected of asking stays as it is: what is found is told as context, with whatever weight.
    known = {
        n: w.power if w.power is not None else trained.checks.get(n, w).power for n, w in trained.text_checks.items()
    }
    text = {n: msgspec.structs.replace(w, power=known[n]) for n, w in trained.text_checks.items()}
    return msgspec.structs.replace(trained, checks={**trained.checks, **text})


_ALONE = frozenset({"memory"})
"""Of the coefficients that are declared for the graph's features those that count where the prior stands alone. Where something reached,
its form and how it fits the symptom are asked by checks."""
_BESIDE_THE_GRAPH: frozenset[str] = frozenset()
"""And those that count beside the graph's own features: none, for these say the same."""


def _scored(
    symptom: Symptom,
    suspects: Sequence[Suspect],
    corpus: Corpus,
    memory: Mapping[EntityRef, float],
    dense: Mapping[EntityRef, float] | None,
    declared: frozenset[str],
    model: Model | None,
) -> Scored:
    asked = Asked(symptom.text, symptom.at, symptom.class_names, tuple(a.label for a in symptom.anchors))
    undone: Mapping[EntityRef, Instant] = corpus.undone if isinstance(corpus, Past) else {}
    candidates = [
        candidate(s, memory.get(s.key, 0.0), environment=symptom.environment, undone_at=undone.get(s.key))
        for s in suspects
    ]
    model = model or shipped_model()
    kept = {name: weight for name, weight in model.declared.items() if name in declared}
    return score(asked, candidates, corpus, msgspec.structs.replace(model, declared=kept), dense)


def graph_features(symptom: Symptom, suspect: Suspect, words_and_age: float, memory: float) -> dict[str, float]:
    """The features of a suspect where the graph is known, by name."""
    place = suspect.place
    age_h = max(symptom.at - suspect.at, 0) / (3_600 * SECOND)
    slow = bool(SLOW & set(symptom.class_names[:1]))
    condition = suspect.kind in ("quota", "capacity")
    return {
        "words_and_age": words_and_age,
        "here": 1.0 if _is(place, "same") else 0.0,
        "upstream": 1.0 if _is(place, "upstream") else 0.0,
        "nearness": exp(-place.distance) if place and place.direction != "downstream" else 0.0,
        "placeless": 1.0 if place is None and suspect.change is not None else 0.0,
        "downstream": 1.0 if _is(place, "downstream") else 0.0,
        "age": 0.0 if slow else -log1p(age_h),
        "age_of_slow": -log1p(age_h) if slow else 0.0,
        "fresh": 1.0 if age_h <= 1 else 0.0,
        "manual": 1.0 if suspect.kind == "manual" else 0.0,
        "expiry": 1.0 if suspect.kind == "expiry" else 0.0,
        "expiry_placed": 1.0 if suspect.kind == "expiry" and place else 0.0,
        "limit": 1.0 if condition else 0.0,
        "limit_placed": 1.0 if condition and place else 0.0,
        "limit_told": 1.0 if condition and suspect.properties.get("told") else 0.0,
        "external": 1.0 if suspect.kind == "external" else 0.0,
        "memory": memory,
        "earlier": 1.0 if suspect.change is not None and suspect.found_by in ("earlier", "model") else 0.0,
        "release": 1.0 if release_only(suspect) else 0.0,
        "inert": 1.0 if inert(suspect.paths) else 0.0,
        "topic": topic_fit(symptom, suspect),
        "wording": 1.0 if wording_only(suspect) else 0.0,
        "logic": 1.0 if changes_logic(suspect) else 0.0,
        "elsewhere": 1.0 if suspect.properties.get("elsewhere") else 0.0,
        "foreign": 1.0 if suspect.properties.get("foreign") else 0.0,
        "opaque": 1.0 if suspect.change is not None and suspect.change.kind == "Deployment" else 0.0,
        "instance": 1.0
        if suspect.change is not None and suspect.change.kind in ("AuditEvent", "StateVersion")
        else 0.0,
    }


_RELEASE_ATTRIBUTES = frozenset({"image", "version", "tag", "imagetag", "image_tag", "appversion", "newtag"})


def release_only(suspect: Suspect) -> bool:
    """Whether it names another version and nothing else: what that version holds are other changes."""
    if suspect.change is None or suspect.change.kind != "Commit" or not suspect.views:
        return False
    told = False
    attributed = {
        text_of(v.properties, "path") for v in suspect.views if v.target.kind != "File" and attributes(v.properties)
    }
    for view in suspect.views:
        if view.target.kind == "File":
            path = text_of(view.properties, "path")
            if path in attributed:
                continue
            if path.rpartition("/")[2].casefold() not in RELEASE_FILES:
                return False
            told = True
        for one in attributes(view.properties):
            if one.path.rpartition(".")[2].casefold() not in _RELEASE_ATTRIBUTES:
                return False
            told = True
    return told


SLOW: frozenset[SymptomClass] = frozenset({"oom", "disk", "data", "queue_lag", "connections", "cost", "cpu"})
"""Failures that build up: their cause may lie days back."""


def none_features(symptom: Symptom, suspects: Sequence[Suspect]) -> dict[str, float]:
    """The features of "none of these"."""
    near = sum(1 for s in suspects if s.place and s.place.direction != "downstream")
    return {
        "none": 1.0,
        "near": log1p(near),
        "no_class": 0.0 if symptom.classes else 1.0,
    }


_SENTENCES: Mapping[str, str] = {
    "words_and_age": "its words and its age fit what was told",
    "here": "it changed {place} itself",
    "upstream": "{place} lies in what the symptom's part depends on",
    "nearness": "{place} is near",
    "placeless": "no path from it to what fails is known",
    "downstream": "{place} only depends on what fails",
    "age": "how long before it took effect",
    "fresh": "it took effect within the hour before",
    "manual": "it was done by hand",
    "expiry": "something ran out",
    "expiry_placed": "what ran out belongs to {place}",
    "limit": "a limit was reached",
    "limit_placed": "the limit is that of {place}",
    "external": "it is nothing of ours",
    "memory": "a confirmed incident was like this",
    "earlier": "it took effect before the window",
    "release": "it only names another version",
    "age_of_slow": "how long before it took effect",
    "limit_told": "the alert that tells of the limit is the symptom itself",
    "inert": "nothing in it runs",
    "topic": "its lines are about what fails",
    "wording": "its code only words or names something otherwise",
    "logic": "its code does something otherwise",
    "elsewhere": "its files are those of {elsewhere}, and not {environment}",
    "foreign": "it belongs to {foreign}, which nothing here depends on",
    "opaque": "what was deployed is not known",
    "instance": "it changed an instance in place",
}


def _words(symptom: Symptom, suspect: Suspect) -> dict[str, str]:
    place = suspect.place.label if suspect.place else "what it touched"
    elsewhere = suspect.properties.get("elsewhere", "another environment")
    here = symptom.environment or "where it shows"
    return {
        "environment": here,
        "place": place,
        "elsewhere": elsewhere,
        "foreign": suspect.properties.get("foreign", "another service"),
    }


def _is(place: Place | None, direction: str) -> bool:
    return place is not None and place.direction == direction


def _points(one: Contribution) -> Points:
    return Points(one.feature, one.value, one.points, one.sentence)
