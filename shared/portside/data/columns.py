"""Which columns of a table hold the text and the label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portside.data.findings import Finding
from portside.errors import DataError
from portside.said import said, settled

__all__ = ["LABEL_NAMES", "PART_NAMES", "TEXT_NAMES", "Columns", "find_column"]


@dataclass(frozen=True)
class Columns:
    """Columns that the user named; None: to be found out."""

    text: str | None = None
    label: str | None = None


TEXT_NAMES = (
    "text",
    "utterance",
    "sentence",
    "headline",
    "query",
    "question",
    "message",
    "tweet",
    "instruction",
    "review",
    "comment",
    "title",
    "content",
    "body",
    "description",
    "document",
    "文本",
    "句子",
    "内容",
    "标题",
    "问题",
    "评论",
)
"""Columns taken as the text when none is named, in this order."""
PART_NAMES = frozenset(
    {"source", "channel", "language", "lang", "locale", "country", "region", "segment", "product", "company", "team"}
    | {"来源", "渠道", "语言", "国家", "地区", "产品", "公司"}
)
"""Columns that say where a row comes from: what a report looks at part by part."""
LABEL_NAMES = (
    "intent",
    "sentiment",
    "topic",
    "label",
    "category",
    "class",
    "target",
    "tag",
    "labels",
    "intents",
    "意图",
    "情感",
    "主题",
    "标签",
    "类别",
    "分类",
)
"""Columns taken as the label when none is named, in this order: a telling name before ``label``, which beside one
usually holds its number."""


def find_column(
    columns: Sequence[str], asked: str | None, names: Sequence[str], *, what: str, file: str, option: str | None = ""
) -> tuple[str, tuple[Finding, ...]]:
    """The column asked for, or the first of ``names`` that is there, whatever its case.

    ``option`` is what names the column on the command line, where that is not ``--`` and ``what``; None: nothing does,
    the first of ``names`` is what the column has to be called.

    Raises:
        DataError: the column asked for is not there, or none of ``names`` is; names the columns that are.
    """
    folded: dict[str, str] = {}
    for column in columns:
        folded.setdefault(column.strip().casefold(), column)
    if asked is not None:
        found = asked if asked in columns else folded.get(asked.strip().casefold())
        if found is None:
            raise _missing(
                said("The column '{column}' must be in the file", column=asked), columns, option or what, file
            )
        return found, ()
    candidates = [folded[name] for name in names if name in folded]
    if not candidates:
        rule = said("One column must hold the {what}", what=settled(what))
        if option is None:
            raise DataError(
                rule, seen=_seen(columns), remedy=said("Call that column '{name}'", name=names[0]), file=file
            )
        raise _missing(rule, columns, option or what, file)
    if len(candidates) == 1:
        return candidates[0], ()
    others = ", ".join(f"'{name}'" for name in candidates[1:])
    note = Finding(
        "note",
        said(
            "'{column}' was taken as the {what}; {others} could be it, too",
            column=candidates[0],
            what=settled(what),
            others=others,
        ),
        said("Remove or rename the other")
        if option is None
        else said("Name the column with --{option} to choose another", option=option or what),
        file,
        column=candidates[0],
    )
    return candidates[0], (note,)


def _missing(rule: str, columns: Sequence[str], option: str, file: str) -> DataError:
    remedy = said(
        "Name the column with --{option}; if the first line is data already, put a header line above it", option=option
    )
    return DataError(rule, seen=_seen(columns), remedy=remedy, file=file)


def _seen(columns: Sequence[str]) -> str:
    names = ", ".join(repr(name) for name in columns[:20])
    return said("the columns {names}", names=f"{names} …" if len(columns) > 20 else names)
