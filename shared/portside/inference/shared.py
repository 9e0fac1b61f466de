"""Models that many requests share: texts asked before are answered from memory, the others in common batches.

One call is answered by one version, whatever is promoted while it waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar
from weakref import ReferenceType, WeakSet, ref

import numpy as np
from numpy.typing import NDArray

from portside.inference.callers import current_caller, current_presence
from portside.inference.interfaces import TextClassifier, TextEncoder
from portside.inference.micro_batches import MicroBatches, Waits
from portside.inference.repeated import LONGEST, Repeated, Repeats
from portside.inference.threads import usable_cores
from portside.records import Prediction

__all__ = ["Shared", "SharedClassifier", "SharedEncoder", "shared_models"]

_living: WeakSet[Shared[Any, Any]] = WeakSet()

BULK = 512
"""Texts of one call beyond which it has batches of its own: they are full anyway. It is answered in pieces of so many
at most, one piece at a time of all such calls: an import has every core for its piece, and leaves the questions that
come meanwhile half of the machine, however many imports there are."""
IMPORTS = 16
"""Such calls that may wait for their next piece; whoever comes then is told to try again."""
IMPORT_WAIT_SECONDS = 600.0
"""How long one may wait for a piece of its own: sixteen pieces of long texts on a slow machine take minutes."""
REMEMBERED = 32
"""Texts of one call up to which answers are kept: who asks more imports something, and would push the questions that
people repeat out of memory."""
WAIT_SECONDS = 30.0
"""How long a caller waits for others without getting an answer: longer than a model takes to load, and nobody waits
longer for a page. An import of some hundred texts takes turns with all who ask: it waits as long as it gets on."""
QUERY, DOCUMENT = "?", "."
"""Marks before a text that is to be encoded: what is looked for, what is to be found."""
CHARACTERS_PER_TOKEN = 4
"""Of ordinary text, about: only to keep batches of like weight."""


class Named(Protocol):
    """A loaded model of one version."""

    @property
    def model(self) -> str:
        """``name:version``."""
        ...


M = TypeVar("M", bound=Named)
Answer = TypeVar("Answer")


class Shared(Generic[M, Answer]):
    """Asks whatever model serves now; safe to share between threads."""

    def __init__(
        self,
        name: str,
        current: Callable[[], M],
        ask: Callable[[M, list[str]], Sequence[Answer]],
        *,
        threads: int = 0,
        waits: Waits | None = None,
        repeated: Repeated[tuple[str, str], tuple[ReferenceType[M], Answer]] | None = None,
    ) -> None:
        """``name`` is what metrics call it. ``current`` gives the version that serves; ``ask`` answers texts by a
        version, in their order. As many batches as ``threads`` run at the same time; 0: as there are cores.
        ``repeated`` keeps answers by version and text, each with who gave it: a version that is compiled is loaded anew
        and asked anew.
        """
        self.name, self.current, self._ask = name, current, ask
        self._repeated = Repeated() if repeated is None else repeated
        self._batches: MicroBatches[tuple[M, str], Answer] = MicroBatches(
            self._answer, waits=waits or Waits(workers=threads or usable_cores()), weigh=lambda item: _weight(item[1])
        )
        self._imports: MicroBatches[tuple[M, list[str]], Sequence[Answer]] = MicroBatches(
            lambda pieces: [self._ask(model, texts) for model, texts in pieces],
            waits=Waits(callers=IMPORTS, batch_weight=1, workers=1),
        )
        _living.add(self)

    @property
    def repeats(self) -> Repeats:
        """How often a text had been asked before."""
        return self._repeated.repeats

    @property
    def waiting(self) -> int:
        """Callers who wait or are being answered."""
        return self._batches.waiting + self._imports.waiting

    def __call__(
        self, texts: Sequence[str], *, tenant: str | None = None, timeout: float | None = WAIT_SECONDS
    ) -> list[Answer]:
        """Answers in the order of ``texts``, all by one version. Tenants (None: the ``current_caller``) take turns.

        More than ``BULK`` texts are an import: it has longer to wait, and nothing of it is remembered.

        Raises:
            Busy: too many wait, or no answer came for ``timeout`` seconds.
            Abandoned: the ``current_presence`` ended.
        """
        who = current_caller() if tenant is None else tenant
        model = self.current()
        if len(texts) > BULK:
            return self._in_pieces(model, texts, who)
        kept = {text: self._repeated.get((model.model, text)) for text in dict.fromkeys(texts)}
        found = {text: one[1] for text, one in kept.items() if one is not None and one[0]() is model}
        missing = [text for text in kept if text not in found]
        asked = [(model, text) for text in missing]
        answers = self._batches(asked, tenant=who, timeout=timeout, presence=current_presence())
        for text, answer in zip(missing, answers, strict=True):
            found[text] = answer
            if len(text) <= LONGEST and len(texts) <= REMEMBERED:
                self._repeated.put((model.model, text), (ref(model), answer))
        return [found[text] for text in texts]

    def _in_pieces(self, model: M, texts: Sequence[str], who: str) -> list[Answer]:
        # The longest first, so that texts of one length share a batch; evenly, as few texts may be computed otherwise.
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        many = -(-len(order) // BULK)
        pieces = [order[piece * len(order) // many : (piece + 1) * len(order) // many] for piece in range(many)]
        asked = [(model, [texts[place] for place in places]) for places in pieces]
        answers = self._imports(asked, tenant=who, timeout=IMPORT_WAIT_SECONDS, presence=current_presence())
        out: dict[int, Answer] = {}
        for places, found in zip(pieces, answers, strict=True):
            out.update(zip(places, found, strict=True))
        return [out[place] for place in range(len(texts))]

    def _answer(self, items: Sequence[tuple[M, str]]) -> list[Answer]:
        # While a version is being replaced, callers of the old and of the new one may share a batch.
        by_model: dict[int, list[int]] = {}
        for place, (model, _) in enumerate(items):
            by_model.setdefault(id(model), []).append(place)
        out: dict[int, Answer] = {}
        for places in by_model.values():
            answers = self._ask(items[places[0]][0], [items[place][1] for place in places])
            out.update(zip(places, answers, strict=True))
        return [out[place] for place in range(len(items))]


class SharedClassifier:
    """A ``TextClassifier`` for many requests at once."""

    def __init__(
        self, name: str, current: Callable[[], TextClassifier], *, threads: int = 0, waits: Waits | None = None
    ) -> None:
        self._current = current
        self.shared: Shared[TextClassifier, Prediction] = Shared(
            name, current, lambda model, texts: model.predict(texts), threads=threads, waits=waits
        )

    @property
    def labels(self) -> tuple[str, ...]:
        return self._current().labels

    @property
    def model(self) -> str:
        return self._current().model

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return self.shared(texts)


class SharedEncoder:
    """A ``TextEncoder`` for many requests at once."""

    def __init__(
        self, name: str, current: Callable[[], TextEncoder], *, threads: int = 0, waits: Waits | None = None
    ) -> None:
        self._current = current
        self.shared: Shared[TextEncoder, NDArray[np.float32]] = Shared(
            name, current, _vectors, threads=threads, waits=waits
        )

    @property
    def dim(self) -> int:
        return self._current().dim

    @property
    def model(self) -> str:
        return self._current().model

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._read(DOCUMENT, texts)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._read(QUERY, texts)

    def _read(self, side: str, texts: Sequence[str]) -> NDArray[np.float32]:
        marked = [side + text for text in texts]
        return np.stack(self.shared(marked)) if marked else np.zeros((0, self.dim), dtype=np.float32)


def _vectors(model: TextEncoder, marked: list[str]) -> list[NDArray[np.float32]]:
    out: dict[int, NDArray[np.float32]] = {}
    for side, read in ((QUERY, model.encode_queries), (DOCUMENT, model.encode)):
        places = [place for place, one in enumerate(marked) if one.startswith(side)]
        rows = read([marked[place][len(side) :] for place in places]) if places else ()
        # Copies: a kept row would keep the vectors of its whole batch in memory.
        out.update((place, row.copy()) for place, row in zip(places, rows, strict=True))
    return [out[place] for place in range(len(marked))]


def shared_models() -> list[Shared[Any, Any]]:
    """Those of this process, by name: for its metrics."""
    return sorted(_living, key=lambda one: one.name)


def _weight(text: str) -> int:
    return 2 + len(text) // CHARACTERS_PER_TOKEN
