from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from portside.data.words import split_words
from portside.errors import ModelError, UsageError
from portside.evaluation.attribution import explain
from portside.inference.attributor import Variant
from portside.inference.folder import read_model_file, write_model_file
from portside.inference.tagger import FolderTagger
from portside.inference.tagging_attributor import TaggingAttributor
from portside.tasks.tagging import case_of

TEXT = "where is my Parcel, please"
LONG = "The card is late. Where is my Money? " * 4
TYPES = ("PER", "LOC")


@pytest.fixture
def folder(tmp_path: Path, save_task: Callable[[Path, str], None]) -> Path:
    save_task(tmp_path / "1", "tagging")
    return tmp_path / "1"


@pytest.fixture(params=[True, False], ids=["case", "no case"])
def either(request: pytest.FixtureRequest, folder: Path) -> Path:
    """With and without what is added for a word's case."""
    if not request.param:
        from safetensors.torch import load_file, save_file

        file = read_model_file(folder, task="tagging")
        write_model_file(folder, replace(file, options={"context": 4}))
        weights = {name: value for name, value in load_file(folder / "model.safetensors").items() if "case" not in name}
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("text", [TEXT, LONG])
def test_each_name_that_the_tagger_finds_is_explained_the_surest_first(folder: Path, text: str) -> None:
    (names,) = FolderTagger(folder, model="m:1").entities([text])
    names.sort(key=lambda one: -one.confidence)
    found = explain(TaggingAttributor(folder, model="m:1"), [text], most=None)
    assert [(one.answer.key, one.answer.spans[0][0], one.answer.spans[-1][1]) for one in found] == [
        (one.type, one.start, one.end) for one in names
    ]
    assert [one.label for one in found] == [f"{one.type}: {one.text}" for one in names]


def test_the_score_is_the_log_odds_of_the_type_mean_over_the_names_words(either: Path) -> None:
    tagger = FolderTagger(either, model="m:1")
    words = [word.text for word in split_words(TEXT)]
    (rows,) = tagger.probabilities([words])
    attributor = TaggingAttributor(either, model="m:1")
    (answers,) = attributor.answers([TEXT])
    assert answers
    for answer in answers:
        own = [place for place, word in enumerate(split_words(TEXT)) if (word.start, word.end) in answer.spans]
        chances = rows[own][:, [place for place, tag in enumerate(tagger.tags) if tag.endswith(answer.key)]].sum(axis=1)
        wanted = np.log(chances / (1 - chances)).mean()
        assert attributor.scores([Variant(TEXT, answer)]) == pytest.approx([wanted], abs=1e-4)


def test_gradients_are_complete_with_and_without_cases(either: Path) -> None:
    for one in explain(TaggingAttributor(either, model="m:1"), [TEXT, LONG], most=None):
        assert one.completeness.gap <= max(0.05 * abs(one.completeness.difference), 1e-4)


def test_all_words_left_out_are_the_text_that_says_nothing(folder: Path) -> None:
    attributor = TaggingAttributor(folder, model="m:1")
    (answers,) = attributor.answers([TEXT])
    for answer in answers:
        (found,) = attributor.integrated_gradients([TEXT], [answer])
        gone = tuple((word.start, word.end) for word in split_words(TEXT))
        assert attributor.scores([Variant(TEXT, answer, gone)]) == pytest.approx([found.baseline], abs=1e-4)


def test_a_word_left_out_keeps_its_place(folder: Path) -> None:
    import torch

    text = "my card is lost"  # four words, a token each, after one special token
    attributor, words = TaggingAttributor(folder, model="m:1"), split_words(text)
    ((answer, *_),) = attributor.answers([text])
    own = [place for place, word in enumerate(words) if (word.start, word.end) in answer.spans]
    gone = next((place for place in range(len(words)) if place not in own), 0)
    network, tokens, _device = attributor._ready()
    ids, cases = tokens([text]).ids[0], [0, *(case_of(word.text) for word in words), 0]
    ids[1 + gone], cases[1 + gone] = tokens.pad_id, 0
    with torch.no_grad():
        seen = network(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.long), torch.tensor([cases]))
    tags = FolderTagger(folder, model="m:1").tags
    chances = seen["logits"][0].softmax(dim=1)[:, [tag.endswith(answer.key) for tag in tags]].sum(dim=1)
    wanted = (chances / (1 - chances)).log()[[1 + place for place in own]].mean()
    left_out = Variant(text, answer, ((words[gone].start, words[gone].end),))
    assert attributor.scores([left_out]) == pytest.approx([float(wanted)], abs=1e-4)


def test_of_a_long_text_the_words_around_the_name_are_shown(folder: Path) -> None:
    found = explain(TaggingAttributor(folder, model="m:1"), [LONG], most=None)
    assert found
    for one in found:
        assert one.window
        assert "words around the name were read for it" in one.sentence
        starts, ends = [word.start for word in one.words], [word.end for word in one.words]
        assert min(starts) <= one.answer.spans[0][0] < max(ends)
        assert len(one.words) <= 14  # 16 tokens, two of them special
    assert {one.words[0].start for one in found} != {0}, "some names stand further on"


def test_words_outside_the_window_have_no_say(folder: Path) -> None:
    attributor = TaggingAttributor(folder, model="m:1")
    for one in explain(attributor, [LONG], most=None):
        inside = {(word.start, word.end) for word in one.words}
        gone = tuple((word.start, word.end) for word in split_words(LONG) if (word.start, word.end) not in inside)
        whole, without = attributor.scores([Variant(LONG, one.answer), Variant(LONG, one.answer, gone)])
        assert without == pytest.approx(whole, abs=1e-6)


def test_another_type_can_be_asked_about(folder: Path) -> None:
    attributor = TaggingAttributor(folder, model="m:1")
    own = explain(attributor, [TEXT])[0]
    other = next(one for one in TYPES if one != own.answer.key)
    asked = explain(attributor, [TEXT], label=other)[0]
    assert (asked.answer.key, asked.predicted) == (other, own.label)
    assert asked.level < own.level
    with pytest.raises(UsageError, match="Known labels: PER, LOC"):
        explain(attributor, [TEXT], label="ORG")


def test_a_text_without_a_name_has_no_explanation(folder: Path) -> None:
    assert explain(TaggingAttributor(folder, model="m:1"), ["", " "]) == []


def test_a_classifier_is_refused(tmp_path: Path, save_task: Callable[[Path, str], None]) -> None:
    save_task(tmp_path, "classification")
    with pytest.raises(ModelError, match="for tagging is needed"):
        TaggingAttributor(tmp_path, model="m:1")
