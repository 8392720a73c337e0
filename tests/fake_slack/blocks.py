"""What Slack takes in a message, and what one would mention or link."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

Json = dict[str, Any]

_TOKEN = re.compile(r"<([^<>]*)>")
_ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")
_ALLOWED = {"section", "header", "context", "divider", "actions", "image"}


def check_message(text: str, blocks: list[Json], known: set[str] | None = None) -> None:
    """Raises `AssertionError` for what Slack refuses, and for what would mention, link or format what it should not."""
    assert text.strip(), "a message needs a text"
    assert len(text) <= 40_000, "the text is too long"
    _check_mrkdwn(text, known or set())
    assert len(blocks) <= 50, f"{len(blocks)} blocks"
    ids: list[str] = []
    for block in blocks:
        kind = block.get("type")
        assert kind in _ALLOWED, f"a block of type {kind}"
        assert len(block.get("block_id", "")) <= 255, "a block id is too long"
        if kind == "header":
            assert block["text"]["type"] == "plain_text", "a header is plain text"
            _check_text(block["text"], 150, known or set())
        elif kind == "section":
            assert "text" in block or "fields" in block, "a section without text"
            if "text" in block:
                _check_text(block["text"], 3_000, known or set())
            assert len(block.get("fields", ())) <= 10, "a section has at most 10 fields"
            for one in block.get("fields", ()):
                _check_text(one, 2_000, known or set())
        elif kind == "context":
            assert 1 <= len(block["elements"]) <= 10, "a context has 1 to 10 elements"
            for element in block["elements"]:
                _check_text(element, 3_000, known or set())
        elif kind == "actions":
            assert 1 <= len(block["elements"]) <= 25, "actions have 1 to 25 elements"
            for element in block["elements"]:
                assert element["type"] == "button", "only buttons"
                assert element["text"]["type"] == "plain_text", "a button's label is plain text"
                _check_text(element["text"], 75, known or set())
                assert 0 < len(element["action_id"]) <= 255, "an action id is missing or too long"
                assert len(element.get("value", "")) <= 2_000, "a value is too long"
                assert element.get("style", "primary") in ("primary", "danger"), "no such style"
                ids.append(element["action_id"])
    assert len(ids) == len(set(ids)), f"action ids are not unique: {ids}"


def texts_of(blocks: list[Json]) -> list[str]:
    """The texts of blocks, in their order."""
    found: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            for key, item in cast("Mapping[str, object]", value).items():
                if key == "text" and isinstance(item, str):
                    found.append(item)
                else:
                    walk(item)
        elif isinstance(value, list):
            for item in cast("list[object]", value):
                walk(item)

    walk(blocks)
    return found


def _check_text(text: Json, most: int, known: set[str]) -> None:
    assert text["type"] in ("plain_text", "mrkdwn"), "a text of an unknown type"
    assert 0 < len(text["text"]) <= most, f"a text of {len(text['text'])} characters where {most} are taken"
    if text["type"] == "mrkdwn":
        _check_mrkdwn(text["text"], known)


def _check_mrkdwn(text: str, known: set[str]) -> None:
    assert not _ENTITY.search(text), f"an & that is not escaped: {text[:80]}"
    for token in _TOKEN.findall(text):
        assert token.startswith(("https://", "http://")) or token.removeprefix("@") in known, (
            f"it would mention or link: <{token[:60]}>"
        )
    rest = _TOKEN.sub("", text)
    assert not set("<>") & set(rest), f"a < or > that is not escaped: {text[:80]}"
