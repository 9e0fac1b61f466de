from __future__ import annotations

from pathlib import Path

import pytest

from portside.errors import DataError
from portside.evaluation.suite_files import BUILT_IN_FOLDER, find_suites, read_suite

GOOD = '[[test]]\nname = "good"\nkind = "invariance"\nperturb = "upper"\n'


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_built_in_suites_are_readable_and_their_example_too(tmp_path: Path) -> None:
    suites = find_suites(None, tmp_path)
    assert {suite.name for suite in suites} >= {"robustness", "names_and_places", "sentiment", "fairness", "chinese"}
    assert {test.kind for suite in suites for test in suite.tests} == {"invariance", "directional", "minimum", "bias"}
    example = (BUILT_IN_FOLDER / "README.md").read_text().split("```toml\n")[1].split("```")[0]
    assert len(read_suite(write(tmp_path, example)).tests) == 4


def test_a_suite_is_found_by_file_folder_and_name(tmp_path: Path) -> None:
    home = tmp_path / "suites"
    home.mkdir()
    mine = write(home, GOOD)
    write(home, "[lists]\n", "lists.toml")
    for asked in (str(mine), str(home), "mine"):
        assert [suite.name for suite in find_suites(asked, home)] == ["mine"]
    assert "mine" in {suite.name for suite in find_suites(None, home)}
    with pytest.raises(DataError) as caught:
        find_suites("other", home)
    assert "robustness" in caught.value.remedy
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no \.toml file in it"):
        find_suites(str(tmp_path / "empty"), home)


def test_cases_may_stand_in_a_table_beside_the_suite(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("text,label\nWhere is my parcel?,track\nI want my money,refund\n")
    suite = read_suite(write(tmp_path, '[[test]]\nname = "plain"\nkind = "minimum"\ncases = "cases.csv"\n'))
    assert suite.tests[0].cases == (("Where is my parcel?", "track"), ("I want my money", "refund"))


BIAS = 'name = "x"\nkind = "bias"\n'
INVARIANCE = 'name = "x"\nkind = "invariance"\n'
DIRECTIONAL = 'name = "x"\nkind = "directional"\nafter = " no"\n'


@pytest.mark.parametrize(
    ("test", "rule", "seen"),
    [
        ('name = "x"\nkind = "typos"\n', "'kind' must be one of the known ones", "'typos'"),
        ('kind = "minimum"\ncases = [{text="a", label="b"}]\n', "'name' must be a text", "nothing"),
        (INVARIANCE, "in one way how texts are changed", "in none"),
        (INVARIANCE + 'perturb = "upper"\nswap = ["a", "b"]\n', "in one way", "perturb and swap"),
        (INVARIANCE + 'perturb = "typo"\n', "'perturb' must be one of the known ones", "'typo'"),
        (INVARIANCE + 'perturb = "upper"\nlabel = "a"\n', "no key but the known ones", "label"),
        (INVARIANCE + 'swap = "planets"\n', "list of words or the name of one", "planets"),
        (INVARIANCE + 'swap = ["one", "one"]\n', "needs two at least", "['one']"),
        (INVARIANCE + 'replace = [["a"]]\n', "list of pairs", "[['a']]"),
        (INVARIANCE + "before = [1]\n", "'before' must be a list of texts", "[1]"),
        (INVARIANCE + 'perturb = "upper"\nvariants = 99\n', "a number from 1 to 20", "99"),
        (INVARIANCE + 'perturb = "upper"\nat_least = 95\n', "a number from 0 to 1", "95"),
        (DIRECTIONAL + 'expect = "lower"\n', "needs the label", "no key label"),
        (DIRECTIONAL + 'label = "a"\n', "must say what the probability may do", "no key expect"),
        (DIRECTIONAL + 'label = "a"\nexpect = "down"\n', "'expect' must be one of", "'down'"),
        ('name = "x"\nkind = "minimum"\ncases = [{text = "a"}]\n', "texts with labels", "[{'text': 'a'}]"),
        ('name = "x"\nkind = "minimum"\ncases = "none.csv"\n', "file of cases must be there", "none.csv"),
        (BIAS + 'groups = {a = ["x"]}\n', "two groups", "{'a': ['x']}"),
        (BIAS + 'groups = {a = ["x"], b = ["y", "z"]}\n', "as many words", "a 1, b 2"),
        (GOOD.removeprefix("[[test]]\n"), "a name of its own", "'good' twice"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, test: str, rule: str, seen: str) -> None:
    path = write(tmp_path, f"{GOOD}\n[[test]]\n{test}")
    with pytest.raises(DataError) as caught:
        read_suite(path)
    assert rule in caught.value.rule
    assert f"{path}, line 6, test " in caught.value.rule
    assert seen in caught.value.seen
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "rule", "seen"),
    [
        ("", "must have tests", "none"),
        ("test = 3\n", "must have tests", "none"),
        ("[[test]\n", "must be a TOML file", "line 1"),
        (GOOD + '[list]\na = ["b"]\n', "no key but the known ones", "list"),
        ("lists = 3\n" + GOOD, "must hold lists", "3"),
        (GOOD + "[lists]\na = []\n", "'a' must be a list of texts", "[]"),
    ],
)
def test_what_is_wrong_with_a_whole_file_is_said(tmp_path: Path, text: str, rule: str, seen: str) -> None:
    with pytest.raises(DataError) as caught:
        read_suite(write(tmp_path, text))
    assert rule in caught.value.rule
    assert seen in caught.value.seen
    (tmp_path / "latin.toml").write_bytes(b'about = "\xe9"\n')
    with pytest.raises(DataError, match="UTF-8"):
        read_suite(tmp_path / "latin.toml")
