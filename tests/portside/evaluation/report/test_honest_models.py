"""Plain but honest models of real-looking text are not called out: each learns from the samples with scikit-learn."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from portside.data.matching import MatchingDataset
from portside.data.words import split_words
from portside.evaluation.report import multilabel, tagging
from portside.evaluation.report.multilabel import LabelRows
from portside.evaluation.report.parts import Report
from portside.evaluation.report.tagging import TaggedRows
from portside.inference.outside_gate import EnergyGate
from portside.records import Judged
from tests.portside.evaluation.report.made_models import classified, matched, nothing_seen

SAMPLES = Path(__file__).parents[4] / "data_samples"
BROKEN = ("no better than", "surer than", "know as", "at little but", "hardly looks", "another id", "next to none")


@dataclass
class Learned:
    """Logistic regression of a text's words."""

    labels: tuple[str, ...]
    vectors: TfidfVectorizer
    regression: LogisticRegression
    model: str = "sample:1"
    gate: EnergyGate | None = None

    def scores(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        logits = self.regression.predict_log_proba(self.vectors.transform(texts))
        return logits.astype(np.float32), np.zeros((len(texts), 1), dtype=np.float32)


def read(file: str) -> tuple[list[str], list[str]]:
    """Texts and labels; rows from outside are left out."""
    with (SAMPLES / file).open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.reader(lines) if row[1] != "out_of_scope"][1:]
    return [row[0] for row in rows], [row[1] for row in rows]


def classifier(name: str) -> Report:
    texts, labels = read(f"{name}.csv")
    vectors = TfidfVectorizer(ngram_range=(1, 2)).fit(texts)
    regression = LogisticRegression(C=20).fit(vectors.transform(texts), labels)
    known = tuple(str(label) for label in regression.classes_)
    asked, truth = read(f"{name}_test.csv")
    return classified(Learned(known, vectors, regression), truth, texts=asked)


def several(rows: int = 400) -> Report:
    """Headlines on two topics, beside such on one: how many topics a text has does go with its length."""

    def joined(file: str) -> tuple[list[str], list[set[str]]]:
        texts, topics = read(file)
        pairs = list(pairwise(zip(texts, topics, strict=True)))[:rows]
        both = [(f"{one[0]}. {other[0]}", {one[1], other[1]}) for one, other in pairs[::2]]
        alone = [(one[0], {one[1]}) for one, _ in pairs[1::2]]
        return [text for text, _ in both + alone], [found for _, found in both + alone]

    texts, topics = joined("finance/topics.csv")
    labels = sorted(set().union(*topics))
    there = np.array([[label in found for label in labels] for found in topics])
    vectors = TfidfVectorizer().fit(texts)
    each = OneVsRestClassifier(LogisticRegression(C=50)).fit(vectors.transform(texts), there)
    asked, true = joined("finance/topics_test.csv")
    truth = np.array([[label in found for label in labels] for found in true])
    given = each.predict_proba(vectors.transform(asked))
    rows_of = LabelRows(asked, tuple(labels), len(labels), given, truth, 0.4)
    return Report("topics, version 1", "", [], multilabel.sections_of(rows_of, "test.csv", nothing_seen))


@cache
def companies() -> list[tuple[str, ...]]:
    with (SAMPLES / "finance/companies.csv").open(encoding="utf-8", newline="") as lines:
        names = [name for row in csv.DictReader(lines) for name in (row["name"], *row["aliases"].split("|")) if name]
    return sorted((tuple(word.text for word in split_words(name)) for name in names), key=len, reverse=True)


def tags_of(words: Sequence[str]) -> list[str]:
    """Where companies are named, in IOB2: names of a single type, which stand in capitals nearly always."""
    tags = ["O"] * len(words)
    for name in companies():
        for start in range(len(words) - len(name) + 1):
            end = start + len(name)
            if tuple(words[start:end]) == name and tags[start:end] == ["O"] * len(name):
                tags[start:end] = ["B-COMPANY", *["I-COMPANY"] * (len(name) - 1)]
    return tags


def around(words: Sequence[str]) -> list[dict[str, str]]:
    padded = ["", *words, ""]
    return [
        {"word": word, "before": before, "after": after, "end": word[-3:], "capital": str(word[:1].isupper())}
        for before, word, after in zip(padded, words, padded[2:], strict=False)
    ]


def tagger(rows: int = 700) -> Report:
    learn, asked = ([[word.text for word in split_words(text)] for text in read(file)[0][:rows]] for file in FILES)
    vectors = DictVectorizer()
    features = vectors.fit_transform([one for words in learn for one in around(words)])
    told = [tag for words in learn for tag in tags_of(words)]
    regression = LogisticRegression(C=5, max_iter=300).fit(features, told)
    found = [regression.predict_proba(vectors.transform(around(words))) for words in asked]
    names = tuple(str(tag) for tag in regression.classes_)
    truth = [tags_of(words) for words in asked]
    made = tagging.sections_of(TaggedRows(names, asked, truth, found), "test.conll", nothing_seen)
    return Report("companies, version 1", "", [], made)


FILES = ("finance/topics.csv", "finance/topics_test.csv")


def matcher() -> Report:
    """Headings of the knowledge base ask for the article that they stand in, by the words of its text."""
    documents, asked = {}, {}
    for file in sorted((SAMPLES / "support/kb").glob("*.md")):
        lines = file.read_text(encoding="utf-8").split("---", 2)[2].splitlines()
        documents[file.stem] = "\n".join(line for line in lines if not line.startswith("#"))
        asked |= {f"{file.stem} {place}": line[3:] for place, line in enumerate(lines) if line.startswith("## ")}
    judged = tuple(Judged(query, query.split()[0], 1.0) for query in asked)
    dataset = MatchingDataset(documents, asked, judged, "test.csv")
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True).fit(documents.values())
    near = (vectors.transform(asked.values()) @ vectors.transform(documents.values()).T).toarray()
    ids = list(documents)
    orders = {query: [ids[place] for place in np.argsort(-row)] for query, row in zip(asked, near, strict=True)}
    return matched(orders, dataset, words=orders)


@pytest.mark.parametrize(
    ("report", "least"),
    [
        (lambda: classifier("support/intents"), 0.6),
        (lambda: classifier("finance/sentiment"), 0.5),
        (several, 0.4),
        (tagger, 0.5),
        (matcher, 0.2),
    ],
    ids=["intents", "sentiment", "several topics", "company names", "articles"],
)
def test_an_honest_model_is_not_called_out(report: Callable[[], Report], least: float) -> None:
    made = report()
    accuracy = next(one for one in made.sections if one.key == "accuracy").figures[0].value
    assert accuracy > least, "it has learned something"
    assert not [warning for warning in made.warnings if any(words in warning for words in BROKEN)], made.warnings
