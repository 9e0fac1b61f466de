from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

from portside.errors import ModelDamaged
from portside.inference.tokens import Tokens, token_limit


def test_ids_are_those_of_the_vocabulary(tiny_encoder: Path) -> None:
    vocabulary = (tiny_encoder / "vocab.txt").read_text().split("\n")
    found = Tokens(tiny_encoder, max_tokens=16)(["Where is my card", ""])
    assert [[vocabulary[one] for one in row] for row in found.ids] == [
        ["[CLS]", "where", "is", "my", "card", "[SEP]"],
        ["[CLS]", "[SEP]"],
    ]


def test_long_texts_are_cut_and_counted(tiny_encoder: Path) -> None:
    tokens = Tokens(tiny_encoder, max_tokens=6)
    found = tokens(["my card is lost", "my card is lost please", "card"])
    assert [len(row) for row in found.ids] == [6, 6, 3]
    assert found.cut == (1,)


def test_the_limit_is_the_architectures(tiny_encoder: Path) -> None:
    assert Tokens(tiny_encoder, max_tokens=10_000).max_tokens == 64


@pytest.mark.parametrize(
    ("config", "limit"),
    [
        ({"max_position_embeddings": 512}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514}, 512),
        ({}, 512),
    ],
)
def test_token_limit(config: dict[str, object], limit: int) -> None:
    assert token_limit(config) == limit


def test_padding(tiny_encoder: Path) -> None:
    ids, mask = Tokens(tiny_encoder, max_tokens=16).pad([[5, 6, 7], [8]], multiple=4)
    assert ids.tolist() == [[5, 6, 7, 0], [8, 0, 0, 0]]
    assert mask.tolist() == [[1, 1, 1, 0], [1, 0, 0, 0]]


def test_broken_unicode_is_read(tiny_encoder: Path) -> None:
    assert Tokens(tiny_encoder, max_tokens=16)(["card \ud83d", "卡 💳", "\x00\u202e"]).cut == ()


def test_the_saved_tokenizer_gives_the_same_ids(tiny_encoder: Path, tmp_path: Path) -> None:
    tokens = Tokens(tiny_encoder, max_tokens=8)
    tokens.save(tmp_path)
    (tmp_path / "config.json").write_text((tiny_encoder / "config.json").read_text())
    text = "where is my parcel please please please"
    assert Tokens(tmp_path, max_tokens=64)([text]).ids == Tokens(tiny_encoder, max_tokens=64)([text]).ids
    assert len(tokens([text]).ids[0]) == 8


def test_an_unreadable_tokenizer_is_damage(tiny_encoder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((tiny_encoder / "config.json").read_text())
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelDamaged, match=r"tokenizer\.json"):
        Tokens(tmp_path, max_tokens=8)


def test_threads_share_it(tiny_encoder: Path) -> None:
    tokens = Tokens(tiny_encoder, max_tokens=16)
    texts = [f"card {number}" for number in range(50)]
    expected, found = tokens(texts).ids, []

    def work() -> None:
        found.extend(tokens(texts).ids == expected for _ in range(20))

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 80
