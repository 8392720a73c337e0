"""File contents by blob hash, from one long-running `git cat-file --batch`.

Reads are asked for ahead of need, so that git decompresses while we compare. What cannot be read is told apart: missing
(partial clone, damaged repository), too large, binary.
"""

from __future__ import annotations

import re
import subprocess
from collections import OrderedDict, deque
from collections.abc import Iterable

from ingest.sources.git.command import Git, stop

MAX_BLOB_BYTES = 5_000_000
"""Larger files are not read: nobody writes them by hand."""

_CACHE_BYTES = 24_000_000
_AHEAD = 64  # requests under way; 64 lines of 41 bytes always fit in a pipe, so that writing never blocks
_SNIFF_BYTES = 8_000  # as far as git itself looks for a NUL
_HEADER = re.compile(rb"[0-9a-f]{40,64} (blob|tree) (\d+)\n")
_DAMAGED = "git cannot read its content; the repository is damaged or incomplete"


class Blobs:
    """Reads blobs. Close it, or use it as a context manager, to end its process."""

    def __init__(self, git: Git, *, partial: bool = False) -> None:
        """`partial`: objects may be absent on purpose; asking git for one would go to the network."""
        self._git = git
        self._partial = partial
        self._here: frozenset[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._cached_bytes = 0
        self._sent: deque[str] = deque()
        self._wanted: OrderedDict[str, None] = OrderedDict()
        self.unreadable: dict[str, str] = {}
        """Blob hash -> why it could not be read, for those asked for and not delivered."""

    def __enter__(self) -> Blobs:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the git process. Reading again starts another."""
        if self._process is not None:
            stop(self._process)
            self._process = None
        self._sent.clear()
        self._wanted.clear()

    def prefetch(self, blobs: Iterable[str]) -> None:
        """Say which blobs will be read soon, in that order."""
        for blob in blobs:
            if blob not in self._cache and blob not in self.unreadable and self.is_here(blob):
                self._wanted[blob] = None
        self._send()

    def read(self, blob: str) -> bytes | None:
        """The content, or None with the reason in `unreadable`."""
        if (data := self._cache.get(blob)) is not None:
            self._cache.move_to_end(blob)
            return data
        if blob in self.unreadable:
            return None
        if not self.is_here(blob):
            self.unreadable[blob] = "its content is not in this partial clone"
            return None
        if blob not in self._sent:
            self._wanted.pop(blob, None)
            self._request(blob)
        while True:
            got, data = self._receive()
            if data is not None:
                self._keep(got, data)
            self._send()
            if got == blob:
                return data

    def folder(self, commit: str, path: str) -> list[str]:
        """The names of the entries of a folder as of a commit; none when it is not there or cannot be read."""
        if "\n" in path:  # the one character that a request cannot hold
            return []
        request = f"{commit}:{path}"
        self._request(request)
        while True:
            got, data = self._receive()
            if got == request:
                self.unreadable.pop(request, None)
                return _tree_names(data or b"", len(commit) // 2)
            if data is not None:
                self._keep(got, data)

    def is_here(self, blob: str) -> bool:
        """Whether a blob can be read without a network; always True but for a partial clone."""
        if not self._partial:
            return True
        if self._here is None:
            rows = self._git.run("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)")
            self._here = frozenset(rows.decode("ascii").split())
        return blob in self._here

    def _send(self) -> None:
        # Many requests in one write: each write wakes git up.
        if not self._wanted or len(self._sent) > _AHEAD // 2:
            return
        count = min(len(self._wanted), _AHEAD - len(self._sent))
        self._request(*(self._wanted.popitem(last=False)[0] for _ in range(count)))

    def _request(self, *names: str) -> None:
        if self._process is None:
            self._process = self._git.converse("cat-file", "--batch")
        assert self._process.stdin is not None
        self._sent.extend(names)
        try:
            self._process.stdin.write("".join(f"{name}\n" for name in names).encode("utf-8"))
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # _receive finds the process gone and knows which request it died of

    def _receive(self) -> tuple[str, bytes | None]:
        # Answers come in the order of the requests: https://git-scm.com/docs/git-cat-file#_batch_output
        assert self._process is not None
        assert self._process.stdout is not None
        output = self._process.stdout
        blob = self._sent.popleft()
        header = output.readline()
        if (found := _HEADER.fullmatch(header)) is None:
            if not header:
                self._restart()
            self.unreadable[blob] = _DAMAGED
            return blob, None
        size = int(found[2])
        if size > MAX_BLOB_BYTES:
            self.unreadable[blob] = f"it has {size} bytes, more than the {MAX_BLOB_BYTES} that are read"
            self._skip(size + 1)
            return blob, None
        data = output.read(size + 1)
        if len(data) <= size:
            self._restart()
            self.unreadable[blob] = _DAMAGED
            return blob, None
        data = data[:-1]
        if found[1] == b"blob" and b"\0" in data[:_SNIFF_BYTES]:
            self.unreadable[blob] = "it is binary"
            return blob, None
        return blob, data

    def _skip(self, size: int) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while size > 0 and (got := len(self._process.stdout.read(min(size, 1 << 20)))):
            size -= got

    def _restart(self) -> None:
        # git died of the oldest request (a damaged object); the others are asked again.
        rest = list(self._sent)
        wanted = list(self._wanted)
        self.close()
        self._wanted.update(dict.fromkeys([*rest, *wanted]))
        self._send()

    def _keep(self, blob: str, data: bytes) -> None:
        self._cache[blob] = data
        self._cached_bytes += len(data)
        while self._cached_bytes > _CACHE_BYTES and len(self._cache) > 1:
            _, dropped = self._cache.popitem(last=False)
            self._cached_bytes -= len(dropped)


def is_partial(configuration: dict[str, str]) -> bool:
    """Whether a repository's configuration says that objects may be absent until asked for."""
    return any(
        key == "extensions.partialclone"
        or (key.startswith("remote.") and key.endswith((".promisor", ".partialclonefilter")))
        for key in configuration
    )


def _tree_names(tree: bytes, hash_bytes: int) -> list[str]:
    # A tree is entries of `mode name NUL hash`: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects#_tree_objects
    names: list[str] = []
    at = 0
    while (space := tree.find(b" ", at)) >= 0 and (end := tree.find(b"\0", space)) >= 0:
        names.append(tree[space + 1 : end].decode("utf-8", "backslashreplace"))
        at = end + 1 + hash_bytes
    return names
