"""Labels that are wrong on purpose: how many of the first rows that are named are among them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from portside.console import table
from portside.data import load_examples
from portside.data.multilabel import load_multilabelled
from portside.data.tagged import load_tagged
from portside.encoders import resolve_encoder
from portside.evaluation.intervals import wilson
from portside.evaluation.label_faults import suspect_labels, suspect_marks
from portside.evaluation.name_faults import suspect_names, types_of_words
from portside.evaluation.report.faults import FEWEST_A_LABEL
from portside.inference.encoder import BundledEncoder
from portside.tasks.multilabel import truth_of
from portside.tasks.tags import Span, spans
from portside.training.cross_label_sets import cross_predict_sets
from portside.training.cross_predictions import cross_predict
from portside.training.cross_words import cross_predict_words
from portside.training.word_vectors import EncodedWords
from tests.benchmarks.asked import named

PLANTED = 0.05
"""Share of the rows, or of the names, that get a fault."""
LOOKED_AT = 100
FIRST = (50, 100)
SEEDS = 5
"""At least: they take a second each."""
HEAD = ["BANKING77, wrong labels planted", "precision@100", "95 %", "named", "precision of all", "recall"]
OTHERS = ["faults planted, one a row or name", "planted", "chance", "precision@50", "95 %", "precision@100", "95 %",
          "named", "recall"]  # fmt: skip
Found = list[bool]
"""Of what is named, the most suspect first: whether it was planted."""
Planting = Callable[[np.random.Generator], tuple[Found, int, int]]
"""What is found of faults planted by chance, how many were planted, and how many of those were named."""


def run(data: Path, seeds: int, only: str = "") -> None:
    """Plant faults in the training rows of BANKING77, NLU++ and WNUT-17, and look for them."""
    lines: dict[str, Callable[[], None]] = {
        "BANKING77": lambda: _banking(data, seeds),
        "NLU++ banking": lambda: _others(_label_sets(data, "banking"), seeds),
        "NLU++ hotels": lambda: _others(_label_sets(data, "hotels"), seeds),
        "WNUT-17": lambda: _others(_names(data), seeds),
    }
    for name in named(lines, only):
        lines[name]()


def _banking(data: Path, seeds: int) -> None:
    """Wrong labels by chance, or those that are confused most easily."""
    dataset = load_examples(data / "support" / "banking77" / "train.csv")
    vectors = BundledEncoder().encode(dataset.texts)
    truth, labels = np.asarray(dataset.label_ids, dtype=np.int64), len(dataset.labels)
    means = np.stack([vectors[truth == label].mean(axis=0) for label in range(labels)])
    likeness = means @ means.T
    np.fill_diagonal(likeness, -1.0)
    nearest = likeness.argmax(axis=1)
    rows = []
    for name in ("any other label", "the label nearest in meaning"):
        found = []
        for seed in range(max(seeds, SEEDS)):
            random = np.random.default_rng(seed)
            changed = random.choice(len(truth), int(PLANTED * len(truth)), replace=False)
            given = truth.copy()
            other = (truth[changed] + random.integers(1, labels, len(changed))) % labels
            given[changed] = other if name == "any other label" else nearest[truth[changed]]
            found.append(_found(list(dataset.texts), vectors, given, labels, given != truth))
        hits = sum(one[0] for one in found)
        low, high = wilson(hits, LOOKED_AT * len(found))
        named, right, planted = (sum(one[at] for one in found) for at in (1, 2, 3))
        share = f"{hits / LOOKED_AT / len(found):.3f}"
        rows.append([name, share, f"{low:.3f}-{high:.3f}", named // len(found), right / named, right / planted])
    table(HEAD, rows)


def _found(
    texts: list[str], vectors: NDArray[np.float32], given: NDArray[np.int64], labels: int, wrong: NDArray[np.bool_]
) -> tuple[int, int, int, int]:
    """Of the first hundred that are named: wrong ones; then named, wrong among them, wrong in all."""
    places, probabilities = cross_predict(texts, vectors, given, labels)
    named = [int(places[one.place]) for one in suspect_labels(probabilities, given[places])]
    return int(wrong[named[:LOOKED_AT]].sum()), len(named), int(wrong[named].sum()), int(wrong.sum())


def _others(kinds: dict[str, tuple[int, Planting]], seeds: int) -> None:
    """A line for each kind of fault; the chance is that of a row, a name or a word taken blindly to have it."""
    rows = []
    for name, (units, plant) in kinds.items():
        tried = [plant(np.random.default_rng(seed)) for seed in range(max(seeds, SEEDS))]
        planted, caught = sum(one[1] for one in tried), sum(one[2] for one in tried)
        cells: list[object] = [name, planted // len(tried), f"{planted / len(tried) / units:.3f}"]
        for first in FIRST:
            looked_at = sum(min(first, len(one[0])) for one in tried)
            hits = sum(sum(one[0][:first]) for one in tried)
            low, high = wilson(hits, looked_at)
            cells += [f"{hits / looked_at:.3f}", f"{low:.3f}-{high:.3f}"]
        rows.append([*cells, sum(len(one[0]) for one in tried) // len(tried), caught / planted])
    table(OTHERS, rows)


def _label_sets(data: Path, domain: str) -> dict[str, tuple[int, Planting]]:
    """Rows of a domain of NLU++, one label of some of which is left out, or replaced, or added by chance."""
    dataset = load_multilabelled(data / "support" / "nlupp" / f"{domain}.jsonl", label="intents")
    texts = [one.text for one in dataset.examples]
    vectors = BundledEncoder().encode(texts)
    truth = truth_of(dataset.examples, dataset.labels)
    truth = truth[:, truth.sum(axis=0) >= FEWEST_A_LABEL]

    def plant(random: np.random.Generator, *, leave_out: bool, add: bool) -> tuple[Found, int, int]:
        given = truth.copy()
        able = np.flatnonzero(truth.any(axis=1) & ~truth.all(axis=1))
        for row in random.choice(able, int(PLANTED * len(truth)), replace=False):
            if leave_out:
                given[row, random.choice(np.flatnonzero(truth[row]))] = False
            if add:
                given[row, random.choice(np.flatnonzero(~truth[row]))] = True
        wrong = given != truth
        places, probabilities = cross_predict_sets(texts, vectors, given)
        found = [(int(places[one.place]), one.label) for one in suspect_marks(probabilities, given[places])]
        hits = [bool(wrong[one]) for one in found]
        return hits, int(wrong.sum()), sum(hits)

    return {
        f"NLU++ {domain}, a label left out": (len(texts), partial(plant, leave_out=True, add=False)),
        f"NLU++ {domain}, a label too much": (len(texts), partial(plant, leave_out=False, add=True)),
        f"NLU++ {domain}, a label replaced": (2 * len(texts), partial(plant, leave_out=True, add=True)),
    }


def _names(data: Path) -> dict[str, tuple[int, Planting]]:
    """Sentences of WNUT-17's training file, some names of which lose their tags or get another type; or words get
    tags that are no name.
    """
    dataset = load_tagged(data / "ner" / "wnut17" / "train.txt")
    sentences, types = dataset.sentences, dataset.types
    vectors = EncodedWords(resolve_encoder().folder)(sentences)
    truth = [types_of_words(one.tags, types) for one in sentences]
    names = [(place, span) for place, one in enumerate(sentences) for span in spans(one.tags)]
    others = [
        (place, Span("", word, word + 1))
        for place, kinds in enumerate(truth)
        for word in np.flatnonzero(kinds == 0).tolist()
        if sentences[place].tokens[word].isalpha()
    ]

    def plant(
        random: np.random.Generator,
        *,
        where: list[tuple[int, Span]],
        kind: Callable[[np.random.Generator, int], int],
    ) -> tuple[Found, int, int]:
        given = [kinds.copy() for kinds in truth]
        count = int(PLANTED * len(names))
        chosen = [where[at] for at in random.choice(len(where), count, replace=False)]
        for place, span in chosen:
            given[place][span.start : span.end] = kind(random, int(truth[place][span.start]))
        places, probabilities = cross_predict_words(sentences, vectors, given, 1 + len(types))
        found = suspect_names(probabilities, [given[place] for place in places])
        wrong = {(place, word): at for at, (place, span) in enumerate(chosen) for word in range(span.start, span.end)}
        hits, caught = [], set()
        for one in found:
            words = [(places[one.sentence], word) for word in range(one.start, one.end)]
            planted = {wrong[word] for word in words if word in wrong}
            hits.append(bool(planted))
            caught |= planted
        return hits, count, len(caught)

    def other(random: np.random.Generator, kind: int) -> int:
        return 1 + (kind - 1 + int(random.integers(1, len(types)))) % len(types)

    def any_type(random: np.random.Generator, kind: int) -> int:
        return int(random.integers(1, 1 + len(types)))

    return {
        "WNUT-17, a name without its tags": (len(names), partial(plant, where=names, kind=lambda random, kind: 0)),
        "WNUT-17, a name of another type": (len(names), partial(plant, where=names, kind=other)),
        "WNUT-17, a word tagged as a name": (len(others), partial(plant, where=others, kind=any_type)),
    }
