"""What can be tuned in the support desk: each value once, with its unit and the reason for its default."""

from __future__ import annotations

from dataclasses import dataclass

from portside.errors import UsageError

__all__ = ["SupportConfig"]


@dataclass(frozen=True)
class SupportConfig:
    """Limits, names and sizes of the support desk.

    Raises:
        UsageError: a value is outside what it can mean; names it.
    """

    model_name: str = "support-intents"
    """Name of the intent model in the registry; its ``champion`` is served."""

    language: str = "en"
    """Language of the answers the bot gives; templates of other languages are kept but not used."""

    target_precision: float = 0.95
    """Share of right intents among the answered validation questions that the confidence threshold must reach: a wrong
    answer costs a support desk more than a question passed on, and one in twenty is what readers forgive."""

    confidence_floor: float = 0.50
    """Probability; no threshold is set lower, however well validation went. Below one half all other intents
    together are the better guess, and validation data hold few of the strange questions that customers ask."""

    default_confidence: float = 0.80
    """Probability; used for a model whose card names no threshold. Strict, because nothing was measured."""

    retrieve_similarity: float = 0.45
    """Cosine of question and best passage. Measured with the bundled encoder on the sample knowledge base: 72 % of the
    sample questions about its subjects lie above it, 11 % of those about anything else; the difference of the two is
    largest here. Not a fused rank: ranks say nothing of quality."""

    passages_shown: int = 3
    """Passages in one reply: what fits on a phone's screen."""

    candidates: int = 20
    """Passages taken from each of the two rankings before they are fused; more changes the first three rarely."""

    passage_words: int = 120
    """Words of a passage at most: about 160 tokens, which the encoder reads whole."""

    failures_before_handover: int = 2
    """Replies in a row without an approved answer; after the second miss customers give up on a bot."""

    slot_attempts: int = 2
    """Times the bot asks for the same thing; a third time reads like a machine that does not listen."""

    subject_words: int = 4
    """Words a message needs before it can change the subject while the bot waits for a slot: shorter ones
    ("blue", "no. 4711") are the value, whatever intent they resemble."""

    message_limit: int = 2_000
    """Characters of one message; longer than any question, short enough for every regular expression."""

    human_intents: tuple[str, ...] = (
        "talk_to_human",
        "speak_to_human",
        "talk_to_agent",
        "speak_to_agent",
        "human_agent",
        "contact_human_agent",
    )
    """Intents that mean "give me a person" and are never answered by a template."""

    out_of_scope_intents: tuple[str, ...] = ("out_of_scope", "oos", "other", "none")
    """Labels for "none of these": never answered, and not counted as answered when the threshold is chosen."""

    starters: int = 4
    """Questions suggested on an empty chat: one row."""

    validation_fraction: float = 0.15
    """Share of the utterances held out to stop training and to choose the threshold."""

    demo_seconds: int = 36
    """Seconds of training in the demo, which promises to be ready in minutes on two cores."""

    slow_demo_seconds: int = 90
    """Seconds for a second try where the machine was too busy to train at all in ``demo_seconds``."""

    def __post_init__(self) -> None:
        for name in ("target_precision", "confidence_floor", "default_confidence", "validation_fraction"):
            _within(name, getattr(self, name), 0.0, 1.0)
        _within("retrieve_similarity", self.retrieve_similarity, -1.0, 1.0)
        counts = ("passages_shown", "candidates", "failures_before_handover", "slot_attempts", "message_limit")
        for name in (*counts, "passage_words", "subject_words", "demo_seconds", "slow_demo_seconds"):
            _within(name, getattr(self, name), 1, float("inf"))


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UsageError(
            f"{name} must lie between {low:g} and {high:g}", seen=f"{value:g}", remedy="Correct it in SupportConfig"
        )
