"""Try a model that finds texts: which of a few texts answers a question, by how near each is."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from portside.data.findings import excerpt
from portside.errors import PortsideError, UsageError
from portside.inference.matcher import FolderMatcher, load_matcher
from portside.registry import ModelVersion
from portside.said import said
from portside_ui.charts import COLOURS, figure, show_chart
from portside_ui.frame import empty_state, error_state, section, working
from portside_ui.models.explaining import explained_part
from portside_ui.runtime import Runtime
from portside_ui.why import plain
from portside_ui.words import _, number

if TYPE_CHECKING:
    from portside.evaluation.attribution import Explanation
    from portside.inference.matching_attributor import MatchingAttributor

__all__ = ["Near", "candidates_part", "ranked"]

MOST_CANDIDATES = 200
"""Texts that are read while somebody waits."""
DRAWN = 15
NAME_CHARACTERS = 22
"""Of a text beside its bar: on a phone the bars need room, too."""


@dataclass(frozen=True)
class Near:
    """One text and how near it is to the question."""

    text: str
    cosine: float
    """From -1 to 1; 1: the same in the model's eyes."""


def ranked(model: FolderMatcher, question: str, texts: str) -> list[Near]:
    """The lines of ``texts`` by their cosine to the question, the nearest first; a line that stands twice counts once.

    Raises:
        UsageError: question or texts are missing, or they are too many to wait for.
    """
    lines = list(dict.fromkeys(line.strip() for line in texts.splitlines() if line.strip()))
    if not question.strip():
        raise UsageError("There must be a question", remedy="Write one, as your customers would")
    if not lines:
        raise UsageError("There must be texts to choose from", remedy="Paste a few, one a line")
    if len(lines) > MOST_CANDIDATES:
        raise UsageError(
            said("At most {most} texts are ranked here", most=MOST_CANDIDATES),
            seen=f"{len(lines):,}",
            remedy="Paste fewer, or ask from the command line: portside predict",
        )
    cosines = model.encode(lines) @ model.encode_queries([question.strip()])[0]
    return [Near(lines[place], float(cosines[place])) for place in (-cosines).argsort(kind="stable")]


def candidates_part(runtime: Runtime, version: ModelVersion) -> None:
    """Draw boxes for a question and for texts, and the texts in the order of the model."""
    with st.form("models-candidates", border=False):
        question = st.text_input(
            _("A question of yours"), key="models-try-question", max_chars=1000,
            placeholder=_("Write as your customers would"),
        )  # fmt: skip
        texts = st.text_area(
            _("Texts that may answer it, one a line"), key="models-try-candidates", height=160, max_chars=40_000
        )
        pressed = st.form_submit_button(_("Rank them"), key="models-rank", type="primary")
    if pressed:
        st.session_state["models-ranked"] = (version.ref, question, texts)
    asked = st.session_state.get("models-ranked")
    if not asked or asked[0] != version.ref:
        empty_state(
            _("Nothing ranked yet"),
            _("Write a question and paste a few texts: here they stand with the one that answers it best on top."),
            key="models-ranked-empty",
        )
        return
    try:
        with working(_("Reading the model")):
            found = ranked(_loaded(str(version.folder), version, runtime.settings.threads), asked[1], asked[2])
    except PortsideError as error:
        error_state(error)
        return
    _draw(found)
    section(_("Which words made it say so"))
    with working(_("Leaving words out")):
        explained_part(_why(version, asked[1].strip(), found[0].text, runtime.settings.threads), "models-ranked-words")


@st.cache_resource(show_spinner=False, max_entries=2)
def _loaded(folder: str, _version: ModelVersion, _threads: int) -> FolderMatcher:
    return load_matcher(_version, threads=_threads)


def _why(version: ModelVersion, question: str, text: str, threads: int) -> Explanation:
    """Which words of the question speak for the text that stands first."""
    from portside.evaluation.attribution import explain

    return explain(_attributor(str(version.folder), version, threads).among({"first": text}), [question])[0]


@st.cache_resource(show_spinner=False, max_entries=2)
def _attributor(folder: str, _version: ModelVersion, _threads: int) -> MatchingAttributor:
    from portside.inference.matching_attributor import MatchingAttributor

    return MatchingAttributor(_version.folder, model=_version.ref, threads=_threads)


def _draw(found: Sequence[Near]) -> None:
    section(_("Which text answers it best"))
    shown = found[:DRAWN]
    fig = figure(hovermode="closest", showlegend=False)
    # The place before the text keeps two texts with the same beginning apart; marks in it are no markup.
    names = [f"{place}. {html.escape(_cut(one.text), quote=False)}" for place, one in enumerate(shown, start=1)]
    fig.add_bar(x=[one.cosine for one in shown], y=names, orientation="h", marker_color=COLOURS.selection)
    fig.update_yaxes(autorange="reversed", type="category")
    fig.update_xaxes(title=_("nearness (cosine)"), range=[min(0.0, *(one.cosine for one in shown)), 1])
    table = pd.DataFrame(
        {
            _("Place"): list(range(1, len(found) + 1)),
            _("Text"): [one.text for one in found],
            _("Cosine"): [round(one.cosine, 3) for one in found],
        }
    )
    show_chart(fig, summary=_summary(found), table=table, key="models-ranked-texts", height=100 + 30 * len(shown))


def _cut(text: str) -> str:
    line = excerpt(text)
    return line if len(line) <= NAME_CHARACTERS else line[: NAME_CHARACTERS - 1] + "…"


def _summary(found: Sequence[Near]) -> str:
    best = found[0]
    slots = {"text": plain(excerpt(best.text)), "cosine": number(best.cosine, 2)}
    if len(found) == 1:
        return _("The only text, “{text}”, has {cosine}; 1 is the same meaning, 0 nothing in common.", **slots)
    return _(
        "Nearest of {n} texts is “{text}” with {cosine}, the next has {second}; 1 is the same meaning, 0 nothing "
        "in common.",
        **slots, n=number(len(found)), second=number(found[1].cosine, 2),
    )  # fmt: skip
