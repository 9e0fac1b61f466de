"""Ratios of this run beside those of the last release: what got slower is named, nothing passes or fails.

A ratio is against a baseline of the same run, so that a slower machine changes it little; another kind of processor
may change it much, and is told.
"""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["STORED", "Release", "compared", "processor", "read_release", "write_release"]

STORED = Path(__file__).with_name("ratios.json")
TOLERANCE = 0.15
"""Share by which two runs on a machine with nothing else to do differ."""


@dataclass(frozen=True)
class Release:
    """What a release reached."""

    version: str
    processor: str
    ratios: Mapping[str, float]
    """By table and line: how many times as fast as the line's baseline."""


def compared(now: Mapping[str, float], before: Release, on: str, tables: Collection[str] = ()) -> list[str]:
    """A line for each ratio that fell, the most fallen first; for each of ``tables`` that was not measured; for what
    was never stored, so that nothing watches it; and what else to know.

    A ratio of another processor is compared all the same, and each line says so.
    """
    both = {name: now[name] / before.ratios[name] for name in now if before.ratios.get(name, 0) > 0}
    fallen = sorted((change, name) for name, change in both.items() if change < 1 - TOLERANCE)
    elsewhere = " on another processor" if on != before.processor else ""
    lines = [
        f"slower than in {before.version}: {name}: {now[name]:.2f} times its baseline, {before.ratios[name]:.2f} then"
        f"{elsewhere}"
        for _, name in fallen
    ]
    if not lines and both:
        less = f"more than {100 * TOLERANCE:.0f} % below that of {before.version}"
        lines = [f"none of {len(both)} ratios is {less}{elsewhere}"]
    missing = [name for name in before.ratios if name not in now and _table(name) in tables]
    lines += [
        f"not measured now: {name}: {before.ratios[name]:.2f} times its baseline in {before.version}"
        for name in missing
    ]
    lines += _never_stored(now, before)
    if both and elsewhere:
        lines.append(
            f"those of {before.version} were measured on {before.processor}: a ratio may differ for that alone"
        )
    return lines


def _never_stored(now: Mapping[str, float], before: Release) -> list[str]:
    """A line for each table of which ``before`` has no ratio at all, and for each ratio that only others stand by."""
    known = {_table(name) for name in before.ratios}
    new = [name for name in now if name not in before.ratios]
    counts = Counter(_table(name) for name in new if _table(name) not in known)
    told = [f"the table {table}, {count} ratio{'s' * (count > 1)}" for table, count in counts.items()]
    told += [f"{name}: {now[name]:.2f} times its baseline" for name in new if _table(name) in known]
    return [f"never stored, not compared with {before.version}: {each}" for each in told]


def _table(name: str) -> str:
    return name.partition(":")[0]


def processor() -> str:
    """What this machine calls its processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in lines}
    return f"{found.get('model name', platform.machine())}, family {found.get('cpu family', '?')}"


def read_release(path: Path = STORED) -> Release | None:
    """The ratios of the last release; None where there are none."""
    try:
        return Release(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def write_release(release: Release, path: Path = STORED) -> None:
    """Store ``release``; ratios that it has not measured are kept from the one before."""
    before = read_release(path)
    ratios = {**(before.ratios if before else {}), **release.ratios}
    kept = asdict(release) | {"ratios": dict(sorted(ratios.items()))}
    path.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
