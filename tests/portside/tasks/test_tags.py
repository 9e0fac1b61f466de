from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.tasks.tags import Span, broken_places, scheme_of, spans, tag_names, to_iob2


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ("O B-PER I-PER O", "IOB2"),
        ("B-PER B-PER", "IOB2"),
        ("O I-PER I-PER O", "IO"),
        ("I-PER B-PER I-ORG", "IOB1"),
        ("B-PER L-PER U-ORG", "BILOU"),
        ("B-PER E-PER S-ORG", "BILOU"),
        ("O O", "IOB2"),
    ],
)
def test_schemes_are_told_apart(tags: str, scheme: str) -> None:
    assert scheme_of([tags.split()]) == scheme


@pytest.mark.parametrize(
    ("scheme", "tags", "iob2"),
    [
        ("IOB1", "I-PER I-PER B-PER O I-ORG", "B-PER I-PER B-PER O B-ORG"),
        ("IO", "I-PER I-ORG I-ORG O I-ORG", "B-PER B-ORG I-ORG O B-ORG"),
        ("BILOU", "B-PER I-PER L-PER U-PER U-PER O", "B-PER I-PER I-PER B-PER B-PER O"),
        ("BILOU", "B-PER E-PER I-PER", "B-PER I-PER B-PER"),
        ("IOB2", "B-PER I-PER O", "B-PER I-PER O"),
    ],
)
def test_every_scheme_becomes_iob2(scheme: str, tags: str, iob2: str) -> None:
    assert to_iob2(tags.split(), scheme) == tuple(iob2.split())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("B-PER I-PER O", [("PER", 0, 2)]),
        ("B-PER B-PER", [("PER", 0, 1), ("PER", 1, 2)]),
        ("I-PER I-PER", []),  # strict: nothing opened it
        ("B-PER I-ORG I-ORG", [("PER", 0, 1)]),
        ("O B-ORG", [("ORG", 1, 2)]),
        ("", []),
    ],
)
def test_entities_are_strict(tags: str, found: list[tuple[str, int, int]]) -> None:
    assert spans(tags.split()) == [Span(*each) for each in found]


def test_names_that_nothing_opens_are_found_and_opened_in_reading() -> None:
    tags = ["O", "I-PER", "I-PER", "B-ORG", "I-PER"]
    assert broken_places(tags) == [1, 4]
    assert to_iob2(tags, "IOB1") == ("O", "B-PER", "I-PER", "B-ORG", "B-PER")


def test_a_models_tags_have_a_fixed_order() -> None:
    assert tag_names(["LOC", "PER"]) == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


TAGS = st.lists(st.sampled_from(["O", "B-A", "I-A", "B-B", "I-B"]), max_size=12)


@given(TAGS)
def test_opened_tags_are_iob2_and_keep_what_was_right(tags: list[str]) -> None:
    whole = to_iob2(tags, "IOB1")
    assert broken_places(whole) == []
    assert scheme_of([whole]) == "IOB2"
    assert to_iob2(whole, "IOB1") == whole
    assert [tag == "O" for tag in tags] == [tag == "O" for tag in whole]


@given(TAGS.map(lambda tags: to_iob2(tags, "IOB1")))
def test_bilou_and_back_changes_nothing(tags: tuple[str, ...]) -> None:
    bilou = list(tags)
    for kind, start, end in spans(tags):
        bilou[start:end] = (
            [f"U-{kind}"] if end - start == 1 else [f"B-{kind}", *[f"I-{kind}"] * (end - start - 2), f"L-{kind}"]
        )
    assert to_iob2(bilou, "BILOU") == tags
