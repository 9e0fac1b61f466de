"""How the vectors of a text's tokens become the one vector of the text: their mean, or the first token's.

An encoder ranks well only as it was taught: BGE and some others by the first token, most by the mean. It is said in
``model.json`` of a folder of Portside's, in ``1_Pooling/config.json`` of one from sentence-transformers, else by the
name that the encoder was published under.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal, cast, get_args

from portside.encoders import POOLING_FILE, read_config
from portside.inference.folder import read_model_file, task_of
from portside.inference.prefixes import published_name

__all__ = ["Pooling", "known_pooling", "pooling_of", "pooling_options"]

Pooling = Literal["mean", "first"]
OPTION = "pooling"
"""Its name among ``ModelFile.options``; a folder without it is read by the mean."""
FIRST = (
    r"bge-(small|base|large)-(en|zh)(-v1\.5)?",
    r"bge-m3",
    r"mxbai-embed-large-v1",
    r"snowflake-arctic-embed-(xs|s|m|l)(-v1\.5|-v2\.0)?",
)
"""Published names, without the owner's, whose model cards say that the first token stands for the text."""


def pooling_of(folder: Path) -> Pooling:
    """How the encoder in ``folder`` is to be read; by the mean where nothing says otherwise.

    Raises:
        ModelDamaged: its ``config.json`` or ``model.json`` cannot be read.
    """
    if (folder / "model.json").is_file():
        said = read_model_file(folder, task=task_of(folder)).options.get(OPTION)
        return cast(Pooling, said) if said in get_args(Pooling) else "mean"
    # A folder may be called anything; in the hub's cache it has the published name.
    names = (str(read_config(folder).get("_name_or_path") or ""), str(folder) if "models--" in str(folder) else "")
    return _noted(folder) or ("first" if "first" in map(known_pooling, names) else "mean")


def pooling_options(pooling: Pooling) -> dict[str, str]:
    """For ``ModelFile.options``: nothing for the mean."""
    return {} if pooling == "mean" else {OPTION: pooling}


def known_pooling(name: str) -> Pooling:
    """That of the family that a hub id, or a path into the hub's cache, belongs to."""
    published = published_name(name)
    return "first" if any(re.fullmatch(family, published) for family in FIRST) else "mean"


def _noted(folder: Path) -> Pooling | None:
    """What sentence-transformers notes: one switch for each way, in its latest versions the way's name."""
    try:
        found: Any = json.loads((folder / POOLING_FILE).read_text(encoding="utf-8"))
        first = bool(found.get("pooling_mode_cls_token")) or found.get("pooling_mode") == "cls"
    except (OSError, ValueError, AttributeError):
        return None
    return "first" if first else "mean"
