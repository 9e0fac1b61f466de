"""A tagger: entity F1, and the same tags. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from portside.evaluation.tagging import count_entities, entity_scores
from portside.inference.batched import Forward
from portside.inference.engines.subject import Answers, Subject, some
from portside.inference.spans import named
from portside.inference.tagging import tag_probabilities
from portside.tasks.tagging_network import load_network

if TYPE_CHECKING:
    from portside.data.tagged import TaggedDataset
    from portside.registry import ModelVersion

__all__ = ["subject"]


def subject(version: ModelVersion, dataset: TaggedDataset) -> Subject:
    """The tagger in ``version``, judged on the sentences of ``dataset``, each read by itself."""
    network, tokens, file = load_network(version.folder)
    sentences = some([one for one in dataset.sentences if one.tokens])

    def ask(forward: Forward, places: Sequence[int]) -> Answers:
        asked = [sentences[place].tokens for place in places]
        return tag_probabilities(forward, tokens, asked, documents=range(len(asked)), context=0)

    def tags(answers: Answers) -> list[list[str]]:
        return [named(rows, file.labels) for rows in answers]

    def same(found: Answers, original: Answers) -> float:
        pairs = zip(np.concatenate(tags(found)), np.concatenate(tags(original)), strict=True)
        return float(np.mean([one == other for one, other in pairs]))

    return Subject(
        network,
        ("logits",),
        rows=len(sentences),
        ask=ask,
        agreement=same,
        quality=lambda found: entity_scores(count_entities([one.tags for one in sentences], tags(found)))[""].f1,
        measure="entity F1",
        inputs=("ids", "mask", "cases"),
        per_token=True,
    )
