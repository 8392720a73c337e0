"""What a call asked for, flattened and without secrets.

CloudTrail hides some secrets itself, but which depends on the service and on the year. So what is secret by its place is left out here
before anything else sees it: passwords, secret strings, user data, values of environment variables and parameters, headers, commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import cast

from graph.model import Value
from ingest.redact import REDACTED, redact_text
from ingest.secret_patterns import is_secret_name
from ingest.sources.cloudtrail.records import Fields, lowered

MAX_PARAMETERS = 120
"""So many parameters of a call are kept."""
MAX_CHARS = 600
"""So much of one text is kept."""

_HIDDEN = frozenset(
    {
        "***",
        "****",
        "*****",
        "******",
        "HIDDEN_DUE_TO_SECURITY_REASONS",
        "<sensitiveDataRemoved>",
        "sensitiveDataRemoved",
    }
)
"""What services write where they hid a value."""
_ACRONYM = re.compile(r"^[a-z][A-Z]+(?=[A-Z][a-z]|$)")
"""CloudTrail lowers the first letter only: `dBInstanceClass`, `tTL`."""
_NOISE = frozenset(
    {
        "host",
        "x-amz-date",
        "requesttoken",
        "clienttoken",
        "callerreference",
        "clientrequesttoken",
        "idempotencytoken",
        "dryrun",
    }
)
_SECRET = frozenset(
    {
        *(
            "userdata",
            "secretstring",
            "secretbinary",
            "plaintext",
            "plaintextoverride",
            "authtoken",
            "masteruserpassword",
        ),
        *(
            "newpassword",
            "oldpassword",
            "secretaccesskey",
            "sessiontoken",
            "privatekey",
            "keymaterial",
            "publickeymaterial",
        ),
        *("clientsecret", "authenticationcode1", "authenticationcode2", "authorizationcode", "headervalue", "zipfile"),
        *(
            "samlassertion",
            "webidentitytoken",
            "credentials",
            "presignedurl",
            "commands",
            "certificatechain",
            "basicauthcredentials",
        ),
        *(
            "ciphertextblob",
            "ssopassword",
            "licensekey",
            "connectionstring",
            "connectionproperties",
            "containeroverrides",
        ),
    }
)
"""Names, in lower case, of what is never kept, with all that lies below."""
_VARIABLES = re.compile(r".*environment.*|(?:stage)?variables|env(?:vars?)?|envvariables")
"""Names of collections of variables: which there are is kept, what they hold is not."""
_VALUES_OF = {
    ("ssm", "value"),
    ("cloudformation", "parametervalue"),
    ("elasticbeanstalk", "value"),
    ("cognito-idp", "value"),
    ("glue", "defaultarguments"),
    ("glue", "arguments"),
    ("ssm", "parameters"),
    ("ssm", "attributes"),
    ("events", "input"),
    ("scheduler", "input"),
    ("states", "input"),
    ("lambda", "payload"),
    ("codebuild", "value"),
    ("batch", "parameters"),
    ("elasticmapreduce", "args"),
    ("iot", "payload"),
    ("secretsmanager", "value"),
    ("apigateway", "value"),
}
"""(Service, name in lower case) of values that may be anything."""


def flattened(service: str, fields: Fields) -> dict[str, Value]:
    """`actions[0].targetGroupArn` -> value, of parameters as they are logged and in their order.

    A secret is `REDACTED` where that something stands there is worth knowing. `items` wrappers of EC2 are not part of paths; lists of plain
    values stay whole; nothing and empty collections go.
    """
    found: dict[str, Value] = {}
    for path, value in _flat(service, "", "", fields):
        if len(found) >= MAX_PARAMETERS:
            found["…"] = "more"
            break
        found[path] = value
    return found


def clean_text(text: str) -> str:
    """A text without secrets, cut to a length that can be read."""
    clean = redact_text(text)
    return clean if len(clean) <= MAX_CHARS else f"{clean[:MAX_CHARS]}… ({len(clean)} characters)"


def _flat(service: str, path: str, told_name: str, value: object) -> Iterator[tuple[str, Value]]:
    name = told_name.lower()
    if name in _NOISE or value is None:
        return
    if _is_withheld(service, told_name, value):
        yield path, REDACTED
        return
    if _VARIABLES.fullmatch(name) and _holds_variables(name, value):
        if variables := sorted(_variable_names(value)):
            yield f"{path}.names", variables
        return
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        if set(fields) == {"items"}:
            yield from _flat(service, path, name, fields["items"])
            return
        for key, item in fields.items():
            step = _ACRONYM.sub(lambda m: m[0].lower(), key)
            yield from _flat(service, f"{path}.{step}" if path else step, key, item)
    elif isinstance(value, list):
        yield from _flat_list(service, path, name, cast("list[object]", value))
    elif isinstance(value, str):
        if value:
            yield path, REDACTED if value in _HIDDEN else clean_text(value)
    elif isinstance(value, (bool, int, float)):
        yield path, value


def _flat_list(service: str, path: str, name: str, items: Sequence[object]) -> Iterator[tuple[str, Value]]:
    if any(isinstance(item, (dict, list)) for item in items):
        for index, item in enumerate(items):
            if (pair := _pair(item)) is not None:
                key, value = pair
                withheld = is_secret_name(key) or (service, "value") in _VALUES_OF
                yield f'{path}["{clean_text(key)}"]', REDACTED if withheld or value in _HIDDEN else clean_text(value)
            else:
                yield from _flat(service, f"{path}[{index}]", name, item)
    elif items:
        yield path, [clean_text(i) if isinstance(i, str) else cast("Value", i) for i in items]


def _pair(item: object) -> tuple[str, str] | None:
    """Name and value of `{"key": …, "value": …}` or `{"name": …, "value": …}`, as attributes and tags are told."""
    if not isinstance(item, dict) or len(cast("dict[str, object]", item)) != 2:
        return None
    fields = lowered(cast("object", item))
    key, value = fields.get("key", fields.get("name")), fields.get("value")
    return (key, value) if isinstance(key, str) and key and isinstance(value, str) else None


def _is_withheld(service: str, told_name: str, value: object) -> bool:
    name = told_name.lower()
    if name in _SECRET or (service, name) in _VALUES_OF:
        return True
    # A flag or a collection under such a name says how a secret is handled (`managemasteruserpassword: true`).
    return isinstance(value, (str, int)) and not isinstance(value, bool) and is_secret_name(told_name)


def _holds_variables(name: str, value: object) -> bool:
    """Whether these are the variables themselves, and not an `environment` around them and other things."""
    if isinstance(value, dict):
        inner = cast("dict[str, object]", value)
        wrapped = set(inner) == {"items"} or (
            "variables" not in name and any(isinstance(item, (dict, list)) for item in inner.values())
        )
        return not wrapped
    return isinstance(value, list)


def _variable_names(value: object) -> Iterator[str]:
    """Names of variables, told as `{"NAME": …}` or `[{"name": "NAME", "value": …}]`."""
    if isinstance(value, list):
        for item in cast("list[object]", value):
            fields = lowered(item)
            if isinstance(told := fields.get("name", fields.get("key")), str):
                yield clean_text(told)
    elif isinstance(value, dict):
        yield from (clean_text(key) for key in cast("dict[str, object]", value))
