"""Work that pages wait for: begun once, found again where it is, stopped where nobody waits any more."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import pytest

from portside.errors import Cancelled, UsageError
from portside.progress import Progress
from portside.said import said
from portside_ui.models.waiting import bar_words
from portside_ui.models.works import ALONE_SECONDS, State, Work, Works
from tests.drawn_pages import page_test

PATIENCE = 10.0


class Clock:
    """Stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Steps:
    """A run that tells one step each time it is let go on."""

    def __init__(self) -> None:
        self.begun = 0
        self.told = Event()
        self.go = Event()

    def __call__(self, progress: Progress) -> str:
        self.begun += 1
        progress.update(1, 3)
        self.told.set()
        assert self.go.wait(PATIENCE)
        progress.update(2, 3)
        return "found"


def found(work: Work) -> object:
    assert work.ended(PATIENCE)
    return work.result()


def test_work_is_begun_once_and_kept() -> None:
    works, begun = Works(), []
    for _turn in range(2):
        assert found(works.join("key", lambda _progress: begun.append(1) or len(begun))) == 1
    assert found(works.join("other", lambda _progress: "other")) == "other"


def test_who_comes_while_it_goes_on_finds_it_where_it_is() -> None:
    works, steps = Works(), Steps()
    first = works.join("key", steps)
    assert steps.told.wait(PATIENCE)
    again = works.join("key", steps)
    assert again.state == State(1, 3)
    assert again.state.share == pytest.approx(1 / 3)
    assert not again.ended(0)
    steps.go.set()
    assert (found(first), found(again), steps.begun) == ("found", "found", 1)


def test_what_went_wrong_is_told_to_who_waits_and_tried_anew_afterwards() -> None:
    works = Works()

    def broken(_progress: Progress) -> str:
        raise UsageError("There must be rows")

    with pytest.raises(UsageError, match="rows"):
        found(works.join("key", broken))
    assert found(works.join("key", lambda _progress: "mended")) == "mended"


def left_for(seconds: float, look: Callable[[Work], object]) -> tuple[Work, Works, Steps]:
    clock, steps = Clock(), Steps()
    works = Works(clock=clock)
    work = works.join("key", steps)
    assert steps.told.wait(PATIENCE)
    clock.now = seconds
    look(work)
    steps.go.set()
    return work, works, steps


def test_work_that_nobody_waits_for_stops_and_is_begun_anew() -> None:
    work, works, steps = left_for(ALONE_SECONDS + 1, lambda _work: None)
    with pytest.raises(Cancelled):
        work.result()
    assert found(works.join("key", steps)) == "found"
    assert steps.begun == 2


@pytest.mark.parametrize("seconds", [ALONE_SECONDS - 1, 1000 * ALONE_SECONDS])
def test_work_that_somebody_looks_at_goes_on(seconds: float) -> None:
    work, _works, steps = left_for(seconds, lambda work: work.look())
    assert (found(work), steps.begun) == ("found", 1)


def test_the_result_that_was_longest_not_asked_for_is_forgotten() -> None:
    works = Works(kept=2)
    begun: list[str] = []
    for key in ("a", "b", "a", "c", "a", "b"):
        found(works.join(key, lambda _progress, key=key: begun.append(key)))  # type: ignore[misc]
    assert begun == ["a", "b", "c", "b"]


def test_a_bar_says_how_much_is_done() -> None:
    assert bar_words(State()) == "Starting"
    assert bar_words(State(412, 3080)) == "412 of 3,080"
    assert bar_words(State(1, 2, said("{done} of {total} texts read", done=1, total=2))) == "1 of 2 texts read"


def waiting(run: object) -> None:
    """Runs inside AppTest, which copies this function's source without its module."""
    import streamlit as st

    from portside_ui.models.waiting import waited_for

    st.markdown(waited_for("waiting-test", "Making", run))  # type: ignore[arg-type]


def test_a_page_that_is_drawn_anew_in_the_middle_finds_its_work_again() -> None:
    steps = Steps()
    page = page_test(waiting, {"run": steps})
    with pytest.raises(RuntimeError, match="timed out"):
        page.run(timeout=1)
    assert steps.told.is_set()
    steps.go.set()
    page.run()
    assert not page.exception, page.exception
    assert (page.markdown[0].value, steps.begun) == ("found", 1)
    assert not page.get("progress"), "the bar is gone"
    page.run()
    assert (page.markdown[0].value, steps.begun) == ("found", 1)
