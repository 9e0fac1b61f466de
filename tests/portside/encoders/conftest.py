"""Random encoders of other architectures than the bundled one, each with the kind of tokenizer it is published with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import pytest

Piece = TypeVar("Piece")
LINES = [
    "where is my card, where is my parcel, my money back please",
    "we saw Ann in Paris and Bea in London",
    "我爱北京 王芳去上海 我的卡在哪里",
    *(f"{number} refund {number * 7}" for number in range(40)),
]
SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 66,
}
SPECIAL = {
    "roberta": ["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
    "bert": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
}


def byte_pairs(special: list[str], begin: str, end: str) -> Any:
    """Byte-level pairs with the blank before a word as part of it: RoBERTa, ModernBERT."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    before: Any = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words = words_of(before)
    # Each word grows from its left end, a piece at a time, until it is whole.
    merges = unique((word[:place], word[place]) for word in words for place in range(1, len(word)))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = unique([*special, *alphabet, *(left + right for left, right in merges)])
    made: Any = Tokenizer(models.BPE(vocab=numbered(vocabulary), merges=merges))
    made.pre_tokenizer = before
    made.decoder = decoders.ByteLevel()
    return finished(made, special, begin, end)


def unigram(special: list[str], begin: str, end: str, unknown: str) -> Any:
    """Sentencepiece's unigram pieces with a low line for a blank: XLM-R, multilingual E5, DeBERTa-v3."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    before: Any = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    words = words_of(before)
    # A whole word is likelier than its letters one by one.
    pieces = [(one, -8.0 if len(one) == 1 else -6.0) for one in unique([*sorted(set("".join(words))), *words])]
    named = [(one, 0.0) for one in special]
    made: Any = Tokenizer(models.Unigram([*named, *pieces], unk_id=special.index(unknown)))
    made.pre_tokenizer = before
    return finished(made, special, begin, end)


def word_pieces(special: list[str], begin: str, end: str, unknown: str) -> Any:
    """BERT's, each Chinese character a word: BERT, MPNet."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    normal, before = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    words = words_of(before, normal)
    letters = sorted(set("".join(words)))
    vocabulary = unique([*special, *letters, *(f"##{letter}" for letter in letters), *words])
    made: Any = Tokenizer(models.WordPiece(vocab=numbered(vocabulary), unk_token=unknown))
    made.normalizer, made.pre_tokenizer = normal, before
    return finished(made, special, begin, end)


def words_of(before: Any, normal: Any = None) -> list[str]:
    """The words of ``LINES`` in the order of the alphabet.

    A trainer of the library numbers pieces that are equally frequent in another order in each process: what is
    computed from them would not come out the same twice.
    """
    lines = LINES if normal is None else [normal.normalize_str(line) for line in LINES]
    return sorted({word for line in lines for word, _ in before.pre_tokenize_str(line)})


def unique(values: Iterable[Piece]) -> list[Piece]:
    """Each once, where it comes first."""
    return list(dict.fromkeys(values))


def numbered(pieces: list[str]) -> dict[str, int]:
    """The place of each."""
    return {piece: place for place, piece in enumerate(pieces)}


def finished(made: Any, special: list[str], begin: str, end: str) -> Any:
    """``made`` knows its special tokens, and puts ``begin`` and ``end`` around a text."""
    from tokenizers import processors

    made.add_special_tokens(special)
    ends = [(one, made.token_to_id(one)) for one in (begin, end)]
    made.post_processor = processors.TemplateProcessing(single=f"{begin} $A {end}", special_tokens=ends)
    return made


KINDS: dict[str, tuple[str, Callable[[], Any], dict[str, Any]]] = {
    "bert-chinese": ("bert", lambda: word_pieces(SPECIAL["bert"], "[CLS]", "[SEP]", "[UNK]"), {"pad_token_id": 0}),
    "roberta": (
        "roberta",
        lambda: byte_pairs(SPECIAL["roberta"], "<s>", "</s>"),
        {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1},
    ),
    "mpnet": (
        "mpnet",
        lambda: word_pieces(["<s>", "<pad>", "</s>", "[UNK]", "<mask>"], "<s>", "</s>", "[UNK]"),
        {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2},
    ),
    "deberta-v2": (
        "deberta-v2",
        lambda: unigram(SPECIAL["bert"], "[CLS]", "[SEP]", "[UNK]"),
        {"pad_token_id": 0, "relative_attention": True, "position_biased_input": False, "type_vocab_size": 0},
    ),
    "modernbert": (
        "modernbert",
        lambda: byte_pairs(SPECIAL["bert"], "[CLS]", "[SEP]"),
        {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3},
    ),
    "distilbert": (
        "distilbert",
        lambda: word_pieces(SPECIAL["bert"], "[CLS]", "[SEP]", "[UNK]"),
        {"pad_token_id": 0, "hidden_dim": 64},
    ),
    "xlm-roberta": (
        "xlm-roberta",
        lambda: unigram(SPECIAL["roberta"], "<s>", "</s>", "<unk>"),
        {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1},
    ),
}


@pytest.fixture(scope="session")
def foreign_encoder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the folder of one of ``KINDS``, made when it is first asked for."""
    made: dict[str, Path] = {}

    def give(kind: str) -> Path:
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp("foreign") / kind
            save_encoder(made[kind], kind)
        return made[kind]

    return give


def save_encoder(folder: Path, kind: str) -> None:
    """Write config, random weights and tokenizer as ``save_pretrained`` does."""
    import torch
    from transformers import AutoConfig, AutoModel

    architecture, tokenizer, changes = KINDS[kind]
    tokens = tokenizer()
    config = AutoConfig.for_model(architecture, **{**SMALL, **changes, "vocab_size": tokens.get_vocab_size()})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        network: Any = AutoModel.from_config(config)
    network.save_pretrained(folder)
    tokens.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
