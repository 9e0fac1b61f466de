"""Serving what an alias points at: a promoted version is picked up without a restart, on the next call."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from portside.errors import ModelNotFound
from portside.inference.engines.store import compiled_stamp

if TYPE_CHECKING:
    from portside.registry import ModelVersion

__all__ = ["Served", "VersionSource"]

T = TypeVar("T")
log = logging.getLogger(__name__)


class VersionSource(Protocol):
    """What serving needs of the model registry."""

    def resolve(self, reference: str) -> ModelVersion:
        """The version that ``name@alias`` points at."""
        ...

    def alias_stamp(self, name: str) -> object:
        """A value, cheap to get, that changes when an alias of ``name`` changes."""
        ...


class Served(Generic[T]):
    """The loaded model behind ``name@alias``, safe to ask from many threads.

    While one thread loads a newly promoted version, the others go on with the old one. A caller takes ``current()``
    once and uses it for its whole call, so that no answer mixes two versions. A promoted version that cannot be
    loaded leaves the old one in service, with an error in the log, until the registry changes again. A version that
    was compiled meanwhile is read anew.
    """

    def __init__(
        self,
        registry: VersionSource,
        name: str,
        alias: str,
        load: Callable[[ModelVersion], T],
        fallback: Callable[[], T] | None = None,
    ) -> None:
        self._registry = registry
        self._name = name
        self._alias = alias
        self._load = load
        self._fallback = fallback
        self._lock = Lock()
        self._stamp: object = None
        self._loaded: tuple[str, T] | None = None
        self._compiled = 0

    def current(self) -> T:
        """The model to use for this call.

        Raises:
            ModelNotFound: there is no such model, nor a fallback.
            ModelDamaged: its folder does not hold what it should, and no earlier version is loaded.
        """
        stamp = self._registry.alias_stamp(self._name)
        loaded = self._loaded
        if loaded is not None and stamp == self._stamp:
            return loaded[1]
        if not self._lock.acquire(blocking=loaded is None):
            assert loaded is not None
            return loaded[1]
        try:
            if self._loaded is None or stamp != self._stamp:
                self._loaded = self._renewed(self._loaded)
                self._stamp = stamp
            return self._loaded[1]
        finally:
            self._lock.release()

    def _renewed(self, before: tuple[str, T] | None) -> tuple[str, T]:
        try:
            version = self._registry.resolve(f"{self._name}@{self._alias}")
            compiled = compiled_stamp(version.folder)
            if before is not None and before[0] == version.ref and compiled == self._compiled:
                return before
            loaded = version.ref, self._load(version)
            self._compiled = compiled
            return loaded
        except ModelNotFound:
            if self._fallback is None:
                raise
            return before if before is not None and before[0] == "" else ("", self._fallback())
        # Whatever it is, of a library or of the disk too: it must not fail a request while a version is ready.
        except Exception:
            if before is None:
                raise
            log.exception("%s@%s cannot be loaded; %s stays in service", self._name, self._alias, before[0])
            return before
