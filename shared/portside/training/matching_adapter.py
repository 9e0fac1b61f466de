"""Matching for the training loop. Imports torch: import it lazily."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from portside.data.identity import text_key
from portside.encoders import EncoderSource
from portside.errors import UsageError
from portside.evaluation.matching import FIGURES, score_rankings
from portside.inference import network as engine
from portside.inference.matcher import rank_all
from portside.inference.pooling import pooling_of
from portside.inference.prefixes import Prefixes, published_prefixes
from portside.inference.ranking import Ranker
from portside.inference.tokens import Tokens
from portside.said import said
from portside.tasks.matching import SYSTEMS, JudgedTexts, MatchingRecipe, relevant_documents
from portside.tasks.matching_network import MatchingNetwork
from portside.training.classification_adapter import cut_note

__all__ = ["MatchingAdapter", "MatchingMaterial", "encode"]

MINED = 20
"""Documents that share most words with a query, from which its negatives are drawn."""


@dataclass(frozen=True)
class MatchingMaterial:
    """Queries with documents to train on, and judged queries to validate on."""

    documents: Mapping[str, str]
    """Every document's text, by id."""
    pairs: Sequence[tuple[str, str]]
    """Text of a query, id of a document that is relevant to it."""
    relevant: Mapping[str, frozenset[str]]
    """``text_key`` of a query -> ``text_key`` of every document that is relevant to it."""
    rejected: Mapping[str, Sequence[str]]
    """``text_key`` of a query -> ids of documents judged not relevant to it."""
    valid: JudgedTexts | None
    validation: str
    """Where the validation queries come from, in words."""


@dataclass(frozen=True)
class PairRows:
    """Rows as the loop reads them."""

    count: int

    @property
    def lengths(self) -> Sequence[int]:
        """All alike: rows shall meet at random, and the network sorts the two sides of a batch by length itself."""
        return [1] * self.count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: int) -> Mapping[str, Any]:
        return {"labels": place}


class MatchingAdapter:
    """Each query finds its documents among all."""

    metric = "NDCG@10"
    head_start_rows = 0

    def __init__(self, recipe: MatchingRecipe, material: MatchingMaterial, source: EncoderSource) -> None:
        self._recipe, self._material = recipe, material
        self.tokens = Tokens(source.folder, max_tokens=recipe.max_tokens)
        self.prefixes = _chosen(recipe, source)
        self.pooling = pooling_of(source.folder)
        self._query_tokens, self._document_tokens = _after(self.prefixes, self.tokens)
        encoded = self._document_tokens(list(material.documents.values()))
        self._documents = dict(zip(material.documents, encoded.ids, strict=True))
        asked = list(dict.fromkeys(query for query, _ in material.pairs))
        queries = self._query_tokens(asked)
        ids = dict(zip(asked, queries.ids, strict=True))
        self._queries = [ids[query] for query, _ in material.pairs]
        self._keys = {key: text_key(text) for key, text in material.documents.items()}
        texts = list(material.documents.values())
        cut = [*(texts[place] for place in encoded.cut), *(asked[place] for place in queries.cut)]
        self.cut = len(cut)
        self.cut_note = cut_note(cut, len(texts) + len(asked), self.tokens)
        self.saving_count = len(texts)
        self.rows = PairRows(len(material.pairs))
        valid = material.valid
        # The documents are what takes time; a row of training has two texts.
        self.valid_count = 0 if valid is None else (len(valid.documents) + len(valid.queries)) // 2
        self._negatives = self._drawn_negatives() if recipe.hard_negatives else [()] * len(material.pairs)

    def network(self, encoder: nn.Module, hidden: int) -> nn.Module:
        """Encoder, one vector a text, length 1: there is no head."""
        return MatchingNetwork(encoder, temperature=self._recipe.temperature, pooling=self.pooling)

    def collate(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Ids and mask (rows, sides, tokens), and ``masked`` (rows, candidates): what is no negative of a query.

        That is every document relevant to the query, or with the text of one that is; never the row's own.
        """
        places = [row["labels"] for row in rows]
        pairs = [self._material.pairs[place] for place in places]
        sides = [[self._queries[place] for place in places], [self._documents[document] for _, document in pairs]]
        candidates = [document for _, document in pairs]
        for number in range(self._recipe.hard_negatives):
            drawn = [self._negatives[place][number] for place in places]
            sides.append([self._documents[document] for document in drawn])
            candidates += drawn
        # Side by side first, so that one call pads them all to the longest.
        ids, mask = self.tokens.pad([row for side in sides for row in side])
        shape = (len(sides), len(rows), ids.shape[1])
        keys = [self._keys[document] for document in candidates]
        masked = np.array([[key in relevant for key in keys] for relevant in (self._relevant(one) for one, _ in pairs)])
        np.fill_diagonal(masked[:, : len(rows)], False)
        return {
            "input_ids": torch.from_numpy(ids.reshape(shape).swapaxes(0, 1).copy()),
            "attention_mask": torch.from_numpy(mask.reshape(shape).swapaxes(0, 1).copy()),
            "masked": torch.from_numpy(masked),
            "labels": torch.tensor(places),
        }

    def _relevant(self, query: str) -> frozenset[str]:
        return self._material.relevant[text_key(query)]

    def _drawn_negatives(self) -> list[tuple[str, ...]]:
        """For each pair its further documents; the pair's own, which is masked, where there are not enough."""
        material, wanted = self._material, self._recipe.hard_negatives
        ranker = Ranker(tuple(material.documents), tuple(material.documents.values()))
        rng = random.Random(self._recipe.seed)
        mined: dict[str, list[str]] = {}
        out = []
        for query, document in material.pairs:
            relevant = self._relevant(query)
            if query not in mined:
                hits = ranker.rank("keywords", query, None, MINED + len(relevant))
                mined[query] = [hit.id for hit in hits if self._keys[hit.id] not in relevant][:MINED]
            judged = list(material.rejected.get(text_key(query), ()))
            drawn = rng.sample(judged, min(wanted, len(judged)))
            others = [each for each in mined[query] if each not in drawn]
            drawn += rng.sample(others, min(wanted - len(drawn), len(others)))
            out.append((*drawn, *[document] * (wanted - len(drawn))))
        return out

    def closed_form(self, network: nn.Module, method: str) -> None:
        """This task knows of no such method: its recipe refuses them."""

    def finish(self, network: nn.Module) -> None:
        """Nothing is left to do."""

    def head_start(self, network: nn.Module, precision: str) -> None:
        """This task has none."""

    def queries(self, network: nn.Module, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of queries, of length 1, shape (texts, hidden)."""
        return encode(network, self._query_tokens, texts)

    def documents(self, network: nn.Module, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same of documents."""
        return encode(network, self._document_tokens, texts)

    @cached_property
    def _ranker(self) -> Ranker:
        assert self._material.valid is not None
        documents = self._material.valid.documents
        return Ranker(tuple(documents), tuple(documents.values()))

    def validate(self, network: nn.Module) -> dict[str, float]:
        """NDCG@10 of the vectors over the whole corpus, their other figures, and NDCG@10 of the other systems.

        ``loss`` is the mean negative logarithm of the share that a query's relevant documents have of the softmax.
        """
        valid = self._material.valid
        assert valid is not None
        documents = self.documents(network, list(valid.documents.values()))
        queries = self.queries(network, list(valid.queries.values()))
        rankings = rank_all(self._ranker, valid, queries, documents).orders
        scored = {system: score_rankings(rankings[system], valid) for system in SYSTEMS}
        own = {name: getattr(scored["vectors"], name) for name in FIGURES}
        others = {f"{system}_ndcg_at_10": scored[system].ndcg_at_10 for system in SYSTEMS if system != "vectors"}
        loss = _loss(queries @ documents.T / self._recipe.temperature, valid)
        return {"loss": loss, "score": own["ndcg_at_10"], **own, **others}


def encode(network: nn.Module, tokens: Tokens, texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors of length 1, shape (texts, hidden)."""
    network.eval()
    device = next(network.parameters()).device
    return engine.run(
        lambda ids, mask: network(input_ids=ids, attention_mask=mask)["vectors"], tokens, texts, device=device
    )


def _chosen(recipe: MatchingRecipe, source: EncoderSource) -> Prefixes:
    """What the recipe says is read before each text; where it says nothing, what the encoder was published with."""
    known = published_prefixes(source)
    query, document = recipe.query_prefix, recipe.document_prefix
    return Prefixes(known.query if query is None else query, known.document if document is None else document)


def _after(prefixes: Prefixes, tokens: Tokens) -> tuple[Tokens, Tokens]:
    """Tokenizers for queries and for documents.

    Raises:
        UsageError: a prefix leaves no room for texts.
    """
    made = tokens.after(prefixes.query), tokens.after(prefixes.document)
    used = max(len(one([""]).ids[0]) for one in made)
    if prefixes and 2 * used > tokens.max_tokens:
        raise UsageError(
            "What is read before each text must leave most of the room to the text",
            seen=said("{n} of {most} tokens", n=used, most=tokens.max_tokens),
            remedy="Shorten query_prefix and document_prefix, or raise max_tokens",
        )
    return made


def _loss(logits: NDArray[np.float32], valid: JudgedTexts) -> float:
    place = {key: number for number, key in enumerate(valid.documents)}
    row = {key: number for number, key in enumerate(valid.queries)}
    losses = []
    for query, documents in relevant_documents(valid.judged).items():
        powers = np.exp(logits[row[query]].astype(np.float64) - logits[row[query]].max())
        share = powers[[place[document] for document in documents]].sum() / powers.sum()
        losses.append(-np.log(max(float(share), 1e-12)))
    return float(np.mean(losses))
