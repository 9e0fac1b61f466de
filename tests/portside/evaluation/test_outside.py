from __future__ import annotations

import numpy as np
import pytest

from portside.errors import UsageError
from portside.evaluation.outside import (
    choose_method,
    fit_detector,
    fit_gate,
    separation,
    separation_intervals,
)
from portside.evaluation.scored import OUTSIDE, Scored

RANDOM = np.random.default_rng(0)
CENTRES = np.array([[8.0, 0, 0, 0], [0, 8, 0, 0], [0, 0, 8, 0]])
"""The fourth direction is that of texts from outside."""


def rows(inside: int, outside: int) -> Scored:
    """Logits that cannot tell them apart, features that can."""
    truth = np.concatenate([RANDOM.integers(0, 3, inside), np.full(outside, OUTSIDE)])
    centres = np.concatenate([CENTRES[truth[:inside]], np.tile([0.0, 0, 0, 8], (outside, 1))])
    n = inside + outside
    return Scored(
        "m:1",
        "test.csv",
        ("a", "b", "c"),
        tuple(f"text {place}" for place in range(n)),
        tuple(range(n)),
        truth,
        RANDOM.normal(size=(n, 3)).astype(np.float32),
        (centres + RANDOM.normal(size=(n, 4))).astype(np.float32),
    )


TRAIN = rows(300, 0)
DETECTOR = fit_detector(TRAIN.features, TRAIN.truth, 3)


def test_separation_by_hand() -> None:
    # Of 2 x 3 pairs the one from outside is higher in 5; at .3, the lowest of both outside, one of three inside is.
    found = separation(np.array([0.1, 0.2, 0.4, 0.3, 0.9]), np.array([True, True, True, False, False]))
    assert (found.auroc, found.false_alarms) == (pytest.approx(5 / 6), pytest.approx(1 / 3))
    assert separation(np.zeros(4), np.array([True, True, False, False])).auroc == 0.5


def test_one_side_alone_is_advice() -> None:
    for measure in (separation, separation_intervals):
        with pytest.raises(UsageError, match="both"):
            measure(np.zeros(3), np.ones(3, dtype=bool))


def test_the_interval_of_a_separation_holds_its_true_value_as_often_as_it_says() -> None:
    """Scores of two normal distributions, one standard deviation apart: the true AUROC and FPR95 are known."""
    from scipy.stats import norm

    random, apart = np.random.default_rng(2), 1.0
    auroc, false_alarms = norm.cdf(apart / np.sqrt(2)), norm.sf(norm.ppf(0.05) + apart)
    inside, held = np.repeat([True, False], [150, 100]), np.zeros(2)
    for _ in range(80):
        scores = random.normal(size=250) + apart * ~inside
        one, other = separation_intervals(scores, inside, resamples=100)
        assert one.low <= one.value <= one.high
        held += [one.low <= auroc <= one.high, other.low <= false_alarms <= other.high]
    assert (held >= 0.85 * 80).all()


def test_apart_beyond_doubt_there_is_no_interval_to_speak_of() -> None:
    inside = np.repeat([True, False], 30)
    one, other = separation_intervals(np.where(inside, 0.0, 1.0), inside)
    assert (one.low, one.high, other.low, other.high) == (1, 1, 0, 0)


@pytest.mark.parametrize(("method", "least"), [("mahalanobis", 0.99), ("nearest-neighbours", 0.99)])
def test_features_tell_what_logits_cannot(method: str, least: float) -> None:
    asked = rows(200, 100)
    assert separation(DETECTOR.scores(asked, method), asked.inside).auroc > least
    assert abs(separation(DETECTOR.scores(asked, "max-softmax"), asked.inside).auroc - 0.5) < 0.1


def test_mahalanobis_counts_each_direction_by_how_much_it_varies() -> None:
    features = np.array([[10.0, 0.1], [-10, -0.1], [10, -0.1], [-10, 0.1]] * 50, dtype=np.float32)
    detector = fit_detector(features, np.zeros(200, dtype=np.int64), 1)
    asked = rows(2, 0)
    asked = Scored(
        **{
            **{k: getattr(asked, k) for k in asked.__dataclass_fields__},
            "features": np.array([[5.0, 0], [0, 5]], dtype=np.float32),
        }
    )
    near, far = detector.scores(asked, "mahalanobis")
    assert far > 100 * near


def test_the_method_is_chosen_by_validation_rows() -> None:
    assert choose_method(DETECTOR, rows(100, 50)) in ("mahalanobis", "nearest-neighbours")
    assert choose_method(DETECTOR, rows(100, 0)) == "max-softmax"


def test_an_unknown_method_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="No such score"):
        DETECTOR.scores(rows(2, 2), "guess")


def test_a_gate_reads_its_score_as_a_probability() -> None:
    learned, valid, test = rows(200, 0), rows(300, 60), rows(300, 60)
    detector = fit_detector(learned.features, learned.truth, 3)
    gate = fit_gate(detector, valid, method="mahalanobis", outside_share=1 / 6)
    inside = gate.inside_probability(detector, test)
    assert inside[test.inside].mean() > 0.95
    assert inside[~test.inside].mean() < 0.05
    assert gate.false_alarms == pytest.approx(0.05, abs=0.004)


def test_the_rarer_texts_from_outside_are_the_less_a_score_says() -> None:
    learned, valid = rows(200, 0), rows(300, 60)
    detector = fit_detector(learned.features, learned.truth, 3)
    rare, common = (
        fit_gate(detector, valid, method="max-softmax", outside_share=share).inside_probability(detector, valid).mean()
        for share in (0.01, 0.5)
    )
    assert rare > 0.95
    assert common == pytest.approx(0.5, abs=0.05)


def test_a_gate_needs_rows_of_both_sides() -> None:
    learned = rows(50, 0)
    with pytest.raises(UsageError, match="both"):
        fit_gate(fit_detector(learned.features, learned.truth, 3), learned, method="max-softmax")
