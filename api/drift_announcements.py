"""New drift in words, for the channel of its owners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.drift.model import SEVERITIES, Drift, DriftReport
from agent.drift.scan import title_of
from agent.evidence import shown
from agent.model import AttributeState
from agent.narrative import minute
from api.drift_settings import DriftSettings
from api.slack_blocks import code, text
from graph.clock import instant

_ATTRIBUTES = 4
_MARK = {"critical": ":rotating_light:", "high": ":red_circle:", "medium": ":large_orange_circle:", "low": ":white_circle:", "info": ":white_circle:"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is to be told once.

    Attributes:
        channel: where.
        key: names the drift as it was first seen: the same key is told once.
        text: Slack's mrkdwn.
        drift: its id.
    """

    channel: str
    key: str
    text: str
    drift: str


def announcements(settings: DriftSettings, report: DriftReport, drifts: Sequence[Drift]) -> tuple[Announcement, ...]:
    """For each of these drifts that is bad enough, and that has a channel."""
    worst = SEVERITIES.index(settings.least) if settings.least in SEVERITIES else len(SEVERITIES)
    told: list[Announcement] = []
    del report
    for drift in drifts:
        channel = channel_of(settings, drift)
        if channel and SEVERITIES.index(drift.severity) <= worst:
            told.append(Announcement(channel, f"{drift.id}:{drift.first_seen_at}", announcement_text(drift), drift.id))
    return tuple(told)


def channel_of(settings: DriftSettings, drift: Drift) -> str:
    """Where its owners are: by owner, by environment, else the one channel; empty when there is none."""
    for name in (*drift.owners, drift.environment):
        if name and name in settings.channels:
            return settings.channels[name]
    return settings.channel


def announcement_text(drift: Drift) -> str:
    """A drift in a message: what, from what to what, who when how, what was said, what to do."""
    where = f" in {text(drift.environment)}" if drift.environment else ""
    lines = [f"{_MARK[drift.severity]} *Drift{where}* ({drift.severity}): {text(title_of(drift), 300)}"]
    lines += [f"• {code(a.path, 300)}: {_side(a.desired)} → {_side(a.actual)}" for a in drift.attributes[:_ATTRIBUTES]]
    lines += [f"• {text(risk, 300)}" for risk in drift.risks[:2]]
    for cause in drift.causes[:2]:
        who = text(cause.by.name or "somebody", 300)
        lines.append(
            f"• {who} on {minute(instant(cause.at))} by way of {text(cause.via, 300)}: {code(cause.action, 300)}"
        )
    for said in drift.said[:1]:
        lines.append(f"&gt; {text(said.text, 300)}" + (f" — {text(said.by, 300)}" if said.by else ""))
    lines.append(f"{code(f'lore drift fix {drift.id}')} edits the code; `--how revert` tells the apply")
    return "\n".join(lines)


def _side(state: AttributeState) -> str:
    return code(shown(state.value, 120), 120) if state.state == "value" else f"({state.state})"
