"""What everybody in a place may see.

A channel of the workspace: what is public, the labels that the settings give it, and, when it is private, what was said in itself. A channel with
a guest, or shared with another organisation: only the labels that the settings give it. A direct message: what its one person may see. Whatever
Slack does not tell counts against showing.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.slack_bot.directory import Directory, Member, Place, Unknown
from api.slack_bot.settings import SlackSettings
from graph.model import PUBLIC

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads in a place. `audience` is empty where nothing may be shown; `why` says so to them."""

    audience: frozenset[str]
    asker: Member | None
    direct: bool = False
    why: str = ""


def readers(
    directory: Directory, settings: SlackSettings, channel: str, user: str, *, shared: bool = False
) -> Readers | None:
    """What everybody who reads this channel may see; None when this user is nobody to be answered (a bot, a stranger, deleted).

    Args:
        shared: the event said that the channel is shared with another organisation.
    """
    try:
        asker = directory.member(user)
    except Unknown as error:
        return Readers(
            NONE, None, why=f"I could not look up who you are ({error}), so I show nothing. Try again in a minute."
        )
    if not asker.human or asker.stranger:
        return None
    try:
        place = directory.place(channel)
        if place.direct:
            return Readers(_own(directory, settings, asker), asker, direct=True, why=_CLOSED)
        open_to = frozenset(settings.audiences.get(channel, ()))
        if shared or place.shared or directory.has_outsiders(channel):
            return Readers(open_to, asker, why=_CLOSED)
        return Readers(frozenset({PUBLIC}) | open_to | _said_here(place), asker)
    except Unknown as error:
        return Readers(
            NONE,
            asker,
            why=f"I could not look up who reads here ({error}), so I show nothing. Invite me into the channel, or try again in a minute.",
        )


_CLOSED = "Somebody here is a guest, or from another organisation, and nothing was opened to this channel. An admin can list labels under `slack.audiences`."


def _said_here(place: Place) -> frozenset[str]:
    return frozenset({f"slack:{place.id}"}) if place.private else NONE


def _own(directory: Directory, settings: SlackSettings, asker: Member) -> frozenset[str]:
    """What one person may see: labels of the settings, and what was said in private channels that they are in now."""
    given = frozenset(settings.people.get(asker.id, ()))
    if asker.guest:
        return given
    return frozenset({PUBLIC}) | given | {f"slack:{c}" for c in directory.private_channels_of(asker.id)}
