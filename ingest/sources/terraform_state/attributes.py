"""An instance's attributes: flattened, without nothing, and without what is secret.

A state says what is sensitive only in part: `sensitive_attributes` names what the configuration marked, and what a provider's schema
marks only in states of recent versions. So values under a secret's name and the attributes in `_KNOWN` are withheld as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from graph.model import Value
from ingest.redact import REDACTED, redact_text
from ingest.secret_patterns import is_reference, is_secret_name

_KNOWN: Mapping[str, tuple[str, ...]] = {
    "random_password": ("result", "bcrypt_hash"),
    "tls_private_key": ("private_key_openssh", "private_key_pem", "private_key_pem_pkcs8"),
    "aws_iam_access_key": ("secret", "ses_smtp_password_v4", "encrypted_secret", "encrypted_ses_smtp_password_v4"),
    "aws_secretsmanager_secret_version": ("secret_string", "secret_binary"),
    "aws_eks_cluster_auth": ("token",),
    "aws_ecr_authorization_token": ("authorization_token", "password"),
    "google_service_account_key": ("private_key",),
    "google_secret_manager_secret_version": ("secret_data",),
    "google_container_cluster": ("master_auth",),
    "azurerm_key_vault_secret": ("value",),
    "azurerm_kubernetes_cluster": ("kube_config", "kube_admin_config", "kube_config_raw", "kube_admin_config_raw"),
    "kubernetes_secret": ("data", "binary_data"),
    "kubernetes_secret_v1": ("data", "binary_data"),
    "vault_generic_secret": ("data", "data_json"),
    "vault_kv_secret_v2": ("data", "data_json"),
    "local_sensitive_file": ("content", "content_base64"),
    "github_actions_secret": ("plaintext_value", "encrypted_value"),
    "terraform_remote_state": ("outputs",),
}
"""Resource type -> attributes that hold secrets under names that do not say so. Other states' outputs may be anything."""

_IDENTIFIER = re.compile(r"[A-Za-z_][\w-]*")


@dataclass(frozen=True, slots=True)
class Attributes:
    """What an instance says.

    Attributes:
        values: attribute path -> value; `REDACTED` for a secret, texts with a secret in them have it replaced.
        secrets: path -> the value withheld, for keyed digests and comparison only: never stored, logged or shown.
        unreadable: paths left out because their value cannot be stored, with the reason.
    """

    values: Mapping[str, Value]
    secrets: Mapping[str, Value]
    unreadable: tuple[tuple[str, str], ...] = ()


def read_attributes(type_: str, attributes: Mapping[str, object], sensitive_attributes: Sequence[object]) -> Attributes:
    """Flatten to `ingress[0].cidr_blocks`, `tags.Name`, `tags["a/b"]`; lists of plain values stay whole, null and empty ones go."""
    sensitive = [_path(path) for path in sensitive_attributes]
    withheld = [p for p in sensitive if p is not None] + list(_KNOWN.get(type_, ()))
    if type_ == "aws_ssm_parameter" and attributes.get("type") == "SecureString":
        withheld.append("value")
    if type_ == "terraform_data":  # Terraform copies the input into the output, and not its mark
        withheld += ["output" + p.removeprefix("input") for p in withheld if _within(p, "input")]
    values: dict[str, Value] = {}
    secrets: dict[str, Value] = {}
    unreadable: list[tuple[str, str]] = []
    if None in sensitive:
        unreadable.append(
            ("sensitive_attributes", "a path is of unknown form: all values of this instance are withheld")
        )
    for path, value in _flat("", cast("Value", attributes)):
        if not _storable(path) or not _storable(value):
            unreadable.append((redact_text(path) if _storable(path) else "?", "its text holds a broken character"))
        elif None in sensitive or any(_within(path, p) for p in withheld) or _is_named_secret(path, value):
            values[path], secrets[path] = REDACTED, value
        else:
            clean = _clean(value)
            values[path] = clean
            if clean != value:
                secrets[path] = value
    _withhold_named_siblings(values, secrets)
    return Attributes(values, secrets, tuple(unreadable))


def _flat(path: str, value: Value) -> Iterator[tuple[str, Value]]:
    match value:
        case None:
            return
        case str():
            yield path, value
        case Mapping():
            for key, item in value.items():
                step = f".{key}" if _IDENTIFIER.fullmatch(key) else f'["{key}"]'
                yield from _flat((path + step).removeprefix("."), item)
        case Sequence():
            if any(isinstance(item, (Mapping, list)) for item in value):
                for index, item in enumerate(value):
                    yield from _flat(f"{path}[{index}]", item)
            elif value:
                yield path, value
        case _:
            yield path, value


def _path(steps: object) -> str | None:
    """A sensitive path in the form of `_flat`; None when it is of unknown form. `[]` marks the whole instance."""
    if not isinstance(steps, list):
        return None
    path = ""
    for step in cast("list[object]", steps):
        if not isinstance(step, dict):
            return None
        fields = cast("dict[str, object]", step)
        value = fields.get("value")
        if fields.get("type") == "index" and isinstance(value, dict):
            value = cast("dict[str, object]", value).get("value")
        if isinstance(value, str):
            path += f".{value}" if _IDENTIFIER.fullmatch(value) else f'["{value}"]'
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            path += f"[{int(value)}]"
        else:
            # An index into a set is the element itself: withhold the whole set.
            return path.removeprefix(".") or None
    return path.removeprefix(".")


def _within(path: str, prefix: str) -> bool:
    if prefix == "" or path == prefix or path.startswith((prefix + ".", prefix + "[")):
        return True
    # `list[0]` is sensitive, and the list was kept whole: withhold all of it.
    return prefix.startswith(path + "[") and "." not in prefix[len(path) :]


def _is_named_secret(path: str, value: Value) -> bool:
    if isinstance(value, bool) or not is_secret_name(path):
        return False
    return not (isinstance(value, str) and is_reference(value))


def _clean(value: Value) -> Value:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Sequence):
        return [redact_text(item) if isinstance(item, str) else item for item in value]
    return value


def _withhold_named_siblings(values: dict[str, Value], secrets: dict[str, Value]) -> None:
    for path, name in list(values.items()):
        stem, dot, last = path.rpartition(".")
        if last in ("name", "key") and isinstance(name, str) and is_secret_name(name):
            sibling = f"{stem}{dot}value"
            if sibling in values and sibling not in secrets and not is_reference(str(values[sibling])):
                secrets[sibling], values[sibling] = values[sibling], REDACTED


def _storable(value: Value) -> bool:
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, Sequence):
        return all(_storable(item) for item in value)
    return True
