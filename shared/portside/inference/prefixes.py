"""What some encoders were taught to read before each text: ``query: `` before a question, ``passage: `` before answers.

Without them such encoders rank badly. They come from the encoder's folder, else, by the name that it was published
under, from the table below; everything else is read as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside.encoders import EncoderSource, read_config
from portside.inference.folder import ModelFile, read_model_file, task_of

__all__ = ["Prefixes", "known_prefixes", "prefixes_of", "published_name", "published_prefixes"]

PROMPTS_FILE = "config_sentence_transformers.json"
QUERY_PROMPTS = ("query", "search_query", "s2p_query", "retrieval.query", "Retrieval-query")
DOCUMENT_PROMPTS = ("document", "passage", "search_document", "retrieval.passage", "Retrieval-document", "corpus")
"""Names that published models have for the two sides, the likelier first."""


@dataclass(frozen=True)
class Prefixes:
    """What is read before each query and before each document, and is no part of either."""

    query: str = ""
    document: str = ""

    def __bool__(self) -> bool:
        return bool(self.query or self.document)

    def to_options(self) -> dict[str, str]:
        """For ``ModelFile.options``: also where there are none, so that nobody looks for them elsewhere."""
        return {"query_prefix": self.query, "document_prefix": self.document}


_RETRIEVAL = "Represent this sentence for searching relevant passages: "
FAMILIES: tuple[tuple[str, Prefixes], ...] = (
    (r"(multilingual-)?e5-(small|base|large)(-v2|-unsupervised)?", Prefixes("query: ", "passage: ")),
    (r"bge-(small|base|large)-en(-v1\.5)?", Prefixes(_RETRIEVAL)),
    (r"bge-(small|base|large)-zh(-v1\.5)?", Prefixes("为这个句子生成表示以用于检索相关文章：")),
    (r"(nomic-embed-text-v1(\.5)?|modernbert-embed-(base|large))", Prefixes("search_query: ", "search_document: ")),
    (r"(mxbai-embed-large-v1|snowflake-arctic-embed-(xs|s|m|l)(-v1\.5)?)", Prefixes(_RETRIEVAL)),
    (r"snowflake-arctic-embed-[ml]-v2\.0", Prefixes("query: ")),
)
"""Published names, without the owner's, and what their model cards say belongs before a text."""


def prefixes_of(file: ModelFile) -> Prefixes:
    """Those that a folder of Portside's names; none for a folder that was written before there were any."""
    query, document = (file.options.get(name, "") for name in ("query_prefix", "document_prefix"))
    return Prefixes(str(query), str(document))


def published_prefixes(source: EncoderSource) -> Prefixes:
    """Those that an encoder is to be read with, by its folder or by the name it was published under.

    Raises:
        ModelDamaged: its ``config.json`` or ``model.json`` cannot be read.
    """
    if (source.folder / "model.json").is_file():
        file = read_model_file(source.folder, task=task_of(source.folder))
        if "query_prefix" in file.options:
            return prefixes_of(file)
    names = [str(read_config(source.folder).get("_name_or_path") or "")]
    if source.kind == "hub":
        names.insert(0, source.name)
    return _prompts(source.folder) or next(filter(None, map(known_prefixes, names)), Prefixes())


def known_prefixes(name: str) -> Prefixes:
    """Those of the family that a hub id, or a path into the hub's cache, belongs to; none for a name not known."""
    published = published_name(name)
    return next((found for family, found in FAMILIES if re.fullmatch(family, published)), Prefixes())


def published_name(name: str) -> str:
    """What a hub id, or a path into the hub's cache, calls the encoder: small letters, without the owner."""
    # The hub's cache has models--intfloat--e5-small/snapshots/…; a hub id is intfloat/e5-small.
    cached = re.search(r"models--[^/\\]+--([^/\\]+)", name)
    return (cached.group(1) if cached else re.split(r"[/\\]", name.rstrip("/\\"))[-1]).lower()


def _prompts(folder: Path) -> Prefixes:
    """What sentence-transformers notes beside a model; empty prompts, which it writes for every model, say nothing."""
    try:
        found: Any = json.loads((folder / PROMPTS_FILE).read_text(encoding="utf-8"))["prompts"]
    except (OSError, ValueError, KeyError, TypeError):
        return Prefixes()
    if not isinstance(found, Mapping):
        return Prefixes()
    return Prefixes(_first(found, QUERY_PROMPTS), _first(found, DOCUMENT_PROMPTS))


def _first(prompts: Mapping[str, Any], names: tuple[str, ...]) -> str:
    said = (prompts.get(name) for name in names)
    return next((text for text in said if isinstance(text, str) and text), "")
