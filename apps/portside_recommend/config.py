"""What can be tuned in the recommender: each value once, with its unit and the reason for its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any, Self

from portside.errors import UsageError

__all__ = ["BehaviourConfig", "EncoderConfig", "EvaluationConfig", "RankingWeights", "RecommendConfig"]


@dataclass(frozen=True)
class RankingWeights:
    """How much each signal counts, after each was scaled to at most 1 for the user at hand.

    The defaults lie between what ``portside recommend tune`` chose on the validation periods of a shop with seasons
    and of a catalogue with long texts (never on a test period); ``train`` chooses again on your own events.
    """

    text: float = 0.5
    """Likeness of an item's words to the words of what the user chose before."""
    together: float = 1.0
    """Whether people who chose the same things chose this too."""
    following: float = 0.2
    """Whether this was often chosen right after what the user chose last."""
    popular: float = 0.3
    """How many people chose it lately."""
    decay: float = 0.95
    """Weight of each step back in the user's history, newest first: 0.95 halves it after 14 items."""
    power: float = 6.0
    """Exponent of the likeness of words: high values let only close neighbours speak."""
    popular_days: float = 30.0
    """How long ago counts as lately, in days before the newest event; 0: all time."""

    def __post_init__(self) -> None:
        for name in ("text", "together", "following", "popular", "popular_days"):
            if getattr(self, name) < 0:
                raise UsageError(f"A ranking weight '{name}' is 0 or more", seen=str(getattr(self, name)))
        if not 0 < self.decay <= 1:
            raise UsageError("The decay of the history lies above 0 and at most at 1", seen=str(self.decay))
        if self.power <= 0:
            raise UsageError("The exponent of the likeness of words is above 0", seen=str(self.power))

    def to_dict(self) -> dict[str, float]:
        """Names and values, for files and reports."""
        return {name: float(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The weights that ``to_dict`` wrote; unknown names are left out, missing ones get their default."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: float(value) for name, value in values.items() if name in known})


@dataclass(frozen=True)
class BehaviourConfig:
    """How item-to-item behaviour is learned from events."""

    ease_max_items: int = 10_000
    """EASE inverts an items x items matrix: exact and best up to here (about a minute), cosine beyond."""
    ease_ridge: float = 8.0
    """Ridge of EASE as a multiple of the mean number of choices a user: 400 for a wholesaler, 45 for reviews."""
    neighbours: int = 400
    """Weights kept for each item: 400 lose under 3 % of Recall@10 against all of 3,662, at a ninth of the memory."""
    steps_back: int = 3
    """How many later choices follow an item, for "chosen right after"; the k-th counts 1/k."""


@dataclass(frozen=True)
class EncoderConfig:
    """How the text encoder is fine-tuned on what was chosen together."""

    name: str = "recommend-encoder"
    """Name in the model registry."""
    budget_seconds: float = 150.0
    """Time for the training steps alone: what still fits into a coffee on two cores."""
    max_steps: int = 2_000
    """Upper bound of steps, so that a fast machine does not over-train a small catalogue."""
    passes: float = 6.0
    """How often the catalogue may go by as anchors before more steps stop helping."""
    batch_size: int = 64
    """Pairs in a step; the other 63 are each pair's negatives."""
    learning_rate: float = 3e-5
    """Peak of a linear warm-up and decay. 5e-5 lost likeness of words faster than 50 steps could teach anything."""
    temperature: float = 0.07
    """Divisor of the likeness before the softmax; the pretraining's 0.05 is too sure for pairs as loose as ours."""
    kept: float = 0.5
    """Share of what was learned that stays: the saved weights are this far from the pretrained to the trained ones.
    On two catalogues, lists of the mean of both were better than those of either."""
    frozen_layers: int = 3
    """Lower layers (and the word vectors) that stay as pretrained: half the time a step, and less is forgotten."""
    max_tokens: int = 48
    """Words beyond are cut: title and the first sentences; twice the length takes more than twice the time."""
    window: int = 5
    """Two choices of a user at most this many steps apart make a pair."""
    popularity_power: float = 0.25
    """A pair's weight is divided by (count of a x count of b) ** this: else best-sellers fill the batches."""
    pair_shrinkage: float = 3.0
    """Users to be added to those who chose both items of a pair: one common user is hardly a sign."""
    mask_above: float = 0.10
    """In-batch items whose co-occurrence cosine with the anchor is above this are no negatives."""
    seed: int = 13
    min_pairs: int = 64
    """Fewer pairs than this teach nothing: the pretrained encoder is kept."""

    def __post_init__(self) -> None:
        if self.budget_seconds <= 0:
            raise UsageError("The training budget is a time above 0 seconds", seen=f"{self.budget_seconds} s")
        if not 0 < self.kept <= 1:
            raise UsageError("The share kept of what was learned lies above 0 and at most at 1", seen=str(self.kept))
        if self.batch_size < 2:
            raise UsageError("A contrastive step needs at least 2 pairs", seen=f"batch size {self.batch_size}")


@dataclass(frozen=True)
class EvaluationConfig:
    """How quality is measured."""

    k: int = 10
    """Length of the lists judged: what a page shows."""
    test_fraction: float = 0.2
    """Share of the newest positive events that are held back by the time protocol."""
    validation_fraction: float = 0.1
    """Share of the newest remaining events on which the ranking weights are chosen."""
    max_tuning_cases: int = 400
    """Users judged while choosing weights: enough for differences of about 5 % of NDCG, in seconds."""
    resamples: int = 1_000
    """Bootstrap draws for the 95 % intervals."""
    seed: int = 7


@dataclass(frozen=True)
class RecommendConfig:
    """All of the recommender's settings."""

    positive_events: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({"purchase": 1.0, "rating": 1.0, "click": 0.6, "view": 0.4})
    )
    """What speaks for an item, and how loudly: a view is weaker evidence of taste than a purchase."""
    negative_events: frozenset[str] = frozenset({"return"})
    """What speaks against an item: it is never recommended again and its likeness earns nothing."""
    liked_from: float = 3.0
    """Ratings from this value speak for an item, lower ones against it (on a scale to 5)."""
    history_length: int = 300
    """Newest different items of a user that are looked at; more cost time and change no list."""
    seeds: int = 25
    """Newest items of a user whose nearest texts become candidates."""
    candidates_per_seed: int = 100
    """Nearest texts fetched for each of them."""
    candidates_together: int = 600
    """Best items by co-occurrence that become candidates."""
    candidates_popular: int = 200
    """Most popular items that become candidates."""
    diversity: float = 0.1
    """0: the best scores; 1: as unlike each other as can be. A little costs next to nothing in Recall@10."""
    diversity_pool: int = 100
    """How many of the best are looked through for a diverse list."""
    list_length: int = 10
    weights: RankingWeights = RankingWeights()
    behaviour: BehaviourConfig = BehaviourConfig()
    encoder: EncoderConfig = EncoderConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    @property
    def events(self) -> tuple[str, ...]:
        """Every kind of event that is understood."""
        return (*self.positive_events, *sorted(self.negative_events))
