"""Lines of a file's bytes: where they begin and end, how they are indented and broken."""

from __future__ import annotations

from agent.fix.syntax import Source


def indent_at(source: Source, position: int) -> bytes:
    """The blanks that the line of a byte begins with."""
    start = line_start(source.data, position)
    line = source.data[start:position].removeprefix(b"\xef\xbb\xbf")
    return line[: len(line) - len(line.lstrip(b" \t"))]


def newline_at(source: Source, position: int) -> bytes:
    """How the line of a byte ends; as the first of the file where it is the last."""
    end = source.data.find(b"\n", position)
    if end < 0:
        end = source.data.find(b"\n")
    return b"\r\n" if end > 0 and source.data[end - 1 : end] == b"\r" else b"\n"


def line_start(data: bytes, position: int) -> int:
    """Where the line of a byte begins."""
    return data.rfind(b"\n", 0, position) + 1


def line_end(data: bytes, position: int) -> int:
    """Where the next line begins."""
    end = data.find(b"\n", position)
    return len(data) if end < 0 else end + 1


def is_blank(data: bytes, position: int) -> bool:
    """Whether nothing more stands in the line from a byte on; not at the end of a file without a newline."""
    end = data.find(b"\n", position)
    return end >= 0 and not data[position:end].strip()
