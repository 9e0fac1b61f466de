from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from portside.errors import UsageError
from portside.retrieval.vectors import VectorIndex
from portside_recommend.choices import History
from portside_recommend.config import RankingWeights, RecommendConfig
from portside_recommend.ranking import SIGNALS, alike, candidates, diversify, rank, score, votes
from portside_recommend.reasons import reasons_for, shared_words
from portside_recommend.records import Item
from portside_recommend.shelf import Shelf, align

SILENT = {name: 0.0 for name in SIGNALS}
# Four items on a compass: 0 east, 1 nearly east, 2 north, 3 west.
VECTORS = np.array([[1, 0], [0.8, 0.6], [0, 1], [-1, 0]], dtype=np.float32)


def matrix(*entries: tuple[int, int, float]) -> sp.csr_matrix:
    rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
    return sp.csr_matrix((values, (rows, columns)), shape=(4, 4), dtype=np.float32)


def shelf(**changes: object) -> Shelf:
    items = tuple(Item(f"i{n}", title) for n, title in enumerate(["red bowl", "blue bowl", "tall jar", "tin"]))
    index = VectorIndex(2)
    index.add([item.item_id for item in items], VECTORS)
    made = Shelf(
        items=items,
        vectors=VECTORS,
        index=index,
        together=matrix((0, 2, 1.0), (0, 3, -0.5)),
        following=matrix((0, 3, 0.4)),
        popular=np.array([9, 1, 2, 4], dtype=np.float32),
        weights=RankingWeights(popular_days=30),
        model="fake:1",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def history(*rows: int) -> History:
    made = np.array(rows, dtype=np.int64)
    return History(made, np.ones(len(rows), dtype=np.float32), np.zeros(len(rows), dtype=np.int64), made)


@pytest.mark.parametrize(
    ("signal", "best"), [("text", "i1"), ("together", "i2"), ("following", "i3"), ("popular", "i3")]
)
def test_each_signal_alone_prefers_its_own(signal: str, best: str) -> None:
    made = shelf()
    weights = RankingWeights(**{**SILENT, signal: 1.0})
    scores = rank(score(made, history(0), np.array([1, 2, 3]), weights), 3)
    assert made.items[int(scores.rows[0])].item_id == best


@pytest.mark.parametrize("name", SIGNALS)
def test_every_weight_changes_the_scores(name: str) -> None:
    rows = np.array([1, 2, 3])
    before = score(shelf(), history(0), rows, RankingWeights()).total
    after = score(shelf(), history(0), rows, replace(RankingWeights(), **{name: 3.0})).total
    assert not np.allclose(before, after)


@pytest.mark.parametrize(("change", "value"), [("decay", 0.5), ("power", 2.0)])
def test_every_shape_changes_the_scores(change: str, value: float) -> None:
    made = shelf(together=matrix((0, 2, 1.0), (1, 3, 0.7)))
    rows = np.array([2, 3]) if change == "decay" else np.array([1, 2])
    past = history(1, 0) if change == "decay" else history(0, 2)
    before = score(made, past, rows, RankingWeights()).total
    after = score(made, past, rows, replace(RankingWeights(), **{change: value})).total
    assert not np.allclose(before, after)


@pytest.mark.parametrize("power", [2.0, 3.0, 4.0, 6.0, 2.5])
def test_votes_are_likeness_to_a_power(power: float) -> None:
    made = votes(alike(VECTORS[1:], VECTORS[:1]), np.array([2.0], dtype=np.float32), power)
    assert made == pytest.approx([2 * 0.8**power, 0.0, 0.0], abs=1e-6), "opposites do not vote"


def test_candidates_leave_out_what_was_seen() -> None:
    assert candidates(shelf(), history(0), RecommendConfig()).tolist() == [1, 2, 3]


def test_candidates_survive_an_item_added_meanwhile() -> None:
    made = shelf()
    made.index.add(["new"], np.array([[1, 0]], dtype=np.float32))
    assert candidates(made, history(0), RecommendConfig()).tolist() == [1, 2, 3]


def test_the_dial_trades_score_for_variety() -> None:
    made = shelf()
    scores = rank(score(made, history(3), np.array([0, 1, 2]), RankingWeights(**{**SILENT, "popular": 1.0})), 3)
    assert scores.rows.tolist() == [0, 2, 1]
    plain = shelf(popular=np.array([9, 8, 7, 0], dtype=np.float32))
    scores = rank(score(plain, history(3), np.array([0, 1, 2]), RankingWeights(**{**SILENT, "popular": 1.0})), 3)
    assert diversify(scores, VECTORS[scores.rows], 2, 0.0).rows.tolist() == [0, 1]
    assert diversify(scores, VECTORS[scores.rows], 2, 0.9).rows.tolist() == [0, 2], "the second is unlike the first"


def test_reasons_name_the_item_that_made_the_score() -> None:
    made = shelf()
    config = RecommendConfig()
    past = history(2, 0)
    scores = score(made, past, np.array([1]), RankingWeights(**{**SILENT, "text": 1.0, "popular": 0.1}))
    (reasons,) = reasons_for(made, past, scores, config)
    assert reasons[0].signal == "text"
    assert reasons[0].because_of == "i0", "the red bowl, not the jar, is like the blue bowl"
    assert str(reasons[0]) == "Like “red bowl”, which you bought, it is about: bowl."
    assert sum(reason.share for reason in reasons) == pytest.approx(1.0, abs=0.2)


def test_a_popular_item_says_how_many() -> None:
    made = shelf()
    scores = score(made, history(0), np.array([3]), RankingWeights(**{**SILENT, "popular": 1.0}))
    (reasons,) = reasons_for(made, history(0), scores, RecommendConfig())
    assert str(reasons[0]) == "Popular lately: 4 people chose it in the newest 30 days of the records."


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("Red Bowl, set of 3", "A red bowl for the set", ("red", "bowl")),
        ("lamp", "lamps", ()),
        ("绿茶 tea", "绿茶", ("绿茶",)),
        ("लाल घड़ी", "घड़ी दो", ("घड़ी",)),
    ],
)
def test_shared_words(first: str, second: str, shared: tuple[str, ...]) -> None:
    assert shared_words(first, second) == shared


def test_align_moves_rows_and_drops_those_gone() -> None:
    moved = align(matrix((0, 2, 1.0), (1, 3, 2.0)), np.array([4, -1, 0, 1]), 5).toarray()
    assert moved[4, 0] == 1.0
    assert moved.sum() == 1.0


@pytest.mark.parametrize("bad", [{"text": -1.0}, {"decay": 0.0}, {"decay": 1.1}, {"power": 0.0}])
def test_weights_that_cannot_be_are_refused_with_the_value(bad: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=str(next(iter(bad.values())))):
        RankingWeights(**bad)


def test_weights_go_round_through_a_dictionary() -> None:
    weights = RankingWeights(text=0.3, popular_days=7)
    assert RankingWeights.from_dict({**weights.to_dict(), "unknown": 1}) == weights
