"""Property values as Pulumi writes them: secrets, assets and references are objects with a signature, what is not known yet is a fixed text.

https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

from graph.model import Value
from ingest.redact import REDACTED
from ingest.sources.pulumi.document import StackResource
from ingest.sources.terraform_plan.differences import texts_in, withheld
from ingest.sources.terraform_state.attributes import Attributes, read_attributes

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_FILES = ("c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7")
_SECRET_TEXT = "[secret]"
UNKNOWN = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""What stands for a value that is known only after the update, by its type."""
_KNOWN: Mapping[str, tuple[str, ...]] = {
    "random:index/randomPassword:RandomPassword": ("result", "bcryptHash"),
    "kubernetes:core/v1:Secret": ("data", "stringData"),
    "kubernetes:core/v1:ConfigMap": ("data", "binaryData"),
    "aws:ssm/parameter:Parameter": ("value",),
    "aws:iam/accessKey:AccessKey": ("secret", "sesSmtpPasswordV4"),
    "tls:index/privateKey:PrivateKey": ("privateKeyPem", "privateKeyOpenssh", "privateKeyPemPkcs8"),
}
"""Types whose properties are secret under names that do not say so, also in stacks that were written without encryption."""
_MIN_SECRET_CHARS = 4


def properties_of(one: StackResource, properties: Mapping[str, object], secrets: frozenset[str]) -> Attributes:
    """A resource's inputs or outputs, flattened and without secrets; `secrets` are texts that are secret elsewhere in the document."""
    hidden = {*one.additionalSecretOutputs, *_KNOWN.get(one.type, ())}
    marked: list[object] = [[{"type": "get_attr", "value": name}] for name in sorted(hidden)]
    told = {name: _plain(value) for name, value in properties.items() if not name.startswith("__")}
    return _without_marks(withheld(read_attributes(one.type, told, marked), secrets))


def plain_secrets(resources: Iterator[StackResource]) -> frozenset[str]:
    """Texts that are secret by their signature and stand there in plain text (`--show-secrets`)."""
    found = {text for one in resources for side in (one.inputs, one.outputs) for text in _shown(side)}
    return frozenset(text for text in found if len(text) >= _MIN_SECRET_CHARS)


def text_of(properties: Mapping[str, object], name: str) -> str:
    """A property that is a plain text, else an empty one."""
    value = properties.get(name)
    return value if isinstance(value, str) and value not in UNKNOWN and value != _SECRET_TEXT else ""


def _plain(value: object) -> Value:
    if isinstance(value, dict):
        fields = cast("Mapping[str, object]", value)
        if _SIGNATURE in fields:
            return _signed(fields)
        return {name: _plain(item) for name, item in fields.items() if not name.startswith("__")}
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[object]", value)]
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return float(value) if abs(value) < 10**300 else str(value)
    return cast("Value", value)


def _signed(fields: Mapping[str, object]) -> Value:
    """What stands for a signed object. Of one that is not known nothing is told: it may be a new sort of secret."""
    signature = fields[_SIGNATURE]
    if signature == _REFERENCE:
        return text_of(fields, "urn") or None
    if signature in _FILES:
        return text_of(fields, "hash") or None
    if signature == _OUTPUT and not fields.get("secret"):
        return _plain(fields.get("value"))
    return REDACTED


def _without_marks(attributes: Attributes) -> Attributes:
    """`[secret]`, `REDACTED` and the like count as withheld, so that a difference says so."""
    found = {path: value for path, value in attributes.values.items() if _is_mark(value)}
    if not found:
        return attributes
    hidden = dict.fromkeys(found, REDACTED)
    return replace(attributes, values={**attributes.values, **hidden}, secrets={**found, **attributes.secrets})


def _is_mark(value: Value) -> bool:
    if isinstance(value, str):
        return value in (_SECRET_TEXT, REDACTED)
    return isinstance(value, list) and any(_is_mark(item) for item in value)


def _shown(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        fields = cast("Mapping[str, object]", value)
        plaintext = fields.get("plaintext")
        if fields.get(_SIGNATURE) == _SECRET:
            yield from _decoded(plaintext) if isinstance(plaintext, str) else texts_in(fields.get("value"))
        elif fields.get(_SIGNATURE) == _OUTPUT and fields.get("secret"):
            yield from texts_in(fields.get("value"))
        else:
            for item in fields.values():
                yield from _shown(item)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _shown(item)


def _decoded(plaintext: str) -> Iterator[str]:
    try:
        yield from texts_in(json.loads(plaintext))
    except (ValueError, RecursionError):
        yield plaintext
