from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from portside.processes import ProcessMark, this_process


def test_a_living_process_is_alive_and_an_ended_one_is_not() -> None:
    assert this_process().is_alive() is True
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert replace(this_process(), pid=ended.pid).is_alive() is False


def test_a_process_that_ended_but_was_not_collected_is_not_alive() -> None:
    program = "from portside.processes import this_process as t; import time; print(t(), flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    mark = ProcessMark.parse(child.stdout.readline().strip())
    assert mark is not None
    assert mark.is_alive() is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert mark.is_alive() is False
    child.communicate()


def test_a_process_from_before_the_machine_was_started_again_is_not_alive() -> None:
    assert replace(this_process(), boot="earlier").is_alive() is False


def test_a_later_process_of_the_same_number_is_another() -> None:
    assert replace(this_process(), started=this_process().started - 60).is_alive() is False


def test_a_process_of_another_machine_cannot_be_looked_up() -> None:
    assert replace(this_process(), machine="elsewhere").is_alive() is None


def test_a_mark_is_read_back_as_it_was_written() -> None:
    assert ProcessMark.parse(str(this_process())) == this_process()


@pytest.mark.parametrize("text", ["", "a", "a/b/1", "a/b/c/1", "a/b/1/x", "a/b/1/1/1", "?"])
def test_other_texts_are_no_marks(text: str) -> None:
    assert ProcessMark.parse(text) is None
