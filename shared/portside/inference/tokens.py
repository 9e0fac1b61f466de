"""Texts to token ids, by the tokenizer that lies in a model's folder. Safe to share between threads."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portside.encoders import AFTER_PADDING, SEEN, read_config
from portside.errors import ModelDamaged

__all__ = ["TOKENIZER_FILES", "TokenIds", "Tokens"]

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
VOCABULARIES = ("vocab.txt", "vocab.json", "spiece.model", "spm.model", "tokenizer.model", "sentencepiece.bpe.model")
"""What a tokenizer without ``tokenizer.json`` may be made from, by the libraries that are installed."""
FALLBACK_LIMIT = 512
CHARACTERS_PER_TOKEN = 200
"""Longer than any token with the blanks around it: what lies further on cannot be reached, and costs seconds a
megabyte to cut up."""


@dataclass(frozen=True)
class TokenIds:
    """Token ids of several texts, unpadded."""

    ids: list[list[int]]
    cut: tuple[int, ...]
    """Places of the texts that were longer than the limit: only their beginning was read."""


class Tokens:
    """A tokenizer with its limit, read once; ``max_tokens`` counts the special tokens too."""

    def __init__(self, folder: Path, *, max_tokens: int) -> None:
        self.folder = folder
        self.prefix = ""
        """Read before each text, see ``after``."""
        self.config = read_config(folder)
        self.max_tokens = min(max_tokens, token_limit(self.config))
        # Set once here and never again: a tokenizer whose limits change under another thread fails.
        self._tokenizer = _read_tokenizer(folder)
        _check_vocabulary(self._tokenizer, self.config, folder)
        self.pad_id = _pad_id(self._tokenizer, self.config)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.max_tokens)

    def after(self, prefix: str) -> Tokens:
        """The same tokenizer for texts that are read after ``prefix``: it counts towards the limit, and is no part of
        the text that the tokens are located in.
        """
        made = copy(self)
        made.prefix = prefix
        return made

    def __call__(self, texts: Sequence[str]) -> TokenIds:
        """Token ids of each text, in the order given."""
        return self._encode(texts)[0]

    def located(self, texts: Sequence[str]) -> tuple[TokenIds, list[list[tuple[int, int]]]]:
        """The same, and where each token stands: ``text[start:end]``, which is empty for a special token and for those
        of the prefix.
        """
        ids, encodings = self._encode(texts)
        return ids, [
            [
                (0, 0) if special else self._in_text(*span)
                for span, special in zip(one.offsets, one.special_tokens_mask, strict=True)
            ]
            for one in encodings
        ]

    def _in_text(self, start: int, end: int) -> tuple[int, int]:
        # A blank at the prefix's end may be a part of the text's first token.
        begin = len(self.prefix)
        return max(start - begin, 0), max(end - begin, 0)

    def _encode(self, texts: Sequence[str]) -> tuple[TokenIds, list[Any]]:
        most = self.max_tokens * CHARACTERS_PER_TOKEN
        encodings: list[Any] = self._tokenizer.encode_batch([_encodable(self.prefix + text[:most]) for text in texts])
        cut = tuple(
            place
            for place, (text, encoding) in enumerate(zip(texts, encodings, strict=True))
            if encoding.overflowing or len(text) > most
        )
        return TokenIds([encoding.ids for encoding in encodings], cut), encodings

    def pieces(self, words: Sequence[str]) -> list[list[int]]:
        """Token ids of each word, without special tokens; at least one a word.

        Words are looked at one by one: what stands beside a word changes none of its tokens.
        """
        unique = list(dict.fromkeys(words))
        # A blank before it: encoders that mark where words begin shall see a word, not a word's ending.
        encoded = self._tokenizer.encode_batch([" " + _encodable(word) for word in unique], add_special_tokens=False)
        known = {word: found.ids or [self.unknown_id] for word, found in zip(unique, encoded, strict=True)}
        return [known[word] for word in words]

    @property
    def frame(self) -> tuple[list[int], list[int]]:
        """The special tokens before and after a text."""
        whole = self._tokenizer.encode("").ids
        middle = (len(whole) + 1) // 2
        return whole[:middle], whole[middle:]

    @property
    def unknown_id(self) -> int:
        """What stands for a word that the vocabulary cannot write."""
        return self._first_known("[UNK]", "<unk>", otherwise=self.pad_id)

    @property
    def mask_id(self) -> int:
        """What stands for a hidden token; the unknown one where the vocabulary has no such."""
        return self._first_known("[MASK]", "<mask>", otherwise=self.unknown_id)

    def _first_known(self, *names: str, otherwise: int) -> int:
        for name in names:
            found = self._tokenizer.token_to_id(name)
            if found is not None:
                return int(found)
        return otherwise

    def pad(self, ids: Sequence[Sequence[int]], *, multiple: int = 1) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids and attention mask, both (texts, longest text), its length rounded up to ``multiple``."""
        longest = max((len(row) for row in ids), default=1)
        longest = min(-(-longest // multiple) * multiple, max(self.max_tokens, longest))
        padded = np.full((len(ids), longest), self.pad_id, dtype=np.int64)
        mask = np.zeros((len(ids), longest), dtype=np.int64)
        for place, row in enumerate(ids):
            padded[place, : len(row)] = row
            mask[place, : len(row)] = 1
        return padded, mask

    def save(self, folder: Path) -> None:
        """Write the tokenizer's files beside a model's weights."""
        for name in TOKENIZER_FILES:
            if (self.folder / name).is_file():
                shutil.copyfile(self.folder / name, folder / name)
        # Written anew: some published files carry padding to a fixed length, which later readers would obey.
        self._tokenizer.no_truncation()
        try:
            self._tokenizer.save(str(folder / "tokenizer.json"))
        finally:
            self._tokenizer.enable_truncation(self.max_tokens)


def token_limit(config: dict[str, Any]) -> int:
    """How many tokens the architecture can read at once."""
    limit = int(config.get("max_position_embeddings") or FALLBACK_LIMIT)
    # RoBERTa's family counts positions from after the padding id.
    counted = config.get("model_type") in AFTER_PADDING
    return limit - 1 - int(config.get("pad_token_id") or 1) if counted else limit


def _read_tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    try:
        if path.is_file():
            return Tokenizer.from_file(str(path))
        if not any((folder / name).is_file() for name in VOCABULARIES):
            raise FileNotFoundError("there is no tokenizer.json, and no vocabulary to make one from")
        from transformers import AutoTokenizer

        slow = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        return Tokenizer.from_str(slow.backend_tokenizer.to_str())
    # tokenizers raises bare Exception for a file it cannot read.
    except Exception as error:
        raise ModelDamaged(
            "A model folder needs a readable tokenizer",
            seen=f"{path}: {' '.join(str(error).split())[:SEEN]}",
            remedy="Restore the folder; beside an encoder, save its fast tokenizer with save_pretrained",
        ) from error


def _check_vocabulary(tokenizer: Any, config: dict[str, Any], folder: Path) -> None:
    size, rows = int(tokenizer.get_vocab_size(with_added_tokens=False)), int(config.get("vocab_size") or 0)
    # Without its vocabulary file transformers makes an empty tokenizer and says nothing.
    if rows and not rows / 2 <= size <= rows:
        raise ModelDamaged(
            "The tokenizer must have the vocabulary of the encoder beside it",
            seen=f"{size:,} tokens in {folder}, of which config.json says {rows:,}",
            remedy="Save the encoder's own tokenizer into the folder with save_pretrained",
        )


def _pad_id(tokenizer: Any, config: dict[str, Any]) -> int:
    """The padding token's number; what is padded is masked, so that any will do where there is none."""
    given = config.get("pad_token_id")
    named = (tokenizer.token_to_id(name) for name in ("[PAD]", "<pad>"))
    return int(given) if given is not None else next((found for found in named if found is not None), 0)


def _encodable(text: str) -> str:
    # Half a surrogate pair (from broken JSON) cannot be handed to the tokenizer; a question mark can.
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", errors="replace").decode("utf-8")
    return text
