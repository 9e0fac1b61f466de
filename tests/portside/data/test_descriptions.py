"""What each label means, from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from portside.data.descriptions import load_descriptions
from portside.errors import DataError

LABELS = ("card", "parcel")
MEANINGS = ("a bank card, lost or stolen", "something sent by post")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'label,description\nparcel,something sent by post\ncard,"a bank card, lost or stolen"\n'),
        ("a.tsv", "Intent\tMeaning\ncard\ta bank card, lost or stolen\nparcel\tsomething sent by post\n"),
        ("a.json", '\ufeff{\n"parcel": " something sent by post",\n"card": "a bank card, lost or stolen"}\n'),
        (
            "a.jsonl",
            '{"label": "card", "description": "a bank card, lost or stolen"}\n'
            '{"label": "parcel", "description": "something sent by post"}\n',
        ),
    ],
)
def test_each_kind_of_file_gives_the_meanings_in_the_order_of_the_labels(
    name: str, content: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert load_descriptions(tmp_path / name, LABELS) == MEANINGS


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("label,description\ncard,a card\n", "missing: 'parcel'"),
        ("label,description\ncard,a card\nparcels,post\n", "unknown: 'parcels'; missing: 'parcel'"),
        ("label,description\ncard,a card\nparcel,post\ncard,another\n", "'card' twice"),
        ("label,description\ncard,a card\nparcel,\n", "'parcel' without a description"),
        ("card,a card\nparcel,post\n", "columns 'card', 'a card'"),
        ('{"card": "a card", "card": "another", "parcel": "post"}', "'card' twice"),
        ('{"card": "a card", "parcel": 3}', "3 for 'parcel'"),
        ('{"card": "a card",\n "parcel": ', "JSON"),
        ("", "empty"),
    ],
)
def test_what_is_no_description_of_these_labels_is_refused(content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / ("a.json" if content.startswith("{") else "a.csv")
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_descriptions(path, LABELS)
    assert words in str(caught.value)
    assert caught.value.file == path.name


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must exist"):
        load_descriptions(tmp_path / "none.csv", LABELS)
