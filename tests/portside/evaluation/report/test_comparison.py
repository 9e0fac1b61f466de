from __future__ import annotations

import numpy as np
import pytest

from portside.errors import UsageError
from portside.evaluation.report.comparison import compare_on_new_rows, comparison_section
from portside.evaluation.report.versus import LONGEST
from portside.evaluation.scored import Scored

TRUTH = ["card", "card", "fee", "fee"]


def scored(model: str, predicted: list[str], labels: tuple[str, ...] = ("card", "fee"), prefix: str = "text") -> Scored:
    places = [labels.index(one) for one in predicted]
    return Scored(
        model,
        "test.csv",
        labels,
        tuple(f"{prefix} {n}" for n in range(len(places))),
        tuple(range(1, len(places) + 1)),
        np.array([labels.index(TRUTH[n % 4]) for n in range(len(places))]),
        np.log(np.where(np.arange(len(labels)) == np.array(places)[:, None], 0.9, 0.1)).astype(np.float32),
        np.zeros((len(places), 0), dtype=np.float32),
    )


def test_what_changed_the_worse_first() -> None:
    old = scored("m:1", ["card", "fee", "fee", "card"])
    new = scored("m:2", ["fee", "card", "fee", "card"], labels=("fee", "card"))
    section = comparison_section(new, old, TRUTH)
    assert "1 answers are mended, 1 newly wrong" in section.sentences[0]
    assert "may be chance" in section.sentences[1]
    assert [(row[0], row[-1]) for row in section.tables[0].rows] == [(1, "newly wrong"), (2, "mended")]
    assert section.charts == []


def test_changed_answers_are_told_as_those_of_other_tasks_and_cut_alike() -> None:
    wrong, right = scored("m:1", ["fee"], prefix="text " * 60), scored("m:2", ["card"], prefix="text " * 60)
    table = comparison_section(right, wrong, TRUTH[:1]).tables[0]
    assert len(str(table.rows[0][1])) == LONGEST
    labels = ("card", "fee", "cash")
    old = scored("m:1", ["fee", "fee", "fee"], labels=labels)
    new = scored("m:2", ["card", "cash", "card"], labels=labels)
    table = comparison_section(new, old, TRUTH[:3]).tables[0]
    assert [(row[0], row[-1]) for row in table.rows] == [(3, "newly wrong"), (2, "still wrong"), (1, "mended")]
    assert table.title == "Answers that changed (3 of 3)"


def test_a_better_version_is_named() -> None:
    section = comparison_section(scored("m:2", TRUTH * 5), scored("m:1", ["fee", "fee", "fee", "fee"] * 5), TRUTH * 5)
    assert section.sentences[1].startswith("m:2 is better than m:1")
    assert [bar.value for bar in section.charts[0].bars] == [10.0]
    back = comparison_section(scored("m:1", ["fee"] * 20), scored("m:2", TRUTH * 5), TRUTH * 5)
    assert back.sentences[1].startswith("m:2 is better than m:1")


def test_a_very_small_chance_is_not_shown_as_none() -> None:
    section = comparison_section(scored("m:2", TRUTH * 10), scored("m:1", ["fee"] * 40), TRUTH * 10)
    assert section.sentences[1].endswith("(McNemar's test, p below 0.001).")


def test_the_label_that_changed_most_of_many_may_be_luck() -> None:
    """Of twenty labels one gained six rows by itself: p = 0.031, and 0.62 where one looked at twenty."""
    names = tuple(f"label {n:02}" for n in range(20))
    truth = [name for name in names for _ in range(6)]
    for gained, sentence in ((6, "Of 20 labels none became better or worse by more than chance"), (12, "(McNemar's")):
        rows = truth + [names[0]] * (gained - 6)
        old, new = (
            Scored(
                model,
                "test.csv",
                names,
                tuple(f"text {n}" for n in range(len(rows))),
                tuple(range(1, len(rows) + 1)),
                np.array([names.index(name) for name in rows]),
                np.eye(20, dtype=np.float32)[[shown if name == names[0] else names.index(name) for name in rows]],
                np.zeros((len(rows), 0), dtype=np.float32),
            )
            for model, shown in (("m:1", 5), ("m:2", 0))
        )
        told = comparison_section(new, old, rows).sentences[3]
        assert sentence in told
        assert ("'label 00' better" in told) == (gained == 12)


def test_different_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="same rows"):
        comparison_section(scored("m:2", TRUTH), scored("m:1", TRUTH, prefix="other"), TRUTH)


def test_rows_that_either_learned_from_do_not_count() -> None:
    """The older version knows the first 20 rows by heart, and is wrong on each of the other 20."""
    truth = TRUTH * 10
    old = scored("m:1", [*TRUTH * 5, *["fee", "fee", "card", "card"] * 5])
    new = scored("m:2", [*["fee", "fee", "card", "card"] * 5, *TRUTH * 5])
    fresh = np.arange(40) >= 20
    assert "neither is shown to be better" in compare_on_new_rows(new, old, truth, np.ones(40, dtype=bool)).sentences[1]
    made = compare_on_new_rows(new, old, truth, fresh)
    assert made.sentences[0].startswith("m:2 is right on 20 of 20 texts, m:1 on 0")
    assert made.sentences[1].startswith("m:2 is better than m:1")
    assert made.sentences[-1] == "Compared on the 20 of 40 rows that neither version has learned from."
    assert not made.warnings
    none = compare_on_new_rows(new, old, truth, np.zeros(40, dtype=bool))
    assert none.warnings[0].startswith("There is no row that neither version has learned from")
