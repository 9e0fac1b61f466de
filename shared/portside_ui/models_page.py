"""From a file to a model that serves, without code: train, read the report, compare, try, promote, roll back."""

from __future__ import annotations

import streamlit as st

from portside.registry import ModelVersion
from portside_ui.frame import empty_state, filter_bar, page_header
from portside_ui.jobs_panel import job_panel
from portside_ui.models.reporting import comparison_part, report_part
from portside_ui.models.training import training_part
from portside_ui.models.trying import trying_part
from portside_ui.models.versions import versions_part
from portside_ui.runtime import Runtime
from portside_ui.visits import begin_visit
from portside_ui.words import _

__all__ = ["render"]

PARTS = ("versions", "report", "compare", "try", "train")


def render(runtime: Runtime) -> None:
    """Draw the part that the user chose, of the model and version that the user chose."""
    page_header(_("Models"), _("Which version of each model serves, how good is it, and who decided so?"))
    names = runtime.registry.names()
    if not names:
        empty_state(
            _("No model yet"),
            _("Train one here on a file of your own, or all apps on the samples with `portside demo`."),
            key="models-empty",
        )
        _train(runtime)
        return
    part = st.pills(
        _("What do you want to do?"),
        PARTS,
        default=PARTS[0],
        format_func=lambda one: {
            "versions": _("Versions"),
            "report": _("Report"),
            "compare": _("Compare"),
            "try": _("Try it"),
            "train": _("Train a model"),
        }[one],
        key="models-part",
        required=True,
        bind="query-params",
        label_visibility="collapsed",
    )
    begin_visit("part of the models page", part)
    if part == "train":
        _train(runtime)
        return
    with filter_bar():
        name = st.selectbox(_("Model"), names, key="models-name", bind="query-params")
        versions = runtime.registry.versions(name)
        version = _version(versions) if part != "versions" else None
    if not versions:
        empty_state(_("No version left"), _("All versions of this model were deleted."), key="models-none")
    elif version is None:
        versions_part(runtime, name, versions)
    elif part == "report":
        report_part(runtime, version)
    elif part == "compare":
        comparison_part(runtime, version, versions)
    else:
        trying_part(runtime, version)


def _train(runtime: Runtime) -> None:
    job_panel(["core.train"], "models-jobs")
    if any(job.state == "succeeded" for job in runtime.jobs.recent(kinds=["core.train"], limit=1)):
        st.caption(_("What to do next: read its report, try a sentence, then promote it under Versions."))
    training_part(runtime)


def _version(versions: list[ModelVersion]) -> ModelVersion | None:
    newest_first = sorted(versions, key=lambda each: -each.version)
    numbers = [each.version for each in newest_first]
    chosen = st.selectbox(_("Version"), numbers, key="models-version")
    return next((each for each in newest_first if each.version == chosen), None)
