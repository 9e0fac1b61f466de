"""The suite's own pages, drawn on a real registry and database."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from portside.registry import ModelRegistry
from portside.settings import Settings
from tests.drawn_pages import page_test


def draw(settings: object, page: str, language: str) -> None:
    """Runs inside AppTest, which copies this function's source without its module."""
    from importlib import import_module

    import streamlit as st

    from portside.apps import find_apps
    from portside.settings import Settings
    from portside_ui.runtime import configure
    from portside_ui.words import LANGUAGE_KEY

    st.session_state[LANGUAGE_KEY] = language
    assert isinstance(settings, Settings)
    import_module(f"portside_ui.{page}_page").render(configure(settings, find_apps()))


def opened(settings: Settings, page: str, language: str = "en") -> AppTest:
    arguments = {"settings": settings, "page": page, "language": language}
    drawn = page_test(draw, arguments).run()
    assert not drawn.exception, drawn.exception
    return drawn


def register(settings: Settings, accuracy: float) -> None:
    registry = ModelRegistry(settings.models_dir)
    with registry.staging("intents") as folder:
        (folder / "model.safetensors").write_bytes(b"weights")
        metrics = {"validation": {"accuracy": accuracy, "n": 1200}}
        card = {"task": "classification", "labels": ["no", "yes"], "summary": "Tells 2 labels apart"}
        registry.register(
            "intents", folder, {**card, "metrics": metrics}, actor="ann", reason="first", check=lambda _folder: None
        )


def test_without_models_the_page_says_what_to_do(empty_home: Settings) -> None:
    assert any("file of your own" in text.value for text in opened(empty_home, "models").caption)


def test_versions_are_listed_with_what_they_reach(empty_home: Settings) -> None:
    register(empty_home, 0.8125)
    register(empty_home, 0.9)
    table = opened(empty_home, "models").dataframe[0].value
    assert table["Version"].tolist() == [2, 1]
    assert table["Accuracy on held-out rows"].tolist() == ["90.0 %", "81.2 %"]
    assert table["Held-out rows"].tolist() == ["1,200", "1,200"]
    assert table["What it does"].tolist() == ["Tells 2 labels apart"] * 2


def test_a_version_is_promoted_and_rolled_back(empty_home: Settings) -> None:
    register(empty_home, 0.8)
    register(empty_home, 0.9)
    registry = ModelRegistry(empty_home.models_dir)
    before = registry.aliases("intents")["champion"]
    other = 3 - before
    page = opened(empty_home, "models")
    page.text_input(key="models-reason").set_value("better on Mondays").run()
    page.selectbox(key="models-promote-version").select(other).run()
    page.button(key="models-promote").click().run()
    assert registry.aliases("intents")["champion"] == other
    assert registry.history("intents")[-1].reason == "better on Mondays"
    page.button(key="models-rollback").click().run()
    assert registry.aliases("intents")["champion"] == before


def test_health_is_said_in_chinese(empty_home: Settings) -> None:
    states = opened(empty_home, "system", "zh").dataframe[0].value
    assert states["状态"].str.startswith("缺").any() or states["状态"].str.startswith("尚").any(), states
