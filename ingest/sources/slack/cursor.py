"""What a pull remembers: how far each file and channel was read."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from ingest.source import SourceDataInvalid


class Seen(msgspec.Struct, array_like=True):
    """A message as it was last read: its digest, and the thread it is of."""

    digest: str
    root_ts: str


class ChannelState(msgspec.Struct):
    """How far a channel was read through the Web API.

    Attributes:
        done: `ts` of the newest message of a reading that came to its end; empty before the first.
        top: newest `ts` of the reading under way, empty when there is none.
        low: how far down the reading under way has come.
        label: label of what the reading under way, or else the last one, told.
        seen: `ts` -> messages since `done` less the look-back, and those of watched threads.
        watched: first message -> newest reply, of threads answered since then.
    """

    done: str = ""
    top: str = ""
    low: str = ""
    label: str = ""
    seen: dict[str, Seen] = {}
    watched: dict[str, str] = {}


class Cursor(msgspec.Struct):
    """The whole memory.

    Attributes:
        users: digest of the users that were told.
        files: path in an export -> digest of what was read.
        rooms: channel id -> digest of the channel as it was told.
        members: channel id -> digest of its members as they were told.
        channels: channel id -> how far it was read through the Web API.
        labels: channel id -> label that its facts were told with; the former one until all are told with another.
        finished: channels that a pull which was stopped had read to their end; the next one goes on with the others.
        notes: digest of what was last quarantined.
    """

    users: str = ""
    files: dict[str, str] = {}
    rooms: dict[str, str] = {}
    members: dict[str, str] = {}
    channels: dict[str, ChannelState] = {}
    labels: dict[str, str] = {}
    finished: list[str] = []
    notes: str = ""

    def dump(self) -> str:
        """As text."""
        return msgspec.json.encode(self, order="deterministic").decode()


def load(text: str | None, scope: str) -> Cursor:
    """The memory of a stored cursor; an empty one for None.

    Raises:
        SourceDataInvalid: it is not one of this source.
    """
    try:
        return msgspec.json.decode(text, type=Cursor) if text else Cursor()
    except msgspec.DecodeError:
        raise SourceDataInvalid(
            f"the cursor of slack {scope} is not one of this source", "purge this source and scope, then read it again"
        ) from None


def digest(value: object) -> str:
    """Sixteen hex digits, equal for equal values."""
    return blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
