"""The upload of a file, in the reader's language: Streamlit's own one speaks English only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from portside_ui.words import _, language

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

__all__ = ["file_upload"]


def file_upload(label: str, types: Sequence[str], *, key: str) -> UploadedFile | None:
    """Draw the upload of one file of these kinds: the file, None where none was given."""
    if language() != "en":
        size = int(st.get_option("server.maxUploadSize"))
        limit = _("Up to {size} MB, {types}", size=size, types=", ".join(types).upper())
        st.html(_style(key, button=_("Upload"), limit=limit, drop=_("Drop the file here")))
    return st.file_uploader(label, type=list(types), key=key)


def _style(key: str, *, button: str, limit: str, drop: str) -> str:
    # Streamlit has no words to set. Its own are taken away, from screen readers too, and these stand in their place: in
    # an element that is drawn, so that they are read out and name the button. What another version of Streamlit draws
    # otherwise than this one stays English: nothing else depends on it.
    zone = f'.st-key-{key} [data-testid="stFileUploaderDropzone"]'
    press = f'{zone} > span button [data-testid="stMarkdownContainer"]'
    told = f'{zone} > [data-testid="stFileUploaderDropzoneInstructions"] > div'
    over = f"{zone} > div:not([data-testid]) > span:only-child"  # while a file is held above it
    return f"""<style>
{press} > p, {told} > span {{ display: none; }}
{press}::after {{ content: {_quoted(button)}; }}
{told}::after {{ content: {_quoted(limit)}; font-size: 0.875rem; opacity: 0.8; }}
{over} {{ font-size: 0; }}
{over}::after {{ content: {_quoted(drop)}; font-size: 0.875rem; }}
</style>"""


def _quoted(words: str) -> str:
    # As code points: no word can end the text or the style.
    return '"' + "".join(f"\\{ord(one):06x}" for one in words) + '"'
