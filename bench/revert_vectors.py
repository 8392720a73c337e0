"""Vectors of texts, kept under the temporary directory between runs."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from bench.revert_cases import cache_folder
from graph.embeddings import Embedder, open_embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class KeptEmbedder:
    """The bundled embedder, with what it ever embedded kept in a file; `save` writes it."""

    def __init__(self) -> None:
        import numpy as np

        self._embedder: Embedder = open_embedder("onnx")
        self._file = cache_folder() / "vectors.npz"
        self._vectors: dict[str, NDArray[np.float32]] = {}
        if self._file.exists():
            with np.load(self._file) as kept:
                self._vectors = dict(zip(kept["keys"].tolist(), kept["rows"], strict=True))
        self._new = 0

    @property
    def id(self) -> str:
        """That of the embedder behind."""
        return self._embedder.id

    @property
    def dimension(self) -> int:
        """That of the embedder behind."""
        return self._embedder.dimension

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Embedder.embed`."""
        import numpy as np

        keys = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._vectors}
        if new:
            self._vectors |= dict(zip(new, self._embedder.embed(list(new.values())), strict=True))
            self._new += len(new)
        return np.stack([self._vectors[key] for key in keys]) if keys else np.zeros((0, self.dimension), np.float32)

    def save(self) -> None:
        """Keep what is new."""
        import numpy as np

        if self._new:
            np.savez(self._file, keys=np.array(list(self._vectors)), rows=np.stack(list(self._vectors.values())))
            self._new = 0
