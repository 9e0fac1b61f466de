"""What the recommender does. Collaborators are arguments; ``build.py`` says which are real."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portside.clock import Clock
from portside.errors import DataError, UsageError
from portside.inference.interfaces import TextEncoder
from portside.progress import NullProgress, Progress
from portside.retrieval.vectors import VectorIndex
from portside_recommend.choices import EventLog, log_of
from portside_recommend.config import RecommendConfig
from portside_recommend.intake import Intake, Taken
from portside_recommend.learning import Learned, Source, Teacher, learn
from portside_recommend.library import KeptBehaviour, KeptVectors, Library
from portside_recommend.measuring import measure
from portside_recommend.records import Event, Item, PastChoice, Recommendations
from portside_recommend.rules import history_from, list_for, list_like, list_similar
from portside_recommend.shelf import Shelf
from portside_recommend.shelving import ShelfKeeper, encode_items
from portside_recommend.store import Counts, RecommendStore, StoredEvaluation

__all__ = ["Overview", "RecommendService"]

LONGEST_WORDS = 2_000
"""Characters of typed words that are read."""
MOST_LISTED = 200


@dataclass(frozen=True)
class Overview:
    """What there is, and what it was learned from."""

    counts: Counts
    model: str
    learned: Mapping[str, Any]
    """Facts of the last learning; empty while nothing was learned."""


class RecommendService:
    """Recommendations, the catalogue, and the events that they come from."""

    def __init__(
        self,
        *,
        store: RecommendStore,
        library: Library,
        encoder: Callable[[], TextEncoder],
        pretrained: TextEncoder,
        config: RecommendConfig,
        clock: Clock,
    ) -> None:
        """``encoder`` gives the one served now; ``pretrained`` has seen no events of ours, as evaluation needs it."""
        self.store, self.library, self.config, self.clock = store, library, config, clock
        self._pretrained = pretrained
        self.keeper = ShelfKeeper(store, library, encoder, config)

    def warm(self) -> None:
        """Load encoder and shelf, so that the first visitor does not wait for them."""
        self.keeper.shelf_and_encoder()[1].encode(["hello"])

    # --- lists -------------------------------------------------------------------------------------------------

    def recommend_for(
        self, user: str, *, top: int | None = None, category: str = "", diversity: float | None = None
    ) -> Recommendations:
        """A list for a user, without what the user already touched. Of a stranger: what is popular now, and said so.

        Raises:
            UsageError: a number is out of its range.
        """
        top, dial = self._checked(top, diversity)
        shelf = self.keeper.shelf()
        history = history_from(self.store.history(user), shelf, self.config)
        return list_for(shelf, history, self.config, top=top, category=category, diversity=dial)

    def similar(
        self, item_id: str, *, top: int | None = None, category: str = "", diversity: float | None = None
    ) -> Recommendations:
        """Items like one item.

        Raises:
            UsageError: the catalogue has no such item, or a number is out of its range.
        """
        top, dial = self._checked(top, diversity)
        shelf = self.keeper.shelf()
        row = self._row(shelf, item_id)
        return list_similar(shelf, row, self.config, top=top, category=category, diversity=dial)

    def search(
        self, words: str, *, top: int | None = None, category: str = "", diversity: float | None = None
    ) -> Recommendations:
        """Items whose words come closest to typed words.

        Raises:
            UsageError: there are no words, or a number is out of its range.
        """
        top, dial = self._checked(top, diversity)
        if not words.strip():
            raise UsageError("A search needs words", seen="nothing", remedy='Say what you look for, such as "red bowl"')
        shelf, encoder = self.keeper.shelf_and_encoder()
        if len(shelf) == 0:
            return Recommendations((), shelf.model, "The catalogue is empty.", known=False)
        vector = encoder.encode_queries([words.strip()[:LONGEST_WORDS]])[0]
        return list_like(shelf, words, vector, self.config, top=top, category=category, diversity=dial)

    # --- catalogue ---------------------------------------------------------------------------------------------

    def item(self, item_id: str) -> Item:
        """One item.

        Raises:
            UsageError: the catalogue has no such item.
        """
        shelf = self.keeper.shelf()
        return shelf.items[self._row(shelf, item_id)]

    def items(self, containing: str = "", *, limit: int = 50) -> list[Item]:
        """Items, the most popular first; only those whose title or id contains some letters."""
        shelf = self.keeper.shelf()
        letters = containing.strip().lower()
        found = (shelf.items[int(row)] for row in shelf.popular_order)
        hits = (item for item in found if letters in item.title.lower() or letters in item.item_id.lower())
        return [item for _, item in zip(range(limit), hits, strict=False)]

    def categories(self) -> list[str]:
        """Every category, by name."""
        return sorted({item.category for item in self.keeper.shelf().items if item.category})

    def chosen_by(self, item_id: str) -> int:
        """How many people chose an item lately."""
        shelf = self.keeper.shelf()
        return int(shelf.popular[self._row(shelf, item_id)])

    def add_items(self, new: Sequence[Item]) -> None:
        """Add or replace items; they can be found and recommended when this returns."""
        self.store.put_items(new)
        self.keeper.shelf()

    # --- users -------------------------------------------------------------------------------------------------

    def users(self, containing: str = "", *, limit: int = 50) -> list[tuple[str, int]]:
        """Users with their number of events, most first."""
        return self.store.busiest_users(limit, containing=containing)

    def past(self, user: str, *, limit: int = 20) -> list[PastChoice]:
        """What a user did last, newest first, each item once."""
        shelf = self.keeper.shelf()
        found: dict[str, PastChoice] = {}
        for row in self.store.history(user):
            if row.item_id in shelf.rows and row.item_id not in found:
                at = datetime.fromtimestamp(row.at / 1000, tz=UTC) if row.timed else None
                found[row.item_id] = PastChoice(shelf.items[shelf.rows[row.item_id]], row.event, at)
            if len(found) >= limit:
                break
        return list(found.values())

    def add_events(self, events: Sequence[Event]) -> int:
        """Take in events; those without a time happened now. How many were new.

        Raises:
            DataError: an event is of an unknown kind or about an unknown item; names it.
        """
        known = frozenset(self.keeper.shelf().rows)
        return self._intake().take_events_said(events, known, now=self.clock())

    # --- learning ----------------------------------------------------------------------------------------------

    def ingest(
        self,
        *,
        items: Path | None = None,
        events: Path | None = None,
        mapping: Mapping[str, str] | None = None,
        default_event: str = "",
        progress: Progress | None = None,
    ) -> Taken:
        """Read files into the catalogue and the events, encode what is new, and learn what is chosen together.

        Raises:
            UsageError: no file was named.
            DataError: a file cannot be read or used; nothing of it was taken in.
        """
        progress = progress or NullProgress()
        taken = self._intake().take_files(items, events, mapping or {}, default_event, progress)
        progress.log(f"{taken.items:,} items and {taken.events:,} new events taken in")
        self.learn(None, progress)
        return taken

    def learn(self, teach: Teacher | None, progress: Progress, *, choose: bool = False) -> tuple[Shelf, Learned | None]:
        """Learn behaviour (with ``teach`` the encoder too) from all events; weights stay unless asked to ``choose``.

        None where there is nothing to learn from.
        """
        shelf = self.keeper.shelf(progress)
        log = self.log(shelf)
        if len(shelf) == 0 or len(log) == 0:
            return shelf, None
        source = Source(shelf.items, log, self.keeper.encoder(), shelf.vectors)
        learned = learn(source, teach, self.config, progress, weights=None if choose else shelf.weights)
        self.keep(learned, shelf, log)
        return shelf, learned

    def tune(self, progress: Progress) -> Learned:
        """Choose the ranking weights on a validation period with the encoder as it is, and put them in force.

        Raises:
            DataError: there are no items or no events.
        """
        shelf, learned = self.learn(None, progress, choose=True)
        if learned is None:
            remedy = "portside recommend ingest --items FILE --events FILE"
            raise DataError("Weights are chosen on events", seen=f"{len(shelf):,} items, no events", remedy=remedy)
        return learned

    def keep(self, learned: Learned, shelf: Shelf, log: EventLog) -> None:
        """Put what was learned in force."""
        before = self.library.load_behaviour()
        facts: dict[str, Any] = dict(before.facts) if before else {}
        facts |= {"at": self.clock().isoformat(), "users": learned.users, "events": len(log)}
        facts["method"] = learned.behaviour.method
        if learned.tuned is not None:
            facts["validation"] = {"ndcg": learned.tuned.ndcg, "cases": learned.tuned.cases}
        ids = tuple(item.item_id for item in shelf.items)
        self.library.save_behaviour(KeptBehaviour(learned.behaviour, ids, learned.weights, facts))

    def evaluate(self, protocol: str, teach: Teacher | None, progress: Progress) -> dict[str, Any]:
        """Learn from the events before a cut, judge lists on those after it, keep and return the report.

        Raises:
            DataError: the events cannot be split so.
        """
        shelf = self.keeper.shelf(progress)
        log = self.log(shelf)
        if len(log) == 0:
            remedy = "portside recommend ingest --items FILE --events FILE"
            raise DataError("Quality is measured on events", seen="none yet", remedy=remedy)
        # The encoder in service has learned from the events after the cut too: it may not take part.
        vectors = self._pretrained_vectors(shelf, progress)
        source = Source(shelf.items, log, self._pretrained, vectors)
        report = measure(source, protocol, teach, self.config, progress)
        self.store.put_evaluation(self.clock(), protocol, str(report["model"]), report)
        return report

    def log(self, shelf: Shelf) -> EventLog:
        """All events on the items of ``shelf``, as arrays."""
        return log_of(self.store.all_events(), shelf.rows, len(shelf), self.config)

    def evaluations(self, limit: int = 20) -> list[StoredEvaluation]:
        """Measurements, newest first."""
        return self.store.evaluations(limit)

    def overview(self) -> Overview:
        """What there is."""
        kept = self.library.load_behaviour()
        learned = {**kept.facts, "weights": kept.weights.to_dict()} if kept else {}
        return Overview(self.store.counts(), self.keeper.encoder().model, learned)

    # --- inside ------------------------------------------------------------------------------------------------

    def _pretrained_vectors(self, shelf: Shelf, progress: Progress) -> NDArray[np.float32]:
        if shelf.model == self._pretrained.model:
            return shelf.vectors
        kept = self.library.load_vectors(self._pretrained.model)
        ids = [item.item_id for item in shelf.items]
        if kept is not None and kept.version == self.store.version() and set(ids) <= set(kept.index.ids()):
            return kept.index.vectors_of(ids)
        made = encode_items(self._pretrained, shelf.items, progress)
        index = VectorIndex(made.shape[1])
        index.add(ids, made)
        self.library.save_vectors(self._pretrained.model, KeptVectors(index, self.store.version()))
        return made

    def _intake(self) -> Intake:
        return Intake(self.store, self.config)

    def _checked(self, top: int | None, diversity: float | None) -> tuple[int, float]:
        top = self.config.list_length if top is None else top
        dial = self.config.diversity if diversity is None else diversity
        if not 1 <= top <= MOST_LISTED:
            raise UsageError(f"A list has 1 to {MOST_LISTED} items", seen=str(top))
        if not (np.isfinite(dial) and 0 <= dial <= 1):
            raise UsageError("The diversity dial goes from 0 to 1", seen=str(dial))
        return top, float(dial)

    def _row(self, shelf: Shelf, item_id: str) -> int:
        if item_id not in shelf.rows:
            remedy = 'Look for it with: portside recommend search "its title"' if len(shelf) else "Ingest items first"
            raise UsageError("The catalogue must have the item", seen=repr(item_id), remedy=remedy)
        return shelf.rows[item_id]
