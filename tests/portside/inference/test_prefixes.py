"""What is read before each text: where it comes from, and that it reaches the tokenizer on its own side only."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portside.commands.matching import measured
from portside.commands.tasks import recipe_of
from portside.data.matching import MatchingDataset
from portside.data.texts import unique_texts
from portside.encoders import EncoderSource, load_backbone, resolve_encoder
from portside.errors import ModelNotFound, UsageError
from portside.evaluation.attribution import explain
from portside.inference.encoder import BundledEncoder, ServedEncoder, load_encoder, save_encoder
from portside.inference.folder import ModelFile, write_model_file
from portside.inference.matcher import FolderMatcher, answers, load_matcher
from portside.inference.matching_attributor import MatchingAttributor
from portside.inference.prefixes import Prefixes, known_prefixes, published_prefixes
from portside.inference.tokens import Tokens
from portside.progress import NullProgress
from portside.records import Judged
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.matching import MatchingRecipe
from portside.tasks.spec import find_task
from portside.training.adaptation import AdaptationRecipe, AdaptationTask
from portside.training.adaptation_adapter import AdaptationAdapter
from portside.training.matching import make_task
from portside.training.run import Order, train_task

ASKED, ANSWER = "my query: ", "late passage: "


@pytest.fixture
def folder(tiny_encoder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))


def source(folder: Path, name: str = "") -> EncoderSource:
    found = resolve_encoder(str(folder))
    return replace(found, kind="hub", name=name) if name else found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("intfloat/multilingual-e5-small", Prefixes("query: ", "passage: ")),
        ("intfloat/e5-base-v2", Prefixes("query: ", "passage: ")),
        ("/home/ann/hub/models--intfloat--multilingual-e5-large/snapshots/0a1b", Prefixes("query: ", "passage: ")),
        ("BAAI/bge-small-en-v1.5", Prefixes("Represent this sentence for searching relevant passages: ")),
        ("BAAI/bge-base-zh-v1.5", Prefixes("为这个句子生成表示以用于检索相关文章：")),
        ("nomic-ai/nomic-embed-text-v1.5", Prefixes("search_query: ", "search_document: ")),
        ("intfloat/multilingual-e5-large-instruct", Prefixes()),
        ("intfloat/e5-mistral-7b-instruct", Prefixes()),
        ("BAAI/bge-m3", Prefixes()),
        ("sentence-transformers/all-MiniLM-L6-v2", Prefixes()),
        ("", Prefixes()),
    ],
)
def test_a_family_is_known_by_its_published_name(name: str, expected: Prefixes) -> None:
    assert known_prefixes(name) == expected


def test_they_come_from_the_folder_first_then_from_the_name(folder: Path) -> None:
    assert published_prefixes(source(folder)) == Prefixes()
    assert published_prefixes(source(folder, "intfloat/e5-small")) == Prefixes("query: ", "passage: ")
    prompts = folder / "config_sentence_transformers.json"
    prompts.write_text(json.dumps({"prompts": {"query": "ask: ", "passage": "say: ", "clustering": "sort: "}}))
    assert published_prefixes(source(folder, "intfloat/e5-small")) == Prefixes("ask: ", "say: ")
    # What sentence-transformers writes where nobody set any.
    prompts.write_text(json.dumps({"prompts": {"query": "", "document": ""}}))
    assert published_prefixes(source(folder, "intfloat/e5-small")) == Prefixes("query: ", "passage: ")
    for broken in ("{", "[]", '{"prompts": 3}', '{"prompts": {"query": 3}}'):
        prompts.write_text(broken)
        assert published_prefixes(source(folder)) == Prefixes()


def test_a_folder_is_known_by_what_its_config_says_and_not_by_its_own_name(folder: Path, tmp_path: Path) -> None:
    named = folder.rename(tmp_path / "multilingual-e5-small")
    assert published_prefixes(source(named)) == Prefixes()
    config = json.loads((named / "config.json").read_text())
    (named / "config.json").write_text(json.dumps({**config, "_name_or_path": "intfloat/multilingual-e5-small"}))
    assert published_prefixes(source(named)) == Prefixes("query: ", "passage: ")
    # A folder of Portside's says itself what its weights were taught, if only that it is nothing.
    write_model_file(named, ModelFile("encoder", 32, options=Prefixes().to_options()))
    assert published_prefixes(source(named)) == Prefixes()


def test_an_adapted_encoder_keeps_them(folder: Path, tmp_path: Path) -> None:
    backbone: Any = load_backbone(folder)
    save_encoder(tmp_path / "made", backbone, Tokens(folder, max_tokens=32), prefixes=Prefixes(ASKED, ANSWER))
    assert published_prefixes(source(tmp_path / "made")) == Prefixes(ASKED, ANSWER)
    with_them, without = load_encoder(tmp_path / "made"), load_encoder(folder)
    assert np.array_equal(with_them.encode(["card"]), without.encode([ANSWER + "card"]))
    assert np.array_equal(with_them.encode_queries(["card"]), without.encode_queries([ASKED + "card"]))
    named = BundledEncoder(str(tmp_path / "made"))
    assert np.array_equal(named.encode_queries(["card"]), with_them.encode_queries(["card"]))


def test_an_untuned_encoder_is_searched_with_what_it_was_published_with(folder: Path) -> None:
    plain = load_encoder(folder)
    assert BundledEncoder(str(folder)).model == str(folder)
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": {"query": ASKED}}))
    asked = BundledEncoder(str(folder))
    assert np.array_equal(asked.encode_queries(["card"]), plain.encode([ASKED + "card"]))
    assert np.array_equal(asked.encode(["card"]), plain.encode(["card"]))
    assert asked.model == str(folder), "an index made without a prefix for queries still holds"
    prompts = {"query": ASKED, "passage": ANSWER}
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    both = BundledEncoder(str(folder))
    assert np.array_equal(both.encode(["card"]), plain.encode([ANSWER + "card"]))
    # Its vectors must not land in one index with those that were read as they are.
    assert both.model == BundledEncoder(str(folder)).model == f"{folder} (late passage: …)"


def test_an_encoder_that_cannot_be_had_is_named_and_missed_where_it_is_read(tmp_path: Path) -> None:
    gone = BundledEncoder(str(tmp_path / "gone"))
    assert gone.model == str(tmp_path / "gone")
    with pytest.raises(ModelNotFound, match="folder"):
        gone.encode(["card"])


def test_an_adaptation_passes_them_on(folder: Path) -> None:
    recipe = AdaptationRecipe(encoder=str(folder))
    task = AdaptationTask(recipe, unique_texts([f"where is my card {row}" for row in range(20)], "texts.txt"))
    adapter = task.adapter(source(folder, "intfloat/multilingual-e5-small"))
    assert isinstance(adapter, AdaptationAdapter)
    assert adapter.prefixes == Prefixes("query: ", "passage: ")
    assert adapter.rows[0]["input_ids"] == adapter.tokens(task.parts[0][:1]).ids[0], "texts are learned as they are"


def test_they_are_set_from_the_command_line_with_their_blank() -> None:
    recipe = recipe_of(find_task("matching"), {}, ["query_prefix=query: ", "document_prefix="])
    assert (recipe.query_prefix, recipe.document_prefix) == ("query: ", "")
    assert recipe_of(find_task("matching"), {}, []).query_prefix is None


def test_it_reaches_the_tokenizer_and_is_no_part_of_the_text(tiny_encoder: Path) -> None:
    tokens = Tokens(tiny_encoder, max_tokens=32)
    read = tokens.after("my card ")
    assert read(["where is"]).ids == tokens(["my card where is"]).ids
    assert tokens(["where is"]).ids != read(["where is"]).ids, "the tokenizer that it was made from stays"
    (spans,) = read.located(["where is"])[1]
    assert spans == [(0, 0), (0, 0), (0, 0), (0, 5), (6, 8), (0, 0)]


def dataset() -> MatchingDataset:
    words = ("card", "parcel", "money")
    queries = {f"q{row}": f"where is my {words[row % 3]} {row}" for row in range(40)}
    documents = {word: f"the {word} is late" for word in words}
    return MatchingDataset(documents, queries, tuple(Judged(f"q{row}", words[row % 3], 1.0) for row in range(40)), "f")


def prepared(folder: Path, **changes: Any) -> Any:
    recipe = MatchingRecipe(encoder=str(folder), epochs=1, batch_size=8, precision="fp32", **changes)
    return make_task(recipe, dataset()).adapter(resolve_encoder(str(folder)))


def test_each_side_of_a_training_row_is_read_after_its_own(tiny_encoder: Path) -> None:
    adapter = prepared(tiny_encoder, query_prefix=ASKED, document_prefix=ANSWER)
    plain = Tokens(tiny_encoder, max_tokens=64)
    batch = adapter.collate([adapter.rows[0]])
    length = batch["attention_mask"][0].sum(dim=1).tolist()
    query, document = adapter._material.pairs[0]
    ids = [row[:end].tolist() for row, end in zip(batch["input_ids"][0], length, strict=True)]
    assert ids == plain([ASKED + query, ANSWER + dataset().documents[document]]).ids


def test_the_recipe_goes_before_the_encoder(folder: Path) -> None:
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "ask: ", "document": "say: "}})
    )
    assert prepared(folder).prefixes == Prefixes("ask: ", "say: ")
    assert prepared(folder, query_prefix="").prefixes == Prefixes("", "say: ")
    assert prepared(folder, query_prefix=ASKED, document_prefix="").prefixes == Prefixes(ASKED)
    with pytest.raises(UsageError, match="room to the text"):
        prepared(folder, max_tokens=8)
    with pytest.raises(UsageError, match="query_prefix"):
        MatchingRecipe(query_prefix="x" * 201)


@pytest.fixture(scope="module")
def trained(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelVersion:
    home = tmp_path_factory.mktemp("home")
    recipe = MatchingRecipe(
        encoder=str(tiny_encoder),
        epochs=1,
        batch_size=8,
        precision="fp32",
        query_prefix=ASKED,
        document_prefix=ANSWER,
    )
    order = Order(ModelRegistry(home / "models"), "faq", home / "runs", NullProgress(), "ann", "a test")
    # Registering it asks a fresh process for the vectors of both sides.
    return train_task(recipe, make_task(recipe, dataset()), order)


@pytest.mark.slow
def test_a_version_reads_with_them_wherever_it_is_asked(trained: ModelVersion, tmp_path: Path) -> None:
    assert trained.card["read_before"] == {"query": ASKED, "document": ANSWER}
    assert f"before each query it reads “{ASKED}”" in measured(trained)
    matcher = load_matcher(trained)
    assert matcher.prefixes == Prefixes(ASKED, ANSWER)
    texts = list(matcher.documents.values())
    # The same weights in a folder that names none: what was read by hand must come out to the last digit.
    plain = Path(shutil.copytree(trained.folder, tmp_path / "plain"))
    write_model_file(plain, ModelFile("matching", 128, options={"also": ["encoder"], "system": "vectors"}))
    bare = FolderMatcher(plain, model="bare")
    assert bare.prefixes == Prefixes()
    assert np.array_equal(matcher.encode(texts), bare.encode([ANSWER + text for text in texts]))
    assert np.array_equal(matcher.encode_queries(texts), bare.encode_queries([ASKED + text for text in texts]))
    assert not np.allclose(matcher.encode_queries(texts), matcher.encode(texts), atol=1e-3)
    assert np.array_equal(bare.encode_queries(texts), bare.encode(texts))
    # Documents as they were indexed, the one pair of vectors that a reload repeats, the folder as an encoder.
    np.testing.assert_allclose(matcher.document_vectors, matcher.encode(texts), atol=1e-6)
    repeated = answers(trained.folder, texts)[1]
    assert np.array_equal(repeated, np.hstack([matcher.encode_queries(texts), matcher.encode(texts)]))
    encoder = load_encoder(trained.folder)
    assert np.array_equal(encoder.encode(texts), matcher.encode(texts))
    assert np.array_equal(encoder.encode_queries(texts), matcher.encode_queries(texts))
    served = ServedEncoder(ModelRegistry(trained.folder.parents[1]), "faq")
    assert np.array_equal(served.encode(texts), matcher.encode(texts))
    assert np.array_equal(served.encode_queries(texts), matcher.encode_queries(texts))
    # Asked and measured.
    (found,) = matcher.match(["where is my card"], 3, system="vectors")
    cosines = matcher.document_vectors @ matcher.encode_queries(["where is my card"])[0]
    assert [one.score for one in found] == pytest.approx(sorted(cosines.tolist(), reverse=True))
    few = dataset().subset(["q1", "q2"])
    ranked = matcher.rankings(few)
    vectors = bare.encode([ANSWER + text for text in few.documents.values()])
    best = (bare.encode([ASKED + text for text in few.queries.values()]) @ vectors.T).max(axis=1)
    assert list(ranked.cosines["vectors"].values()) == pytest.approx(best.tolist(), abs=1e-5)


@pytest.mark.slow
def test_they_are_no_words_of_the_query(trained: ModelVersion) -> None:
    attributor = MatchingAttributor(trained.folder, model=trained.ref)
    (found,) = explain(attributor, ["where is my card"])
    assert [word.text for word in found.words] == ["where", "is", "my", "card"]
    (answer,) = attributor.answers(["where is my card"])
    (one,) = attributor.integrated_gradients(["where is my card"], answer)
    matcher = load_matcher(trained)
    query = matcher.encode_queries(["where is my card"])[0]
    assert one.score == pytest.approx(float(max(matcher.document_vectors @ query)), abs=1e-5)
    inside = [end > start for start, end in one.spans]
    assert sum(inside) == 4
    assert not np.asarray(one.values)[~np.array(inside)].any()
    assert np.asarray(one.values)[inside].any()


@pytest.mark.slow
def test_an_engine_is_judged_with_them(trained: ModelVersion) -> None:
    from portside.evaluation.matching import evaluate_matcher
    from portside.inference.engines.subjects.matching import subject
    from portside.inference.network import as_forward, best_device

    asked = subject(trained, dataset())
    assert asked.quality is not None
    report = evaluate_matcher(load_matcher(trained), dataset())
    forward = as_forward(asked.network, asked.outputs, device=best_device())
    vectors = asked.ask(forward, range(asked.rows))
    assert asked.quality(vectors) == pytest.approx(report.systems["vectors"].ndcg_at_10, abs=1e-6)
