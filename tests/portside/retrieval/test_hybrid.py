"""Fusing two rankings, and keeping vectors and texts together."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.errors import UsageError
from portside.inference.interfaces import FakeEncoder
from portside.retrieval.finder_choice import Sizes
from portside.retrieval.hybrid import HybridIndex, reciprocal_rank_fusion

ENCODER = FakeEncoder(dim=32)


def filled() -> HybridIndex:
    texts = {"refund": "refund my money", "parcel": "where is my parcel", "pin": "change card pin"}
    index = HybridIndex(ENCODER.dim)
    index.add(list(texts), list(texts.values()), ENCODER.encode(list(texts.values())))
    return index


def test_fusion_by_hand() -> None:
    hits = reciprocal_rank_fusion([["a", "b", "c"], ["b", "d"]])
    assert [hit.id for hit in hits] == ["b", "a", "d", "c"]
    assert [hit.score for hit in hits] == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62, 1 / 63])


ranking = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(st.lists(ranking, max_size=4))
def test_fusion_keeps_every_id_once_and_what_all_rankings_agree_on(rankings: list[list[str]]) -> None:
    fused = [hit.id for hit in reciprocal_rank_fusion(rankings)]
    assert sorted(fused) == sorted({key for line in rankings for key in line})
    for first in fused:
        for second in fused:
            if rankings and all(
                first in line and (second not in line or line.index(first) < line.index(second)) for line in rankings
            ):
                assert first == second or fused.index(first) < fused.index(second)


@given(ranking)
def test_one_ranking_is_left_as_it_is(line: list[str]) -> None:
    assert [hit.id for hit in reciprocal_rank_fusion([line])] == line
    assert [hit.id for hit in reciprocal_rank_fusion([line + line])] == line


def test_each_hit_says_how_each_ranking_saw_it() -> None:
    index = filled()
    best, *others = index.search("my refund", ENCODER.encode(["my refund"])[0], 3)
    assert best.id == "refund"
    assert best.similarity is not None
    assert best.keyword_score is not None
    assert best.score == pytest.approx(2 / 61)
    unnamed = next(hit for hit in others if hit.id == "pin")
    assert unnamed.keyword_score is None
    assert unnamed.similarity is not None


def test_refused_writes_change_neither_half() -> None:
    index = filled()
    with pytest.raises(UsageError):
        index.add(["new"], [], ENCODER.encode(["x"]))
    with pytest.raises(UsageError):
        index.update(["pin"], ["x"], np.zeros((1, 5), dtype=np.float32))
    assert set(index.ids()) == {"refund", "parcel", "pin"}
    assert index.search("pin", ENCODER.encode(["pin"])[0], 1)[0].id == "pin"


def test_update_and_delete_reach_both_halves(tmp_path: Path) -> None:
    index = filled()
    index.update(["pin", "zip"], ["unlock phone", "zip code"], ENCODER.encode(["unlock phone", "zip code"]))
    assert index.delete(["parcel", "nobody"]) == 1
    index.save(tmp_path)
    for one in (index, HybridIndex.load(tmp_path)):
        assert set(one.ids()) == {"refund", "pin", "zip"}
        assert one.search("pin", ENCODER.encode(["unlock phone"])[0], 1)[0].keyword_score is None
        assert "parcel" not in [hit.id for hit in one.search("parcel", ENCODER.encode(["parcel"])[0], 9)]


def test_readers_see_texts_and_vectors_of_one_moment() -> None:
    index = HybridIndex(2)
    stop = threading.Event()
    torn: list[object] = []

    def read() -> None:
        while not stop.is_set():
            for hit in index.search("word", np.array([1.0, 0.0], dtype=np.float32), 50):
                if hit.similarity is None or hit.keyword_score is None:
                    torn.append(hit)

    readers = [threading.Thread(target=read, daemon=True) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(150):
        index.add([str(number)], ["word"], np.ones((1, 2), dtype=np.float32))
        if number > 20:
            index.delete([str(number - 20)])
    stop.set()
    for reader in readers:
        reader.join()
    assert torn == []


def test_many_passages_are_searched_along_a_graph_and_come_back_from_disk(tmp_path: Path) -> None:
    encoder = FakeEncoder(dim=32)
    subjects = ("refunds", "parcels")
    texts = [f"passage {number} about {subjects[number % 2]} in town {number % 17}" for number in range(400)]
    index = HybridIndex(encoder.dim)
    ids = [str(number) for number in range(400)]
    index.add(ids, texts, encoder.encode(texts))
    before = index.search(texts[7], encoder.encode([texts[7]])[0], 3)
    assert index.speed_up(sizes=Sizes(flat=100))
    assert not index.speed_up(sizes=Sizes(flat=100))  # once is enough, whether it found enough or not
    index.save(tmp_path)
    again = HybridIndex.load(tmp_path)
    for one in (index, again):
        found = one.search(texts[7], encoder.encode([texts[7]])[0], 3)
        assert found[0].id == before[0].id == "7"
    assert again.delete(["7"]) == 1
    assert "7" not in {hit.id for hit in again.search(texts[7], encoder.encode([texts[7]])[0], 50)}
