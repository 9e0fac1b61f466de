"""Which words of a document are read together, and which of them are asked for. Pure: counts in, places out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Window", "plan_windows"]


class Window(NamedTuple):
    """Words ``left`` to ``right`` are read, ``start`` to ``end`` are asked for; ends are not included."""

    left: int
    start: int
    end: int
    right: int


def plan_windows(lengths: Sequence[int], sentences: Sequence[int], *, room: int, context: int) -> list[Window]:
    """Cut a document into windows of at most ``room`` pieces, each word asked for once.

    ``lengths`` has the pieces of each word (each at most ``room``), ``sentences`` the words of each sentence. A window
    asks for whole sentences as long as they leave ``context`` pieces on both sides; a longer sentence is cut between
    words. What is left of the room shows the words before and after.
    """
    ends = _sums(sentences)
    is_end = set(ends)
    before = [0, *_sums(lengths)]  # pieces before each word
    windows: list[Window] = []
    start = 0
    while start < len(lengths):
        end = _last_that_fits(ends, before, start, max(room - 2 * context, 1))
        if end is None:
            end = start + 1
            while end < len(lengths) and end not in is_end and before[end + 1] - before[start] <= room - context:
                end += 1
        windows.append(_widened(start, end, before, room))
        start = end
    return windows


def _sums(counts: Sequence[int]) -> list[int]:
    out, total = [], 0
    for count in counts:
        total += count
        out.append(total)
    return out


def _last_that_fits(ends: Sequence[int], before: Sequence[int], start: int, room: int) -> int | None:
    found = None
    for place in range(bisect_right(ends, start), len(ends)):
        end = ends[place]
        if before[end] - before[start] > room:
            break
        found = end
    return found


def _widened(start: int, end: int, before: Sequence[int], room: int) -> Window:
    left, right, last = start, end, len(before) - 1
    while True:
        used = before[right] - before[left]
        can_left = left > 0 and used + before[left] - before[left - 1] <= room
        can_right = right < last and used + before[right + 1] - before[right] <= room
        # The nearer side first, so that both sides show about as much.
        if can_left and (not can_right or before[start] - before[left] <= before[right] - before[end]):
            left -= 1
        elif can_right:
            right += 1
        else:
            return Window(left, start, end, right)
