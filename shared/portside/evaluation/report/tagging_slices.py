"""Where a tagger finds fewer of the names than elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.report.parts import Section
from portside.evaluation.report.slices import section_of
from portside.evaluation.slices import compare_slices, part_slices
from portside.said import said
from portside.tasks.tags import Span, spans

__all__ = ["worse_names_section"]


def worse_names_section(
    sentences: Sequence[Sequence[str]],
    truth: Sequence[Sequence[str]],
    found: Sequence[Sequence[str]],
    *,
    groups: NDArray[np.int64] | None,
    parts: Mapping[str, Sequence[str]],
) -> Section | None:
    """Shares of the true names that are found, by parts of these; None where no part has names enough.

    ``truth`` and ``found`` are tags in IOB2 of each sentence; ``groups`` says of each sentence which document it is of,
    None: not known. ``parts`` says where each sentence comes from.
    """
    names = [
        (place, span, span in told)
        for place, (tags, got) in enumerate(zip(truth, found, strict=True))
        for told in [set(spans(got))]
        for span in spans(tags)
    ]
    places = np.array([place for place, _, _ in names], dtype=np.int64)
    masks = _masks(sentences, [(place, span) for place, span, _ in names])
    masks |= part_slices({name: [values[place] for place in places] for name, values in parts.items()})
    right = np.array([hit for _, _, hit in names], dtype=bool)
    if groups is None:
        alike = said("Names of one sentence are alike: they count as the fewer independent ones that tell as much.")
        return section_of(compare_slices(right, masks, places), alike)
    alike = said("Names of one document are alike: they count as the fewer independent ones that tell as much.")
    return section_of(compare_slices(right, masks, groups[places]), alike)


def _masks(sentences: Sequence[Sequence[str]], names: Sequence[tuple[int, Span]]) -> dict[str, NDArray[np.bool_]]:
    lengths = np.array([len(sentences[place]) for place, _ in names])
    words = [" ".join(sentences[place][span.start : span.end]) for place, span in names]
    short, long = np.quantile(lengths, [1 / 3, 2 / 3])
    masks: dict[str, NDArray[np.bool_]] = {
        said("names in short sentences (up to {n} words)", n=f"{short:.0f}"): lengths <= short,
        said("names in long sentences (over {n} words)", n=f"{long:.0f}"): lengths > long,
        said("names of one word"): np.array([span.end - span.start == 1 for _, span in names]),
        said("names of three words and more"): np.array([span.end - span.start > 2 for _, span in names]),
        said("names in capitals"): np.array([word.isupper() for word in words]),
        said("names in small letters"): np.array([word.islower() for word in words]),
        said("names with digits"): np.array([any(sign.isdigit() for sign in word) for word in words]),
    }
    for kind in sorted({span.type for _, span in names}):
        masks[said("type {type}", type=kind)] = np.array([span.type == kind for _, span in names])
    return masks
