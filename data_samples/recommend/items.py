"""The catalogue: items with a text that tells part of what they are about, and traits that no text tells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from material import Material, Product, Section, fill, pick

ITEMS = 1640
START = datetime(2026, 5, 5, tzinfo=UTC)  # 180 days of events
END = datetime(2026, 11, 1, tzinfo=UTC)
HIDDEN = 24  # circles of taste that no text mentions: fashions, makers, word of mouth
PLAIN_SHARE = 0.10  # items about nothing in particular
SECOND_SHARE = 0.22  # items that serve two interests
SILENT_SHARE = 0.1  # items that serve an interest but do not say so
MISFILED_SHARE = 0.012
RENAMED_SHARE = 0.03  # the same product entered twice under a slightly other title
WEEK_SHARE, NEW_SHARE = 0.02, 0.24  # added in the last week; added while events were being recorded


@dataclass(frozen=True)
class Item:
    """A row of items.csv, and the traits behind it (never written)."""

    item_id: str
    title: str
    description: str
    category: str
    price: float
    added_at: datetime
    interest: str
    second: str
    hidden: int
    pull: float
    true_category: str
    kind: str


def make_items(material: Material, rng: Random) -> list[Item]:
    """The whole catalogue in order of item id."""
    items = [_item(material, rng, number) for number in range(1, ITEMS + 1)]
    for number in rng.sample(range(40, ITEMS), round(ITEMS * RENAMED_SHARE)):
        twin = items[rng.randrange(number)]
        title = rng.choice(
            [twin.title.upper(), f"{twin.title} (new)", twin.title.replace(",", " -"), f"{twin.title} *"]
        )
        items[number] = replace(items[number], title=title, description=twin.description, category=twin.category,
                                interest=twin.interest, second=twin.second, true_category=twin.true_category,
                                kind=twin.kind)  # fmt: skip
    return items


def _item(material: Material, rng: Random, number: int) -> Item:
    interest = rng.choice(list(material.interests)) if rng.random() >= PLAIN_SHARE else ""
    category = pick(rng, material.affinity(interest)) if interest else rng.choice(list(material.categories))
    second = ""
    if interest and rng.random() < SECOND_SHARE:
        second = pick(
            rng,
            {other: material.affinity(other).get(category, 0.02) for other in material.interests if other != interest},
        )
    section = material.categories[category]
    product = Product(rng.choice(section.settings["nouns"]), rng.choice(section.settings["makes"]))
    told = interest if rng.random() >= SILENT_SHARE else ""
    shown = category if rng.random() >= MISFILED_SHARE else rng.choice(list(material.categories))
    low, high = (float(value) for value in section.settings["price"][0].split())
    price = low * (high / low) ** rng.betavariate(1.8, 2.6)
    return Item(
        item_id=f"i{number:04d}",
        title=_title(rng, material, section, product, told),
        description=_description(rng, material, section, product, [name for name in (told, second) if name]),
        category=shown,
        price=round(price) - rng.choice([0.01, 0.05, 0.1, 0.5]) if rng.random() < 0.8 else float(round(price)),
        added_at=_added(rng),
        interest=interest,
        second=second,
        hidden=rng.randrange(HIDDEN),
        pull=0.0 if rng.random() < 0.035 else rng.lognormvariate(0, 0.95),
        true_category=category,
        kind=product.noun,
    )


def _added(rng: Random) -> datetime:
    chance = rng.random()
    if chance < WEEK_SHARE:
        return END - timedelta(seconds=rng.randrange(3600, 7 * 86400))
    if chance < NEW_SHARE:
        return START + timedelta(seconds=rng.randrange(173 * 86400))
    return START - timedelta(seconds=rng.randrange(1100 * 86400))


def _title(rng: Random, material: Material, section: Section, product: Product, interest: str) -> str:
    """What the catalogue prints in bold; its words tell the interest about as often as not."""
    names = material.interests[interest].settings["names"] if interest else material.shared["plain_names"]
    brand, name = rng.choice(material.shared["brands"]), rng.choice(names)
    noun, make, spec = product.noun, product.make, rng.choice(material.shared["specs"])
    if section.name == "Books":
        author = f"{rng.choice(material.shared['first'])} {rng.choice(material.shared['last'])}"
        if interest and rng.random() < 0.5:
            return f"{rng.choice(material.interests[interest].settings['books'])} ({noun}), {author}"
        kind = rng.choice(["Companion", "Year", "Almanac", "Notebook", "Question", "Reader", "Papers", "Way"])
        return f"The {name} {kind}, {author}" if rng.random() < 0.6 else f"The {name} {kind}: {author}'s {noun}"
    forms = [
        f"{brand} {name} {noun}", f"{name} {noun}, {spec}", f"{brand} {make} {noun}", f"{noun} \"{name}\"", f"{brand} {noun} {spec}",
        f"{noun}, {make}", f"The {name} {noun}", f"{name} {make} {noun} - {spec}",
    ]  # fmt: skip
    title = rng.choice(forms)
    return title[:1].upper() + title[1:]


def _description(rng: Random, material: Material, section: Section, product: Product, interests: list[str]) -> str:
    """A lead, what it is for, how it is made, and house-keeping: 30 to 90 words."""

    def told(lines: list[str], count: int) -> list[str]:
        return [fill(rng, line, product) for line in rng.sample(lines, count)]

    leads = material.shared["leads_many" if _is_plural(product.noun) else "leads"]
    body = [line for name in interests for line in told(material.interests[name].sentences, rng.choice([2, 2, 3]))]
    facts, close = told(section.sentences, 5), told(material.shared["closers"], 2)
    body += [facts.pop() for _ in range(rng.choice([0, 1, 1]))]
    body += [close.pop()] if rng.random() < 0.35 else []
    lead = told(leads, 1)
    spare = [*close, *facts]
    while _length(lead + body) < 32:
        body.append(spare.pop())
    while _length(lead + body) > 88:
        body.pop()
    rng.shuffle(body)
    return " ".join(lead + body)


def _is_plural(noun: str) -> bool:
    """Scissors, socks and binoculars (with their figures) rather than compass or a set."""
    word = noun.split(" 8x", maxsplit=1)[0].split(" 10x", maxsplit=1)[0]
    return word.endswith("s") and not word.endswith(("ss", "lens"))


def _length(parts: list[str]) -> int:
    return sum(len(part.split()) for part in parts)
