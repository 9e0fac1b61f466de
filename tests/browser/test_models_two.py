"""Two people decide about the same model at once, each in a browser of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from portside.registry import ModelRegistry
from tests.browser.test_from_file_to_model import champion, pick, table, until
from tests.served_suite import Suite, served, wait_until_drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]
STARTED_SECONDS = 60
DRAWN = 30_000
"""Milliseconds on a busy machine."""
NAME = "intents"
SHOWN = 4
"""Of the history: a page holds those that fit into its table."""
REFUSED = "must still serve when it is rolled back"


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """A suite with one model of three versions: nothing is asked of it, so nothing is trained."""
    home = tmp_path_factory.mktemp("two")
    registry = ModelRegistry(home / "models")
    for accuracy in (0.7, 0.8, 0.9):
        with registry.staging(NAME) as folder:
            (folder / "model.safetensors").write_bytes(b"weights")
            metrics = {"validation": {"accuracy": accuracy, "n": 1200}}
            card = {"task": "classification", "labels": ["no", "yes"], "metrics": metrics}
            registry.register(NAME, folder, card, actor="ann", reason="first", check=lambda _folder: None)
    with served(home, ["ui"], patience_seconds=STARTED_SECONDS) as running:
        yield running


@pytest.fixture(scope="module")
def opened(browser: Browser, suite: Suite) -> Iterator[tuple[Page, Page]]:
    """The same model in two browsers that know nothing of each other."""
    contexts = [browser.new_context(viewport={"width": 1280, "height": 900}) for _person in range(2)]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        page.set_default_timeout(DRAWN)
        page.goto(f"{suite.url}/models?lang=en&models-name={NAME}", wait_until="commit")
    for page in pages:
        wait_until_drawn(page)
    yield pages[0], pages[1]
    for context in contexts:
        context.close()


@pytest.fixture
def registry(suite: Suite) -> ModelRegistry:
    """Version 3 serves, and 1 served before."""
    found = ModelRegistry(suite.home / "models")
    for version in (1, 3):
        found.promote(NAME, version, actor="ann", reason="to begin with")
    return found


@pytest.fixture
def two(opened: tuple[Page, Page], registry: ModelRegistry) -> tuple[Page, Page]:
    """Both people see version 3 serve: their pages notice by themselves."""
    for page in opened:
        until(champion(page), ["3"])
    return opened


def because(page: Page, why: str) -> None:
    reason = page.get_by_role("textbox", name="Reason")
    reason.fill(why)
    reason.press("Enter")
    wait_until_drawn(page)


def press(page: Page, name: str) -> None:
    """Press a button and wait for nothing: the other person presses theirs meanwhile."""
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_be_enabled()
    button.evaluate("one => one.click()")


def history(page: Page) -> Callable[[], list[tuple[str, str, str]]]:
    """What was decided last, about which version and why, the newest first, as the page shows it."""
    return lambda: [(row["What"], row["Version"], row["Why"]) for row in table(page, "Why")[:SHOWN]]


def events(registry: ModelRegistry) -> list[tuple[str, str, str]]:
    return [(one.action, str(one.version), str(one.reason)) for one in reversed(registry.history(NAME))]


def all_agree(pages: tuple[Page, Page], registry: ModelRegistry, suite: Suite) -> None:
    """Both pages say what the registry says, without being asked to; nothing went wrong on the way."""
    for page in pages:
        until(champion(page), [str(registry.aliases(NAME)["champion"])])
        until(history(page), events(registry)[:SHOWN])
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page.get_by_text("Something went wrong")).to_have_count(0)
    assert "Traceback" not in (suite.home / "server.log").read_text(errors="replace")
    assert registry.resolve(NAME).version == registry.aliases(NAME)["champion"]


@pytest.mark.parametrize(("first", "second"), [("1", "2"), ("2", "2")])
def test_two_promote_at_once(
    two: tuple[Page, Page], registry: ModelRegistry, suite: Suite, first: str, second: str
) -> None:
    before = len(events(registry))
    for page, version, why in zip(two, (first, second), ("Ann says so", "Ben says so"), strict=True):
        because(page, why)
        pick(page, "Version to serve", version)
        wait_until_drawn(page)
    for page in two:
        press(page, "Promote")
    wanted = {(version, why) for version, why in ((first, "Ann says so"), (second, "Ben says so"))}
    if first == second:  # the second of the two has nothing left to do
        until(lambda: registry.aliases(NAME)["champion"], int(first))
        for page in two:
            expect(page.get_by_role("button", name="Promote", exact=True)).to_be_disabled()
    else:
        until(lambda: {one[1:] for one in events(registry)[:-before] if one[0] == "promoted"}, wanted)
    all_agree(two, registry, suite)
    done = [one[1:] for one in events(registry)[:-before] if one[0] == "promoted"]
    assert len(done) == len({first, second})
    assert set(done) <= wanted
    assert done[0][0] == str(registry.aliases(NAME)["champion"]), "the newest is the one that serves"


def test_one_promotes_while_the_other_rolls_back(two: tuple[Page, Page], registry: ModelRegistry, suite: Suite) -> None:
    ann, ben = two
    before = len(events(registry))
    because(ann, "Ann says so")
    pick(ann, "Version to serve", "2")
    because(ben, "Ben says no")
    press(ann, "Promote")
    press(ben, "Roll back")
    refused = ben.get_by_text(REFUSED)

    def done() -> list[tuple[str, str, str]]:
        return [one for one in events(registry)[:-before] if one[0] in {"promoted", "rolled back"}]

    until(lambda: len(done()) + refused.count(), 2)
    all_agree(two, registry, suite)
    if refused.count():
        assert done() == [("promoted", "2", "Ann says so")], "what Ben had not seen is not undone"
        press(ben, "Roll back")
        until(lambda: len(done()), 2)
        all_agree(two, registry, suite)
    assert {one[0] for one in done()} == {"promoted", "rolled back"}
