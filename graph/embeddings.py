"""Embedders: texts to unit vectors, and the backlog of passages that have none yet.

Importing this module loads nothing heavy; an embedder loads its model at the first `embed`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from importlib import import_module
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Protocol, cast

from graph.errors import GraphError
from graph.model import Passage
from graph.store import GraphStore, Limits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_TEXT_CHARS = 20_000
"""Longer texts are cut before they are tokenised. The model reads 256 tokens, which are seldom more than 2,000 characters."""

BACKLOG_CHUNK = 32
"""Passages embedded and stored at a time: what a kill loses, and how far a deadline may be overrun."""


class EmbedderUnavailable(GraphError):
    """The model or what runs it is missing or damaged. Terminal until the hint is followed; full text works without."""


class Embedder(Protocol):
    """Turns texts into unit vectors. Safe to share between threads."""

    @property
    def id(self) -> str:
        """Names model, number format and dimension. Vectors of different ids are not comparable; the store refuses to mix them."""
        ...

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of length 1 (L2) for each text, in order; shape (len(texts), dimension). Any string is accepted.

        Raises:
            EmbedderUnavailable: the model cannot be loaded.
        """
        ...


_EMBEDDERS = {
    "onnx": "graph.embedders.minilm_onnx:OnnxMiniLM",
    "sentence-transformers": "graph.embedders.minilm_torch:TorchMiniLM",
}


def open_embedder(name: str) -> Embedder:
    """The embedder of this name, `onnx` or `sentence-transformers`, remembering the vectors of recent texts.

    Raises:
        EmbedderUnavailable: there is no such embedder. What it needs is looked for only when it embeds.
    """
    if name not in _EMBEDDERS:
        raise EmbedderUnavailable(
            f"There is no embedder called {name!r}.", f"Use one of: {', '.join(sorted(_EMBEDDERS))}."
        )
    module, _, attribute = _EMBEDDERS[name].partition(":")
    make = cast("Callable[[], Embedder]", getattr(import_module(module), attribute))
    return RememberingEmbedder(make())


class RememberingEmbedder:
    """An embedder that keeps the vectors of the last `capacity` texts (1.5 kB each), so that a passage seen in one
    answer is not embedded again for the next."""

    def __init__(self, embedder: Embedder, capacity: int = 8_192) -> None:
        self._embedder = embedder
        self._capacity = capacity
        self._vectors: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
        self._lock = Lock()

    @property
    def id(self) -> str:
        """That of the embedder behind."""
        return self._embedder.id

    @property
    def dimension(self) -> int:
        """That of the embedder behind."""
        return self._embedder.dimension

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Embedder.embed`; texts seen lately are answered from memory."""
        import numpy as np

        keys = [_digest(text) for text in texts]
        with self._lock:
            found = {key: self._vectors[key] for key in keys if key in self._vectors}
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if new:
            found |= zip(new, self._embedder.embed(list(new.values())), strict=True)
        self._remember(found)
        return np.stack([found[key] for key in keys]) if keys else np.zeros((0, self.dimension), np.float32)

    def forget(self) -> None:
        """Drop every kept vector (after a purge)."""
        with self._lock:
            self._vectors.clear()

    def _remember(self, vectors: dict[bytes, NDArray[np.float32]]) -> None:
        with self._lock:
            for key, vector in vectors.items():
                self._vectors[key] = vector
                self._vectors.move_to_end(key)
            while len(self._vectors) > self._capacity:
                self._vectors.popitem(last=False)


def readable(text: str) -> str:
    """The text as an embedder reads it: lone surrogates replaced, NUL a space, cut to `MAX_TEXT_CHARS`."""
    return text[:MAX_TEXT_CHARS].replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def embed_missing(
    store: GraphStore,
    embedder: Embedder,
    limit: int | None = None,
    deadline_s: float = 30.0,
    passages: Iterable[Passage] = (),
) -> int:
    """Give passages their vectors, in chunks that are each stored at once; stops and resumes between any two.

    Args:
        store: where the passages are and the vectors go.
        embedder: what embeds them; the first one a store meets is the one it keeps.
        limit: embed at most so many; None is no cap.
        deadline_s: start no further chunk after so many seconds.
        passages: these first (what a question or an incident needs); then the backlog, newest first.

    Returns:
        How many passages got a vector.

    Raises:
        EmbedderMismatch: the store holds vectors of another embedder.
        EmbedderUnavailable: the model cannot be loaded.
    """
    ends_at = time.monotonic() + deadline_s
    wanted = islice(_wanted(store, embedder, passages, ends_at), limit)
    done = 0
    while time.monotonic() < ends_at and (chunk := list(islice(wanted, BACKLOG_CHUNK))):
        vectors = embedder.embed([text for _, text in chunk])
        store.put_vectors(
            embedder.id,
            [(content_hash, vector.tolist()) for (content_hash, _), vector in zip(chunk, vectors, strict=True)],
        )
        done += len(chunk)
    return done


def _wanted(
    store: GraphStore, embedder: Embedder, passages: Iterable[Passage], ends_at: float
) -> Iterator[tuple[str, str]]:
    """(content hash, text) once each. Asks the store again when a page is used up, until a page has nothing new."""
    seen: set[str] = set()
    page = [(passage.content_hash, passage.text) for passage in passages]
    asked = False
    while True:
        new = [(content_hash, text) for content_hash, text in dict(page).items() if content_hash not in seen]
        if asked and not new:
            return
        seen.update(content_hash for content_hash, _ in new)
        yield from new
        left_s = ends_at - time.monotonic()
        if left_s <= 0:
            return
        page = list(store.missing_vectors(embedder.id, Limits(rows=8 * BACKLOG_CHUNK, deadline_s=left_s)).items)
        asked = True


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
