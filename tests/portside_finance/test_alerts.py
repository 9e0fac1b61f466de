from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import exp, lgamma, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portside_finance.alerts import (
    FIRING,
    PENDING,
    RESOLVED,
    Episode,
    Look,
    Plan,
    StoredEpisode,
    reconcile,
    step,
)
from portside_finance.baseline import DailyCounts, SeriesKey, daily_counts, judge, solve_threshold, tail_probability
from portside_finance.config import AlertConfig
from tests.benchmarks.alerts import poisson_interval
from tests.simulated_news import FIRST_DAY, WARM_DAYS, alarms, stream

KEY = SeriesKey("company", "F")
CONFIG = AlertConfig()
DAY = FIRST_DAY


def look(offset: int, count: int, tail: float, *, threshold: float = 0.001, final: bool = True) -> Look:
    return Look(DAY + timedelta(days=offset), count, 1.0, tail, threshold, final)


def run(looks: list[Look], config: AlertConfig = CONFIG) -> Episode | None:
    episode: Episode | None = None
    for one in looks:
        episode = step(episode, KEY, one, config)
    return episode


STRONG, WATCH, CALM, BUSY = (9, 0.0001), (6, 0.01), (1, 0.5), (4, 0.04)


@pytest.mark.parametrize(
    ("days", "state"),
    [
        ([CALM], None),
        ([STRONG], FIRING),
        ([WATCH], PENDING),
        ([WATCH, CALM], None),
        ([WATCH, STRONG], FIRING),
        ([STRONG, CALM], FIRING),  # one calm day resolves nothing
        ([STRONG, CALM, CALM], RESOLVED),
        ([STRONG, CALM, BUSY, CALM], FIRING),  # not two in a row
        ([(3, 0.00001)], None),  # below the minimum volume
    ],
)
def test_states(days: list[tuple[int, float]], state: str | None) -> None:
    episode = run([look(n, count, tail) for n, (count, tail) in enumerate(days)])
    assert (episode.state if episode else None) == state


def test_confirmation_waits_for_a_second_day() -> None:
    config = replace(CONFIG, confirm_days=2)
    assert run([look(0, *STRONG)], config).state == PENDING  # type: ignore[union-attr]
    fired = run([look(0, *STRONG), look(1, *STRONG)], config)
    assert fired is not None
    assert (fired.state, fired.opened, fired.fired) == (FIRING, DAY, DAY + timedelta(days=1))


def test_the_running_day_raises_but_never_calms() -> None:
    assert run([look(0, *STRONG, final=False)]).state == FIRING  # type: ignore[union-attr]
    episode = run([look(0, *STRONG), look(1, *CALM), look(2, *CALM, final=False)])
    assert episode is not None
    assert episode.state == FIRING


def test_peak_and_totals() -> None:
    episode = run([look(0, 9, 1e-4), look(1, 20, 1e-9), look(2, 1, 0.5), look(3, 5, 0.01), look(4, 0, 1.0)])
    assert episode is not None
    assert (episode.peak_day, episode.peak_count, episode.last_day) == (
        DAY + timedelta(days=1),
        20,
        DAY + timedelta(days=3),
    )
    assert episode.total_negative == 9 + 20 + 1 + 5


looks = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from([1e-6, 5e-4, 0.005, 0.03, 0.2, 1.0])), min_size=1, max_size=30
)


@given(looks, st.integers(1, 3), st.integers(1, 3), st.sampled_from([1.0, 20.0, 1000.0]))
def test_machine_keeps_its_promises(days: list[tuple[int, float]], confirm: int, calm: int, watch: float) -> None:
    """Over all combinations of settings: every arrow is one of the picture's, dates are in order, firing was earned."""
    config = replace(CONFIG, confirm_days=confirm, calm_days=calm, watch_factor=watch)
    allowed = {
        (None, None),
        (None, PENDING),
        (None, FIRING),
        (PENDING, None),
        (PENDING, PENDING),
        (PENDING, FIRING),
        (FIRING, FIRING),
        (FIRING, RESOLVED),
        (RESOLVED, RESOLVED),
    }
    episode: Episode | None = None
    strong = 0
    for number, (count, tail) in enumerate(days):
        before = episode.state if episode else None
        one = look(number, count, tail)
        episode = step(episode, KEY, one, config)
        strong = strong + 1 if count >= config.min_negative and tail <= one.threshold else 0
        after = episode.state if episode else None
        assert (before, after) in allowed
        if after == FIRING and before != FIRING:
            assert strong >= confirm
        if episode:
            assert episode.opened <= (episode.fired or episode.opened) <= episode.last_day <= episode.end
            assert (episode.resolved is not None) == (episode.state == RESOLVED)
            assert episode.total_negative >= episode.peak_count


@pytest.mark.slow
@pytest.mark.parametrize("burst", [0.0, 0.4])
def test_false_alarms_stay_within_the_budget(burst: float) -> None:
    """The stated promise: on news without surges, at most ``budget_per_30_days`` alarms over everything watched."""
    runs, days = 14, 110
    found = sum(len(alarms(stream(seed, days, burst=burst), CONFIG)) for seed in range(100, 100 + runs))
    months = runs * (days - WARM_DAYS) / 30
    # Poisson counting error of the simulation itself: two standard deviations.
    assert found <= CONFIG.budget_per_30_days * months + 2 * np.sqrt(CONFIG.budget_per_30_days * months)
    assert found > 0, "a detector that never alarms on noise is not using its budget"


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39)])
def test_the_doubt_of_a_count_is_that_of_the_tables(count: int, low: float, high: float) -> None:
    assert poisson_interval(count) == pytest.approx((low, high), rel=1e-3)


def test_false_alarms_follow_the_budget() -> None:
    loose = sum(len(alarms(stream(seed), replace(CONFIG, budget_per_30_days=20.0))) for seed in range(3))
    tight = sum(len(alarms(stream(seed), replace(CONFIG, budget_per_30_days=0.1))) for seed in range(3))
    assert tight < loose


def with_surge(counts: DailyCounts, day: int, column: int, extra: int) -> DailyCounts:
    negative, stories, total = counts.negative.copy(), counts.stories.copy(), counts.total.copy()
    negative[day, column] += extra
    stories[day, column] += extra
    total[day] += extra
    return replace(counts, negative=negative, stories=stories, total=total)


def test_a_surge_is_found_on_its_day_and_the_next_one_too() -> None:
    counts = with_surge(with_surge(stream(3), 60, 5, 25), 90, 5, 25)
    days = [episode.fired for episode in alarms(counts, CONFIG) if episode.series == counts.series[5]]
    assert counts.days[60] in days
    assert counts.days[90] in days, "a past surge must not hide the next"


def test_a_new_source_is_no_surge() -> None:
    """Three times the news of every kind from one day on: nothing about any series changed."""
    found = [alarm for seed in range(4) for alarm in alarms(stream(seed, louder=80), CONFIG)]
    assert len(found) <= 4 * CONFIG.budget_per_30_days * (110 - WARM_DAYS) / 30


def test_days_without_news_change_nothing() -> None:
    counts = with_surge(stream(5), 70, 2, 30)
    for part in (counts.negative, counts.stories):
        part[71:75] = 0
    counts.total[71:75] = 0
    episode = next(e for e in alarms(counts, CONFIG) if e.series == counts.series[2] and e.fired == counts.days[70])
    assert episode.resolved is None or episode.resolved > counts.days[74]


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 1000), st.integers(60, 70))
def test_judging_day_by_day_is_judging_whole(seed: int, cut: int) -> None:
    whole = stream(seed, 75, companies=6, topics=3)
    part = DailyCounts(whole.days[:cut], whole.series, whole.negative[:cut], whole.stories[:cut], whole.total[:cut])
    np.testing.assert_allclose(judge(part, CONFIG).tail, judge(whole, CONFIG).tail[:cut])


def test_threshold_spends_the_budget_and_no_more() -> None:
    mean, dispersion = np.array([0.5, 3.0, 20.0]), np.array([0.2, 0.2, 0.2])
    threshold = solve_threshold(mean, dispersion, CONFIG)
    grid = np.arange(0, 200, dtype=float)
    expected = 0.0
    for m, d in zip(mean, dispersion, strict=True):
        tails = tail_probability(grid, np.full_like(grid, m), np.full_like(grid, d))
        fires = (tails <= threshold) & (grid >= CONFIG.min_negative)
        expected += float(tails[fires].max())
    assert expected <= CONFIG.budget_per_30_days / 30


def test_tail_is_the_negative_binomials() -> None:
    mean, dispersion = 4.0, 0.5
    shape = 1 / dispersion
    share = mean / (mean + shape)

    def exactly(k: int) -> float:
        ways = lgamma(k + shape) - lgamma(shape) - lgamma(k + 1)
        return exp(ways + shape * log(1 - share) + k * log(share))

    for count in (0, 1, 4, 15):
        expected = 1.0 - sum(exactly(k) for k in range(count))
        found = tail_probability(np.array([float(count)]), np.array([mean]), np.array([dispersion]))
        assert found[0] == pytest.approx(expected)


def test_counts_become_arrays() -> None:
    counts = daily_counts({DAY: 5, DAY + timedelta(days=2): 4}, {KEY: [(DAY, 3, 2)]})
    assert counts is not None
    assert counts.total.tolist() == [5, 0, 4]
    assert counts.negative[:, 0].tolist() == [2, 0, 0]
    assert daily_counts({}, {}) is None


# What is stored meets what is replayed.


def episode(opened: int, last: int, state: str = FIRING, *, key: SeriesKey = KEY) -> Episode:
    first, end = DAY + timedelta(days=opened), DAY + timedelta(days=last)
    return Episode(
        key,
        state,
        first,
        None if state == PENDING else first,
        end if state == RESOLVED else None,
        end,
        first,
        9,
        1.0,
        1e-5,
        9,
    )


def carry_out(stored: list[StoredEpisode], plan: Plan) -> list[StoredEpisode]:
    kept = [StoredEpisode(s.id, plan.update.get(s.id, s.episode)) for s in stored if s.id not in plan.drop]
    first = max([s.id for s in stored], default=0) + 1
    return kept + [
        StoredEpisode(first + n, replace(e, over_run=0, calm_run=0, since_last=0)) for n, e in enumerate(plan.insert)
    ]


spans = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 5), st.sampled_from([PENDING, FIRING, RESOLVED])), max_size=6
)


def apart(spans_: list[tuple[int, int, str]]) -> list[Episode]:
    """Episodes of one series as a replay gives them: in order, apart, only the last one open."""
    found, free = [], 0
    for start, length, state in sorted(spans_):
        if start < free:
            continue
        found.append(episode(start, start + length, state))
        free = start + length + 1
    return [e if n == len(found) - 1 else episode_closed(e) for n, e in enumerate(found)]


def episode_closed(e: Episode) -> Episode:
    return replace(e, state=RESOLVED, resolved=e.last_day, fired=e.fired or e.opened)


@given(spans, spans)
def test_reconciling_loses_and_doubles_nothing(
    first: list[tuple[int, int, str]], second: list[tuple[int, int, str]]
) -> None:
    stored = carry_out([], reconcile([], apart(first), since=DAY))
    fired = {s.id for s in stored if s.episode.fired}
    replayed = apart(second)
    after = carry_out(stored, reconcile(stored, replayed, since=DAY))
    assert fired <= {s.id for s in after}, "what has fired stays in the history"
    assert all(s.episode.state != PENDING for s in after if s.id in fired)
    for wanted in replayed:
        assert any(
            s.episode.opened <= wanted.last_day and wanted.opened <= max(s.episode.end, s.episode.last_day)
            for s in after
        )
    again = reconcile(after, replayed, since=DAY)
    assert again.insert == ()
    assert again.drop == ()


def test_an_acknowledged_alert_keeps_its_identity_as_it_grows() -> None:
    stored = [StoredEpisode(7, episode(0, 1))]
    plan = reconcile(stored, [episode(0, 4)], since=DAY)
    assert plan.insert == ()
    assert plan.update[7].last_day == DAY + timedelta(days=4)


def test_late_data_that_takes_the_evidence_away_resolves() -> None:
    plan = reconcile([StoredEpisode(7, episode(0, 1)), StoredEpisode(8, episode(9, 9, PENDING))], [], since=DAY)
    assert plan.update[7].state == RESOLVED
    assert plan.drop == (8,)
