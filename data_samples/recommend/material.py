"""The hand-written material: categories, interests and shared sentences, read from material/*.txt."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve().parent
CHOICE = re.compile(r"\[([^\[\]]*)\]")


@dataclass
class Section:
    """One block of a material file: its settings and its sentences."""

    name: str
    settings: dict[str, list[str]] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Product:
    """What is sold, and what it is like."""

    noun: str
    make: str


@dataclass(frozen=True)
class Material:
    """Everything items are composed from."""

    categories: dict[str, Section]
    interests: dict[str, Section]
    shared: dict[str, list[str]]

    def affinity(self, interest: str) -> dict[str, float]:
        """How often an item for this interest is of each category."""
        weights = {}
        for entry in self.interests[interest].settings["cats"]:
            name, _, weight = entry.rpartition(" ")
            weights[name] = float(weight)
        return weights


def _alternatives(text: str, mark: str = "|") -> list[str]:
    """Split at `mark` outside of brackets."""
    parts, depth, current = [], 0, ""
    for char in text:
        depth += (char == "[") - (char == "]")
        if char == mark and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += char
    return [*parts, current.strip()]


def _sections(file: str) -> dict[str, Section]:
    found: dict[str, Section] = {}
    current = Section("")
    for line in (HERE / "material" / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            current = found[line[3:].strip()] = Section(line[3:].strip())
        elif line.startswith("- "):
            current.sentences.append(line[2:].strip())
        elif line.strip() and not line.startswith("#"):
            name, _, values = line.partition(" = ")
            current.settings[name] = _alternatives(values, "," if name == "cats" else "|")
    return found


def read_material() -> Material:
    """All three files."""
    shared: dict[str, list[str]] = {}
    for line in (HERE / "material" / "shared.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, values = line.partition(" = ")
            shared[name] = _alternatives(values)
    return Material(_sections("categories.txt"), _sections("interests.txt"), shared)


def fill(rng: Random, text: str, product: Product) -> str:
    """Make every `[a|b]` choice and name the product; `{Noun}` and `{Make}` begin a sentence."""
    text = CHOICE.sub(lambda found: rng.choice(found.group(1).split("|")), text)
    for name, value in (("noun", product.noun), ("make", product.make)):
        text = text.replace("{" + name + "}", value).replace(
            "{" + name.capitalize() + "}", value[:1].upper() + value[1:]
        )
    text = re.sub(r"\b([Aa]) (?=[aeiou](?!ku))", r"\1n ", text)  # an apron, a ukulele
    return text[:1].upper() + text[1:]


def pick(rng: Random, weights: dict[str, float]) -> str:
    """A key, by weight."""
    return rng.choices(list(weights), list(weights.values()))[0]
