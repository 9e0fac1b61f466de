"""A model that finds texts, tried on the page: a question, a few texts, their order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from portside.errors import UsageError
from portside.inference.folder import ModelFile
from portside.inference.matcher import FolderMatcher, save_documents
from portside.registry import ModelRegistry
from portside.settings import Settings
from portside_ui.models.candidates import MOST_CANDIDATES, ranked
from tests.portside_ui.test_suite_pages import opened

DOCUMENTS = {"a": "the card is late", "b": "my parcel", "c": "money back please"}


def save_matcher(folder: Path, encoder: Path) -> None:
    """A matcher with the random weights of ``encoder``."""
    from portside.inference.network import pretrained_encoder
    from portside.inference.tokens import Tokens
    from portside.tasks.network_folder import save_network

    tokens = Tokens(encoder, max_tokens=16)
    file = ModelFile("matching", 16, options={"also": ["encoder"], "system": "vectors"})
    save_network(folder, pretrained_encoder(encoder), tokens, tokens.config, file)
    save_documents(folder, DOCUMENTS, np.zeros((3, 32), dtype=np.float32))


@pytest.fixture
def model(tiny_encoder: Path, tmp_path: Path) -> FolderMatcher:
    folder = tmp_path / "matcher"
    folder.mkdir()
    save_matcher(folder, tiny_encoder)
    return FolderMatcher(folder, model="faq:1")


@pytest.fixture
def home(empty_home: Settings, tiny_encoder: Path) -> Settings:
    registry = ModelRegistry(empty_home.models_dir)
    with registry.staging("faq") as folder:
        save_matcher(folder, tiny_encoder)
        card = {"task": "matching", "labels": [], "summary": "Finds texts"}
        registry.register("faq", folder, card, actor="ann", reason="first", check=lambda _folder: None)
    return empty_home


def test_the_text_that_is_the_question_is_nearest(model: FolderMatcher) -> None:
    found = ranked(model, " my parcel ", "the card is late\n\nmy parcel\n  money back please \nmy parcel\n")
    assert found[0].text == "my parcel"
    assert found[0].cosine == pytest.approx(1.0, abs=1e-5)
    assert sorted(one.text for one in found) == sorted(DOCUMENTS.values()), "blank lines and repeats do not count"
    assert [one.cosine for one in found] == sorted((one.cosine for one in found), reverse=True)


@pytest.mark.parametrize(
    ("question", "texts", "rule"),
    [
        (" ", "a", "must be a question"),
        ("a", " \n\n", "must be texts"),
        ("a", "\n".join(f"text {n}" for n in range(MOST_CANDIDATES + 1)), "At most 200"),
    ],
)
def test_what_is_missing_or_too_much_is_advice(model: FolderMatcher, question: str, texts: str, rule: str) -> None:
    with pytest.raises(UsageError, match=rule) as error:
        ranked(model, question, texts)
    assert error.value.remedy


def asked(page: AppTest, question: str, texts: str) -> AppTest:
    page.text_input(key="models-try-question").set_value(question)
    page.text_area(key="models-try-candidates").set_value(texts)
    page.button(key="models-rank").click().run()
    assert not page.exception, page.exception
    return page


def test_texts_are_ranked_on_the_page(home: Settings) -> None:
    page = opened(home, "models", part="try")
    assert any("Nothing ranked yet" in one.value for one in page.markdown)
    asked(page, "my parcel", "the card is late\nmy parcel\nmoney back please")
    table = next(frame.value for frame in page.dataframe if "Cosine" in frame.value)
    assert table["Place"].tolist() == [1, 2, 3]
    assert (table["Text"][0], table["Cosine"][0]) == ("my parcel", 1.0)
    assert any("Nearest of 3 texts is “my parcel” with 1.00" in one.value for one in page.caption)
    assert not any("Nothing ranked yet" in one.value for one in page.markdown)
    assert "Which words made it say so" in [one.value for one in page.subheader]
    assert any("for “my parcel”" in one.value for one in page.markdown)
    words = next(frame.value for frame in page.dataframe if "By gradients" in frame.value)
    assert words["Word"].tolist() == ["my", "parcel"]
    asked(page, "my parcel", "only <b>one</b> text")
    assert any(one.value.startswith("The only text") for one in page.caption)


def test_an_empty_box_is_a_calm_message_in_both_languages(home: Settings) -> None:
    assert "must be a question" in asked(opened(home, "models", part="try"), "", "a").warning[0].value
    assert "需要可供选择的文本" in asked(opened(home, "models", "zh", part="try"), "a", "").warning[0].value
