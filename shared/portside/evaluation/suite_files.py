"""Suites of behaviour tests as files: what a TOML file may say, read and checked.

    about = "What the suite is for."
    [[test]]
    name = "greeting"
    kind = "invariance"          # or directional, minimum, bias
    before = ["Hello, "]         # or one of: after, perturb, replace, swap
    [lists]                      # words that tests of this file name
    cities = ["Oslo", "Bergen"]

``suites/README.md`` beside this module says which keys each kind has; the suites there are examples.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from portside.errors import DataError
from portside.evaluation.perturbations import BUILT_IN, Around, Change, Replace, Swap
from portside.said import Said

__all__ = ["BUILT_IN_FOLDER", "BehaviourTest", "Expectation", "Kind", "Suite", "find_suites", "read_suite"]

Kind = Literal["invariance", "directional", "minimum", "bias"]
Expectation = Literal["not-higher", "not-lower", "higher", "lower"]
BUILT_IN_FOLDER = Path(__file__).with_name("suites")
LISTS_FILE = "lists.toml"
TOLERANCE = 0.05
"""Change of probability that counts as none."""
MOST_VARIANTS = 20
CHANGES = ("perturb", "replace", "swap", "before", "after")
KEYS: Mapping[Kind, frozenset[str]] = {
    "invariance": frozenset({*CHANGES, "only_first", "texts", "when", "variants"}),
    "directional": frozenset({*CHANGES, "only_first", "texts", "when", "variants", "label", "expect", "tolerance"}),
    "minimum": frozenset({"cases"}),
    "bias": frozenset({"groups", "texts", "label"}),
}
"""What a test of each kind may say, beside what all have."""
COMMON = frozenset({"name", "kind", "about", "at_least"})


@dataclass(frozen=True)
class BehaviourTest:
    """One test of a suite."""

    name: str
    kind: Kind
    about: str = ""
    change: Change | None = None
    """Of invariance and directional tests."""
    variants: int = 1
    """Changed texts made of each text; all of them must pass."""
    texts: tuple[str, ...] = ()
    """Used instead of the user's rows."""
    when: tuple[str, ...] = ()
    """Only texts that the model gives one of these labels."""
    labels: tuple[str, ...] = ()
    """Whose summed probability a directional test looks at; whose differences a bias test does (none: all labels)."""
    expect: Expectation = "not-higher"
    tolerance: float = TOLERANCE
    cases: tuple[tuple[str, str], ...] = ()
    """Texts with the label they must get."""
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Group -> its words; words at the same place in two groups stand for each other."""
    at_least: float | None = None
    """Share of texts that must pass."""


@dataclass(frozen=True)
class Suite:
    """The tests of one file."""

    name: str
    """The file's, without its ending."""
    about: str
    tests: tuple[BehaviourTest, ...]


def find_suites(asked: str | None, home: Path) -> list[Suite]:
    """The suite of a file, those of a folder, the one called so, or (None) all built-in ones and those in ``home``.

    Raises:
        DataError: there is no such suite, or a file breaks a rule.
    """
    known = [*_files(BUILT_IN_FOLDER), *_files(home)]
    if asked is None:
        return [read_suite(path) for path in known]
    path = Path(asked)
    if path.is_dir():
        chosen = _files(path)
    else:
        chosen = [path] if path.is_file() else [one for one in known if one.stem == asked]
    if not chosen:
        raise DataError(
            "A suite is a TOML file, a folder of them, or the name of one that is known",
            seen=f"{asked}{': no .toml file in it' if path.is_dir() else ''}",
            remedy=f"Known suites: {', '.join(one.stem for one in known)}",
        )
    return [read_suite(one) for one in chosen]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.toml") if path.name != LISTS_FILE) if folder.is_dir() else []


def read_suite(path: Path) -> Suite:
    """The suite in one file; what a built-in one calls its tests and groups can be translated, a user's words stay.

    Raises:
        DataError: the file cannot be read or breaks a rule; names the file, the test with its line, the key.
    """
    source, said = _parse(path)
    file = _Place(str(path))
    file.only(said, {"about", "test", "lists"})
    lists = {**_built_in_lists(), **_lists(said.get("lists", {}), file)}
    tests = said.get("test", [])
    if not isinstance(tests, list) or not tests or not all(isinstance(one, dict) for one in tests):
        raise file.error("A suite must have tests", "none", "Write a [[test]] with name and kind")
    lines = [number for number, line in enumerate(source.splitlines(), 1) if re.match(r"\s*\[\[\s*test\s*\]\]", line)]
    ours = path.resolve().parent == BUILT_IN_FOLDER.resolve()
    made: list[BehaviourTest] = []
    for place, one in enumerate(tests):
        line = lines[place] if len(lines) == len(tests) else None
        at = _Place(str(path), line, str(one.get("name", f"number {place + 1}")))
        reader = _TestReader(one, lists, path.parent, at, ours)
        test = reader.read()
        if test.name in {other.name for other in made}:
            raise reader.place.error(
                "Each test of a suite needs a name of its own", f"'{test.name}' twice", "Rename one"
            )
        made.append(test)
    return Suite(path.stem, _called(file.text(said, "about", ""), ours=ours), tuple(made))


def _called(words: str, *, ours: bool) -> str:
    # The template is the words themselves: the catalogues know those of the built-in suites.
    return Said(words, {}) if ours and words else words


def _parse(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        source = path.read_text(encoding="utf-8-sig")
        return source, tomllib.loads(source)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise DataError("A suite must be a readable file", seen=str(reason), file=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise DataError(
            "A suite must be a TOML file",
            seen=str(error),
            remedy="Mend that line: texts stand in quotation marks, lists in square brackets",
            file=str(path),
        ) from error


@lru_cache(maxsize=1)
def _built_in_lists() -> dict[str, tuple[str, ...]]:
    path = BUILT_IN_FOLDER / LISTS_FILE
    return _lists(_parse(path)[1].get("lists"), _Place(str(path)))


def _lists(said: Any, place: _Place) -> dict[str, tuple[str, ...]]:
    if not isinstance(said, dict):
        raise place.error("[lists] must hold lists of words", repr(said), 'For example: cities = ["Oslo", "Bergen"]')
    return {name: place.words(said, name) for name in said}


@dataclass(frozen=True)
class _Place:
    """Where in a file something stands, for errors; and what a value there must be."""

    file: str
    line: int | None = None
    test: str | None = None

    def error(self, rule: str, seen: str, remedy: str) -> DataError:
        line = "" if self.line is None else f", line {self.line}"
        test = "" if self.test is None else f", test '{self.test}'"
        return DataError(rule, seen=seen, remedy=remedy, file=self.file + line + test)

    def only(self, said: Mapping[str, Any], known: set[str]) -> None:
        unknown = sorted(said.keys() - known)
        if unknown:
            names = ", ".join(sorted(known))
            raise self.error(
                "There must be no key but the known ones", unknown[0], f"Keys that may stand here: {names}"
            )

    def text(self, said: Mapping[str, Any], key: str, otherwise: str | None = None) -> str:
        value = said.get(key, otherwise)
        if not isinstance(value, str) or (otherwise is None and not value.strip()):
            raise self.error(f"'{key}' must be a text", _shown(value), f'For example: {key} = "…"')
        return value

    def choice(self, said: Mapping[str, Any], key: str, known: Sequence[str], otherwise: str | None = None) -> Any:
        value = said.get(key, otherwise)
        if value not in known:
            raise self.error(f"'{key}' must be one of the known ones", _shown(value), f"Known: {', '.join(known)}")
        return value

    def words(self, said: Mapping[str, Any], key: str) -> tuple[str, ...]:
        """A list of texts that are not empty, or one text."""
        value = said[key]
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not found or not all(isinstance(one, str) and one for one in found):
            raise self.error(f"'{key}' must be a list of texts", _shown(value), f'For example: {key} = ["…", "…"]')
        return tuple(found)

    def number(self, said: Mapping[str, Any], key: str, low: float, high: float) -> Any:
        value = said[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.error(
                f"'{key}' must be a number from {low:g} to {high:g}", _shown(value), f"Give {key} such a one"
            )
        return value


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value)[:80]


@dataclass(frozen=True)
class _TestReader:
    said: Mapping[str, Any]
    lists: Mapping[str, tuple[str, ...]]
    folder: Path
    place: _Place
    ours: bool
    """Whether the suite is a built-in one."""

    def read(self) -> BehaviourTest:
        said, place = self.said, self.place
        kind: Kind = place.choice(said, "kind", get_args(Kind))
        place.only(said, {*COMMON, *KEYS[kind]})
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "invariance": self._changing,
            "directional": self._directional,
            "minimum": lambda: {"cases": self._cases()},
            "bias": lambda: {"groups": self._groups(), **self._optional("label", "labels"), **self._optional("texts")},
        }
        at_least = place.number(said, "at_least", 0, 1) if "at_least" in said else None
        name = _called(place.text(said, "name"), ours=self.ours)
        about = _called(place.text(said, "about", ""), ours=self.ours)
        return BehaviourTest(name, kind, about, at_least=at_least, **parts[kind]())

    def _optional(self, key: str, name: str = "") -> dict[str, Any]:
        return {name or key: self.place.words(self.said, key)} if key in self.said else {}

    def _directional(self) -> dict[str, Any]:
        if "label" not in self.said:
            raise self.place.error(
                "A directional test needs the label whose probability it looks at",
                "no key label",
                'For example: label = "positive", or several names that models give it: ["positive", "good"]',
            )
        if "expect" not in self.said:
            known = ", ".join(get_args(Expectation))
            raise self.place.error(
                "A directional test must say what the probability may do", "no key expect", f"One of: {known}"
            )
        expect = self.place.choice(self.said, "expect", get_args(Expectation))
        tolerance = self.place.number(self.said, "tolerance", 0, 1) if "tolerance" in self.said else TOLERANCE
        return {
            **self._changing(),
            "labels": self.place.words(self.said, "label"),
            "expect": expect,
            "tolerance": tolerance,
        }

    def _changing(self) -> dict[str, Any]:
        variants = int(self.place.number(self.said, "variants", 1, MOST_VARIANTS)) if "variants" in self.said else 1
        return {"change": self._change(), "variants": variants, **self._optional("texts"), **self._optional("when")}

    def _change(self) -> Change:
        said, place = self.said, self.place
        given = [key for key in CHANGES if key in said]
        if not given or (len(given) > 1 and set(given) != {"before", "after"}):
            raise place.error(
                "A test must say in one way how texts are changed",
                " and ".join(given) or "in none",
                f"Use one of: {', '.join(CHANGES)}; before and after may stand together",
            )
        if given[0] == "perturb":
            return BUILT_IN[place.choice(said, "perturb", list(BUILT_IN))]
        if given[0] == "replace":
            return Replace(self._pairs(), only_first=said.get("only_first") is True)
        if given[0] == "swap":
            words = tuple(dict.fromkeys(self._listed(said, "swap")))
            if len(words) < 2:
                raise place.error("A list to swap words of needs two at least", _shown(list(words)), "Add words to it")
            return Swap(words)
        return Around(*(place.words(said, key) if key in said else () for key in ("before", "after")))

    def _listed(self, said: Mapping[str, Any], key: str) -> tuple[str, ...]:
        """A list of words, or the name of one."""
        value = said[key]
        if not isinstance(value, str):
            return self.place.words(said, key)
        if value not in self.lists:
            known = ", ".join(sorted(self.lists))
            raise self.place.error(
                f"'{key}' must be a list of words or the name of one", value, f"Known: {known}; or add it under [lists]"
            )
        return self.lists[value]

    def _pairs(self) -> list[tuple[str, str]]:
        pairs = self.said["replace"]
        good = (
            isinstance(pairs, list)
            and pairs
            and all(
                isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, str) for one in pair) and pair[0]
                for pair in pairs
            )
        )
        if not good:
            remedy = 'For example: replace = [["do not", "don\'t"], ["is not", "isn\'t"]]'
            raise self.place.error("'replace' must be a list of pairs of texts", _shown(pairs), remedy)
        return [(left, right) for left, right in pairs]

    def _groups(self) -> dict[str, tuple[str, ...]]:
        said = self.said.get("groups")
        if not isinstance(said, dict) or len(said) < 2:
            remedy = 'For example: groups = { women = ["Maria"], men = ["James"] }'
            raise self.place.error("A bias test needs two groups of words at least", _shown(said), remedy)
        groups = {_called(name, ours=self.ours): self._listed(said, name) for name in said}
        sizes = {name: len(words) for name, words in groups.items()}
        if len(set(sizes.values())) > 1:
            raise self.place.error(
                "All groups must have as many words: those at the same place stand for each other",
                ", ".join(f"{name} {size}" for name, size in sizes.items()),
                "Add words, or repeat one",
            )
        return groups

    def _cases(self) -> tuple[tuple[str, str], ...]:
        given = self.said.get("cases")
        if isinstance(given, str):
            from portside.data import load_examples

            path = self.folder / given
            if not path.is_file():
                raise self.place.error(
                    "The file of cases must be there", str(path), "Name it as seen from the suite's folder"
                )
            return tuple((one.text, one.label) for one in load_examples(path, role="test").examples)
        good = (
            isinstance(given, list)
            and given
            and all(
                isinstance(one, dict)
                and one.keys() == {"text", "label"}
                and all(isinstance(v, str) for v in one.values())
                for one in given
            )
        )
        if not isinstance(given, list) or not good:
            remedy = 'For example: cases = [{ text = "I am happy", label = "positive" }], or the name of a CSV file'
            raise self.place.error("'cases' must be texts with labels", _shown(given), remedy)
        return tuple((one["text"], one["label"]) for one in given)
