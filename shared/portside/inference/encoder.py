"""Sentence encoders: texts to vectors of length 1 whose inner product is their likeness.

The folder format is an ordinary pretrained one (``config.json``, ``model.safetensors``, tokenizer files) with a
``model.json`` that says how many tokens are read, what is read before a text, and how tokens become its one vector.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from portside.encoders import (
    BUNDLED,
    BUNDLED_NAME,
    EncoderSource,
    RegisteredModels,
    find_registered,
    hidden_size,
    read_config,
    resolve_encoder,
)
from portside.errors import ModelError
from portside.inference.batched import run_batches
from portside.inference.engines.store import CompiledPlace, encoder_place, place_of, place_stamp
from portside.inference.folder import ModelFile, read_model_file, write_model_file
from portside.inference.interfaces import TextEncoder
from portside.inference.loaded import FolderForward
from portside.inference.pooling import Pooling, pooling_of, pooling_options
from portside.inference.prefixes import Prefixes, prefixes_of, published_prefixes
from portside.inference.served import Served, VersionSource
from portside.inference.tokens import Tokens

if TYPE_CHECKING:
    from portside.registry import ModelVersion

__all__ = ["BundledEncoder", "FolderEncoder", "ServedEncoder", "answers", "load_encoder", "save_encoder"]

BULK = 256
"""Texts from which on it is worth measuring whether bf16 is faster; fewer are always encoded in 32-bit floats. Once
``portside compile`` has measured the encoder, what it chose computes all."""
FASTER = 1.15
"""How much faster bf16 must measure: it costs three digits of precision."""
PROBE_TEXTS = 32


class FolderEncoder:
    """The encoder in one folder; loaded on first use, safe to share between threads."""

    def __init__(
        self,
        folder: Path,
        *,
        model: str,
        threads: int = 0,
        compiled: CompiledPlace | None = None,
        prefixes: Prefixes | None = None,
    ) -> None:
        """``compiled``: where a compiled engine may lie; ``prefixes``: None for those that the folder names."""
        self.model = model
        self._folder = folder
        file = read_model_file(folder, task="encoder")
        self.prefixes = prefixes_of(file) if prefixes is None else prefixes
        """What it reads before each query and each document; whatever is not called a query is a document."""
        loader = "portside.inference.encoder_network:load_network"
        self._ready = FolderForward(
            folder, loader, ("vectors",), max_tokens=file.max_tokens, threads=threads, compiled=compiled
        )
        self._bulk_precision: str | None = None

    @cached_property
    def dim(self) -> int:
        return hidden_size(read_config(self._folder))

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._read(texts, self.prefixes.document)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._read(texts, self.prefixes.query)

    def _read(self, texts: Sequence[str], prefix: str) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        precision = "fp32" if len(texts) < BULK or self._ready.decided else self._precision(texts)
        return self._run(texts, precision, prefix)

    def _run(self, texts: Sequence[str], precision: str, prefix: str = "") -> NDArray[np.float32]:
        forward, tokens = self._ready(precision)
        return run_batches(forward, tokens.after(prefix), texts)

    def _precision(self, texts: Sequence[str]) -> str:
        if self._bulk_precision is None:
            sample = list(texts[:PROBE_TEXTS])
            seconds = {}
            for precision in ("fp32", "bf16"):
                self._run(sample, precision)  # the first call of a kind prepares kernels
                began = time.perf_counter()
                self._run(sample, precision)
                seconds[precision] = time.perf_counter() - began
            self._bulk_precision = "bf16" if seconds["bf16"] * FASTER < seconds["fp32"] else "fp32"
        return self._bulk_precision


def load_encoder(folder: Path, *, model: str = "", threads: int = 0) -> FolderEncoder:
    """The sentence encoder in ``folder``; ``model`` is how it names itself (default: the folder's name).

    A version's folder is served by its compiled engine where there is one.

    Raises:
        ModelDamaged: the folder lacks a file or holds an unreadable one.
        ModelError: the folder holds a model for another task.
    """
    return FolderEncoder(folder, model=model or folder.name, threads=threads, compiled=place_of(folder))


def answers(folder: Path, texts: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """No labels, and the vectors of ``texts``, shape (texts, dim): what a reload must repeat."""
    return (), load_encoder(folder).encode(texts).astype(np.float64)


def save_encoder(
    folder: Path,
    model: Any,
    tokenizer: Any,
    *,
    max_tokens: int = 256,
    prefixes: Prefixes | None = None,
    pooling: Pooling = "mean",
) -> None:
    """Write a transformers encoder and its tokenizer (theirs or Portside's) as a sentence-encoder folder.

    ``model`` is the backbone (for a SentenceTransformer: ``model[0].model``); a pooler, never used here, is left out.
    ``prefixes``: what is to be read before its texts; ``pooling``: how it is to be read.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: value.detach().to("cpu").contiguous().clone()
        for name, value in model.state_dict().items()
        if not name.startswith("pooler.")
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    # In full: what equals transformers' own default would otherwise be left out, and be missing for other readers.
    (folder / "config.json").write_text(model.config.to_json_string(use_diff=False), encoding="utf-8")
    (tokenizer.save if isinstance(tokenizer, Tokens) else tokenizer.save_pretrained)(folder)
    options = {**pooling_options(pooling), **({} if prefixes is None else prefixes.to_options())}
    write_model_file(folder, ModelFile("encoder", max_tokens, options=options))


class BundledEncoder:
    """The pretrained encoder that Portside starts from (or the one that ``reference`` names), untuned, read with the
    prefixes that it was published with.

    Nothing is read before the first text. A name among those ``registered`` stands for the version that it names then,
    as long as this object lives: vectors of two versions must not be mixed. What is compiled meanwhile serves from the
    next call on.
    """

    def __init__(
        self,
        reference: str = "",
        registered: RegisteredModels | None = None,
        *,
        threads: int = 0,
        compiled: Path | None = None,
    ) -> None:
        """``compiled``: the folder of compiled encoders, see ``encoder_place``; None: the original always serves."""
        self._reference = reference
        self._compiled = compiled
        self._registered = registered
        self._threads = threads
        self._lock = Lock()
        self._name = ""
        self._found: _Found | None = None
        self._encoder: FolderEncoder | None = None
        self._stamp = 0

    @property
    def dim(self) -> int:
        return self._loaded().dim

    @property
    def model(self) -> str:
        with self._lock:
            return self._named()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._loaded().encode(texts)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._loaded().encode_queries(texts)

    def _loaded(self) -> FolderEncoder:
        with self._lock:
            self._named()  # of a registered name, the version that it stands for from now on
            found = self._source(download=True)
            stamp = 0 if found.place is None else place_stamp(found.place)
            if self._encoder is None or stamp != self._stamp:
                self._encoder = FolderEncoder(
                    found.folder,
                    model=self._name,
                    threads=self._threads,
                    compiled=found.place,
                    prefixes=found.prefixes,
                )
                self._stamp = stamp
            return self._encoder

    def _source(self, *, download: bool) -> _Found:
        if self._found is None:
            source = resolve_encoder(self._name or self._reference, self._registered, download=download)
            # A registered encoder says itself what its texts were read after.
            elsewhere = source.kind in ("folder", "hub")
            prefixes = published_prefixes(source) if elsewhere else None
            self._found = _Found(source.folder, self._place(source), prefixes)
            if elsewhere:
                self._name = _marked(self._reference, prefixes, pooling_of(source.folder))
        return self._found

    def _place(self, source: EncoderSource) -> CompiledPlace | None:
        if self._compiled is None:
            return None
        # Where ``portside compile`` puts what it makes of each.
        if source.kind == "registered":
            return place_of(source.folder)
        return encoder_place(self._compiled, source.name, source.sha256, pooling_of(source.folder))

    def _named(self) -> str:
        if not self._name:
            version = find_registered(self._reference, self._registered)
            if version is None and self._reference not in BUNDLED:
                return self._published()
            self._name = version.ref if version else self._reference or BUNDLED_NAME
        return self._name

    def _published(self) -> str:
        """The name of weights from elsewhere. Those that cannot be had here and now are missed by who reads a text."""
        try:
            self._source(download=False)
        except ModelError:
            return self._reference
        return self._name


@dataclass(frozen=True)
class _Found:
    """What a reference stands for."""

    folder: Path
    place: CompiledPlace | None
    prefixes: Prefixes | None
    """None: those that the folder names."""


def _marked(name: str, prefixes: Prefixes | None, pooling: Pooling) -> str:
    """``name``, and how documents are read where it is not plainly: vectors of both must not be mixed in one index."""
    before = prefixes.document.strip() if prefixes else ""
    how = [*([f"{before} …"] if before else []), *(["first token"] if pooling == "first" else [])]
    return f"{name} ({', '.join(how)})" if how else name


class ServedEncoder:
    """The encoder behind ``name@alias``, or ``fallback`` while there is none; picks up a promoted version."""

    def __init__(
        self,
        registry: VersionSource,
        name: str,
        alias: str = "champion",
        fallback: TextEncoder | None = None,
        *,
        threads: int = 0,
    ) -> None:
        self._serving = False

        def load(version: ModelVersion) -> TextEncoder:
            encoder = load_encoder(version.folder, model=version.ref, threads=threads)
            # The first is read when it is first asked. Before a later one takes over, what is wrong with it must show.
            if self._serving:
                encoder.encode(["ready"])
            self._serving = True
            return encoder

        def untuned() -> TextEncoder:
            assert fallback is not None
            self._serving = True
            return fallback

        self._served: Served[TextEncoder] = Served(registry, name, alias, load, None if fallback is None else untuned)

    @property
    def dim(self) -> int:
        return self._served.current().dim

    @property
    def model(self) -> str:
        return self._served.current().model

    def current(self) -> TextEncoder:
        """The one version to use where several calls must not mix two: its vectors carry its name."""
        return self._served.current()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._served.current().encode(texts)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._served.current().encode_queries(texts)
