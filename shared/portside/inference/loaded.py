"""What a folder's network computes, as a function of arrays: read when it is first used, once for all threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from portside.apps import load
from portside.inference.batched import Forward
from portside.inference.engines.interface import TORCH_BF16
from portside.inference.engines.store import CompiledPlace, load_compiled, read_compiled
from portside.inference.threads import prepare_threads
from portside.inference.tokens import Tokens

if TYPE_CHECKING:
    import torch

__all__ = ["FolderForward", "LazyNetwork"]


class LazyNetwork:
    """Calling it gives network, tokenizer and device, ready to serve."""

    def __init__(self, folder: Path, loader: str, *, threads: int) -> None:
        """``loader`` is the address of ``load(folder) -> (network, tokens, model file)``: torch is imported with it."""
        self._folder, self._loader, self._threads = folder, loader, threads
        self._lock = Lock()
        self._loaded: tuple[Any, Tokens, torch.device] | None = None

    def __call__(self) -> tuple[Any, Tokens, torch.device]:
        prepare_threads()
        from portside.inference import network as engine

        with self._lock:
            if self._loaded is None:
                engine.use_threads(self._threads)
                read: Callable[[Path], tuple[Any, Tokens, Any]] = load(self._loader)
                network, tokens, _file = read(self._folder)
                device = engine.best_device()
                self._loaded = network.to(device), tokens, device
            return self._loaded


class FolderForward:
    """Calling it gives the function and the tokenizer: of a compiled engine where there is one, else of torch."""

    def __init__(
        self,
        folder: Path,
        loader: str,
        outputs: Sequence[str],
        *,
        max_tokens: int,
        threads: int,
        inputs: int = 2,
        compiled: CompiledPlace | None = None,
    ) -> None:
        """``loader`` as for ``LazyNetwork``; of the network's outputs those named come side by side. Of a text
        ``max_tokens`` are read, as so many ``inputs``: ids, mask and whatever else.

        ``compiled``: where a compiled engine may lie, which then serves instead of the network.
        """
        self._folder, self._threads = folder, threads
        self._outputs, self._max_tokens, self._inputs = tuple(outputs), max_tokens, inputs
        self._network = LazyNetwork(folder, loader, threads=threads)
        self._compiled, self._lock = compiled, Lock()
        self._engine: tuple[Forward, Tokens] | None = None
        self._measured = ""

    @property
    def compiled(self) -> bool:
        """Whether an engine serves instead of the network."""
        return self._served() is not None

    @property
    def decided(self) -> bool:
        """Whether the engines were measured on this model, so that nobody else chooses how it computes."""
        return self._served() is not None or bool(self._measured)

    def __call__(self, precision: str = "fp32") -> tuple[Forward, Tokens]:
        """``precision`` is heard where the engines were never measured on this model."""
        engine = self._served()
        if engine is not None:
            return engine
        network, tokens, device = self._network()
        from portside.inference.network import as_forward

        return as_forward(network, self._outputs, device=device, precision=self._measured or precision), tokens

    def _served(self) -> tuple[Forward, Tokens] | None:
        with self._lock:
            if self._compiled is not None:
                place, self._compiled = self._compiled, None
                record = read_compiled(place)
                if record is not None:
                    # Also where a chosen file cannot be used here: 16 bits were not what was chosen.
                    self._measured = "bf16" if record.engine == TORCH_BF16 else "fp32"
                found = load_compiled(place, threads=self._threads, inputs=self._inputs)
                if found is not None:
                    self._engine = found, Tokens(self._folder, max_tokens=self._max_tokens)
            return self._engine
