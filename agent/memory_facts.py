"""What memory is made of: an investigation with everything it was run with, and what was learned of a solved one; both as facts and back.

All facts are of the source `investigator`: investigations in one scope, what was learned in another. What a person's word created carries
the learning's locator, so that it can be taken back together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Literal, TypeAlias, cast

import msgspec

from agent.investigation import Investigation
from agent.model import Struct
from graph.clock import Instant
from graph.model import PUBLIC, Assertion, EntityRef, FactBatch, Properties, Value, Withdrawal, ref
from graph.store import Provenance

SOURCE = "investigator"
INVESTIGATIONS = "investigations"
LEARNINGS = "learnings"
EXTRACTOR = "investigator/1"
PART_CHARS = 500_000
"""A recording is kept in parts of so many characters: the store takes a few megabytes a fact."""

LearningState: TypeAlias = Literal["confirmed", "proposed", "retracted"]
LearningRule: TypeAlias = Literal["confirmed", "postmortem", "recovery"]

Option: TypeAlias = str | int | float | bool | None


class CauseRefs(Struct, frozen=True, kw_only=True):
    """What a cause of an investigation is in the graph: the contract names changes as people do."""

    rank: int
    key: str
    change: str | None = None
    target: str | None = None
    also: tuple[str, ...] = ()


class ScopeRead(Struct, frozen=True, kw_only=True):
    """How far a source and scope had been read when an investigation was run: the store keeps only the last word on it."""

    source: str
    scope: str
    fresh_until: Instant | None = None


class InvestigationInputs(Struct, frozen=True, kw_only=True):
    """Everything an investigation was run with, for a replay offline and to the byte.

    Attributes:
        symptom: as asked, unread.
        at: when it was detected, RFC 3339.
        options: by name, as given.
        known_at: number of the last record that was visible.
        audience: the labels of whoever ran it, sorted.
        dense: cosine by ref of what was asked of the embedder.
        observations: `agent.observations.Recording.to_json`, empty when nothing was connected.
        replies: recorded answers of a language model, each JSON, in order.
        causes: what the causes of the result are in the graph.
        engine: version of the investigator.
        scopes: how far each source had been read; None in what was kept before this was recorded.
        notes: what a reader had to know first and no fact tells.
    """

    schema: Literal["lore.investigation-inputs/1"] = "lore.investigation-inputs/1"
    symptom: str
    at: str
    options: dict[str, Option] = msgspec.field(default_factory=dict[str, Option])
    known_at: int = 0
    audience: tuple[str, ...] = (PUBLIC,)
    dense: dict[str, float] = msgspec.field(default_factory=dict[str, float])
    observations: str = ""
    replies: tuple[str, ...] = ()
    causes: tuple[CauseRefs, ...] = ()
    engine: str = ""
    scopes: tuple[ScopeRead, ...] | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """One line, the same for equal inputs."""
        return msgspec.json.encode(
            msgspec.structs.replace(self, symptom=storable(self.symptom)), order="sorted"
        ).decode()

    @staticmethod
    def from_json(text: str) -> InvestigationInputs:
        """What `to_json` wrote.

        Raises:
            ValueError: the text is something else.
        """
        return msgspec.json.decode(text, type=InvestigationInputs)


def investigation_id(inputs: InvestigationInputs) -> str:
    """`inv_…`, from what was asked, with which options, as known at which record, by whom, of which engine: what it found is no part of it."""
    asked = msgspec.structs.replace(inputs, dense={}, observations="", replies=(), causes=(), scopes=None, notes=())
    return f"inv_{blake2b(asked.to_json().encode('utf-8', 'surrogatepass'), digest_size=10).hexdigest()}"


class Named(Struct, frozen=True, kw_only=True):
    """A thing of the graph and what it was called then."""

    ref: str
    label: str = ""


class Shape(Struct, frozen=True, kw_only=True):
    """What a cause looked like in the graph, apart from what it was called.

    Attributes:
        change: kind of the change entity, `Commit`; empty for conditions.
        kinds, types: of what it touched: entity kinds, resource types.
        effects: created, updated …
        attributes: attribute paths touched, without indices.
        places: words of the paths of files that it touched.
        way: relation types from the symptom's thing to what was touched, `DEPENDS_ON>` along the relation, `<DEPENDS_ON` against it.
        direction: upstream, downstream, same, or empty when no way is known.
    """

    change: str = ""
    kinds: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    way: tuple[str, ...] = ()
    direction: str = ""


class Learning(Struct, frozen=True, kw_only=True):
    """A cause that somebody vouched for (or that is only proposed), and all by which its like is known again.

    Attributes:
        rule: who vouches: a person (`confirmed`), the authors of a post-mortem, or nobody yet (`recovery`).
        classes: names of the classes of symptom.
        at, until: when the symptom was detected and when it was over, RFC 3339; `until` is empty when nobody says.
        services: names of the services that it was about.
        anchors: what the symptom was about; `targets`: what the cause touched; `causes`: the change, under all its names.
        kind: the contract's kind of cause.
        incident: the incident that it explains, where one is known.
        retracted_by, reason: of one that was taken back; `used_by` then names the investigations whose ranking it had moved.
    """

    learning_id: str
    state: LearningState
    rule: LearningRule
    investigation: str = ""
    symptom: str = ""
    classes: tuple[str, ...] = ()
    environment: str = ""
    at: str = ""
    until: str = ""
    services: tuple[str, ...] = ()
    anchors: tuple[Named, ...] = ()
    causes: tuple[Named, ...] = ()
    targets: tuple[Named, ...] = ()
    kind: str = "change"
    mechanism: str = ""
    cause: str = ""
    fix: str = ""
    shape: Shape = Shape()
    incident: str = ""
    confirmed_by: str = ""
    confirmed_at: str = ""
    retracted_by: str = ""
    retracted_at: str = ""
    reason: str = ""
    used_by: tuple[str, ...] = ()


class Known(Struct, frozen=True, kw_only=True):
    """A learning as a view shows it: its ref and where it can be read."""

    ref: EntityRef
    learning: Learning
    said: tuple[Provenance, ...]


def investigation_ref(investigation_id: str) -> EntityRef:
    """The ref of an investigation."""
    return ref("Investigation", investigation_id)


def recording_ref(investigation_id: str, part: int) -> EntityRef:
    """The ref of one part of what an investigation was run with."""
    return ref("Recording", investigation_id, str(part))


def learning_ref(learning_id: str) -> EntityRef:
    """The ref of a learning."""
    return ref("Learning", learning_id)


def learning_id(subject: str, cause: str) -> str:
    """`lrn_…`: one a subject (an investigation, an incident) and cause, whoever says it and when."""
    said = "\x1f".join((subject, cause)).encode("utf-8", "surrogatepass")
    return f"lrn_{blake2b(said, digest_size=10).hexdigest()}"


def investigation_locator(investigation_id: str) -> str:
    """Where an investigation is cited."""
    return f"investigation:{investigation_id}"


def learning_locator(of: str) -> str:
    """Where a learning is cited; every fact that it created has this locator."""
    return f"learning:{of}"


def joined_label(labels: Iterable[str]) -> str:
    """The label of what rests on facts with these labels: all of them are needed, `public` goes without saying."""
    needed = {part for label in labels for part in label.split("+")} - {PUBLIC, ""}
    return "+".join(sorted(needed)) or PUBLIC


def storable(text: str) -> str:
    """The text without what no store takes: NUL characters, and halves of surrogate pairs (a command line may hold them)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def without_time(investigation: Investigation) -> Investigation:
    """The investigation but for how long it took: that is no part of what it found."""
    return msgspec.structs.replace(investigation, usage=msgspec.structs.replace(investigation.usage, elapsed_s=0.0))


def to_properties(learning: Learning) -> Properties:
    """A learning as properties; what says nothing is left out."""
    given = cast("dict[str, Value]", msgspec.to_builtins(learning, enc_hook=str))  # a ref is a str of its own class
    told = {name: storable(value) if isinstance(value, str) else value for name, value in given.items()}
    return {name: value for name, value in told.items() if value not in ("", [], ())}


def from_properties(properties: Properties) -> Learning | None:
    """The learning that properties hold; None when they hold none."""
    try:
        return msgspec.convert(_plain(properties), Learning)
    except msgspec.ValidationError:
        return None


def batch(
    scope: str,
    assertions: Sequence[Assertion],
    withdrawals: Sequence[Withdrawal] = (),
    fresh_until: Instant | None = None,
) -> FactBatch:
    """A batch whose id is that of its content."""
    said = repr((scope, tuple(assertions), tuple(withdrawals)))
    digest = blake2b(said.encode("utf-8", "surrogatepass"), digest_size=15).hexdigest()
    return FactBatch(
        f"{SOURCE}-{digest}", SOURCE, scope, EXTRACTOR, tuple(assertions), tuple(withdrawals), fresh_until=fresh_until
    )


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in cast("Mapping[object, object]", value).items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(v) for v in cast("Sequence[object]", value)]
    return value
