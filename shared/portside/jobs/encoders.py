"""The encoder that the apps search with is made faster like a promoted model: on their own texts, once a machine.

Nothing was kept beside pretrained weights to check an engine on. What the apps have them read is as good, and is what
they will be asked; an engine serves whose vectors are the original's but for a cosine of .99, so that the vectors that
apps have stored stay good. Nothing is read anew: a running app's ``BundledEncoder`` takes the engine with its next
call, keeps its name, and searches vectors of the original with vectors of the engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from portside.apps import AppSpec, load
from portside.errors import ModelError
from portside.jobs.promotions import COMPILE, QUIET_SECONDS, Queue

if TYPE_CHECKING:
    from portside.inference.engines.store import CompiledPlace
    from portside.settings import Settings

__all__ = ["FEWEST", "MOST", "Encoders", "texts_by_app"]

FEWEST = 200
"""Different texts of one app from which on an engine is checked on them. Nothing was measured to choose it: as many are
asked one by one when engines are compared, and a list of the ten nearest among fewer says little."""
MOST = 500
"""Texts of one app: two fill the thousand rows that engines are measured on."""
LOOK_SECONDS = 120.0
"""Between two looks at the apps' texts: each reads a few hundred rows, and a first import takes minutes anyway."""


def texts_by_app(apps: Sequence[AppSpec], settings: Settings) -> dict[str, list[str]]:
    """The different texts of each app that has ``FEWEST`` of them or more."""
    from portside.data.texts import unique_texts

    found = {}
    for app in apps:
        if app.texts:
            texts = list(unique_texts(load(app.texts)(settings, MOST), app.name).texts)
            if len(texts) >= FEWEST:
                found[app.name] = texts
    return found


class Encoders:
    """Calling it queues the compilation of ``settings.encoder`` when an app has enough texts and none was measured.

    As for promoted models: one job at a time, and what failed once, or what the user took back, is not tried again.
    """

    def __init__(
        self,
        settings: Settings,
        apps: Sequence[AppSpec],
        queue: Queue,
        *,
        quiet_seconds: float = QUIET_SECONDS,
        look_seconds: float = LOOK_SECONDS,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._apps, self._queue = settings, [app for app in apps if app.texts], queue
        self._seconds, self._look_seconds = seconds, look_seconds
        self._next = seconds() + quiet_seconds
        self._done = not self._apps
        self._found: tuple[str, CompiledPlace] | None = None
        self._lock = Lock()

    def __call__(self) -> None:
        if self._done or self._seconds() < self._next or not self._lock.acquire(blocking=False):
            return
        try:
            self._next = self._seconds() + self._look_seconds
            self._done = self._look()
        finally:
            self._lock.release()

    def _look(self) -> bool:
        """Whether there is nothing left to do."""
        from portside.inference.engines.machine import this_machine
        from portside.inference.engines.store import kept_as_trained, read_compiled

        self._found = self._found or self._served()
        if self._found is None:
            return False
        name, place = self._found
        if kept_as_trained(place) or read_compiled(place) is not None:
            return True
        if any(not job.is_over for job in self._queue.recent([COMPILE])):
            return False
        apps = sorted(texts_by_app(self._apps, self._settings))
        if not apps:
            return False
        # Of a registered version the key is that of its promotion: whoever looks first queues it.
        key = f"{place.made_from} {this_machine()}"
        self._queue.submit_once(COMPILE, {"model": name, "apps": apps}, actor="", key=key)
        return True

    def _served(self) -> tuple[str, CompiledPlace] | None:
        """What the apps' ``BundledEncoder`` reads, and where it looks for its engine; None: not here yet."""
        from portside.encoders import BUNDLED, BUNDLED_NAME, resolve_encoder
        from portside.inference.engines.store import encoder_place, place_of
        from portside.inference.pooling import pooling_of
        from portside.registry import ModelRegistry

        asked, models = self._settings.encoder, self._settings.models_dir
        try:
            source = resolve_encoder(asked, ModelRegistry(models), download=False)
        # The pages that need it say so, with what to do.
        except ModelError:
            return None
        if source.kind == "registered":
            return source.name, place_of(source.folder)
        place = encoder_place(models, source.name, source.sha256, pooling_of(source.folder))
        return BUNDLED_NAME if asked in BUNDLED else asked, place
