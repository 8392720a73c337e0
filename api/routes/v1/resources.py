"""`/api/v1/resources/{ref}`: what is known of one thing, and how it came to be so."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from agent.evidence import Citations
from agent.model import Citation, Struct
from api.problems import Problem
from api.routes.v1.parts import Json, Parts, TimeText, documented, encoded, entity_ref, moment
from api.tokens import Caller, needs
from graph.clock import Instant, rfc3339
from graph.model import EntityRef
from graph.store import Limits, Statement, View

Asker = Annotated[Caller, Depends(needs("read"))]
_SAID: Json = {
    "source": "catalog",
    "properties": {"name": "checkout", "tier": "1"},
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_to": None,
    "citation": "c1",
}
_RESOURCE: Json = {
    "ref": "Service:checkout",
    "refs": ["Service:checkout"],
    "kind": "Service",
    "properties": {"name": "checkout", "tier": "1"},
    "names": [{"scheme": "name", "name": "checkout"}],
    "sources": [_SAID],
    "relations": [
        {"type": "OWNED_BY", "from": "Service:checkout", "to": "Team:shop", "properties": {}, "citation": "c1"}
    ],
    "truncated": False,
    "citations": [
        {
            "id": "c1",
            "source": "git",
            "locator": "acme/infra@…:prod/lb.tf#L10-L20",
            "url": None,
            "observed_at": "2026-05-19T14:11:00Z",
        }
    ],
}
_HISTORY: Json = {
    "ref": "Service:checkout",
    "versions": [_SAID],
    "truncated": False,
    "citations": [
        {
            "id": "c1",
            "source": "git",
            "locator": "acme/infra@…:prod/lb.tf#L10-L20",
            "url": None,
            "observed_at": "2026-05-19T14:11:00Z",
        }
    ],
}

Ref = Annotated[
    str,
    Path(
        max_length=1_000,
        description="a ref (`Kind:id`, its colon as it is or as %3A), or an exact name, login, address or ARN",
        examples=["checkout"],
    ),
]
_MOST_RELATIONS = 500


class Said(Struct, frozen=True, kw_only=True):
    """What one source says, over which time."""

    source: str
    properties: dict[str, object]
    valid_from: str
    valid_to: str | None
    citation: str


class Name(Struct, frozen=True, kw_only=True):
    """A name that it goes by."""

    scheme: str
    name: str


class Edge(Struct, frozen=True, kw_only=True, rename={"src": "from", "dst": "to"}):
    """A relation to another thing."""

    type: str
    src: str
    dst: str
    properties: dict[str, object]
    citation: str


class Resource(Struct, frozen=True, kw_only=True):
    """One thing: joined over the sources, and what each of them says."""

    schema: str = "lore.resource/1"
    ref: str
    refs: tuple[str, ...]
    kind: str
    properties: dict[str, object]
    names: tuple[Name, ...]
    sources: tuple[Said, ...]
    relations: tuple[Edge, ...]
    truncated: bool
    citations: tuple[Citation, ...]


class History(Struct, frozen=True, kw_only=True):
    """What was said of one thing over time, newest first."""

    schema: str = "lore.history/1"
    ref: str
    versions: tuple[Said, ...]
    truncated: bool
    citations: tuple[Citation, ...]


def resources(parts: Parts) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1/resources", tags=["resources"])

    # The longer path first: a name may hold slashes.
    @router.get(
        "/{ref:path}/history",
        operation_id="resource_history",
        summary="A thing over time, newest first",
        responses=documented("lore.history/1", "History", _HISTORY),
    )
    async def history(
        ref: Ref,
        caller: Asker,
        as_of: TimeText = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> Response:
        at = moment("as_of", as_of)
        return encoded(await parts.crew.do(lambda: _history(caller, ref, at, limit)))

    @router.get(
        "/{ref:path}",
        operation_id="resource",
        summary="A thing, as all sources together tell it",
        responses=documented("lore.resource/1", "Resource", _RESOURCE),
    )
    async def one(ref: Ref, caller: Asker, as_of: TimeText = None) -> Response:
        at = moment("as_of", as_of)
        return encoded(await parts.crew.do(lambda: _resource(caller, ref, at)))

    del history, one  # the router keeps them
    return router


def _resource(caller: Caller, text: str, as_of: Instant | None) -> Resource:
    store = caller.engine.store
    view = View(as_of, store.record(), caller.audience)
    found = store.entity(entity_ref(caller, text, view), view)
    if found is None:
        raise Problem(404, "nothing is known of that at this time", "leave as_of out, or see its history")
    citations = Citations()
    page = store.neighbours([found.ref], view, Limits(rows=_MOST_RELATIONS))
    names = store.aliases([found.ref], view)
    return Resource(
        ref=str(found.ref),
        refs=tuple(map(str, found.refs)),
        kind=found.kind,
        properties=dict(found.properties),
        names=tuple(dict.fromkeys(Name(scheme=a.scheme, name=a.name) for a in names)),
        sources=tuple(_said(one, citations) for one in found.statements),
        relations=tuple(
            Edge(
                type=edge.type,
                src=str(edge.src),
                dst=str(edge.dst),
                properties=dict(edge.properties),
                citation=citations.cite(edge.statements[0].provenance),
            )
            for edge in page.items
        ),
        truncated=page.cut,
        citations=citations.all(),
    )


def _history(caller: Caller, text: str, as_of: Instant | None, limit: int) -> History:
    store = caller.engine.store
    view = View(as_of, store.record(), caller.audience)
    ref, page = EntityRef(text), None
    if all(text.partition(":")):  # what no longer exists has a history too
        page = store.history(ref, view, Limits(rows=limit))
    if page is None or not page.items:
        ref = entity_ref(caller, text, view)
        page = store.history(ref, view, Limits(rows=limit))
    citations = Citations()
    return History(
        ref=str(ref),
        versions=tuple(_said(one, citations) for one in page.items),
        truncated=page.cut,
        citations=citations.all(),
    )


def _said(one: Statement, citations: Citations) -> Said:
    return Said(
        source=one.provenance.source,
        properties=dict(one.properties),
        valid_from=rfc3339(one.valid_from),
        valid_to=None if one.valid_to is None else rfc3339(one.valid_to),
        citation=citations.cite(one.provenance),
    )
