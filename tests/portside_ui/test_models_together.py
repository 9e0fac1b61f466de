"""Two people decide about the same model: a button does what the page said when it was pressed, or says why not."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from portside.registry import ModelRegistry
from portside.settings import Settings
from tests.portside_ui.test_suite_pages import opened, part, register


@pytest.fixture
def registry(empty_home: Settings) -> ModelRegistry:
    """Three versions, the first of which serves."""
    for accuracy in (0.7, 0.8, 0.9):
        register(empty_home, accuracy)
    return ModelRegistry(empty_home.models_dir)


def others_promote(registry: ModelRegistry, version: int) -> None:
    registry.promote("intents", version, actor="ann", reason="meanwhile")


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=f"models-{key}").click().run()
    assert not page.exception, page.exception
    assert not page.error, [one.value for one in page.error]
    return page


def serving(page: AppTest) -> list[int]:
    """The versions that serve, as the page shows them."""
    table = page.dataframe[0].value
    return [int(row[0]) for row in table.itertuples(index=False) if "champion" in row[1] or "正式版本" in row[1]]


def done(registry: ModelRegistry) -> list[tuple[str, int, str]]:
    """What was decided since the versions are there."""
    decided = {"promoted", "rolled back"}
    return [(one.action, one.version, one.actor) for one in registry.history("intents") if one.action in decided]


def test_two_who_choose_the_same_version_do_not_promote_a_third(empty_home: Settings, registry: ModelRegistry) -> None:
    page = opened(empty_home, "models")
    page.selectbox(key="models-promote-version").select(2).run()
    others_promote(registry, 2)
    press(page, "promote")
    assert serving(page) == [2]
    assert done(registry) == [("promoted", 2, "ann")]


def test_a_version_that_was_added_meanwhile_is_not_promoted_unseen(
    empty_home: Settings, registry: ModelRegistry
) -> None:
    page = opened(empty_home, "models")
    assert page.selectbox(key="models-promote-version").value == 3
    register(empty_home, 0.95)
    press(page, "promote")
    assert serving(page) == [3]


def test_two_who_choose_different_versions_both_get_their_turn(empty_home: Settings, registry: ModelRegistry) -> None:
    page = opened(empty_home, "models")
    page.selectbox(key="models-promote-version").select(2).run()
    others_promote(registry, 3)
    press(page, "promote")
    assert serving(page) == [2]
    assert done(registry) == [("promoted", 3, "ann"), ("promoted", 2, "tester")]
    assert [one.value for one in page.toast] == ["Meanwhile somebody had made version 3 serve. Now version 2 does."]


@pytest.mark.parametrize(
    ("language", "told"), [("en", "Version 3 must still serve"), ("zh", "须仍在使用版本 3")], ids=["en", "zh"]
)
def test_who_rolls_back_does_not_undo_what_they_have_not_seen(
    empty_home: Settings, registry: ModelRegistry, language: str, told: str
) -> None:
    others_promote(registry, 3)
    page = opened(empty_home, "models", language)
    others_promote(registry, 2)
    press(page, "rollback")
    assert any(told in one.value for one in page.warning), [one.value for one in page.warning]
    assert serving(page) == [2]
    assert page.run().warning, "it stays when the page is drawn anew by itself"
    press(page, "rollback")
    assert serving(page) == [3]
    assert not page.warning
    assert [one[:2] for one in done(registry)] == [("promoted", 3), ("promoted", 2), ("rolled back", 3)]


def test_a_version_that_was_deleted_meanwhile_is_advice(empty_home: Settings, registry: ModelRegistry) -> None:
    page = opened(empty_home, "models")
    page.selectbox(key="models-promote-version").select(2).run()
    registry.delete("intents", 2, "ann", "old")
    press(page, "promote")
    assert any("no version 2" in one.value for one in page.warning)
    assert serving(page) == [1]
    assert done(registry) == []
    assert not part(part(page, "try"), "versions").warning, "it is no longer of interest after a look elsewhere"
