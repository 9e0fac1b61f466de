"""When two texts, or two labels, are the same to a reader though their characters differ."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["clean", "has_control", "label_key", "text_key"]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_INVISIBLE = re.compile(r"[\u200b\u2060\ufeff]")
_LINK = re.compile(r"https?://\S+")


def clean(text: str) -> str:
    """The text with control characters as spaces, without zero-width ones, and without blanks at its ends."""
    return _INVISIBLE.sub("", _CONTROL.sub(" ", text)).strip()


def has_control(text: str) -> bool:
    """Whether a character in it is no text: NUL, an escape, half a surrogate pair."""
    return _CONTROL.search(text.strip()) is not None


def text_key(text: str) -> str:
    """Equal for texts that differ only by case, width, blanks or the addresses of links.

    Links are left out because news tweets carry a new short link each time; a text of nothing else keeps them.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_LINK.sub(" ", folded).split()) or " ".join(folded.split())


def label_key(label: str) -> str:
    """Equal for labels that differ only by case, width, blanks, hyphens or underscores."""
    return re.sub(r"[\s_\-]+", " ", unicodedata.normalize("NFKC", label).casefold()).strip()
