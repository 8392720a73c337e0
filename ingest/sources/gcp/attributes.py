"""What clouds tell of their resources and requests, flattened, and without what is secret by its place."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from graph.model import Value

MAX_ATTRIBUTES = 300
"""So many of one resource or request are kept, in their order."""
MAX_CHARS = 1_000
_MAX_DEPTH = 12

_SECRET_PLACES = re.compile(
    r"""(?ix)
    # whole trees
    (?:^|\.)(?:environmentVariables|envVars|environment_variables|secretEnvironmentVariables|buildEnvironmentVariables|appSettings
        |connectionStrings?|masterAuth|protectedSettings|protectedParameters|secureParameters|secrets|secretData|payload|kubeconfigs?
        |customData|userData|startupScript|script|commandToExecute|stringData|binaryData|accessKeys|authorizationKeys|credentials?|jaasConfig|substitutions)(?:$|[.\[])
    # values of name and value pairs, where the name says what it is
    | (?:^|\.)(?:items|env|environment|environmentVariables|variables|settings|app_settings|configs)\[\d+\]\.(?:value|secureValue|secure_value)(?:$|[.\[])
    # single fields
    | (?:^|\.)\w*(?:password|passwd|passphrase|sharedSecret|clientSecret|secretValue|privateKey|privateKeyData|privateKeyPem|rawKey
        |rsaEncryptedKey|primaryKey|secondaryKey|primaryMasterKey|secondaryMasterKey|sasToken|sasUrl|accessToken|refreshToken|idToken
        |storageAccountKey|accountKey|apiKey|bearerToken|hmacSecret|connectionString|keyString|administratorLoginPassword
        |primaryConnectionString|secondaryConnectionString|instrumentationKey)$
    """
)
"""Paths whose values are never kept: environments, metadata of machines (start-up scripts, keys), keys, connection strings."""


def flattened(told: object, skip: Sequence[str] = ()) -> dict[str, Value]:
    """Attribute path -> value of a JSON object: `networkInterfaces[0].network`, `labels.team`; lists of plain values stay whole.

    Null, empty and secret ones are left out, and those at or below a path of `skip`. Long texts are cut.
    """
    found: dict[str, Value] = {}
    for path, value in _flat("", told, 0):
        if len(found) >= MAX_ATTRIBUTES:
            break
        if not _SECRET_PLACES.search(path) and not any(path == s or path.startswith((s + ".", s + "[")) for s in skip):
            found[path] = value
    return found


def is_secret_place(path: str) -> bool:
    """Whether what stands at this path is never kept."""
    return _SECRET_PLACES.search(path) is not None


def _flat(path: str, value: object, depth: int) -> Iterator[tuple[str, Value]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        for key, item in cast("Mapping[object, object]", value).items():
            step = str(key)
            plain = step.replace("_", "").replace("-", "").replace("@", "").isalnum()
            part = step if plain else f'["{step}"]'
            joined = f"{path}{part}" if part.startswith("[") or not path else f"{path}.{part}"
            yield from _flat(joined, item, depth + 1)
    elif isinstance(value, list):
        items = cast("list[object]", value)
        if items and all(_plain(item) is not None for item in items):
            yield path, [_plain(item) for item in items[:100]]
        else:
            for index, item in enumerate(items[:50]):
                yield from _flat(f"{path}[{index}]", item, depth + 1)
    elif (plain_value := _plain(value)) is not None and plain_value != "" and path:
        yield path, plain_value


def _plain(value: object) -> Value:
    """A value that can be stored; None for what is none."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return value[:MAX_CHARS].encode("utf-8", "replace").decode()
    return None
