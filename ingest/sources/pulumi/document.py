"""The three documents that are read: `pulumi stack export`, `pulumi preview --json` and `pulumi stack history --json`.

https://www.pulumi.com/docs/reference/deployment-schema/; the other two are described by their writers in pulumi/pulumi
(`pkg/backend/display/json.go`, `pkg/cmd/pulumi/stack/stack_history.go`).
"""

from __future__ import annotations

from typing import TypeVar, cast

import msgspec

from ingest.sources.deployments.files import FileInvalid, decode_json, without_nulls

_T = TypeVar("_T")


class StackResource(msgspec.Struct, frozen=True):
    """A resource of a stack. `delete` marks one that was replaced and awaits deletion: it shares the URN of its successor."""

    urn: str
    type: str = ""
    id: str = ""
    custom: bool = False
    delete: bool = False
    external: bool = False
    parent: str = ""
    protect: bool = False
    created: str = ""
    modified: str = ""
    inputs: dict[str, object] = {}
    outputs: dict[str, object] = {}
    dependencies: list[str] = []
    additionalSecretOutputs: list[str] = []


class Manifest(msgspec.Struct, frozen=True):
    """When and by which version it was written."""

    time: str = ""
    version: str = ""


class StackDeployment(msgspec.Struct, frozen=True):
    """What a stack holds."""

    manifest: Manifest = msgspec.field(default_factory=Manifest)
    resources: list[StackResource] = []


class Export(msgspec.Struct, frozen=True):
    """`pulumi stack export`."""

    version: int
    deployment: StackDeployment


class Step(msgspec.Struct, frozen=True):
    """What a preview would do to one resource."""

    op: str
    urn: str
    oldState: StackResource | None = None
    newState: StackResource | None = None


class Diagnostic(msgspec.Struct, frozen=True):
    """A message of a preview; only how bad it is is read."""

    severity: str = ""


class Preview(msgspec.Struct, frozen=True):
    """`pulumi preview --json`."""

    steps: list[Step] = []
    diagnostics: list[Diagnostic] = []
    maybeCorrupt: bool = False


class Update(msgspec.Struct, frozen=True):
    """An entry of a stack's history; its configuration is passed over."""

    kind: str
    startTime: str
    version: int = 0
    message: str = ""
    environment: dict[str, str] = {}
    result: str = ""
    endTime: str = ""


Document = Export | Preview | list[Update]


def read_document(data: bytes) -> Document:
    """The document in these bytes. Raises `FileInvalid`, without anything of its content."""
    document = without_nulls(decode_json(data))
    if isinstance(document, list):
        return _converted(cast("list[object]", document), list[Update])
    if isinstance(document, dict):
        fields = cast("dict[str, object]", document)
        if "version" in fields and not {"steps", "format_version", "resources"} & fields.keys():
            return _export(fields)
        if "steps" in fields or "changeSummary" in fields:
            return _converted(fields, Preview)
    raise FileInvalid("it is JSON, but neither a stack export nor a preview nor a history of Pulumi")


def _export(fields: dict[str, object]) -> Export:
    version = fields.get("version")
    if version not in (3, 4):
        raise FileInvalid(
            "its format is not version 3 or 4, the ones that can be read; export it with a current Pulumi"
        )
    # An empty stack has null for its deployment.
    return _converted({"version": version, "deployment": fields.get("deployment", {})}, Export)


def _converted(document: object, shape: type[_T]) -> _T:
    try:
        return msgspec.convert(document, shape)
    except msgspec.ValidationError:
        raise FileInvalid("it is JSON, but not of the form that Pulumi writes") from None
