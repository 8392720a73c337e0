"""The slack source: an export, or the Web API."""

from __future__ import annotations

from collections.abc import Iterator

from graph.clock import Instant
from graph.model import FactBatch
from ingest.source import SourceDataInvalid
from ingest.source_doc import SourceDoc
from ingest.sources.slack.cursor import load
from ingest.sources.slack.settings import SlackSettings
from ingest.sources.slack.workspace import SYSTEM, workspace_name

DOC = SourceDoc(
    about="""\
Conversations: who said what and when, with permalinks; threads; who is a member of which channel; and which messages decided something.
Read from a workspace export (`path`), from the Web API (`token`), and from the Events API as webhook (`POST /webhooks/slack`). All three tell the
same facts, in any order and however often.

**Who may read it.** What is said in a public channel is public. Everything that comes from a private channel, a group or a direct message, its name
and its members included, has the label `slack:<channel id>` and is shown to its members only.

**Decisions.** A message is marked as *agreed*, *approved*, *rejected* or *reverted* when its words say so ("we agreed to", "decision:", "go ahead",
"lgtm", "approved", "let's do", "do not merge", "rolling back", "reverting" …), with these words. What is negated, asked, conditional, quoted or code
does not count, nor what a bot says. The emoji :white_check_mark:, :heavy_check_mark:, :ship: and :shipit: approve and :x: and :no_entry: reject
any message; :+1: and :-1: only one that asks for approval. The author's own emoji do not count.

**Edits and deletes.** An edited message is a new version from the edit on. A deleted one is gone from then on, and its text is destroyed in every version;
a thread whose first message was deleted keeps its replies and loses its entry.
""",
    yields=(
        "Channel",
        "Thread",
        "Message",
        "Account",
        "POSTED_BY",
        "PART_OF",
        "MENTIONS",
        "MEMBER_OF",
        "REACTED",
    ),
    permissions="""\
An export needs no permission but to read its file. For the Web API, make an app from this manifest, install it and invite it to the channels it
is to read. Every scope reads; leave `settings` out where no events are to be sent.

```yaml
display_information:
  name: infralore
features:
  bot_user:
    display_name: infralore
oauth_config:
  scopes:
    bot:
      - channels:read
      - channels:history
      - users:read
      - users:read.email   # joins people to their other accounts
      - reactions:read     # emoji that approve or reject
      - groups:read        # private channels, as far as the app is invited
      - groups:history
settings:
  event_subscriptions:
    request_url: https://lore.example.com/webhooks/slack
    bot_events:
      - message.channels
      - message.groups
      - reaction_added
      - reaction_removed
      - member_joined_channel
      - member_left_channel
      - channel_created
      - channel_rename
      - channel_archive
      - channel_unarchive
      - group_rename
      - group_archive
      - group_unarchive
      - user_change
      - team_join
```

The token is the bot's (*OAuth & Permissions*), the secret of the webhook the app's *Signing Secret* (*Basic Information*). Direct messages need
`im:read`, `im:history`, `mpim:read`, `mpim:history` and `types` to name them.
""",
    example="""\
sources:
  - slack:
      workspace: example
      token: ${SLACK_TOKEN}
webhooks:
  slack:
    workspace: example
    secret: ${SLACK_SIGNING_SECRET}
""",
    limits=(
        "exports and the Web API do not tell when an emoji was put on a message, nor that it was taken back: the message's own time counts, and only "
        "events tell of one taken back",
        "an event of an emoji does not hold the message: that it decides something is seen by the next pull",
        "an export tells an edited message with its last text only",
        "an export does not tell what was deleted",
        "of files only their names are read",
    ),
)


class SlackSource:
    """Reads a Slack workspace."""

    name = SYSTEM

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings

    @property
    def scope(self) -> str:
        """The workspace's name."""
        return workspace_name(self._settings.workspace)

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`."""
        settings, scope = self._settings, self.scope
        if bool(settings.path) == bool(settings.token):
            raise SourceDataInvalid(
                "slack needs either an export (`path`) or a token, and not both",
                "set `path` to an export, or `token` to the token of an app",
            )
        memory = load(cursor, scope)
        if settings.path:
            from ingest.sources.slack.pull_export import pull_export

            yield from pull_export(settings.path, scope, memory, now)
        else:
            from ingest.sources.slack.pull_api import pull_api

            yield from pull_api(settings, scope, memory, now)


__all__ = ["DOC", "SlackSettings", "SlackSource"]
