"""What a message says, as plain text: mrkdwn decoded, with the texts of blocks, attachments and files.

Format: https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from ingest.redact import redact_text
from ingest.sources.slack.payloads import Attachment, Message

MAX_CHARS = 40_000
"""Slack's own limit of a message; what attachments add beyond it is left out."""
_TITLE_CHARS = 80
_DEPTH = 12
_TOKEN = re.compile(r"<([^<>\n]+)>")
_TEXT_KEYS = ("pretext", "text", "title", "fields", "elements", "alt_text")


@dataclass(frozen=True, slots=True)
class Directory:
    """Names by id, as far as they are known. Of channels only those that everybody may see."""

    users: Mapping[str, str] = field(default_factory=dict[str, str])
    channels: Mapping[str, str] = field(default_factory=dict[str, str])


def message_text(message: Message, directory: Directory) -> str:
    """The message with what its blocks, its own attachments and its files say. Links that Slack shows are in `unfurled_text`."""
    parts = [decode(message.text or "", directory)]
    for text in _block_texts(message.blocks or (), with_rich_text=not parts[0].strip()):
        _add(parts, decode(text, directory))
    for attachment in message.attachments or ():
        if not attachment.unfurled:
            _add(parts, _attachment_text(attachment, directory))
    for file in message.files or ():
        name = file.title or file.name
        if name and file.mode != "tombstone":
            _add(parts, f"[file: {name}]")
    return "\n".join(part for part in parts if part.strip())[:MAX_CHARS].strip()


def unfurled_text(message: Message, directory: Directory) -> str:
    """What Slack shows of the message's links: each link, and its page's title and text."""
    parts: list[str] = []
    for attachment in message.attachments or ():
        if attachment.unfurled:
            _add(parts, f"{attachment.unfurled}\n{_attachment_text(attachment, directory)}".strip())
    return "\n".join(parts)[:MAX_CHARS].strip()


def title(text: str) -> str:
    """The first words of a text, on one line."""
    # A secret cut in two would no longer look like one.
    line = " ".join(redact_text(text).split())
    if len(line) <= _TITLE_CHARS:
        return line
    return line[:_TITLE_CHARS].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def decode(text: str, directory: Directory) -> str:
    """Mrkdwn as people read it: `<@U1>` is `@name`, `<https://x|text>` is `text (https://x)`, `&amp;` is `&`."""
    parts: list[str] = []
    at = 0
    for found in _TOKEN.finditer(text):
        parts += (_unescape(text[at : found.start()]), _unescape(_token(found[1], directory)))
        at = found.end()
    parts.append(_unescape(text[at:]))
    return "".join(parts)


def _token(token: str, directory: Directory) -> str:
    body, _, label = token.partition("|")
    kind, rest = body[:1], body[1:]
    if kind == "@":
        return "@" + (directory.users.get(rest) or label or rest)
    if kind == "#":
        return "#" + (directory.channels.get(rest) or label or rest)
    if kind == "!":
        if label:
            return label
        return "@" + rest.partition("^")[2] if rest.startswith("subteam^") else "@" + rest.partition("^")[0]
    if body.startswith("mailto:"):
        return label or body.removeprefix("mailto:")
    if "://" not in body:
        return f"<{token}>"  # not a link of Slack's: somebody's own angle brackets
    if not label or label in body:
        return body
    return f"{label} ({body})"


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") if "&" in text else text


def _attachment_text(attachment: Attachment, directory: Directory) -> str:
    parts: list[str] = []
    heading = " ".join(filter(None, (attachment.title, attachment.title_link and f"<{attachment.title_link}>")))
    for text in (attachment.pretext, heading, attachment.text):
        _add(parts, decode(text or "", directory))
    for one in attachment.fields or ():
        value = "" if one.value is None else str(one.value)
        _add(parts, decode(f"{one.title}: {value}" if one.title else value, directory))
    for text in _block_texts(attachment.blocks or (), with_rich_text=True):
        _add(parts, decode(text, directory))
    if not parts:
        _add(parts, decode(attachment.fallback or "", directory))
    return "\n".join(parts)


def _add(parts: list[str], text: str) -> None:
    text = text.strip()
    if text and not any(text in part for part in parts):
        parts.append(text)


def _block_texts(blocks: Sequence[object], *, with_rich_text: bool) -> Iterator[str]:
    """Texts of blocks. A message's `rich_text` block says again what its text says; other blocks say what it does not."""
    for block in blocks:
        if not isinstance(block, dict):
            continue
        fields = cast("Mapping[str, object]", block)
        if fields.get("type") == "rich_text":
            if with_rich_text and (text := "".join(_rich_text(fields, 0)).strip()):
                yield text
        else:
            yield from _texts(fields, 0)


def _texts(value: object, depth: int) -> Iterator[str]:
    if depth > _DEPTH:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _texts(item, depth + 1)
    elif isinstance(value, dict):
        fields = cast("Mapping[str, object]", value)
        if fields.get("type") in ("button", "overflow", "static_select", "datepicker"):
            return
        for key in _TEXT_KEYS:
            if key in fields:
                yield from _texts(fields[key], depth + 1)


def _rich_text(fields: Mapping[str, object], depth: int) -> Iterator[str]:
    """A `rich_text` block as mrkdwn."""
    kind = fields.get("type")
    if kind == "text":
        yield str(fields.get("text", ""))
    elif kind == "link":
        yield f"<{fields.get('url', '')}|{fields.get('text') or ''}>"
    elif kind == "user":
        yield f"<@{fields.get('user_id', '')}>"
    elif kind == "channel":
        yield f"<#{fields.get('channel_id', '')}>"
    elif kind == "emoji":
        yield f":{fields.get('name', '')}:"
    elif kind == "broadcast":
        yield f"@{fields.get('range', '')}"
    elements = fields.get("elements")
    if isinstance(elements, list) and depth < _DEPTH:
        for element in cast("list[object]", elements):
            if isinstance(element, dict):
                yield from _rich_text(cast("Mapping[str, object]", element), depth + 1)
        if kind != "rich_text":
            yield "\n"
