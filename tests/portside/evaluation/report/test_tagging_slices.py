"""Names that are missed together, by sentence or by document, make no part of the rows worse than the rest."""

from __future__ import annotations

import numpy as np

from portside.evaluation.report.parts import Section
from portside.evaluation.report.tagging_slices import worse_names_section

SOURCE = "'mail' (right on "


def section(missed: list[int], names: int, source: list[str], *, documents: list[int] | None = None) -> Section:
    """Of sentences with so many names each, those at ``missed`` lose all of theirs."""
    truth = [["B-PER", "O"] * names] * len(source)
    found = [["O", "O"] * names if place in missed else tags for place, tags in enumerate(truth)]
    words = [["Ann", "and"] * names] * len(source)
    groups = None if documents is None else np.array(documents)
    made = worse_names_section(words, truth, found, groups=groups, parts={"source": source})
    assert made is not None
    return made


def test_names_missed_with_their_sentence_count_with_it() -> None:
    # 10 of 20 names from mail are missed and 5 of 40 others: much by single names, 2 of 4 and 1 of 8 by sentences.
    missed, sources = [0, 1, 4], ["mail"] * 4 + ["chat"] * 8
    told = section(missed, 5, sources).sentences
    assert told[0] == "Of 2 parts of the rows none is worse than the rest by more than chance."
    assert told[1].startswith("Names of one sentence are alike")
    # The same names in sentences of their own, without and with the documents that they are of.
    apart = [place for one in missed for place in range(5 * one, 5 * one + 5)]
    by_name = [source for source in sources for _ in range(5)]
    assert SOURCE in section(apart, 1, by_name).sentences[0]
    of_documents = section(apart, 1, by_name, documents=[place // 5 for place in range(60)])
    assert "none is worse" in of_documents.sentences[0]
    assert of_documents.sentences[1].startswith("Names of one document are alike")


def test_a_part_whose_sentences_are_worse_is_still_named() -> None:
    told = section([*range(8), 20], 5, ["mail"] * 12 + ["chat"] * 28)
    assert f"source {SOURCE}33 % of 60, elsewhere on 96 %)" in told.sentences[0]
    assert told.tables[0].rows[0][-1] == "worse"
