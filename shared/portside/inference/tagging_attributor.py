"""Why a tagger finds a name: which words of the sentence speak for its type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from portside.data.words import Word, split_sentences, split_words
from portside.inference.attributor import Answer, Measure, TokenValues, Variant, check_label, refined
from portside.inference.batched import each_batch
from portside.inference.folder import read_model_file
from portside.inference.loaded import LazyNetwork
from portside.inference.name_reading import read_name_reading
from portside.inference.spans import found_spans
from portside.inference.tagging import pad_windows, tag_probabilities
from portside.inference.words import MOST_CHARACTERS, WordWindow, cut_windows, pieces_read

if TYPE_CHECKING:
    from portside.inference.batched import Forward
    from portside.inference.tokens import Tokens

__all__ = ["TaggingAttributor"]

FRAME = -1
"""Stands for the word of a special token."""


@dataclass(frozen=True)
class _Passage:
    """What is read to give a type to one name."""

    window: WordWindow
    """``places``: the tokens that answer for the name's words."""
    owners: list[int]
    """The word that each token is of, or ``FRAME``."""
    words: list[Word]
    """Of the whole text."""

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Where the word of each token stands in the text."""
        return [(0, 0) if one == FRAME else self.words[one][1:] for one in self.owners]

    def without(self, gone: Sequence[tuple[int, int]], nothing: int) -> WordWindow:
        """Tokens of the words at ``gone`` say nothing, but keep their places."""
        hit = [any(start < after and first < end for start, end in gone) for first, after in self.spans]
        return replace(
            self.window,
            ids=[nothing if out else one for one, out in zip(self.window.ids, hit, strict=True)],
            cases=[0 if out else one for one, out in zip(self.window.cases, hit, strict=True)],
        )


class TaggingAttributor:
    """The tagger in one folder: the answers to a text are the names that it finds.

    The score of a name is the log-odds of its type, the tags that begin and continue one taken together, mean over the
    name's words. A word that is left out leaves its place: the name stays where it was, and its own words can be left
    out, too.
    """

    measure: Measure = "probability"

    def __init__(self, folder: Path, *, model: str, threads: int = 0) -> None:
        """Open a folder.

        Raises:
            ModelError: the model is no tagger.
        """
        self.model = model
        file = read_model_file(folder, task="tagging")
        self._reading = read_name_reading(file.options)
        self._tags, self._context = file.labels, int(file.options.get("context", 0))
        self._ready = LazyNetwork(folder, "portside.tasks.tagging_network:load_network", threads=threads)

    @property
    def types(self) -> tuple[str, ...]:
        """Of the names that it knows."""
        return tuple(dict.fromkeys(tag[2:] for tag in self._tags if tag != "O"))

    def answers(self, texts: Sequence[str], label: str | None = None) -> list[list[Answer]]:
        if label is not None:
            check_label(label, self.types)
        cut = [split_sentences(split_words(text), text) for text in texts]
        flat = [sentence for sentences in cut for sentence in sentences]
        documents = [place for place, sentences in enumerate(cut) for _ in sentences]
        forward, tokens = self._forward()
        words = [[word.text for word in sentence] for sentence in flat]
        rows = tag_probabilities(forward, tokens, words, documents=documents, context=self._context)
        found: list[list[tuple[float, Answer]]] = [[] for _ in texts]
        for place, sentence, chances in zip(documents, flat, rows, strict=True):
            found[place] += self._names(texts[place], sentence, chances, label)
        return [[answer for _, answer in sorted(each, key=lambda one: -one[0])] for each in found]

    def scores(self, variants: Sequence[Variant]) -> NDArray[np.float64]:
        if not variants:
            return np.zeros(0)
        forward, tokens = self._forward()
        nothing = self._nothing()
        passages = self._passages([(one.text, one.answer) for one in variants], tokens)
        windows = [one.without(each.gone, nothing) for one, each in zip(passages, variants, strict=True)]
        out = np.empty(len(variants))
        lengths = [len(one.ids) for one in windows]
        for places, logits in each_batch(
            forward, lengths, lambda places: pad_windows(tokens, [windows[place] for place in places])
        ):
            for row, place in enumerate(places):
                columns = self._columns(variants[place].answer)
                out[place] = _type_odds(logits[row, windows[place].places], columns).mean()
        return out

    def integrated_gradients(self, texts: Sequence[str], answers: Sequence[Answer]) -> list[TokenValues]:
        if not texts:
            return []
        _, tokens = self._forward()
        passages = self._passages(list(zip(texts, answers, strict=True)), tokens)

        def integrate(places: Sequence[int], steps: int) -> list[TokenValues]:
            return self._integrate([passages[one] for one in places], [answers[one] for one in places], steps)

        return refined(len(texts), integrate)

    def _names(
        self, text: str, words: Sequence[Word], rows: NDArray[np.float64], label: str | None
    ) -> list[tuple[float, Answer]]:
        made = []
        for span in found_spans(rows, self._tags):
            own = words[span.start : span.end]
            name = " ".join(text[own[0].start : own[-1].end].split())
            key, spans = label or span.type, tuple((word.start, word.end) for word in own)
            answer = Answer(key, f"{key}: {name}", f"{span.type}: {name}", spans)
            made.append((self._reading.confidence(rows, span, self._tags), answer))
        return made

    def _columns(self, answer: Answer) -> list[int]:
        return [place for place, tag in enumerate(self._tags) if tag != "O" and tag[2:] == answer.key]

    def _forward(self) -> tuple[Forward, Tokens]:
        network, tokens, device = self._ready()
        from portside.inference.network import as_forward

        return as_forward(network, ("logits",), device=device), tokens

    def _nothing(self) -> int:
        network, tokens, _device = self._ready()
        from portside.inference.gradients import nothing_id

        return nothing_id(network, tokens)

    def _passages(self, asked: Sequence[tuple[str, Answer]], tokens: Tokens) -> list[_Passage]:
        known: dict[tuple[str, tuple[tuple[int, int], ...]], _Passage] = {}
        for text, answer in asked:
            if (text, answer.spans) not in known:
                known[text, answer.spans] = _passage(text, answer.spans, tokens, self._context)
        return [known[text, answer.spans] for text, answer in asked]

    def _integrate(self, passages: Sequence[_Passage], answers: Sequence[Answer], steps: int) -> list[TokenValues]:
        network, tokens, device = self._ready()
        from portside.inference import gradients

        results = gradients.integrate(
            network,
            tokens,
            [one.window.ids for one in passages],
            [[owner == FRAME for owner in one.owners] for one in passages],
            score=gradients.name_score(
                network.head, [one.window.places for one in passages], [self._columns(one) for one in answers]
            ),
            device=device,
            steps=steps,
            cases=None if network.case is None else [one.window.cases for one in passages],
        )
        return [_values(one, *result) for one, result in zip(passages, results, strict=True)]


def _values(passage: _Passage, values: NDArray[np.float64], score: float, baseline: float) -> TokenValues:
    read: Any = [span for span, owner in zip(passage.spans, passage.owners, strict=True) if owner != FRAME]
    return TokenValues(tuple(passage.spans), values, score, baseline, window=(read[0][0], read[-1][1]))


def _passage(text: str, spans: Sequence[tuple[int, int]], tokens: Tokens, context: int) -> _Passage:
    """The window that answers for the first of the words at ``spans``, and for as many of the others as it does."""
    sentences = split_sentences(split_words(text), text)
    words = [word for sentence in sentences for word in sentence]
    windows, _ = cut_windows(
        [[word.text for word in sentence] for sentence in sentences],
        tokens,
        documents=[0] * len(sentences),
        context=context,
    )
    own = [place for place, word in enumerate(words) if (word.start, word.end) in set(spans)]
    window = next(one for one in windows if own[0] in one.words)
    answering = dict(zip(window.words, window.places, strict=True))
    asked = [word for word in own if word in answering]
    return _Passage(
        replace(window, words=asked, places=[answering[word] for word in asked]), _owners(window, words, tokens), words
    )


def _owners(window: WordWindow, words: Sequence[Word], tokens: Tokens) -> list[int]:
    """The word that each token of the window is of: those asked for, and those around them."""
    before, after = tokens.frame
    most, last = pieces_read(tokens), len(window.ids) - len(after)
    lengths = [min(len(each), most) for each in tokens.pieces([word.text[:MOST_CHARACTERS] for word in words])]
    word, place = window.words[0], window.places[0]
    while place > len(before):
        word -= 1
        place -= lengths[word]
    owners = [FRAME] * len(before)
    while len(owners) < last:
        owners += [word] * lengths[word]
        word += 1
    return owners + [FRAME] * len(after)


def _type_odds(logits: NDArray[np.float32], columns: Sequence[int]) -> NDArray[np.float64]:
    """Log-odds of some tags together against all others, of ``logits`` (words, tags) to (words,)."""
    others = [place for place in range(logits.shape[1]) if place not in columns]
    exact = logits.astype(np.float64)
    together, rest = (np.logaddexp.reduce(exact[:, list(some)], axis=1) for some in (columns, others))
    return np.asarray(together - rest, dtype=np.float64)
