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


def test_a_zombie_is_not_alive() -> None:
    import psutil

    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    mark = ProcessMark(this_process().machine, child.pid, psutil.Process(child.pid).create_time())
    assert mark.is_alive() is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, not yet collected
    assert mark.is_alive() is False
    child.wait()


def test_a_later_process_of_the_same_number_is_another() -> None:
    assert replace(this_process(), started=this_process().started - 60).is_alive() is False


def test_a_process_of_another_machine_cannot_be_looked_up() -> None:
    assert replace(this_process(), machine="elsewhere").is_alive() is None


def test_a_mark_is_read_back_as_it_was_written() -> None:
    assert ProcessMark.parse(str(this_process())) == this_process()


@pytest.mark.parametrize("text", ["", "a", "a/b", "a/b/c", "a/1/x", "?"])
def test_other_texts_are_no_marks(text: str) -> None:
    assert ProcessMark.parse(text) is None
