"""`outward:` of lore.yaml: what infralore may write with. Read here; used by the performers alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

from api.errors import SettingsError

T = TypeVar("T", "GithubSettings", "SlackSettings", "MailSettings")


class GithubSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`outward.github`.

    Attributes:
        token: fine-grained: Contents, Pull requests and Issues, each write; classic: `repo`.
        base_url: of the API; a server of your own has it at `https://HOST/api/v3`.
        login: as whom the token writes; asked for when empty (a token of an Actions run cannot ask: `github-actions[bot]`).
        timeout_s: for one request.
        seconds_between_writes: GitHub asks for one second between requests that write.
    """

    token: str = ""
    base_url: str = "https://api.github.com"
    login: str = ""
    timeout_s: int = 30
    seconds_between_writes: float = 1.0


class SlackSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`outward.slack`.

    Attributes:
        token: the bot's (`xoxb-…`), with chat:write, files:write, channels:read, channels:history (groups:read and groups:history for private
            channels, im:write and im:history for direct messages).
        base_url: of the Web API.
        timeout_s: for one request.
        window_h: how far back an earlier message of the same key is looked for, when this host's audit log does not tell.
    """

    token: str = ""
    base_url: str = "https://slack.com/api/"
    timeout_s: int = 30
    window_h: float = 48.0


class MailSettings(msgspec.Struct, frozen=True, rename={"sender": "from"}, forbid_unknown_fields=True):
    """`outward.mail`.

    Attributes:
        host, port: of the SMTP server; without a port that which the security has: 587, 465, 25.
        sender: `from`, an address, `infralore <lore@acme.example>`.
        security: `starttls`, `tls` from the start, or `none` (a relay on this host).
        username, password: when it wants them; never sent without TLS.
        ca_file: of a certificate authority of your own.
    """

    host: str = ""
    port: int = 0
    sender: str = ""
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: str = ""
    ca_file: str = ""
    timeout_s: float = 30.0


def read(kind: type[T], name: str, given: Mapping[str, object], needed: tuple[str, ...]) -> T:
    """The settings of one system.

    Raises:
        SettingsError: one is unknown, of the wrong type, or missing though needed.
    """
    for field in needed:
        if not str(given.get(field) or "").strip():
            raise SettingsError(f"outward.{name}.{field} is missing or empty", "docs/gateway.md lists what it needs")
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise SettingsError(f"outward.{name}: {error}", "docs/gateway.md lists its settings") from None
