"""False alarms on simulated news without surges, against the budget that the alerts are set to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from portside.console import table
from portside_finance.config import AlertConfig
from tests.simulated_news import WARM_DAYS, alarms, stream

NEWS = {"Poisson": 0.0, "bursty": 0.4}
"""How much the rate of each day varies by itself: the shape of the gamma that multiplies it, 0 for none."""
BUDGETS = (0.5, 2.0, 8.0)
RUNS, DAYS = 14, 110
FIRST_SEED = 100
HEAD = ["news without surges", "budget in 30 days", "false alarms in 30 days", "95 %", "alarms", "days watched"]


def run(data: Path, seeds: int) -> None:
    """Watch ``RUNS`` streams of ``DAYS`` days for each of ``seeds``, and print the alarms; ``data`` changes nothing."""
    rows = [_row(news, budget, RUNS * seeds) for news in NEWS for budget in BUDGETS]
    table(HEAD, rows)


def _row(news: str, budget: float, runs: int) -> list[object]:
    config = replace(AlertConfig(), budget_per_30_days=budget)
    streams = (stream(seed, DAYS, burst=NEWS[news]) for seed in range(FIRST_SEED, FIRST_SEED + runs))
    found = sum(len(alarms(counts, config)) for counts in streams)
    days = runs * (DAYS - WARM_DAYS)
    low, high = (30 * bound / days for bound in poisson_interval(found))
    return [news, f"{budget:g}", f"{30 * found / days:.2f}", f"{low:.2f}-{high:.2f}", found, f"{days:,}"]


def poisson_interval(count: int) -> tuple[float, float]:
    """Exact 95 % interval of the mean of a Poisson variable of which ``count`` was seen (Garwood 1936)."""
    from scipy.stats import chi2

    low = 0.0 if count == 0 else float(chi2.ppf(0.025, 2 * count)) / 2
    return low, float(chi2.ppf(0.975, 2 * count + 2)) / 2
