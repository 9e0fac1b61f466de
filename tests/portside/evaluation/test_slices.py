"""Parts of the rows that are worse than the rest, checked by hand and against scipy's own test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import fisher_exact

from portside.data import load_examples
from portside.evaluation.scored import Scored, score_rows
from portside.evaluation.slices import compare_slices, rare_rows, slices_of, word_count
from portside.inference.interfaces import FakeClassifier, FakeScorer


def scored(texts: list[str], truth: list[int], labels: tuple[str, ...] = ("a", "b")) -> Scored:
    n = len(texts)
    logits = np.zeros((n, len(labels)), dtype=np.float32)
    return Scored("m:1", "rows", labels, tuple(texts), tuple(range(1, n + 1)), np.array(truth), logits, logits)


def test_a_part_that_is_worse_is_named_and_one_that_is_not_is_not() -> None:
    right = np.array([True] * 80 + [False] * 20)
    bad, fine = np.zeros(100, dtype=bool), np.zeros(100, dtype=bool)
    bad[70:] = True  # 10 of 30 right
    fine[::2] = True  # 40 of 50 right
    first, second = compare_slices(right, {"fine": fine, "bad": bad})
    assert (first.name, first.worse, first.n) == ("bad", True, 30)
    assert first.accuracy == pytest.approx(1 / 3)
    assert first.rest == 1.0
    assert (second.name, second.worse) == ("fine", False)
    exact = fisher_exact([[10, 20], [70, 0]], alternative="less").pvalue
    assert first.p_worse == pytest.approx(2 * exact)


def test_parts_of_few_rows_or_of_nearly_all_are_left_out() -> None:
    right = np.ones(30, dtype=bool)
    few = np.arange(30) < 5
    assert compare_slices(right, {"few": few, "nearly all": ~few, "none": np.zeros(30, dtype=bool)}) == []


def test_rows_are_cut_by_length_digits_script_and_label() -> None:
    texts = ["one", "one two three", "one two three four five 6", "我的包裹在哪里"]
    found = slices_of(scored(texts, [0, 0, 0, 1]))
    assert found["texts with digits"].tolist() == [False, False, True, False]
    assert found["texts in other than Latin letters"].tolist() == [False, False, False, True]
    assert found["label 'b'"].tolist() == [False, False, False, True]
    assert [mask.tolist() for name, mask in found.items() if name.startswith("long")] == [
        [False, False, False, True]
    ], "each Chinese character is a word"


def test_chinese_texts_are_cut_by_their_characters() -> None:
    texts = ["包裹", "退款", "我的包裹在哪里？", "请把我的钱退回来，谢谢！"]
    found = slices_of(scored(texts, [0, 0, 0, 1]))
    assert found["short texts (up to 2 words)"].tolist() == [True, True, False, False]
    assert found["long texts (over 7 words)"].tolist() == [False, False, False, True]
    assert [word_count(text) for text in ("", "?!", "it's me, 007", "退款 now")] == [0, 0, 3, 3]


def test_rare_labels_hold_a_fifth_of_the_rows_at_most() -> None:
    truth = [0] * 80 + [1] * 12 + [2] * 8
    found = slices_of(scored(["text"] * 100, truth, ("a", "b", "c")))["rare labels"]
    assert found.tolist() == [place >= 80 for place in range(100)]


def test_of_rows_with_several_labels_those_with_a_rare_one_are_rare() -> None:
    # Labels of 100, 15, 8 and 0 rows: 20 rows have one of the two rare ones, 3 of them both.
    row = np.arange(100)
    truth = np.stack([row >= 0, row < 15, (row >= 12) & (row < 20), row < 0], axis=1)
    assert rare_rows(truth).tolist() == (row < 20).tolist()
    assert rare_rows(truth[:, :1]).sum() == 0


def test_columns_that_say_where_rows_come_from_are_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lines = [f"text {row},{'a' if row % 2 else 'b'},{'mail' if row < 10 else 'chat'},{row}" for row in range(20)]
    path.write_text("text,label,Channel,ticket\n" + "\n".join(["only text,,mail,1", *lines]) + "\n")
    dataset = load_examples(path, role="test")
    # The row without a label is left out; so is the column that says nothing of where a row comes from.
    assert dataset.parts == {"Channel": ("mail",) * 10 + ("chat",) * 10}
    assert dataset.subset([0, 19]).parts == {"Channel": ("mail", "chat")}
    assert load_examples(path).parts == dataset.parts, "rows kept aside from training have them, too"
    found = score_rows(FakeScorer(FakeClassifier({"text": "a"}, ("a", "b"))), dataset)
    assert slices_of(found)["Channel 'mail'"].tolist() == [True] * 10 + [False] * 10
    assert slices_of(found.at([3, 15]))["Channel 'chat'"].tolist() == [False, True]
