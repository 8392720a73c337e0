"""Facts of one document: what it is, what each section says and names, and the incident that a post-mortem tells of."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from graph.clock import Instant, rfc3339
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, Passage, Relation, Value, ref
from ingest import names
from ingest.mentions import mentions
from ingest.repository_files import RepositoryFile
from ingest.sources.documents.markdown import Markdown, Section, links, parse, pieces, plain
from ingest.sources.documents.postmortem import Postmortem, read_postmortem, split_names, stated_facts

_TYPES = (
    ("postmortem", ("postmortem", "postmortems", "post-mortem", "post-mortems", "incidents", "incident-reports")),
    ("decision", ("adr", "adrs", "decisions", "rfc", "rfcs")),
    ("runbook", ("runbook", "runbooks", "playbook", "playbooks", "sop")),
)
_KNOWN_TYPES = {
    "adr": "decision",
    "rfc": "decision",
    "playbook": "runbook",
    "post-mortem": "postmortem",
    "incident": "postmortem",
    "incident report": "postmortem",
    "retrospective": "postmortem",
}
_RULE = "postmortem"
_CAUSES = frozenset({"Commit", "PullRequest", "Resource", "WorkflowRun", "Deployment"})
"""Kinds that cause and end incidents; a document or a thread that is named beside them only tells of it."""


@dataclass(frozen=True, slots=True)
class Place:
    """What all documents of a repository share.

    Attributes:
        name: `owner/name`.
        paths: of all documents, to know a link to one from a link elsewhere.
        services: path prefix -> service.
        told_at: since when documents hold that tell no time themselves.
    """

    name: str
    told_at: Instant
    observed_at: Instant
    paths: frozenset[str] = frozenset()
    services: Mapping[str, str] = field(default_factory=dict[str, str])


def document_ref(repository: str, path: str) -> EntityRef:
    """The document at a path of a repository."""
    return ref("Document", repository, path)


def document_facts(file: RepositoryFile, place: Place) -> list[Assertion]:
    """Every fact of a Markdown file."""
    return list(_Facts(file, parse(file.text()), place).all())


def document_type(path: str, document: Markdown) -> str:
    """postmortem, decision, runbook, readme or document: by front matter, path or title."""
    told = document.fields.get("type", "").strip().lower()
    if told:
        return _KNOWN_TYPES.get(told, told)
    parts = path.lower().split("/")
    for kind, words in _TYPES:
        if any(part in words for part in parts[:-1]) or any(w in parts[-1] for w in words[:1]):
            return kind
    title = document.title.lower().replace("-", "").replace(" ", "")
    if title.startswith(("postmortem", "incidentreport")) or title.endswith("postmortem"):
        return "postmortem"
    if title.startswith(("runbook", "playbook")):
        return "runbook"
    return "readme" if parts[-1].startswith("readme.") else "document"


class _Facts:
    def __init__(self, file: RepositoryFile, document: Markdown, place: Place) -> None:
        self._file = file
        self._document = document
        self._place = place
        self._ref = document_ref(place.name, file.path)
        self._type = document_type(file.path, document)
        self._title = document.title or posixpath.basename(file.path).rpartition(".")[0]
        self._told = stated_facts(document)
        self._at = file.changed_at if file.changed_at is not None else place.told_at

    def all(self) -> Iterator[Assertion]:
        whole = self._file.cite(1)
        yield self._state(Entity(self._ref, self._properties(whole[1])), whole)
        for alias in (Alias(self._ref, "path", self._file.path), Alias(self._ref, "name", self._title)):
            if alias.name:
                yield self._state(alias, whole)
        yield from self._passages()
        yield from self._mentions()
        postmortem = read_postmortem(self._document, self._file.path) if self._type == "postmortem" else None
        services = dict(self._services(postmortem))
        yield from self._about(self._ref, services, whole)
        if postmortem is not None:
            yield from self._incident(postmortem, services, whole)

    def _properties(self, url: str | None) -> dict[str, Value]:
        told: dict[str, Value] = {
            "repository": self._place.name,
            "path": self._file.path,
            "title": self._title,
            "type": self._type,
        }
        for name in ("status", "date"):
            if self._told.get(name):
                told[name] = plain(self._told[name])
        if url is not None:
            told["url"] = url
        return told

    # -- what it says and names

    def _passages(self) -> Iterator[Assertion]:
        number = 0
        for section in self._document.sections:
            for piece in pieces(section):
                number += 1
                path = " > ".join(section.headings)
                text = f"{path}\n\n{piece.text}" if path else piece.text
                slot = f"{number}:{path}"[:200]
                yield self._state(Passage(self._ref, slot, text), self._file.cite(piece.first, piece.last))

    def _named(self, sections: Sequence[Section]) -> Iterator[tuple[EntityRef, str, tuple[str, str | None]]]:
        """What sections name: its ref, the words, and where; each thing once."""
        found: set[EntityRef] = set()
        for section in sections:
            cited = self._file.cite(section.first, section.last)
            for mention in mentions("\n".join((*section.headings[-1:], section.text))):
                if mention.ref not in found:
                    found.add(mention.ref)
                    yield mention.ref, mention.text, cited
            for words, target in links(section.text):
                linked = self._linked(target)
                if linked is not None and linked not in found:
                    found.add(linked)
                    yield linked, words or target, cited

    def _linked(self, target: str) -> EntityRef | None:
        """The document of this repository that a relative link leads to."""
        path = unquote(target.partition("#")[0].partition("?")[0])
        if not path or "://" in target or target.startswith("mailto:"):
            return None
        folder = "" if path.startswith("/") else posixpath.dirname(self._file.path)
        full = posixpath.normpath(posixpath.join(folder, path.lstrip("/")))
        for candidate in (full, f"{full}.md", f"{full}/README.md"):
            if candidate in self._place.paths and candidate != self._file.path:
                return document_ref(self._place.name, candidate)
        return None

    def _mentions(self) -> Iterator[Assertion]:
        for named, words, cited in self._named(self._document.sections):
            yield self._state(Relation("MENTIONS", self._ref, named, {"text": words[:500]}), cited)

    # -- what it is about

    def _services(self, postmortem: Postmortem | None) -> Iterator[tuple[str, str]]:
        """Service as told -> the rule that told."""
        field_of = {name: f"front matter {name}" for name in ("service", "services") if self._document.fields.get(name)}
        for name in ("service", "services"):
            rule = field_of.get(name, f"{name} line")
            for told in split_names(self._told.get(name, "")):
                yield told, rule
        for told in postmortem.services if postmortem is not None else ():
            yield told, "service line"
        prefixes = [p for p in self._place.services if _below(self._file.path, p)]
        if prefixes:
            longest = max(prefixes, key=len)
            yield self._place.services[longest], f"path {longest}"
        parts = self._file.path.split("/")
        if len(parts) > 2 and parts[0] in ("services", "apps"):
            yield parts[1], "path"

    def _about(
        self, src: EntityRef, services: Mapping[str, str], cited: tuple[str, str | None], at: Instant | None = None
    ) -> Iterator[Assertion]:
        for told, rule in services.items():
            if name := names.service_name(told):
                service = names.service(told)
                yield self._state(Entity(service, {"name": name}), cited, at)
                yield self._state(Alias(service, "name", name), cited, at)
                yield self._state(Relation("ABOUT", src, service, {"rule": rule}), cited, at)

    # -- the incident

    def _incident(
        self, told: Postmortem, services: Mapping[str, str], cited: tuple[str, str | None]
    ) -> Iterator[Assertion]:
        """It began before it was written about: what is known by hindsight holds from the document's own time on."""
        incident = names.incident("documents", f"{self._place.name}:{self._file.path}")
        began_at = told.started_at if told.started_at is not None else self._at
        written_at = max(self._at, began_at, told.resolved_at if told.resolved_at is not None else began_at)
        properties: dict[str, Value] = {"system": "documents", "state": "triggered"}
        if told.started_at is not None:
            properties["started_at"] = rfc3339(told.started_at)
        for name, value in (
            ("severity", told.severity),
            ("environment", told.environment),
            ("incident_id", told.incident),
        ):
            if value:
                properties[name] = names.environment_name(value) if name == "environment" else value
        if service := next((n for n in map(names.service_name, services) if n), ""):
            properties["service"] = service
        if cited[1] is not None:
            properties["url"] = cited[1]
        # A post-mortem's title often tells the cause.
        properties["title"] = f"Incident {told.incident or properties.get('service', '')}".rstrip()
        versions: dict[Instant, dict[str, Value]] = {began_at: dict(properties)}
        properties["state"] = "resolved"
        if told.resolved_at is not None:
            properties["resolved_at"] = rfc3339(told.resolved_at)
            if began_at < told.resolved_at < written_at:
                versions[told.resolved_at] = dict(properties)
        properties |= {name: text for name, text in (("cause", told.cause), ("fix", told.fix)) if text}
        properties["title"] = _incident_title(self._title)
        versions[written_at] = properties
        for at, version in versions.items():
            yield self._state(Entity(incident, version), cited, at)
        yield self._state(Alias(incident, "name", _incident_title(self._title)), cited, written_at)
        yield from self._about(incident, services, cited, began_at)
        yield self._state(Relation("ABOUT", self._ref, incident, {"rule": _RULE}), cited, written_at)
        if told.incident and (page := self._paged()):
            yield self._state(Relation("MENTIONS", incident, page, {"text": told.incident[:500]}), cited, written_at)
        for type_, sections, text in (("CAUSED_BY", told.causes, told.cause), ("FIXED_BY", told.fixes, told.fix)):
            for named, _, where in self._named(sections):
                if named.kind in _CAUSES:
                    properties = {"rule": _RULE, "text": text[:500]}
                    yield self._state(Relation(type_, incident, named, properties), where, written_at)

    def _paged(self) -> EntityRef | None:
        """The incident of an alerting system that the line `Incident:` links to."""
        line = self._told.get("incident", "")
        return next((m.ref for m in mentions(line) if m.ref.kind == "Incident"), None)

    def _state(self, fact: Fact, cited: tuple[str, str | None], at: Instant | None = None) -> Assertion:
        return Assertion(fact, self._at if at is None else at, self._place.observed_at, cited[0], url=cited[1])


def _incident_title(title: str) -> str:
    for prefix in ("post-mortem:", "postmortem:", "post mortem:", "incident report:", "incident:"):
        if title.lower().startswith(prefix):
            return title[len(prefix) :].strip()
    return title


def _below(path: str, prefix: str) -> bool:
    folder = prefix.strip("/")
    return path == folder or path.startswith(folder + "/")
