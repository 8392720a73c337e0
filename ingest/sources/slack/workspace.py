"""How one workspace is spoken of: its scope, its permalinks, and the labels of what not everybody may read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from graph.clock import Instant
from graph.model import PUBLIC, EntityRef
from ingest import names
from ingest.source import SourceDataInvalid
from ingest.sources.slack.text import Directory

SYSTEM = "slack"
EXTRACTOR = "slack/1"

EVENT_RANK: Instant = 0
PULL_RANK: Instant = 1
"""Added to `observed_at`, in microseconds: a pull knows the names that an event leaves out, so its words for the same moment win."""
WEAK_RANK: Instant = -1
"""Added to `observed_at` of what is stated only so that it exists: whoever knows more wins."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,80}(?:\.enterprise)?")


@dataclass(frozen=True, slots=True)
class Room:
    """A channel as far as a message needs to know it. `name` is empty where only its id is known."""

    id: str
    name: str
    private: bool

    @property
    def label(self) -> str:
        """Who may read what is said in it."""
        return f"slack:{self.id}" if self.private else PUBLIC

    @property
    def ref(self) -> EntityRef:
        """The channel's ref."""
        return names.channel(SYSTEM, self.id)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace.

    Attributes:
        name: `example` of `https://example.slack.com`; the scope of all that is said of it.
        rank: `PULL_RANK` or `EVENT_RANK`.
        directory: names by id.
    """

    name: str
    rank: Instant = PULL_RANK
    directory: Directory = field(default_factory=Directory)

    def permalink(self, channel_id: str, ts: str, thread_ts: str = "") -> str:
        """The link to a message, as Slack makes it; a reply's names its thread."""
        link = f"https://{self.name}.slack.com/archives/{channel_id}/p{ts.replace('.', '')}"
        return f"{link}?thread_ts={thread_ts}&cid={channel_id}" if thread_ts and thread_ts != ts else link

    def channel_link(self, channel_id: str) -> str:
        """The link to a channel."""
        return f"https://{self.name}.slack.com/archives/{channel_id}"

    def members_scope(self, channel_id: str) -> str:
        """The scope of a channel's list of members."""
        return f"{self.name}#members/{channel_id}"


def workspace_name(told: str) -> str:
    """The name in the workspace's address, from the name or from the address.

    Raises:
        SourceDataInvalid: it is neither.
    """
    name = told.strip().lower().removeprefix("https://").partition("/")[0].removesuffix(".slack.com")
    if _NAME.fullmatch(name) is None:
        raise SourceDataInvalid(
            "the setting `workspace` of slack is not the name of a workspace",
            "write `example` for https://example.slack.com",
        )
    return name
