"""``--language``: in which language a command writes a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from portside.evaluation.report.words import Translate

__all__ = ["LANGUAGE_HELP", "Wording", "wording_of"]

LANGUAGE_HELP = "Language of the page: en or zh."
PAGES = "portside_ui.words"
"""Where the suite's pages have their words. Found by its address, as apps are: the core imports no page."""


class Wording(NamedTuple):
    """How a page is written in one language."""

    language: str
    """As HTML calls it."""
    translate: Translate


def wording_of(code: str) -> Wording:
    """The words of the suite's own pages in the language ``code``.

    Raises:
        UsageError: the pages do not speak it.
    """
    from portside.apps import load
    from portside.errors import UsageError

    known: list[str] = list(load(f"{PAGES}:LANGUAGES"))
    if code not in known:
        raise UsageError(
            "--language names a language of the suite's pages",
            seen=code or "nothing",
            remedy="Say " + " or ".join(f"--language {one}" for one in known),
        )
    return Wording(load(f"{PAGES}:HTML_LANGUAGES")[code], load(f"{PAGES}:catalogue")(code).gettext)
