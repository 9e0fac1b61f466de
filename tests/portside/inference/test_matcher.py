"""A matcher in a folder: what it finds, over which documents it is measured, and what it says of damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from portside.data.matching import MatchingDataset
from portside.errors import ModelDamaged, ModelError
from portside.inference.matcher import FolderMatcher
from portside.inference.ranking import MOST_RANKED, Ranker
from portside.records import Judged

DOCUMENTS = {"a": "the card is late", "b": "my parcel", "c": "money back please"}


@pytest.fixture
def folder(tiny_encoder: Path, tmp_path: Path) -> Path:
    """A matcher with the random weights of the tiny encoder."""
    from portside.inference.folder import ModelFile
    from portside.inference.matcher import save_documents
    from portside.inference.network import pretrained_encoder
    from portside.inference.tokens import Tokens
    from portside.tasks.network_folder import save_network

    tokens = Tokens(tiny_encoder, max_tokens=16)
    made = tmp_path / "matcher"
    made.mkdir()
    file = ModelFile("matching", 16, options={"also": ["encoder"], "system": "vectors"})
    save_network(made, pretrained_encoder(tiny_encoder), tokens, tokens.config, file)
    vectors = np.concatenate([FolderMatcher(made, model="m:1").encode([text]) for text in DOCUMENTS.values()])
    save_documents(made, DOCUMENTS, vectors)
    return made


def test_a_document_finds_itself(folder: Path) -> None:
    matcher = FolderMatcher(folder, model="m:1")
    for key, text in DOCUMENTS.items():
        (found,) = matcher.match([text], 2)
        assert (found[0].document, found[0].text, found[0].model) == (key, text, "m:1")
        assert found[0].score == pytest.approx(1.0, abs=1e-5)
        assert len(found) == 2
        for system in ("keywords", "hybrid"):
            assert matcher.match([text], 1, system=system)[0][0].document == key
    assert matcher.match(["zzz"], 2, system="keywords") == [[]]
    assert matcher.match([], 2) == []


def test_the_folder_is_a_sentence_encoder_and_no_classifier(folder: Path) -> None:
    from portside.inference.classifier import FolderClassifier
    from portside.inference.encoder import load_encoder

    texts = list(DOCUMENTS.values())
    np.testing.assert_allclose(load_encoder(folder).encode(texts), FolderMatcher(folder, model="m").encode(texts), 1e-4)
    with pytest.raises(ModelError, match="classification"):
        FolderClassifier(folder, model="m")


def test_the_models_own_documents_are_ranked_among_those_of_the_data(folder: Path) -> None:
    judged = (Judged("q", "x", 1),)
    asked = MatchingDataset({"y": "lost", "x": "my parcel"}, {"q": "my parcel"}, judged, "test.csv")
    ranked = FolderMatcher(folder, model="m").rankings(asked)
    rankings = ranked.orders
    assert ranked.documents == 4, "x is the model's own b"
    assert rankings["vectors"]["q"][0] == "x"
    assert len(rankings["vectors"]["q"]) == 4
    assert rankings["keywords"]["q"] == ["x"]
    assert rankings["hybrid"]["q"][0] == "x"


@pytest.mark.parametrize(
    ("documents", "steps"), [({"x": "my parcel"}, 2 + 0 + 2), ({"x": "my parcel", "y": "lost", "z": "late"}, 2 + 2 + 2)]
)
def test_progress_ends_at_its_end_though_documents_are_known(
    documents: dict[str, str], steps: int, folder: Path
) -> None:
    judged = (Judged("q", "x", 1), Judged("r", "x", 1))
    asked = MatchingDataset(documents, {"q": "my parcel", "r": "where is it"}, judged, "test.csv")
    told: list[tuple[int, int]] = []
    FolderMatcher(folder, model="m").rankings(asked, report=lambda done, total: told.append((done, total)))
    assert {total for _, total in told} == {steps}
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (steps, steps)
    assert told[0][0] < steps


@pytest.mark.parametrize("name", ["documents.json", "document_vectors.safetensors"])
def test_damaged_documents_are_named(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelDamaged, match=name):
        FolderMatcher(folder, model="m").match(["where"])


def test_documents_of_equal_score_come_in_their_order() -> None:
    ranker = Ranker(["b", "a", "c"], ["same words", "same words", "others"])
    scores = np.array([0.5, 0.5, 0.9], dtype=np.float32)
    assert [hit.id for hit in ranker.rank("vectors", "same", scores)] == ["c", "b", "a"]
    assert [hit.id for hit in ranker.rank("keywords", "same", None)] == ["b", "a"]
    # First and second by meaning and word: b has 1/62 + 1/61, c 1/61, a 1/63 + 1/62.
    assert [hit.id for hit in ranker.rank("hybrid", "same", scores)] == ["b", "a", "c"]
    assert [hit.id for hit in ranker.rank("hybrid", "same", scores, 1)] == ["b"]


def test_of_many_documents_the_first_are_ranked() -> None:
    scores = np.random.default_rng(0).random(3 * MOST_RANKED).astype(np.float32)
    ids = [str(place) for place in range(len(scores))]
    ranked = Ranker(ids, ids).rank("vectors", "", scores)
    assert [int(hit.id) for hit in ranked] == np.argsort(-scores, kind="stable")[:MOST_RANKED].tolist()
