"""Which queries are kept aside, what is no negative of a query, and a whole training on the tiny encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from portside.data.identity import text_key
from portside.data.matching import MatchingDataset, load_judged
from portside.encoders import resolve_encoder
from portside.errors import DataError, ModelError
from portside.evaluation.held_out import held_out_file, save_rows
from portside.progress import NullProgress
from portside.records import Judged
from portside.registry import ModelRegistry
from portside.training.matching import MatchingRecipe, best_system, held_aside, make_task
from portside.training.run import Order, train_task


def dataset(queries: Mapping[str, str], documents: Mapping[str, str], rows: str) -> MatchingDataset:
    """``rows``: ``p:a p:b- q:c`` are two matches and one document that does not match."""
    judged = tuple(
        Judged(query, document.rstrip("-"), 0.0 if document.endswith("-") else 1.0)
        for query, document in (row.split(":") for row in rows.split())
    )
    return MatchingDataset(documents, queries, judged, "set.csv")


def many(count: int) -> MatchingDataset:
    words = ("card", "parcel", "money")
    queries = {f"q{row}": f"where is my {words[row % 3]} {row}" for row in range(count)}
    documents = {word: f"the {word} is late" for word in words}
    return dataset(queries, documents, " ".join(f"q{row}:{words[row % 3]}" for row in range(count)))


SMALL = dataset(
    {"p": "where is my card", "P": "Where is my  CARD", "q": "is the parcel late", "r": "my money back please"},
    {"a": "the card", "A": "The Card", "b": "card please", "c": "the parcel", "d": "late parcel", "e": "money money"},
    "p:a P:b q:c q:d- r:e",
)


def test_queries_are_kept_aside_with_all_their_judgements() -> None:
    made = make_task(MatchingRecipe(), many(100)).material
    assert made.valid is not None
    assert len(made.valid.queries) == 15
    assert len(made.pairs) == 85
    assert not set(made.valid.queries.values()) & {query for query, _ in made.pairs}
    assert len(made.valid.documents) == 3, "validation ranks the whole corpus"
    again = make_task(MatchingRecipe(), many(100)).material.valid
    assert again is not None
    assert again.queries == made.valid.queries
    other = make_task(MatchingRecipe(seed=1), many(100)).material.valid
    assert other is not None
    assert other.queries != made.valid.queries


def test_queries_kept_aside_keep_where_they_come_from(tmp_path: Path) -> None:
    whole = many(100)
    origins = {query: "shop" if row % 2 else "mail" for row, query in enumerate(whole.queries)}
    task = make_task(MatchingRecipe(), replace(whole, parts={"source": tuple(origins.values())}))
    valid = task.material.valid
    assert valid is not None
    save_rows(tmp_path, task._judged_rows(valid))
    kept = held_out_file(tmp_path)
    assert kept is not None
    read = load_judged(kept)
    found = dict(zip(read.queries.values(), read.parts["source"], strict=True))
    assert found == {text: origins[query] for query, text in valid.queries.items()}


def test_queries_of_one_text_are_on_one_side() -> None:
    queries = {
        f"q{row}": ("Same  text" if row % 2 else "same text") if row < 50 else f"own {row}" for row in range(100)
    }
    for seed in range(20):
        held = set(held_aside(queries, list(queries), seed=seed))
        assert len({query in held for query in list(queries)[:50]}) == 1
    assert held_aside({"a": "x", "b": "y"}, ["a", "b"], seed=0) == []


def test_validation_rows_bring_their_documents() -> None:
    valid = dataset({"p": "where"}, {"card": "a late card"}, "p:card")
    made = make_task(MatchingRecipe(), many(9), valid).material
    assert made.valid is not None
    assert len(made.pairs) == 9
    assert set(made.valid.documents.values()) == {"a late card", *many(9).documents.values()}
    with pytest.raises(DataError, match="Validation"):
        make_task(MatchingRecipe(), many(9), dataset({"p": "where"}, {"card": "late"}, "p:card-"))


def test_the_test_judgements_of_the_same_folder_choose_nothing() -> None:
    train = replace(many(9), judgements="set/qrels/train.tsv")
    with pytest.raises(DataError, match=r"qrels/test\.tsv"):
        make_task(MatchingRecipe(), train, replace(train, judgements="set/qrels/test.tsv"))


def test_what_is_relevant_or_reads_the_same_is_no_negative(tiny_encoder: Path) -> None:
    relevant = make_task(MatchingRecipe(), SMALL, many(3)).material.relevant
    assert relevant[text_key("where is my card")] == {"the card", "card please"}
    task = make_task(MatchingRecipe(), SMALL, many(3))
    adapter = task.adapter(resolve_encoder(str(tiny_encoder)))
    assert task.material.pairs[0] == ("where is my card", "a")
    batch = adapter.collate([adapter.rows[place] for place in range(len(adapter.rows))])
    # Rows: p with a, P (the same text) with b, q with c, r with e.
    assert batch["masked"].tolist() == [
        [False, True, False, False],
        [True, False, False, False],
        [False, False, False, False],
        [False, False, False, False],
    ]
    assert batch["input_ids"].shape[:2] == (4, 2)


def test_hard_negatives_are_those_judged_then_those_that_share_words(tiny_encoder: Path) -> None:
    task = make_task(MatchingRecipe(hard_negatives=2), SMALL, many(3))
    adapter = task.adapter(resolve_encoder(str(tiny_encoder)))
    rows = [adapter.rows[place] for place in range(len(adapter.rows))]
    batch = adapter.collate(rows)
    assert batch["input_ids"].shape[:2] == (4, 4)
    masked = batch["masked"].numpy()
    assert masked.shape == (4, 12)
    drawn = adapter._negatives  # type: ignore[attr-defined]
    assert drawn[2][0] == "d", "judged not relevant to q"
    for (query, own), documents in zip(task.material.pairs, drawn, strict=True):
        others = {text_key(SMALL.documents[one]) for one in documents if one != own}
        assert not others & task.material.relevant[text_key(query)]
    # Where too few are left a row's own document fills the place, and is masked.
    places = [(row, 4 * (1 + number) + row) for row in range(4) for number in range(2)]
    filled = [place for place in places if drawn[place[0]][place[1] // 4 - 1] == task.material.pairs[place[0]][1]]
    assert filled
    assert all(masked[place] for place in filled)


def test_the_best_system_is_chosen_by_validation() -> None:
    assert best_system(None) == "hybrid"
    assert best_system({"ndcg_at_10": 0.5, "hybrid_ndcg_at_10": 0.6, "keywords_ndcg_at_10": 0.4}) == "hybrid"
    assert best_system({"ndcg_at_10": 0.6, "hybrid_ndcg_at_10": 0.6, "keywords_ndcg_at_10": 0.4}) == "vectors"


@pytest.mark.slow
def test_a_training_learns_and_is_an_encoder_too(tiny_encoder: Path, registry: ModelRegistry, tmp_path: Path) -> None:
    from portside.inference.encoder import load_encoder
    from portside.inference.matcher import load_matcher

    recipe = MatchingRecipe(
        encoder=str(tiny_encoder), epochs=6, batch_size=8, encoder_lr=3e-3, precision="fp32", hard_negatives=1
    )
    order = Order(registry, "faq", tmp_path / "runs", NullProgress(), actor="ann", reason="a test")
    version = train_task(recipe, make_task(recipe, many(60)), order)
    assert version.validation is not None
    assert version.validation["ndcg_at_10"] > 0.9
    matcher = load_matcher(version)
    (found,) = matcher.match(["where is my parcel 900"], 3, system="vectors")
    assert (found[0].document, found[0].model) == ("parcel", "faq:1")
    encoder = load_encoder(version.folder)
    texts = ["where is my parcel 900", "the card is late"]
    np.testing.assert_allclose(encoder.encode(texts), matcher.encode(texts), atol=1e-6)
    np.testing.assert_allclose(matcher.document_vectors, matcher.encode(list(matcher.documents.values())), atol=1e-5)


def test_training_queries_that_are_cut_are_counted_once_each(tiny_encoder: Path) -> None:
    long = "where is my card " * 20
    given = dataset(
        {"p": long, "q": "parcel", "r": long + "please"}, {"a": "the card", "b": "card " * 60}, "p:a p:b q:a r:b"
    )
    recipe = MatchingRecipe(encoder=str(tiny_encoder), max_tokens=16, hard_negatives=0)
    adapter = make_task(recipe, given).adapter(resolve_encoder(str(tiny_encoder)))
    assert adapter.cut == 3
    assert "Of 3 of 5 training texts only the first 16 tokens are read" in adapter.cut_note


def test_out_of_memory_advises_what_this_recipe_takes(tiny_encoder: Path, tmp_path: Path) -> None:
    class Exhausted(NullProgress):
        def update(self, done: float, total: float, message: str = "") -> None:
            if done >= 3:
                raise MemoryError

    recipe = MatchingRecipe(encoder=str(tiny_encoder), batch_size=8, epochs=1, precision="fp32")
    order = Order(ModelRegistry(tmp_path / "models"), "m", tmp_path / "runs", Exhausted(), "ann", "a test")
    with pytest.raises(ModelError, match="Set batch_size below 8") as caught:
        train_task(recipe, make_task(recipe, many(40)), order)
    assert "micro_batch_size" not in str(caught.value)
