"""How sure a tagger may be of a name, read from its words' probabilities as the validation sentences bear it out.

No network: arrays of probabilities only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portside.inference.spans import found_spans, span_confidence, span_parts
from portside.said import said
from portside.tasks.tags import Span, spans

__all__ = ["FEATURES", "NameReading", "Names", "Weights", "features_of", "names_in", "read_name_reading"]

FEATURES = ("odds", "weakest", "words", "repaired", "doubt")
"""Of a name: log-odds of ``span_confidence``; log-odds of the least sure of its parts, the next word not going on with
it among them; logarithm of its length in words; 1 where the likeliest tag of one of its words is another than the
sequence of tags has; doubt in the sentence, the mean of minus the logarithm of its words' likeliest tags."""
SURE = 1e-6
"""No probability is read as nearer than that to 0 or 1."""
OPTION = "names"
"""Where a model's file keeps it."""


@dataclass(frozen=True)
class Names:
    """Names that a tagger found, n of them."""

    features: NDArray[np.float64]
    """Shape (n, features), in the order of ``FEATURES``."""
    types: Sequence[str]
    confidence: NDArray[np.float64]
    """What the product of their words' probabilities is, shape (n,)."""
    right: NDArray[np.bool_]
    """Whether just these words are this name, shape (n,)."""
    sentence: NDArray[np.int64]
    """Whose each is, shape (n,)."""

    def __len__(self) -> int:
        return len(self.right)

    def at(self, places: NDArray[np.bool_]) -> Names:
        """Some of them; ``places`` has shape (n,)."""
        types = [kind for kind, kept in zip(self.types, places, strict=True) if kept]
        return Names(self.features[places], types, self.confidence[places], self.right[places], self.sentence[places])


def names_in(truth: Sequence[Sequence[str]], rows: Sequence[NDArray[np.float64]], tags: Sequence[str]) -> Names:
    """The names that a tagger finds in sentences; ``truth`` has their words' tags in IOB2, ``rows`` of each the
    probabilities, shape (words, tags), in the order of ``tags``.
    """
    found = [
        (features_of(each, span, tags), span, span_confidence(each, span, tags), span in there, place)
        for place, (wanted, each) in enumerate(zip(truth, rows, strict=True))
        for there in [set(spans(wanted))]
        for span in found_spans(each, tags)
    ]
    return Names(
        np.array([one[0] for one in found]).reshape(-1, len(FEATURES)),
        [one[1].type for one in found],
        np.array([one[2] for one in found], dtype=np.float64),
        np.array([one[3] for one in found], dtype=bool),
        np.array([one[4] for one in found], dtype=np.int64),
    )


def features_of(rows: NDArray[np.float64], span: Span, tags: Sequence[str]) -> NDArray[np.float64]:
    """Shape (features,), in the order of ``FEATURES``; ``rows`` are the sentence's, shape (words, tags)."""
    parts = span_parts(rows, span, tags)
    length = span.end - span.start
    own = rows[span.start : span.end]
    return np.array(
        [
            _log_odds(span_confidence(rows, span, tags)),
            _log_odds(float(parts.min())),
            np.log(length),
            float(bool((parts[:length] < own.max(axis=1)).any())),
            -np.log(np.maximum(rows.max(axis=1), SURE)).mean(),
        ]
    )


def _log_odds(chance: float) -> float:
    kept = min(max(chance, SURE), 1 - SURE)
    return float(np.log(kept / (1 - kept)))


@dataclass(frozen=True)
class Weights:
    """The log-odds of a name being right are slopes · features + intercept + what its type adds."""

    slopes: Mapping[str, float]
    """One for each of ``FEATURES``."""
    intercept: float
    types: Mapping[str, float]

    def chances(self, features: NDArray[np.float64], types: Sequence[str]) -> NDArray[np.float64]:
        """Of n names, with ``features`` (n, features) and a type each, the chances of being right, shape (n,)."""
        slopes = np.array([self.slopes[name] for name in FEATURES])
        of_type = np.array([self.types.get(kind, 0.0) for kind in types])
        odds = (features * slopes).sum(axis=1) + of_type + self.intercept
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -50, 50))), dtype=np.float64)


@dataclass(frozen=True)
class NameReading:
    """How a name's confidence is read: by ``weights`` where the validation sentences had names enough and these helped.

    As it stands without arguments it is that of a tagger that was trained before there was one.
    """

    n: int | None = None
    """Names in the validation sentences; None: not known."""
    before: float | None = None
    """Mean of minus the logarithm of the chance that their words' probabilities gave to what is so."""
    after: float | None = None
    """The same, read with weights of the names in other sentences; None for both: too few names to tell."""
    weights: Weights | None = None

    def confidence(self, rows: NDArray[np.float64], span: Span, tags: Sequence[str]) -> float:
        """Chance that just these words are this name.

        ``rows`` are the probabilities of its sentence, shape (words, tags), in the order of ``tags``.
        """
        if self.weights is None:
            return span_confidence(rows, span, tags)
        return float(self.weights.chances(features_of(rows, span, tags)[None], [span.type])[0])

    @property
    def sentence(self) -> str:
        """What was done, for people; empty where it is not known."""
        if self.n is None:
            return ""
        if self.weights is not None:
            return said(
                "A name's probability is read from those of its words, its length, its type and the sentence around "
                "it, as learned from {n} names in the validation sentences.",
                n=f"{self.n:,}",
            )
        if self.after is None:
            return said(
                "A name's probability is what its words' probabilities make together: {n} names in the validation "
                "sentences are too few to learn more from.",
                n=f"{self.n:,}",
            )
        return said(
            "A name's probability is what its words' probabilities make together: reading more from the {n} names in "
            "the validation sentences did not help.",
            n=f"{self.n:,}",
        )

    def to_options(self) -> dict[str, Any]:
        """As a model's file keeps it; ``read_name_reading`` reads it."""
        return {OPTION: asdict(self)}


def read_name_reading(options: Mapping[str, Any]) -> NameReading:
    """What ``to_options`` gave; the plain one for a model that has none, or one that cannot be read."""
    try:
        kept = options[OPTION]
        before, after = (None if kept[name] is None else float(kept[name]) for name in ("before", "after"))
        return NameReading(int(kept["n"]), before, after, _read_weights(kept["weights"]))
    except (KeyError, TypeError, ValueError):
        return NameReading()


def _read_weights(kept: Any) -> Weights | None:
    if kept is None:
        return None
    slopes = {name: float(kept["slopes"][name]) for name in FEATURES}
    return Weights(slopes, float(kept["intercept"]), {str(name): float(one) for name, one in kept["types"].items()})
