"""Each citation of an investigation read again at its source: `lore verify INV`.

Commits and lines of files are looked up in the clones that are configured. What other sources said is read again from the exports that they are
configured with: one pull into nowhere, whose facts tell which locators are there and whether they still say the same. What came through an API
or a webhook is not asked for again: it cannot be checked here, and that is said. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from agent.memory_facts import SOURCE as INVESTIGATOR
from agent.memory_facts import from_properties, investigation_ref, learning_ref
from agent.verify import citations_of, unlisted
from api.git_locators import Clones, clones, git_place
from graph.clock import Instant
from graph.errors import GraphError
from graph.model import Assertion, Entity, EntityRef, Passage
from graph.rows import encode_value
from graph.store import GraphStore, Limits, View
from ingest.extraction import extract
from ingest.source import SourceError

if TYPE_CHECKING:
    from agent.investigation import Investigation
    from agent.model import Citation
    from agent.observations import Observations
    from api.wiring import Engine
    from ingest.source import Source

Status: TypeAlias = Literal["resolves", "changed", "missing", "cannot_check"]

DERIVED = frozenset({"identity", "people"})
"""Sources that are our own conclusions: they stand in the store and nowhere else."""
_FACTS_KEPT = 20
"""Facts of one locator that are compared; more say nothing new."""
_ROWS = Limits(rows=2_000, deadline_s=10.0)


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of a citation.

    Attributes:
        status: `resolves`; `changed`: it is there and says something else than what is stored; `missing`; `cannot_check`.
        why: a sentence, empty when it resolves.
        used_in: where in the investigation it is used.
    """

    id: str
    source: str
    locator: str
    status: Status
    why: str = ""
    used_in: tuple[str, ...] = ()

    @property
    def is_finding(self) -> bool:
        """Whether a reader must know: exit code 3."""
        return self.status in ("changed", "missing")


@dataclass(frozen=True, slots=True)
class Configured:
    """A source of `lore.yaml`: its name, the path of its export or clone (None when it is read through an API), and how to open it."""

    name: str
    path: Path | None
    open: Callable[[], Source] = field(repr=False)
    repository: str | None = None
    """`owner/name` that it gives its clone."""


def configured(engine: Engine) -> list[Configured]:
    """The sources that `lore.yaml` lists."""
    from api.wiring import PATH_SETTINGS, is_remote

    base = engine.settings.config_path.parent if engine.settings.config_path else Path()
    found: list[Configured] = []
    for entry in engine.settings.sources:
        for name, settings in entry.items():
            told = next((v for key in PATH_SETTINGS if isinstance(v := settings.get(key), str) and v), None)
            path = base / Path(told).expanduser() if told is not None and not is_remote(told) else None
            repository = settings.get("name")
            found.append(
                Configured(
                    name,
                    path if path is not None and path.exists() else None,
                    lambda name=name, settings=settings: engine.source(name, settings),
                    repository if isinstance(repository, str) else None,
                )
            )
    return found


def verify(
    store: GraphStore,
    investigation: Investigation,
    sources: Sequence[Configured],
    *,
    now: Instant,
    redact_key: bytes,
    observations: Observations | None = None,
) -> list[Verified]:
    """Every citation of the investigation, in its order, and what became of it; then marks that no citation is listed for.

    Args:
        sources: `configured(engine)`.
        now: the moment of reading, for sources that tell states.
        redact_key: so that what is read again is redacted as what is stored was.
    """
    cited = citations_of(investigation)
    found = check(
        [c.citation for c in cited], store, sources, now=now, redact_key=redact_key, observations=observations
    )
    rows = [
        Verified(c.citation.id, c.citation.source, c.citation.locator, *found[c.citation.id], c.used_in) for c in cited
    ]
    for mark, places in unlisted(investigation):
        rows.append(Verified(mark, "", "", "missing", "it is cited, and not among the citations", places))
    return rows


def check(
    citations: Sequence[Citation],
    store: GraphStore,
    sources: Sequence[Configured],
    *,
    now: Instant,
    redact_key: bytes,
    observations: Observations | None = None,
) -> dict[str, tuple[Status, str]]:
    """Status and reason by citation's id; each source is read at most once for all of them."""
    found: dict[str, tuple[Status, str]] = {}
    here = clones_of(sources)
    places = {c.id: p for c in citations if (p := git_place(c.locator)) is not None and p.name in here}
    try:
        flaws = here.check(list(places.values()))
    except SourceError as error:
        flaws = dict.fromkeys(places.values(), "")
        found.update((i, ("cannot_check", f"{error}")) for i in places)
    said_by = {c.id: c.source for c in citations}
    for id_, place in places.items():
        # A forge also speaks of commits that no clone has: those of branches that were squashed. It is asked itself, below.
        if id_ not in found and (not flaws[place] or said_by[id_] == "git"):
            found[id_] = ("missing", flaws[place]) if flaws[place] else ("resolves", "")
    left = [c for c in citations if c.id not in found]
    own = [c for c in left if c.source == INVESTIGATOR or c.source in DERIVED]
    found.update(_own(store, own))
    left = [c for c in left if c.id not in found]
    if observations is not None:
        found.update(_observed(observations, left, {s.name for s in sources}))
        left = [c for c in left if c.id not in found]
    by_source: dict[str, list[Citation]] = {}
    for citation in left:
        by_source.setdefault(citation.source, []).append(citation)
    for name, some in sorted(by_source.items()):
        found.update(_read_again(store, name, some, [s for s in sources if s.name == name], now, redact_key))
    return found


def clones_of(sources: Iterable[Configured]) -> Clones:
    """The clones among the configured sources."""
    from ingest.registry import setting_docs

    # Other sources (states, exports) may lie inside a repository too, and are none of its clones.
    named = [
        (str(s.path), s.repository)
        for s in sources
        if s.path is not None and any(setting.name == "rev" for setting in setting_docs(s.name))
    ]
    return clones(named)


# -- what stands in the store alone


def _own(store: GraphStore, citations: Sequence[Citation]) -> dict[str, tuple[Status, str]]:
    """Our own conclusions: they are read again where they stand."""
    everything = View(audience=store.labels() | {"public"})
    found: dict[str, tuple[Status, str]] = {}
    derived = {c.locator for c in citations if c.source in DERIVED}
    present = _stored_locators(store, derived) if derived else frozenset[str]()
    for c in citations:
        sort, _, name = c.locator.partition(":")
        if c.source in DERIVED:
            found[c.id] = _present(c.locator in present)
        elif sort == "learning":
            entity = store.entity(learning_ref(name), everything)
            learned = from_properties(entity.properties) if entity is not None else None
            if learned is not None and learned.state == "retracted":
                found[c.id] = ("changed", f"it was taken back by {learned.retracted_by} since: {learned.reason}")
            else:
                found[c.id] = _present(learned is not None)
        else:
            found[c.id] = _present(store.entity(investigation_ref(name), everything) is not None)
    return found


def _present(there: bool) -> tuple[Status, str]:
    return ("resolves", "") if there else ("missing", "the store does not have it any more")


class _Line(msgspec.Struct):
    source: str = ""
    locator: str = ""


def _stored_locators(store: GraphStore, wanted: set[str]) -> frozenset[str]:
    decoder = msgspec.json.Decoder(_Line)
    found = set[str]()
    for line in store.dump():
        if '"identity' in line or '"people' in line:
            one = decoder.decode(line)
            if one.locator in wanted and one.source in DERIVED:
                found.add(one.locator)
                if found == wanted:
                    break
    return frozenset(found)


# -- metrics, logs and traces


def _observed(
    observations: Observations, citations: Sequence[Citation], sources: Collection[str]
) -> dict[str, tuple[Status, str]]:
    found: dict[str, tuple[Status, str]] = {}
    for c in citations:
        status = observations.resolves(c.source, c.locator)
        if (
            status != "ok" and c.source in sources
        ):  # a cluster is a source of facts and of logs: the source is asked, too
            continue
        if status == "ok":
            found[c.id] = ("resolves", "")
        elif status == "no_data":
            found[c.id] = ("missing", f"{c.source} has no data there any more")
        elif status == "unavailable":
            found[c.id] = ("cannot_check", f"{c.source} cannot be asked now")
    return found


# -- exports, read again


def _read_again(
    store: GraphStore, name: str, citations: Sequence[Citation], sources: Sequence[Configured], now: Instant, key: bytes
) -> dict[str, tuple[Status, str]]:
    """Look for the locators in what the sources of this name deliver now."""
    if name == "git":
        return {
            c.id: ("cannot_check", "no clone of that repository is configured, or it is not there") for c in citations
        }
    if not sources:
        why = f"no source {name} is configured: name it in lore.yaml"
        return {c.id: ("cannot_check", why) for c in citations}
    wanted = {c.locator for c in citations}
    told: dict[str, list[Assertion]] = {}
    not_read: list[str] = []
    for source in sources:
        if wanted <= told.keys():
            break
        if source.path is None:
            not_read.append(f"{name} has no export here to read again (an API is not asked); open the citation's URL")
            continue
        try:
            _collect(source.open(), wanted, told, now, key)
        except SourceError as error:
            not_read.append(str(error))
    found: dict[str, tuple[Status, str]] = {}
    for c in citations:
        if c.locator in told:
            found[c.id] = _compared(store, c, told[c.locator])
        elif not_read:
            found[c.id] = ("cannot_check", not_read[0])
        else:
            found[c.id] = ("missing", f"what {name} delivers now does not hold it")
    return found


def _collect(source: Source, wanted: set[str], told: dict[str, list[Assertion]], now: Instant, key: bytes) -> None:
    """Add the facts with a wanted locator; reads no further than until each was met. What was read before an error counts."""
    with closing(extract(source, None, now, key, "none")) as batches:
        for batch in batches:
            for assertion in batch.assertions:
                if assertion.locator in wanted:
                    facts = told.setdefault(assertion.locator, [])
                    if len(facts) < _FACTS_KEPT:
                        facts.append(assertion)
            if wanted <= told.keys():
                return


def _compared(store: GraphStore, citation: Citation, told: Sequence[Assertion]) -> tuple[Status, str]:
    """Whether what is told there now is what is stored as from there. Without a thing or a text of both to compare, being there is enough."""
    everything = View(audience=store.labels() | {"public"})
    kept: dict[str, frozenset[bytes]] = {}
    again: dict[str, set[bytes]] = {}
    for assertion in told:
        key = assertion.fact.key
        if key not in kept:
            kept[key] = frozenset(_kept(store, citation, assertion, everything))
        if assertion.present:
            again.setdefault(key, set()).add(_content(assertion))
    if any(kept[key] and not kept[key] & contents for key, contents in again.items()):
        return "changed", "what stands there now says something else than what was read"
    return "resolves", ""


def _kept(store: GraphStore, citation: Citation, assertion: Assertion, view: View) -> list[bytes]:
    """What is stored of the assertion's fact with this citation's locator."""
    fact = assertion.fact
    if isinstance(fact, Entity):
        versions = store.history(EntityRef(fact.ref), view, _ROWS).items
        return [
            encode_value(s.properties)
            for s in versions
            if s.ref == fact.ref and s.provenance.locator == citation.locator and s.provenance.source == citation.source
        ]
    if isinstance(fact, Passage):
        hits = store.passages([fact.ref], view)
        return [
            hit.text.encode("utf-8", "surrogatepass")
            for hit in hits
            if hit.ref == fact.ref
            and hit.slot == fact.slot
            and hit.provenance.locator == citation.locator
            and hit.provenance.source == citation.source
        ]
    return []


def _content(assertion: Assertion) -> bytes:
    fact = assertion.fact
    if isinstance(fact, Passage):
        return fact.text.encode("utf-8", "surrogatepass")
    properties: Mapping[str, object] = fact.properties if isinstance(fact, Entity) else {}
    try:
        return encode_value(properties)  # type: ignore[arg-type]
    except (ValueError, GraphError):
        return b""
