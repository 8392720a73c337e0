"""Progress of long work: one line that rewrites itself on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.sync import Progress

LOG_EVERY_S = 5.0
TERMINAL_EVERY_S = 0.1


class ProgressLine:
    """Use as a context manager and hand `update` to what works."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._every_s = TERMINAL_EVERY_S if self._terminal else LOG_EVERY_S
        self._last = time.monotonic()
        self._shown = False

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._shown and self._terminal:
            sys.stderr.write("\r\x1b[2K")

    def update(self, progress: Progress) -> None:
        """Show this, unless something was shown a moment ago."""
        now = time.monotonic()
        if now - self._last < self._every_s:
            return
        self._last, self._shown = now, True
        text = f"{progress.source} {progress.scope}: {progress.assertions:,} facts in {progress.elapsed_s:.0f} s"
        sys.stderr.write(f"\r\x1b[2K{text}" if self._terminal else text + "\n")
        sys.stderr.flush()
