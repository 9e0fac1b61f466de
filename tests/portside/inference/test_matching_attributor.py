from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from portside.errors import ModelError, UsageError
from portside.evaluation.attribution import explain
from portside.inference.attributor import Variant
from portside.inference.matcher import FolderMatcher
from portside.inference.matching_attributor import MatchingAttributor

QUERY = "where is my late card"


@pytest.fixture
def folder(tmp_path: Path, save_task: Callable[[Path, str], None]) -> Path:
    save_task(tmp_path / "1", "matching")
    return tmp_path / "1"


def test_the_document_explained_is_the_one_that_is_ranked_first_by_vectors(folder: Path) -> None:
    (found,) = explain(MatchingAttributor(folder, model="m:1"), [QUERY])
    (best,) = FolderMatcher(folder, model="m:1").match([QUERY], 1, system="vectors")[0]
    assert (found.answer.key, found.label, found.predicted) == (best.document, f"“{best.text}”", f"“{best.text}”")
    assert found.level == pytest.approx(best.score, abs=1e-5)
    assert found.to_dict()["cosine"] == found.level
    assert "probability" not in found.to_dict()


def test_another_document_can_be_asked_about(folder: Path) -> None:
    matcher = FolderMatcher(folder, model="m:1")
    attributor = MatchingAttributor(folder, model="m:1")
    for key, text in matcher.documents.items():
        (found,) = explain(attributor, [QUERY], label=key)
        query, document = matcher.encode([QUERY, text])
        assert (found.answer.key, found.label) == (key, f"“{text}”")
        assert found.level == pytest.approx(float(query @ document), abs=1e-5)
    with pytest.raises(UsageError, match="Known labels: d1, d2, d3"):
        explain(attributor, [QUERY], label="d4")


def test_a_word_of_the_query_is_left_out_by_hand(folder: Path) -> None:
    matcher, attributor = FolderMatcher(folder, model="m:1"), MatchingAttributor(folder, model="m:1")
    (found,) = explain(attributor, ["my card"], label="d2")
    vectors = matcher.encode(["my card", " card", "my "])
    cosines = vectors @ matcher.document_vectors[1]
    assert found.values["occlusion"] == pytest.approx(cosines[0] - cosines[1:], abs=1e-5)


def test_it_chooses_from_the_documents_given(folder: Path) -> None:
    given = {"x": "card " * 40, "y": QUERY}
    attributor = MatchingAttributor(folder, model="m:1").among(given)
    ((answer,),) = attributor.answers([QUERY])
    assert answer.key == "y"
    assert attributor.scores([Variant(QUERY, answer)]) == pytest.approx([1.0], abs=1e-5)
    ((other,),) = attributor.answers([QUERY], "x")
    assert len(other.label) < len(given["x"]), "a long document is shown shortened"
    with pytest.raises(UsageError, match="documents to choose from"):
        MatchingAttributor(folder, model="m:1").among({}).answers([QUERY])


def test_a_classifier_is_refused(tmp_path: Path, save_task: Callable[[Path, str], None]) -> None:
    save_task(tmp_path, "classification")
    with pytest.raises(ModelError, match="for matching is needed"):
        MatchingAttributor(tmp_path, model="m:1")
