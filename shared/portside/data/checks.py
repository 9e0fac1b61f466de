"""What is wrong with labelled rows. Pure functions from rows to findings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from portside.data.findings import Finding, Severity, excerpt
from portside.data.identity import clean, has_control, label_key, text_key
from portside.data.outside_label import usual_outside_label
from portside.records import Example
from portside.said import said

__all__ = ["SEVERAL", "Numbered", "Role", "Where", "check_cells", "check_classes", "conflicting", "overlap", "repeated"]

Role = Literal["train", "test"]
"""What the rows are for: a test file may hold one class only, or a class once."""
LONG_TEXT = 20_000
"""Characters from which a text is reported: encoders read the first few hundred words, and such a length is mostly a
quote or a line end that was lost."""
MOST_SEVERAL = 0.5
"""Share of the labels that look like several from which they are told to be."""
SEVERAL = (
    "For any number of labels a text: portside train multilabel, which reads refund|late in CSV and "
    '["refund", "late"] in JSON lines'
)
"""What to do with a file in which a text has several labels."""
_NOT_A_VALUE = {"nan", "null", "none", "n/a", "#n/a", "<na>", "undefined"}
_MOJIBAKE = ("Ã©", "Ã¨", "Ã¼", "Ã¶", "Ã¤", "â€™", "â€œ", "â€“", "Â£", "Â°", "ï¿½", "+ñ", "+Â", "锟斤拷")


@dataclass(frozen=True)
class Where:
    """The place that findings name."""

    file: str
    text: str
    """Name of the text's column."""
    label: str
    """Name of the label's column."""


class Numbered(Protocol):
    """Labelled rows that know where they come from."""

    @property
    def examples(self) -> Sequence[Example]:
        """The rows."""
        ...

    @property
    def rows(self) -> Sequence[int]:
        """Number of each row in its file."""
        ...

    @property
    def source(self) -> str:
        """The file."""
        ...


Cell = tuple[int, str, str]
"""Row number, text, label, as they stand in the file."""


def check_cells(cells: Sequence[Cell], where: Where) -> list[Finding]:
    """What can be seen in one row at a time."""
    found = [
        _first(cells, where, rule)
        for rule in (
            _CellRule("text", "warning", _is_blank, "A row without text is left out", "Fill or remove it"),
            _CellRule("label", "warning", _is_blank, "A row without label is left out", "Fill or remove it"),
            _CellRule(
                "text",
                "warning",
                has_control,
                "Control characters in a text are taken as spaces",
                "Export the file again: a program wrote bytes that are no text",
            ),
            _CellRule(
                "text",
                "warning",
                lambda text: len(text) > LONG_TEXT,
                said("A text has more than {count} characters", count=f"{LONG_TEXT:,}"),
                "Look for a lost quote or line end; only its beginning is read",
            ),
            _CellRule(
                "text",
                "warning",
                _is_no_value,
                "A text reads like an empty cell of another program",
                "Leave the cell empty if there is no text",
            ),
            _CellRule(
                "label",
                "note",
                _is_no_value,
                "A label reads like an empty cell of another program",
                "Leave the cell empty if there is no label",
            ),
            _CellRule(
                "text",
                "note",
                lambda text: any(mark in text for mark in _MOJIBAKE),
                "A text looks as if it was saved in one encoding and read in another",
                "Export the file again as UTF-8",
            ),
            _CellRule(
                "label",
                "note",
                lambda label: not _is_blank(label) and label != label.strip(),
                "Blanks around a label are taken away",
                "Remove them in the file",
            ),
        )
    ]
    return [finding for finding in found if finding is not None]


@dataclass(frozen=True)
class _CellRule:
    """One thing that a cell of this kind must not be."""

    kind: Literal["text", "label"]
    severity: Severity
    broken_by: Callable[[str], bool]
    rule: str
    remedy: str


def _is_blank(value: str) -> bool:
    return not clean(value)


def _is_no_value(value: str) -> bool:
    return value.strip().casefold() in _NOT_A_VALUE


def _first(cells: Sequence[Cell], where: Where, rule: _CellRule) -> Finding | None:
    place = 1 if rule.kind == "text" else 2
    broken = [cell for cell in cells if rule.broken_by(str(cell[place]))]
    if not broken:
        return None
    column = where.text if rule.kind == "text" else where.label
    row, seen = broken[0][0], excerpt(str(broken[0][place])) or "(blank)"
    return Finding(rule.severity, rule.rule, rule.remedy, where.file, row, column, seen, len(broken))


def check_classes(examples: Sequence[Example], rows: Sequence[int], where: Where, role: Role) -> list[Finding]:
    """What can be seen in all rows together: classes, repeated texts, contradictions."""
    if not examples:
        rule = "The file must have at least one row with text and label"
        return [Finding("fatal", rule, "Fill the columns or name others", where.file, column=where.text)]
    found = [*_several_labels(examples, rows, where, role), *_class_sizes(examples, rows, where, role)]
    found += _outside_label(examples, rows, where, role)
    found += _label_variants(examples, rows, where)
    groups = _by_key(examples)
    found += _repeats(examples, rows, where, groups)
    found += _conflicts(examples, rows, where, groups)
    return found


def _several_labels(examples: Sequence[Example], rows: Sequence[int], where: Where, role: Role) -> list[Finding]:
    if role == "test":
        return []
    several = [place for place, example in enumerate(examples) if _looks_like_several(example.label)]
    if len(several) <= MOST_SEVERAL * len(examples):
        return []
    # The command stands in the rule: a training that begins shows no more than that.
    rule = "Most labels look like several, which is for portside train multilabel: here each combination is one label"
    first = several[0]
    shown = excerpt(examples[first].label)
    return [Finding("warning", rule, SEVERAL, where.file, rows[first], where.label, shown, len(several))]


def _outside_label(examples: Sequence[Example], rows: Sequence[int], where: Where, role: Role) -> list[Finding]:
    label = "" if role == "test" else usual_outside_label(sorted({example.label for example in examples}))
    if not label:
        return []
    places = [place for place, example in enumerate(examples) if example.label == label]
    rule = "A label seems to say that none of the others fits"
    remedy = (
        "Say so when you train (on the command line: --set outside=LABEL): the model then learns how likely such a "
        "text is; else it is a label like any other"
    )
    return [Finding("note", rule, remedy, where.file, rows[places[0]], where.label, excerpt(label), len(places))]


def _looks_like_several(label: str) -> bool:
    return "|" in label or ";" in label or (label.startswith("[") and label.endswith("]"))


def _class_sizes(examples: Sequence[Example], rows: Sequence[int], where: Where, role: Role) -> list[Finding]:
    if role == "test":
        return []
    counts = Counter(example.label for example in examples)
    if len(counts) == 1:
        (label,) = counts
        rule, remedy = "There must be at least two labels to tell apart", "Add rows of another label"
        return [Finding("fatal", rule, remedy, where.file, None, where.label, excerpt(label), len(examples))]
    single = [place for place, example in enumerate(examples) if counts[example.label] == 1]
    if not single:
        return []
    rule = "A label has a single example: it can be learnt badly and not be validated"
    names = excerpt(", ".join(examples[place].label for place in single))
    remedy = "Add examples (ten or more help), or remove the label"
    return [Finding("warning", rule, remedy, where.file, rows[single[0]], where.label, names, len(single))]


def _label_variants(examples: Sequence[Example], rows: Sequence[int], where: Where) -> list[Finding]:
    counts = Counter(example.label for example in examples)
    alike: dict[str, list[str]] = defaultdict(list)
    for label in counts:
        alike[label_key(label)].append(label)
    found = []
    for variants in alike.values():
        if len(variants) > 1:
            rare = min(variants, key=lambda label: counts[label])
            row = next(row for row, example in zip(rows, examples, strict=True) if example.label == rare)
            shown = excerpt(", ".join(f"'{label}' ({counts[label]:,})" for label in variants))
            rule = "Labels differ only by case, blanks, hyphens or underscores, and count as different"
            remedy = "Write the label in one way"
            found.append(Finding("warning", rule, remedy, where.file, row, where.label, shown, counts[rare]))
    return found


def _by_key(examples: Sequence[Example]) -> Mapping[str, list[int]]:
    """Places of each text that stands more than once: a list for every single one would be most of the memory."""
    first: dict[str, int] = {}
    groups: dict[str, list[int]] = {}
    for place, example in enumerate(examples):
        key = text_key(example.text)
        earlier = first.setdefault(key, place)
        if earlier != place:
            groups.setdefault(key, [earlier]).append(place)
    return groups


def repeated(examples: Sequence[Example]) -> list[int]:
    """Places of rows whose text and label stand in an earlier row."""
    seen: set[tuple[str, str]] = set()
    places = []
    for place, example in enumerate(examples):
        key = (text_key(example.text), example.label)
        if key in seen:
            places.append(place)
        seen.add(key)
    return places


def conflicting(examples: Sequence[Example]) -> list[int]:
    """Places of rows whose text stands under another label, too."""
    groups = _by_key(examples).values()
    return sorted(place for places in groups if len({examples[at].label for at in places}) > 1 for place in places)


def _repeats(
    examples: Sequence[Example], rows: Sequence[int], where: Where, groups: Mapping[str, list[int]]
) -> list[Finding]:
    if not groups:
        return []
    places = repeated(examples)
    if not places:
        return []
    first = min(at for at in groups[text_key(examples[places[0]].text)])
    rule = said("A text stands again under the same label (first in row {row})", row=f"{rows[first]:,}")
    remedy = "Fine if people really say it often; else keep one of them"
    shown = excerpt(examples[places[0]].text)
    return [Finding("note", rule, remedy, where.file, rows[places[0]], where.text, shown, len(places))]


def _conflicts(
    examples: Sequence[Example], rows: Sequence[int], where: Where, groups: Mapping[str, list[int]]
) -> list[Finding]:
    torn = [places for places in groups.values() if len({examples[at].label for at in places}) > 1]
    if not torn:
        return []
    one = torn[0]
    other = next(at for at in one if examples[at].label != examples[one[0]].label)
    rule = said(
        "The same text stands under two labels: '{first}' in row {first_row} and '{other}' in row {other_row}",
        first=excerpt(examples[one[0]].label),
        first_row=f"{rows[one[0]]:,}",
        other=excerpt(examples[other].label),
        other_row=f"{rows[other]:,}",
    )
    remedy = "Decide for one label, or remove both rows"
    shown = excerpt(examples[other].text)
    return [Finding("warning", rule, remedy, where.file, rows[other], where.text, shown, len(torn))]


def overlap(train: Numbered, test: Numbered) -> tuple[Finding, ...]:
    """Test rows whose text also stands in the training rows: a score on them is partly remembered.

    Texts that differ only by case, blanks or links count as the same.
    """
    known: dict[str, set[str]] = defaultdict(set)
    for example in train.examples:
        known[text_key(example.text)].add(example.label)
    same: list[int] = []
    other: list[int] = []
    for place, example in enumerate(test.examples):
        labels = known.get(text_key(example.text))
        if labels is not None:
            (same if example.label in labels else other).append(place)
    found = []
    for places, rule in (
        (same, "A test text stands in the training file, too, under the same label"),
        (other, "A test text stands in the training file, too, under another label"),
    ):
        if places:
            shown = excerpt(test.examples[places[0]].text)
            remedy = "Remove it from one of the two files, or report the score with and without these rows"
            row = test.rows[places[0]]
            file = Path(test.source).name
            found.append(Finding("warning", rule, remedy, file, row, None, shown, len(places)))
    return tuple(found)
