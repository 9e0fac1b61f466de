"""Keyword search finds texts by their words, in English and Chinese."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from portside.errors import UsageError
from portside.retrieval.keywords import KeywordIndex, KeywordState
from portside.retrieval.snapshots import pack, unpack
from portside.retrieval.tokens import words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Refunds, and the CARD's PIN!", ["refund", "and", "the", "card", "s", "pin"]),
        ("policies boxes addresses bus glass was", ["policy", "box", "address", "bus", "glass", "was"]),
        ("ＡＢＣ１２３ order_id A-77", ["abc123", "order", "id", "a", "77"]),
        ("我要退款", ["我", "要", "退", "款", "我要", "要退", "退款"]),
        ("退iPhone款", ["退", "iphone", "款"]),
        ("naïve Straße", ["naïve", "strasse"]),
        ("... !? 😀", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text())
def test_every_text_has_words_that_are_words_again(text: str) -> None:
    for word in words_of(text):
        assert word
        assert not any(character.isspace() for character in word)


def test_finds_the_article_that_says_it() -> None:
    index = KeywordIndex()
    index.add(
        ["refund", "delivery", "pin", "退款", "分开"],
        [
            "How refunds work: money comes back in 5 days",
            "Where is my parcel? Delivery takes 3 days",
            "Change the PIN of your card",
            "如何申请退款",
            "请退后，款式如下",
        ],
    )
    assert index.search("I want a refund", 3)[0].id == "refund"
    assert [hit.id for hit in index.search("days", 5)] == ["delivery", "refund"]
    assert index.search("我要退款", 3)[0].id == "退款"
    assert [hit.id for hit in index.search("款", 3)] == ["退款", "分开"]
    assert index.search("zebra", 3) == []
    assert index.search("", 3) == []


def bm25(texts: dict[str, str], query: str) -> dict[str, float]:
    """Lucene's BM25 with k1 = 1.5 and b = 0.75, written down plainly; only texts that share a word."""
    words = {key: Counter(words_of(text)) for key, text in texts.items()}
    mean = sum(sum(count.values()) for count in words.values()) / len(words)
    scores: dict[str, float] = {}
    for key, count in words.items():
        length = sum(count.values()) / mean if mean else 0.0
        for word in words_of(query):
            having = sum(word in other for other in words.values())
            rarity = math.log(1 + (len(words) - having + 0.5) / (having + 0.5))
            if count[word]:
                gain = rarity * count[word] / (count[word] + 1.5 * (1 - 0.75 + 0.75 * length))
                scores[key] = scores.get(key, 0.0) + gain
    return scores


sentences = st.lists(st.sampled_from(["order", "refund", "退款", "card", "late", "款", "!"]), max_size=6).map(" ".join)
keys = st.sampled_from([f"k{number}" for number in range(8)])


class AgainstFormula(RuleBasedStateMachine):
    """After any writes, scores are those of the formula over the texts that are there."""

    def __init__(self) -> None:
        super().__init__()
        self.index = KeywordIndex()
        self.model: dict[str, str] = {}

    @rule(batch=st.dictionaries(keys, sentences, max_size=4))
    def add(self, batch: dict[str, str]) -> None:
        if set(batch) & set(self.model):
            with pytest.raises(UsageError, match="must be new"):
                self.index.add(list(batch), list(batch.values()))
        else:
            self.index.add(list(batch), list(batch.values()))
            self.model |= batch

    @rule(batch=st.dictionaries(keys, sentences, max_size=4))
    def update(self, batch: dict[str, str]) -> None:
        self.index.update(list(batch), list(batch.values()))
        self.model |= batch

    @rule(gone=st.lists(keys, max_size=4))
    def delete(self, gone: list[str]) -> None:
        assert self.index.delete(gone) == len(set(gone) & set(self.model))
        for key in gone:
            self.model.pop(key, None)

    @rule(query=sentences, k=st.integers(1, 10))
    def search(self, query: str, k: int) -> None:
        hits = self.index.search(query, k)
        true = bm25(self.model, query) if self.model else {}
        assert [hit.score for hit in hits] == pytest.approx(sorted(true.values(), reverse=True)[:k], rel=1e-4)
        assert {hit.id: hit.score for hit in hits} == pytest.approx({hit.id: true[hit.id] for hit in hits}, rel=1e-4)
        assert set(self.index.ids()) == set(self.model)


TestAgainstFormula = AgainstFormula.TestCase
TestAgainstFormula.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)


def test_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    index = KeywordIndex()
    index.add(["a", "b", "empty", "退"], ["late order", "order order refund", "", "申请退款"])
    index.delete(["a"])
    index.save(tmp_path)
    again = KeywordIndex.load(tmp_path)
    assert again.ids() == ("b", "empty", "退")
    for query in ("order", "退款", "late"):
        assert again.search(query, 5) == index.search(query, 5)
    again.add(["a"], ["late order"])
    assert again.search("late", 1)[0].id == "a"
    KeywordIndex().save(tmp_path)
    assert KeywordIndex.load(tmp_path).search("order", 1) == []


def test_an_index_saved_by_an_earlier_version_forgets_the_words_of_deleted_texts() -> None:
    arrays = {
        "words.npy": np.array([3, 0, 3], dtype=np.int32),
        "word_counts.npy": np.array([2, 1], dtype=np.int64),
        "word_names.npy": pack({"ids": ["a", "b"], "vocabulary": ["late", "secret", "gone", "order"]}),
    }
    state = KeywordState.from_arrays(arrays)
    assert dict(state.vocabulary) == {"late": 0, "order": 1}
    assert [hit.id for hit in state.search("late order", 5)] == ["a", "b"]
    assert state.search("secret", 5) == []
    assert unpack(state.to_arrays()["word_names.npy"])["vocabulary"] == ["late", "order"]


def test_refuses_what_does_not_fit() -> None:
    index = KeywordIndex()
    with pytest.raises(UsageError, match="one text"):
        index.add(["a"], [])
    with pytest.raises(UsageError, match="only once"):
        index.add(["a", "a"], ["x", "y"])
    with pytest.raises(UsageError, match="at least 1"):
        index.search("x", 0)
    assert len(index) == 0


def test_what_the_index_tells_itself_stays_out_of_the_log() -> None:
    code = (
        "import logging; logging.basicConfig(level=logging.INFO)\n"
        "from portside.retrieval.keywords import KeywordIndex\n"
        "index = KeywordIndex(); index.add(['a', 'b'], ['one text', 'another']); assert index.search('text', 1)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
