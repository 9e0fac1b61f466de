"""Divide examples into parts for training, validation and test, the same way for the same seed."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from portside.data.identity import text_key
from portside.errors import DataError, UsageError
from portside.said import said, settled

if TYPE_CHECKING:
    from portside.data.dataset import Dataset

__all__ = ["Split", "split"]


@dataclass(frozen=True)
class Split:
    """The parts. Each keeps the order of the file; together they are the whole, and no row is in two."""

    train: Dataset
    valid: Dataset
    test: Dataset | None = None


def split(
    dataset: Dataset,
    fractions: Sequence[float],
    *,
    seed: int,
    stratify: bool = True,
    groups: Sequence[Hashable] | None = None,
    times: Sequence[datetime] | None = None,
) -> Split:
    """Divide ``dataset`` into train and valid, or train, valid and test, by ``fractions`` that sum to 1.

    Rows of one group (``groups``, else the data set's own) stay together; without groups, rows of equal text do, so
    that no text is both learnt and asked. With ``stratify`` each label is divided by the fractions, too, and every
    label with an ungrouped example is in train. With ``times`` (one for each row) the parts follow each other in
    time: the latest training row is earlier than the earliest of the next part; rows of one time stay together, and
    neither seed, groups nor labels matter.

    Raises:
        UsageError: the fractions are not two or three that sum to 1, or groups or times do not fit the rows.
        DataError: there are fewer groups, texts or times than parts.
    """
    _check_request(len(dataset), fractions, groups, times)
    if times is not None:
        parts = _by_time(times, fractions, dataset.source)
    else:
        kept_together = groups if groups is not None else dataset.groups
        keys = kept_together if kept_together is not None else [text_key(text) for text in dataset.texts]
        labels = [example.label if stratify else "" for example in dataset.examples]
        parts = _by_label(_units(keys), labels, fractions, random.Random(seed), dataset.source)
    return Split(*(dataset.subset(sorted(part)) for part in parts))


def _check_request(
    count: int, fractions: Sequence[float], groups: Sequence[Hashable] | None, times: Sequence[datetime] | None
) -> None:
    fits = len(fractions) in (2, 3) and all(0 < part < 1 for part in fractions)
    if not fits or not math.isclose(sum(fractions), 1.0, abs_tol=1e-6):
        seen = ", ".join(map(str, fractions))
        raise UsageError(
            "Fractions must be two or three positive numbers that sum to 1", seen=seen, remedy="Use 0.9, 0.1"
        )
    if groups is not None and times is not None:
        raise UsageError("A split is by groups or by times, not both", remedy="Leave one of them out")
    for name, values in (("group", groups), ("time", times)):
        if values is not None and len(values) != count:
            raise UsageError(
                said("Each row needs one {what}", what=settled(name)),
                seen=said("{n} for {rows} rows", n=len(values), rows=count),
            )


def _units(keys: Sequence[Hashable]) -> list[list[int]]:
    units: dict[Hashable, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        units[key].append(place)
    return list(units.values())


def _too_few(source: str, what: str, seen: int, parts: int) -> DataError:
    return DataError(
        said("There must be at least as many different {what} as parts", what=settled(what)),
        seen=said("{n} for {parts} parts", n=seen, parts=parts),
        remedy="Add rows, or ask for fewer parts",
        file=source,
    )


def _by_time(times: Sequence[datetime], fractions: Sequence[float], source: str) -> list[list[int]]:
    moments = sorted(_units(times), key=lambda unit: times[unit[0]])
    if len(moments) < len(fractions):
        raise _too_few(source, "times", len(moments), len(fractions))
    parts: list[list[int]] = [[] for _ in fractions]
    part, due = 0, fractions[0] * len(times)
    done = 0
    for number, unit in enumerate(moments):
        full = done + len(unit) / 2 > due
        # Never leave fewer moments than parts that are still empty.
        pressed = len(moments) - number <= len(fractions) - 1 - part
        if part < len(fractions) - 1 and parts[part] and (full or pressed):
            part += 1
            due += fractions[part] * len(times)
        parts[part].extend(unit)
        done += len(unit)
    return parts


def _by_label(
    units: list[list[int]], labels: Sequence[str], fractions: Sequence[float], chance: random.Random, source: str
) -> list[list[int]]:
    if len(units) < len(fractions):
        raise _too_few(source, "groups or texts", len(units), len(fractions))
    wanted = _quotas(Counter(labels), fractions, chance)
    chance.shuffle(units)
    units.sort(key=len, reverse=True)  # the large first: the small ones even out
    parts: list[list[list[int]]] = [[] for _ in fractions]
    for unit in units:
        held = Counter(labels[place] for place in unit)
        # Where these labels are still wanted most; then where anything is.
        best = max(
            range(len(parts)),
            key=lambda part: (sum(n * wanted[part][label] for label, n in held.items()), sum(wanted[part].values())),
        )
        parts[best].append(unit)
        wanted[best].subtract(held)
    for part in parts:
        if not part:
            part.append(_spared([other for other in parts if len(other) > 1], labels))
    return [[place for unit in part for place in unit] for part in parts]


def _spared(donors: list[list[list[int]]], labels: Sequence[str]) -> list[int]:
    """Take a unit out of a part for one that would be empty: the last of no label if it can be, then a small one."""

    choices: list[tuple[int, int, int, int]] = []
    for number, donor in enumerate(donors):
        kinds = [{labels[place] for place in unit} for unit in donor]
        units_of = Counter(label for held in kinds for label in held)
        choices += [
            (sum(units_of[label] == 1 for label in held), len(donor[at]), number, at) for at, held in enumerate(kinds)
        ]
    _, _, number, at = min(choices)
    return donors[number].pop(at)


def _quotas(counts: Counter[str], fractions: Sequence[float], chance: random.Random) -> list[Counter[str]]:
    """How many rows of each label each part should get, in whole rows.

    What rounding takes from a part with one label is given back with the next, so that the parts' sizes come out
    right even where every label is rare. Train gets at least one row of each label.
    """
    wanted: list[Counter[str]] = [Counter() for _ in fractions]
    carried = [0.0] * len(fractions)
    labels = sorted(counts)
    chance.shuffle(labels)
    for label in labels:
        ideal = [fraction * counts[label] + carry for fraction, carry in zip(fractions, carried, strict=True)]
        given = [max(0, math.floor(share)) for share in ideal]
        given[0] = max(1, given[0])
        while sum(given) > counts[label]:
            largest = max(
                range(1, len(given)), key=lambda part: given[part] - ideal[part] if given[part] else -math.inf
            )
            given[largest if given[largest] else 0] -= 1
        while sum(given) < counts[label]:
            neediest = max(range(len(given)), key=lambda part: ideal[part] - given[part])
            given[neediest] += 1
        carried = [share - number for share, number in zip(ideal, given, strict=True)]
        for part, number in enumerate(given):
            wanted[part][label] = number
    return wanted
