"""Settings of the Slack source, for export, Web API and events alike."""

from __future__ import annotations

from dataclasses import dataclass, field

BASE_URL = "https://slack.com/api/"


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """Where the workspace is read from. The webhook takes `workspace` and `public_channels`; they must be the same as here.

    Attributes:
        workspace: the workspace's name in its address: `example` of `https://example.slack.com`. It makes permalinks and is the scope.
        path: an export, a ZIP or a directory. Either this or `token`.
        token: a bot or user token for the Web API.
        channels: names or ids of channels to read through the Web API; all that the app is a member of when empty.
        types: kinds of conversation to list through the Web API: `public_channel`, `private_channel`, `mpim`, `im`.
        lookback_days: how far before the newest message of a channel messages, replies and edits are read again by the Web API, to find
            what was edited, deleted or answered late. The Events API tells of these at once.
        public_channels: ids of public channels. Only events need it: those of reactions do not tell whether their channel is public, and
            without this they can be read by the channel's members only.
        base_url: of the Web API.
        timeout_s: of one call, in seconds.
    """

    workspace: str
    path: str = ""
    token: str = field(default="", repr=False)
    channels: tuple[str, ...] = ()
    types: tuple[str, ...] = ("public_channel", "private_channel")
    lookback_days: float = 3.0
    public_channels: tuple[str, ...] = ()
    base_url: str = BASE_URL
    timeout_s: float = 30.0
