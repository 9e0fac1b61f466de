"""Try a sentence: what the model says of it, and which words made it say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from portside.registry import ModelVersion
from portside_ui.charts import COLOURS, figure, show_chart
from portside_ui.frame import KeyFigure, key_figures, section, working
from portside_ui.models.candidates import candidates_part
from portside_ui.models.explaining import explained_part
from portside_ui.models.holdings import MATCHING
from portside_ui.runtime import Runtime
from portside_ui.why import plain
from portside_ui.words import _, percent

if TYPE_CHECKING:
    from portside.evaluation.attribution import Explanation
    from portside.inference.tagger import FolderTagger

__all__ = ["trying_part"]

LABELS_SHOWN = 5
ANSWERS_EXPLAINED = 3
"""Of those that a text gets, the likeliest first."""


def trying_part(runtime: Runtime, version: ModelVersion) -> None:
    """Draw a box for a sentence, the answer and the reason; for a model that finds texts, boxes of its own."""
    if version.card.get("task") == MATCHING:
        candidates_part(runtime, version)
        return
    text = st.text_area(
        _("A sentence of yours"), key="models-try-text", height=90, max_chars=4000,
        placeholder=_("Write as your customers would"),
    ).strip()  # fmt: skip
    pressed = st.button(_("Try it"), key="models-try", type="primary", disabled=not text)
    if pressed:
        st.session_state["models-tried"] = (version.ref, text)
    tried = st.session_state.get("models-tried")
    if not tried or tried[0] != version.ref:
        return
    with working(_("Reading the model")):
        task = version.card.get("task")
        if task == "classification":
            _classified(runtime, version, tried[1])
        elif task == "multilabel":
            _labelled(runtime, version, tried[1])
        elif task == "tagging":
            _tagged(runtime, version, tried[1])
        else:
            st.caption(_("This kind of model answers in its app, not here."))


@st.cache_resource(show_spinner=False, max_entries=2)
def _loaded(folder: str, task: str, _version: ModelVersion, _threads: int) -> Any:
    from portside.inference.attributor import load_attributor

    return load_attributor(_version, threads=_threads)


@st.cache_resource(show_spinner=False, max_entries=2)
def _tagger(folder: str, _version: ModelVersion, _threads: int) -> FolderTagger:
    from portside.inference.tagger import load_tagger

    return load_tagger(_version, threads=_threads)


def _classified(runtime: Runtime, version: ModelVersion, text: str) -> None:
    from portside.evaluation.attribution import explain
    from portside.inference.classifier import predictions

    model = _loaded(str(version.folder), "classification", version, runtime.settings.threads)
    (said,) = predictions(model.logits([text]), model.labels, model.gate, model=model.model)
    key_figures([KeyFigure(_("Answer"), said.label), KeyFigure(_("How sure"), percent(said.confidence))])
    if said.outside:
        st.info(_("This is unlike everything the model learned: perhaps none of its labels fits."))
    if model.gate is not None and model.gate.reading is not None:
        st.caption(_("The chance that none of its labels fits is {share}.", share=percent(said.none_fits)))
    ranked = sorted(said.probabilities.items(), key=lambda one: -one[1])[:LABELS_SHOWN]
    _probabilities([label for label, _share in ranked], [share for _label, share in ranked])
    section(_("Which words made it say so"))
    explained_part(explain(model, [text])[0], "models-try-words")


def _probabilities(labels: Sequence[str], shares: Sequence[float]) -> None:
    fig = figure(hovermode="closest", showlegend=False)
    fig.add_bar(x=list(shares), y=list(labels), orientation="h", marker_color=COLOURS.selection)
    fig.update_yaxes(autorange="reversed", type="category")
    fig.update_xaxes(tickformat=".0%", range=[0, 1])
    summary = _(
        "The likeliest labels; second is {label} with {share}.", label=plain(labels[1]), share=percent(shares[1])
    )
    table = pd.DataFrame({_("Label"): list(labels), _("Probability"): [percent(share) for share in shares]})
    show_chart(fig, summary=summary, table=table, key="models-try-labels", height=70 + 32 * len(labels))


def _labelled(runtime: Runtime, version: ModelVersion, text: str) -> None:
    import numpy as np

    from portside.evaluation.attribution import explain

    model = _loaded(str(version.folder), "multilabel", version, runtime.settings.threads)
    shares = 1.0 / (1.0 + np.exp(-model.log_odds([text])[0]))
    ranked = np.argsort(-shares, kind="stable")
    given = [model.labels[place] for place in ranked if shares[place] >= model.threshold]
    st.markdown(_("It gives: {labels}", labels=plain(", ".join(given))) if given else _("It gives no label."))
    if len(ranked) > 1:
        some = ranked[:LABELS_SHOWN]
        _probabilities([model.labels[place] for place in some], [float(shares[place]) for place in some])
    section(_("Which words made it say so") if given else _("Which words speak for the likeliest label"))
    _each_explained(explain(model, [text], most=ANSWERS_EXPLAINED))


def _each_explained(answers: Sequence[Explanation]) -> None:
    for place, found in enumerate(answers):
        if len(answers) > 1:
            st.markdown(f"**{plain(found.label)}**")
        explained_part(found, f"models-try-words-{place}")


def _tagged(runtime: Runtime, version: ModelVersion, text: str) -> None:
    from portside.evaluation.attribution import explain

    found = _tagger(str(version.folder), version, runtime.settings.threads).entities([text])[0]
    if not found:
        st.markdown(_("It finds no name."))
        return
    rows = [
        {_("Found"): one.text, _("What it is"): one.type, _("How sure"): percent(one.confidence), _("From"): one.start}
        for one in found
    ]
    st.dataframe(pd.DataFrame(rows), width="stretch", hide_index=True, key="models-try-entities")
    model = _loaded(str(version.folder), "tagging", version, runtime.settings.threads)
    section(_("Which words made it say so"))
    _each_explained(explain(model, [text], most=ANSWERS_EXPLAINED))
