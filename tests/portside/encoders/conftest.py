"""Random encoders of other architectures than the bundled one, each with the kind of tokenizer it is published with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made: Any = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(LINES, trainer)
    ends = [(one, made.token_to_id(one)) for one in (begin, end)]
    made.post_processor = processors.TemplateProcessing(single=f"{begin} $A {end}", special_tokens=ends)
    return made


def unigram(special: list[str], begin: str, end: str, unknown: str) -> Any:
    """Sentencepiece's unigram pieces with a low line for a blank: XLM-R, multilingual E5, DeBERTa-v3."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    made: Any = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token=unknown, show_progress=False)
    made.train_from_iterator(LINES, trainer)
    ends = [(one, made.token_to_id(one)) for one in (begin, end)]
    made.post_processor = processors.TemplateProcessing(single=f"{begin} $A {end}", special_tokens=ends)
    return made


def word_pieces(special: list[str], begin: str, end: str, unknown: str) -> Any:
    """BERT's, each Chinese character a word: BERT, MPNet."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    made: Any = Tokenizer(models.WordPiece(unk_token=unknown))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.train_from_iterator(
        LINES, trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    )
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
