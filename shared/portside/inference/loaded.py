"""A network that is read from its folder when it is first used, once for all threads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from portside.apps import load
from portside.inference.threads import prepare_threads

if TYPE_CHECKING:
    import torch

    from portside.inference.tokens import Tokens

__all__ = ["LazyNetwork"]


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
