"""A Slack that is not: the Web API, uploads and Socket Mode on loopback, as strict as the real one where it matters here.

It refuses blocks that Slack refuses (50 blocks, 3,000 characters, missing fields, action ids that are not unique, labels and values that are too
long), notes what would mention somebody or link somewhere it should not, knows tokens, scopes and pages, limits rates, and signs its requests.
It notes every request, and can be slow, away, hang after a write, or lose its answer, so that whoever writes can be killed at each of them.
"""

from __future__ import annotations

from tests.fake_slack.blocks import check_message, texts_of
from tests.fake_slack.people import SECRET
from tests.fake_slack.server import APP_TOKEN, BOT_TOKEN, FakeSlack, LostAnswer, Phase
from tests.fake_slack.workspace import BOT, BOT_ID, SCOPES, Json, Posted, SlackError

__all__ = [
    "APP_TOKEN",
    "BOT",
    "BOT_ID",
    "BOT_TOKEN",
    "INFRA",
    "SCOPES",
    "SECRET",
    "FakeSlack",
    "Json",
    "LostAnswer",
    "Phase",
    "Posted",
    "SlackError",
    "check_message",
    "crowded",
    "texts_of",
]

INFRA = "C0INFRA1"


def crowded() -> FakeSlack:
    """A workspace of so many channels that #infra stands on the fourth page of their list."""
    slack = FakeSlack()
    for i in range(30):
        slack.channel(f"C00000{i:02d}", set(), name=f"channel-{i}")
    slack.channel(INFRA, set(), name="infra")
    return slack
