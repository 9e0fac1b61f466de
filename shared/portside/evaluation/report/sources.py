"""Which rows a model was measured on, of any task, and which of them it was trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from portside.evaluation.intervals import wilson
from portside.evaluation.report.parts import Figure, Section, percent
from portside.evaluation.report.rows import LEAK, NEARLY, few_leaks
from portside.said import said

__all__ = ["source_section"]


def source_section(
    source: str, texts: Sequence[str], seen: Callable[[str], bool] | None, *, warnings: Sequence[str] = ()
) -> Section:
    """``source`` is the sentence that names the rows; ``seen`` tells whether a text was trained on, None: not known."""
    figures = [Figure("Rows", float(len(texts)), share=False)]
    sentences, found = [source], list(warnings)
    if seen is None:
        sentences.append(said("Which of them the model was trained on is not known."))
    else:
        leaked = np.array([seen(text) for text in texts], dtype=bool)
        doubt = wilson(int(leaked.sum()), len(texts))
        figures.append(Figure("Rows whose text was trained on", float(leaked.mean()), *doubt, len(texts)))
        if leaked.mean() > LEAK:
            found.append(
                said(
                    "{count} of {n} rows ({share}) have a text that the model was trained on: they flatter it. Take "
                    "them out of the file and measure again",
                    count=f"{int(leaked.sum()):,}",
                    n=f"{len(texts):,}",
                    share=percent(float(leaked.mean())),
                )
            )
        else:
            sentences.append(few_leaks(int(leaked.sum()), len(texts)))
        sentences.append(NEARLY)
    return Section("rows", "The rows it was measured on", sentences=sentences, warnings=found, figures=figures)
