"""The label by which a data set says that none of its other labels fits."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["usual_outside_label"]

USUAL = frozenset(
    {"oos", "ood", "outofscope", "outofdomain", "nonodesdetected", "noneoftheabove", "noneofthem", "unsupported"}
)
"""Such labels in small letters, without signs: of CLINC150, HINT3 and the like."""


def usual_outside_label(labels: Iterable[str]) -> str:
    """The one of these that is usually called so; empty where there is none, or more than one."""
    found = [label for label in labels if re.sub(r"[^a-z]", "", label.lower()) in USUAL]
    return found[0] if len(found) == 1 else ""
