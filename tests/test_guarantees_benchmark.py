"""The table of promises reads, trains and asks for each task, on small files laid out as the public sets are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks import guarantees
from tests.benchmarks.kept import HEAD, TEXTS_HEAD

pytestmark = pytest.mark.slow

WORDS = ("card", "parcel", "refund")
RISKS = ["2", "5", "10"]


def lines_of(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")


def labelled(data: Path) -> None:
    rows = [
        {"fold": n % 20, "text": f"where is my {WORDS[n % 3]} {n}", "intents": [WORDS[n % 3], "late"][: 1 + n % 2]}
        for n in range(120)
    ]
    lines_of(data / "support" / "nlupp" / "banking.jsonl", [dict(row) for row in rows])


def matched(data: Path) -> None:
    folder = data / "support" / "stackfaq"
    lines_of(folder / "corpus.jsonl", [{"_id": f"d{n}", "title": WORDS[n % 3], "text": f"{n}"} for n in range(30)])
    lines_of(folder / "queries.jsonl", [{"_id": f"q{n}", "text": f"my {WORDS[n % 3]} {n}"} for n in range(60)])
    (folder / "qrels").mkdir()
    for part, queries in (("train", range(40)), ("test", range(40, 60))):
        judged = "\n".join(f"q{n}\td{n % 30}\t1" for n in queries)
        (folder / "qrels" / f"{part}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}\n")


def tagged(data: Path) -> None:
    folder = data / "ner" / "wnut17"
    folder.mkdir(parents=True)
    for part, count in (("train", 90), ("valid", 30), ("test", 40)):
        sentences = [f"the\tO\n{WORDS[n % 3]}\tB-product\nis\tO\nlate{n}\tO" for n in range(count)]
        (folder / f"{part}.txt").write_text("\n\n".join(sentences) + "\n")


def test_labels_of_a_text_are_promised_about(tmp_path: Path, tiny_encoder: Path) -> None:
    labelled(tmp_path)
    name = "NLU++ banking, labels"
    found = guarantees.SETS[name](name, tmp_path, str(tiny_encoder))
    assert [(line[0], line[2], len(line)) for line in found.texts] == [(name, risk, len(TEXTS_HEAD)) for risk in RISKS]
    assert int(str(found.texts[0][1])) <= 12, "texts a half: there are 24 to test on"
    assert not found.rows


def test_first_documents_of_queries_are_promised_about(tmp_path: Path, tiny_encoder: Path) -> None:
    matched(tmp_path)
    name = "StackFAQ, first document"
    found = guarantees.SETS[name](name, tmp_path, str(tiny_encoder))
    assert [(line[:3], len(line)) for line in found.rows] == [([name, 10, risk], len(HEAD)) for risk in RISKS]
    assert not found.texts


def test_names_of_a_sentence_are_promised_about(
    tmp_path: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tagged(tmp_path)
    guarantees.run(tmp_path, 1, only="wnut", encoder=str(tiny_encoder))
    printed = " ".join(capsys.readouterr().out.split())
    assert "texts a half" in printed
    assert "WNUT-17," in printed
    assert "labels a text" not in printed, "of no classifier anything is printed"
