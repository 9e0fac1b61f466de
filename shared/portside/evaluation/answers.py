"""Answers of which a text may have several: a tagger's names, a classifier's labels. What may be said of all of them.

Answers to one text are not independent: whatever is claimed of them is tested with texts, not with answers, as rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.significance import bootstrap_ratio
from portside.said import said

__all__ = ["Answers", "one_of_each", "renamed", "surer_than_right"]

OVERCONFIDENT = 0.03
"""Share by which answers may claim more than chance explains; as for a classifier's."""
FEWEST = 20
"""Texts with an answer below which nothing is said of how sure a model may be."""

FEWEST_RENAMED = 3
RENAMED = 0.6
"""Share of an unknown name's places that get one and the same answer, from which it looks like a new name for it."""


@dataclass(frozen=True)
class Answers:
    """All arrays have the shape (answers,)."""

    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]
    text: NDArray[np.int64]
    """Whose each is: a text's place among those asked about."""

    def __len__(self) -> int:
        return len(self.confidence)

    def of(self, texts: NDArray[np.bool_]) -> Answers:
        """Those to some texts; ``texts`` has an entry for each text asked about."""
        kept = texts[self.text]
        return Answers(self.confidence[kept], self.right[kept], self.text[kept])

    def fresh(self, texts: Sequence[str], seen: Callable[[str], bool] | None) -> Answers:
        """Those to texts that the model was not trained on; ``seen`` tells which it was, None: not known.

        Of texts that it was trained on it is surer than of others: nothing is promised from them.
        """
        return self if seen is None else self.of(np.array([not seen(text) for text in texts], dtype=bool))


def one_of_each(answers: Answers, groups: NDArray[np.integer], *, seed: int = 0) -> Answers:
    """Those to one text of each group, drawn by chance among the texts with an answer: groups are independent.

    ``groups`` says of each text asked about which it belongs to, as a document.
    """
    order = np.random.default_rng(seed).permutation(np.unique(answers.text))
    _, first = np.unique(groups[order], return_index=True)
    drawn = np.zeros(len(groups), dtype=bool)
    drawn[order[first]] = True
    return answers.of(drawn)


def surer_than_right(answers: Answers) -> str | None:
    """Whether the answers claim more than they are right, by more than chance over the texts explains."""
    texts, whose = np.unique(answers.text, return_inverse=True)
    if len(texts) < FEWEST:
        return None
    over = np.bincount(whose, weights=answers.confidence - answers.right)
    if bootstrap_ratio(np.stack([over, np.bincount(whose)], axis=1)).low <= OVERCONFIDENT:
        return None
    return said(
        "The model is surer than it is right: of {n} answers it claims {claimed} % on average, and {right} % are "
        "right. Do not let it act on its probabilities before they are corrected: train it anew with rows kept aside, "
        "which corrects them",
        n=f"{len(answers):,}",
        claimed=f"{100 * answers.confidence.mean():.0f}",
        right=f"{100 * answers.right.mean():.0f}",
    )


def renamed(known: Collection[str], given: Collection[str], met: Sequence[tuple[str, Collection[str]]]) -> list[str]:
    """Names in the data that the model does not know although it answers them all alike: other names for its own.

    ``known`` are the model's, ``given`` those of the data; ``met`` has each place of a name that the model does not
    know, and what it answers there.
    """
    out: list[str] = []
    for name in sorted(set(given) - set(known)):
        places = [answers for true, answers in met if true == name]
        answered = Counter(answer for answers in places for answer in set(answers) - set(given))
        own, count = max(answered.items(), key=lambda item: (item[1], item[0]), default=("", 0))
        if len(places) >= FEWEST_RENAMED and count >= RENAMED * len(places):
            out.append(
                said(
                    "The data call '{name}' what the model seems to know as '{own}': it answers so in {count} of {n} "
                    "such places, and '{own}' does not stand in the data. Rename it in the file, or train anew",
                    name=name,
                    own=own,
                    count=f"{count:,}",
                    n=f"{len(places):,}",
                )
            )
    return out
