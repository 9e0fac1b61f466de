from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from portside.errors import DataError
from portside_recommend.choices import log_of, settle
from portside_recommend.config import RecommendConfig
from portside_recommend.judging import Case, judge, outcome, paired_gain, rival_lists, split

CONFIG = RecommendConfig()
ROWS = {letter: row for row, letter in enumerate("abcdef")}


def log(text: str, *, timed: bool = True):  # type: ignore[no-untyped-def]
    """``"ua vb"``: user and item, one event after the other, one millisecond apart."""
    frame = pd.DataFrame([(each[0], each[1]) for each in text.split()], columns=["user_id", "item_id"])
    frame = frame.assign(event="purchase", value=1.0, at=range(len(frame)), timed=timed)
    return log_of(frame, ROWS, len(ROWS), CONFIG)


def wanted(cases: tuple[Case, ...], made) -> dict[str, set[str]]:  # type: ignore[no-untyped-def]
    return {made.user_ids[case.user]: {"abcdef"[row] for row in case.wanted} for case in cases}


def test_time_holds_back_the_newest_and_counts_only_new_items() -> None:
    made = log("ua va ub vb uc ud va ve wa ue")
    held = split(made, "time", 0.4)
    assert wanted(held.cases, made) == {"u": {"e"}, "v": {"e"}}, "w has no past; v's second a is no discovery"
    assert len(held.train) == 6
    assert held.train.at.max() <= held.cut


def test_last_holds_back_one_event_of_each() -> None:
    made = log("ua va ub vb uc wa")
    held = split(made, "last", 0.2)
    assert wanted(held.cases, made) == {"u": {"c"}, "v": {"b"}}, "w has only one event"


def test_nothing_of_the_test_is_left_in_training() -> None:
    made = log("ua va ub vb uc vd ue ve uf")
    for protocol in ("time", "last"):
        held = split(made, protocol, 0.3)
        pairs = set(zip(held.train.user.tolist(), held.train.item.tolist(), strict=True))
        assert not pairs & {(case.user, row) for case in held.cases for row in case.wanted}


@pytest.mark.parametrize(("protocol", "timed"), [("time", False), ("sideways", True)])
def test_what_cannot_be_split_is_advice(protocol: str, timed: bool) -> None:
    with pytest.raises(DataError, match="protocol"):
        split(log("ua ub uc", timed=timed), protocol, 0.3)


def test_metrics_by_hand() -> None:
    history = settle(log("ua"))
    del history
    empty = np.zeros(0, dtype=np.int64)
    from portside_recommend.choices import History

    nobody = History(empty, empty.astype(np.float32), empty, empty)
    cases = [Case(0, nobody, frozenset({1, 5})), Case(1, nobody, frozenset({4}))]
    made = outcome([np.array([1, 0, 2]), np.array([0, 4, 2])], cases, 3)
    assert made.recall.tolist() == [0.5, 1.0]
    ideal = 1 + 1 / np.log2(3)
    assert made.ndcg.tolist() == pytest.approx([1 / ideal, 1 / np.log2(3)])
    assert made.hit.tolist() == [1.0, 1.0]
    judged = judge(made, 6, resamples=200, seed=1)
    assert judged.coverage.value == pytest.approx(4 / 6)
    assert judged.recall.low <= judged.recall.value == 0.75 <= judged.recall.high


def test_a_clear_gain_is_called_better_and_noise_is_not() -> None:
    empty = np.zeros(0, dtype=np.int64)
    from portside_recommend.choices import History

    nobody = History(empty, empty.astype(np.float32), empty, empty)
    cases = [Case(n, nobody, frozenset({0})) for n in range(40)]
    good = outcome([np.array([0, 1])] * 40, cases, 2)
    bad = outcome([np.array([1, 2])] * 40, cases, 2)
    assert paired_gain(good, bad, resamples=100, seed=1).better
    assert not paired_gain(good, good, resamples=100, seed=1).better
    assert not paired_gain(bad, good, resamples=100, seed=1).better


def test_rivals_never_show_what_was_seen() -> None:
    made = log("ua ub va vb wa wc xa xb xc ud vd")
    held = split(made, "last", 0.2)
    for name, lists in rival_lists(settle(held.train), held.cases, 3):
        for rows, case in zip(lists, held.cases, strict=True):
            assert not set(rows.tolist()) & set(case.history.seen.tolist()), name
            assert len(rows) == 3
