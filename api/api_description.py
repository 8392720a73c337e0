"""How the HTTP API describes itself: OpenAPI with the schemas of what it answers, and a page at `/docs` that needs no other server."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.util import find_spec
from typing import cast

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from agent.cost.model import CostReport, Estimate
from agent.digest.model import Digest
from agent.drift.model import DriftReport
from agent.model import Answer
from api.problems import MEDIA_TYPE, Problem
from api.routes.v1.changes import Changes
from api.routes.v1.resources import History, Resource

DESCRIPTION = """\
The memory of an infrastructure: who changed what, when and why, with citations.

Ask by curl: `curl 'http://127.0.0.1:8480/api/v1/ask?q=who+owns+checkout?'`; watch an investigation: `curl -N …/events`. docs/api.md tells the rest.
"""
_ANSWERED = (Answer, Changes, Resource, History, DriftReport, CostReport, Estimate, Digest)
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "hint": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {"type": "object", "properties": {"at": {"type": "string"}, "problem": {"type": "string"}}},
        },
    },
    "examples": [{"type": "about:blank", "title": "Not Found", "status": 404, "detail": "nothing is called 'chekout'"}],
}
_PROBLEMS = {
    "400": "The request cannot be read.",
    "401": "A token is needed, or the one that came does not hold.",
    "403": "The token may not do that.",
    "404": "There is no such thing, or this token may not see it.",
    "409": "The server is not set up for this, or the request contradicts an earlier one.",
    "413": "The body is too large.",
    "421": "The server does not go by that name.",
    "422": "The request cannot be meant.",
    "429": "Too many requests; Retry-After says when.",
    "503": "The store cannot be read now; Retry-After says when.",
    "504": "It took too long.",
}
Json = dict[str, object]
_SIGNED = ("/webhooks/", "/slack/")


def describe(app: FastAPI, *, tokens: bool) -> None:
    """Give an application `/openapi.json` and `/docs`."""

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, tokens=tokens)
        return cast(Json, app.openapi_schema)

    app.openapi = openapi  # FastAPI's documented way: https://fastapi.tiangolo.com/how-to/extending-openapi/

    @app.get("/openapi.json", include_in_schema=False)
    async def document() -> Response:
        return Response(json.dumps(openapi()), media_type="application/json")

    assets = _assets()

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        policy = "default-src 'none'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; "
        if assets:
            # Swagger UI sets styles on elements; its script and ours are files of this server.
            policy += "script-src 'self'; style-src 'self' 'unsafe-inline'"
            return Response(_SWAGGER, media_type="text/html", headers={"content-security-policy": policy})
        policy += "style-src 'unsafe-inline'"
        here = f"{request.url.scheme}://{request.url.netloc}"
        return Response(_page(openapi(), here), media_type="text/html", headers={"content-security-policy": policy})

    @app.get("/docs/{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        if name not in assets:
            raise Problem(404, "there is no such page", "/docs is the documentation")
        content, media_type = assets[name]
        return Response(content, media_type=media_type, headers={"cache-control": "max-age=86400"})

    @app.get("/", include_in_schema=False)
    async def home() -> Response:
        return Response(status_code=307, headers={"location": "/docs"})

    del document, docs, asset, home  # the application keeps them


def _document(app: FastAPI, *, tokens: bool) -> Json:
    document = cast(Json, get_openapi(title="infralore", version="1", description=DESCRIPTION, routes=app.routes))
    components = cast("dict[str, Json]", document.setdefault("components", {}))
    _, schemas = msgspec.json.schema_components(
        _ANSWERED, schema_hook=_anything, ref_template="#/components/schemas/{name}"
    )
    known = components.setdefault("schemas", {})
    known.pop("HTTPValidationError", None)
    known.pop("ValidationError", None)
    known.update(schemas)
    known["Problem"] = _PROBLEM
    for path, operations in cast("dict[str, dict[str, Json]]", document["paths"]).items():
        for operation in operations.values():
            # Senders of webhooks read the status alone, and are told in plain JSON.
            plain = path.startswith(_SIGNED)
            _add_problems(cast("dict[str, Json]", operation["responses"]), plain=plain)
    if tokens:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


def _anything(_: type) -> Json:
    """The schema of a value that sources wrote: any JSON."""
    return {"description": "any JSON value"}


def _add_problems(responses: dict[str, Json], *, plain: bool) -> None:
    """Every error is a problem."""
    content: Json = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    if plain:
        content["application/json"] = {"schema": {"type": "object"}}
    for status, description in _PROBLEMS.items():
        given = responses.get(status, {})
        responses[status] = {"description": given.get("description", description), "content": content}
    responses["422"]["description"] = _PROBLEMS["422"]


# -- the page

_SWAGGER = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>infralore</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
"""
_START = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, tryItOutEnabled: true});\n'
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "pre{background:#f4f4f4;padding:.7rem;overflow:auto}h2{border-bottom:1px solid #ddd;margin-top:2.5rem}"
    "code{font-size:14px}table{border-collapse:collapse}td{padding:.1rem 1rem .1rem 0;vertical-align:top}"
)


def _assets() -> Mapping[str, tuple[bytes, str]]:
    """Swagger UI, from the package `fastapi-offline` where it is installed; else nothing."""
    if find_spec("fastapi_offline") is None:
        return {}
    static = files("fastapi_offline") / "static"
    return {
        "swagger-ui.css": ((static / "swagger-ui.css").read_bytes(), "text/css"),
        "swagger-ui-bundle.js": ((static / "swagger-ui-bundle.js").read_bytes(), "text/javascript"),
        "start.js": (_START.encode(), "text/javascript"),
    }


def _page(document: Json, here: str) -> str:
    """The API on one page without scripts: what each operation does, what it takes, and a curl line."""
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>infralore</title>",
        f"<style>{_STYLE}</style></head><body><h1>infralore: HTTP API</h1>",
        "<p>The memory of an infrastructure: who changed what, when and why, with citations. ",
        '<a href="/openapi.json">openapi.json</a> describes the same for programs.</p>',
    ]
    for path, operations in cast("dict[str, dict[str, Json]]", document["paths"]).items():
        if path.startswith(_SIGNED):  # for other systems, which sign
            continue
        for method, operation in operations.items():
            parts.append(_operation(method, path, operation, here))
    return "".join([*parts, "</body></html>"])


def _operation(method: str, path: str, operation: Json, here: str) -> str:
    parameters = cast("Sequence[dict[str, object]]", operation.get("parameters", ()))
    rows = "".join(f"<tr><td><code>{_h(p['name'])}</code><td>{_h(p.get('description', ''))}" for p in parameters)
    responses = cast("dict[str, dict[str, object]]", operation["responses"])
    good = next((r for status, r in responses.items() if status.startswith("2")), dict[str, object]())
    example = _example(good)
    return (
        f"<h2 id='{_h(operation.get('operationId', ''))}'>{_h(operation.get('summary', path))}</h2>"
        f"<p><code>{method.upper()} {_h(path)}</code></p><table>{rows}</table>"
        f"<pre>{_h(_curl(method, path, operation, here))}</pre><p>{_h(good.get('description', ''))}</p>"
        + (f"<pre>{_h(example)}</pre>" if example else "")
    )


def _curl(method: str, path: str, operation: Json, here: str) -> str:
    parameters = cast("Sequence[dict[str, object]]", operation.get("parameters", ()))
    query = ""
    for p in parameters:
        shown = cast("Sequence[object]", p.get("examples") or cast("Json", p.get("schema", {})).get("examples") or ())
        if shown and p["in"] == "path":
            path = path.replace("{" + str(p["name"]) + "}", str(shown[0]))
        elif shown and p.get("required"):
            query = f"?{p['name']}=" + str(shown[0]).replace(" ", "+")
    stream = "-N " if path.endswith("/events") else ""
    line = f"curl {stream}'{here}{path}{query}'"
    body = operation.get("requestBody")
    if method == "post" and body is not None:
        line += " -H 'content-type: application/json' -d '" + (_body_example(operation) or "{…}") + "'"
    return line


def _body_example(operation: Json) -> str:
    body = cast("dict[str, dict[str, dict[str, object]]]", operation["requestBody"])
    schema = cast(Json, body["content"]["application/json"].get("schema", {}))
    shown = _BODIES.get(str(schema.get("$ref", "")).rpartition("/")[2])
    return json.dumps(shown) if shown else ""


_BODIES: Mapping[str, object] = {
    "Question": {"question": "who changed the LB rule?"},
    "Symptom": {"symptom": "checkout returns 502", "environment": "prod"},
}


def _example(response: Mapping[str, object]) -> str:
    content = cast("dict[str, dict[str, object]]", response.get("content", {}))
    for media_type, one in content.items():
        if "example" in one:
            shown = one["example"]
            return json.dumps(shown, indent=2, ensure_ascii=False) if media_type == "application/json" else str(shown)
    return ""


def _h(text: object) -> str:
    return html.escape(str(text))
