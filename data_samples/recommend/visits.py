"""Users, their tastes and their visits. Text explains part of a taste; popularity, hidden circles and chance the rest."""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from operator import attrgetter
from random import Random

from items import END, HIDDEN, START, Item
from material import Material

USERS = 1720
ONE_OFF_SHARE = 0.09  # users with one or two events
INTEREST_PULL = 34.0  # how much more an item of the user's interest draws than any other
CATEGORY_PULL = 3.2
HIDDEN_PULL = 5.0
FOCUS = 0.62  # chance that a step of a visit stays with what the visit is about
COMPARE = 0.24  # chance that a step compares with another product of the kind that the visit is about
REPEAT = 0.13  # chance that a step returns to an item seen before
CLICK, BUY, RATE, RATE_UNBOUGHT = 0.42, 0.22, 0.5, 0.015
IN_ORDER_OF = ("at", "user_id", "item_id", "kind", "value")
# Weight of each hour, UTC
HOURS = (2, 1, 1, 1, 1, 2, 4, 6, 7, 7, 7, 7, 8, 8, 7, 7, 7, 8, 10, 13, 15, 14, 9, 5)


@dataclass(frozen=True)
class Event:
    """A row of events.csv.gz; `value` is 1 to 5 for a rating and empty otherwise."""

    at: datetime
    user_id: str
    item_id: str
    kind: str
    value: str


class Shop:
    """The items, and where items of one kind stand."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.shelf: dict[str, list[int]] = defaultdict(list)
        for number, item in enumerate(items):
            self.shelf[item.kind].append(number)
        self.traits = [((i.interest, i.second), i.true_category, i.hidden, max(i.price, 1.0) ** 0.5) for i in items]
        self.pairs = {pair for pair, *_ in self.traits}
        self.categories = {item.true_category for item in items}


@dataclass(frozen=True)
class Taste:
    """What draws one user, as factors on an item's weight."""

    interests: dict[str, float]
    categories: dict[str, float]
    hidden: dict[int, float]
    budget: float

    def matches(self, shop: Shop) -> list[float]:
        """For each item, how much more than an ordinary one it draws: interests times category times circle, less if dear."""
        subject = {
            pair: self.interests.get(pair[0], 1.0) + 0.5 * (self.interests.get(pair[1], 1.0) - 1.0)
            for pair in shop.pairs
        }
        category = {name: self.categories.get(name, 1.0) for name in shop.categories}
        circle = [self.hidden.get(number, 1.0) for number in range(HIDDEN)]
        purse = self.budget**0.5
        return [
            subject[pair] * category[name] * circle[number] * min(1.0, purse / root)
            for pair, name, number, root in shop.traits
        ]


def make_events(material: Material, items: Sequence[Item], rng: Random) -> list[Event]:
    """All events of all users in order of time."""
    interests = list(material.interests)
    fame = {name: rng.lognormvariate(0, 0.5) for name in interests}
    shop = Shop(items)
    events: list[Event] = []
    for number in range(1, USERS + 1):
        taste = _taste(rng, fame, list(material.categories))
        events += Visitor(f"u{number:04d}", taste, shop, rng).live()
    return sorted((event for event in events if START <= event.at < END), key=attrgetter(*IN_ORDER_OF))


def _taste(rng: Random, fame: dict[str, float], categories: list[str]) -> Taste:
    count = rng.choices([1, 2, 3], [35, 45, 20])[0]
    chosen: dict[str, float] = {}
    while len(chosen) < count:
        chosen[rng.choices(list(fame), list(fame.values()))[0]] = (
            1 + INTEREST_PULL * rng.uniform(0.5, 1.5) / (len(chosen) + 1) ** 0.5
        )
    liked = {name: CATEGORY_PULL * rng.uniform(0.7, 1.6) for name in rng.sample(categories, 3)}
    hidden = {
        circle: 1 + HIDDEN_PULL * rng.uniform(0.5, 1.5) for circle in rng.sample(range(HIDDEN), rng.choice([1, 2]))
    }
    return Taste(chosen, liked, hidden, rng.lognormvariate(4.2, 0.7))


class Visitor:
    """One user over 180 days."""

    def __init__(self, user_id: str, taste: Taste, shop: Shop, rng: Random) -> None:
        self._id, self._rng = user_id, rng
        items = self._items = shop.items
        self._shelf = shop.shelf
        self._match = taste.matches(shop)
        self._reach = list(accumulate(item.pull * match for item, match in zip(items, self._match, strict=True)))
        self._seen: dict[int, int] = defaultdict(int)
        self._bought: set[int] = set()

    def live(self) -> list[Event]:
        """Every event of this user."""
        rng = self._rng
        if rng.random() < ONE_OFF_SHARE:
            visits, only = 1, rng.choice([1, 2])
        else:
            visits, only = 1 + min(int(rng.lognormvariate(1.2, 0.85)), 26), 10_000
        joined = max(0.0, rng.random() * 1.35 - 0.45)  # a third were there before the first day
        days = sorted(int((joined + (1 - joined) * rng.random()) * 180) for _ in range(visits))
        events: list[Event] = []
        for day in days:
            hour = rng.choices(range(24), HOURS)[0]
            events += self._visit(START + timedelta(days=day, hours=hour, seconds=rng.randrange(3600)))
        return events[:only]

    def _draw(self) -> int:
        return min(bisect(self._reach, self._rng.random() * self._reach[-1]), len(self._items) - 1)

    def _next(self, at: datetime, focus: Item | None) -> int:
        """An item on sale at that time, near the focus of the visit more often than not."""
        rng = self._rng
        if self._seen and rng.random() < REPEAT:
            return rng.choices(list(self._seen), list(self._seen.values()))[0]
        if focus is not None and rng.random() < COMPARE and (number := self._alike(at, focus)) is not None:
            return number
        near = focus is not None and rng.random() < FOCUS
        for _ in range(40):
            number = self._draw()
            item = self._items[number]
            if item.added_at > at or (number in self._seen and rng.random() < 0.7):
                continue
            if focus is None or not near or _related(item, focus):
                return number
        return self._draw()

    def _alike(self, at: datetime, focus: Item) -> int | None:
        """Another item of the same kind, tents beside tents, if the shop has one."""
        numbers = [n for n in self._shelf[focus.kind] if self._items[n].added_at <= at and n not in self._seen]
        weights = [self._items[n].pull * self._match[n] for n in numbers]
        return self._rng.choices(numbers, weights)[0] if sum(weights) > 0 else None

    def _visit(self, at: datetime) -> list[Event]:
        rng = self._rng
        events: list[Event] = []
        focus: Item | None = None
        for _ in range(1 + min(int(rng.expovariate(1 / 3.2)), 22)):
            number = self._next(at, focus)
            item = self._items[number]
            if item.added_at > at:
                continue
            focus = focus if focus and rng.random() < 0.8 else item
            events += self._look(at, number, item)
            at += timedelta(seconds=rng.randint(8, 260))
        return events

    def _look(self, at: datetime, number: int, item: Item) -> list[Event]:
        """A view and what may follow from it: click, purchase, rating days later."""
        rng = self._rng
        self._seen[number] += 1
        keen = min(self._match[number] / 60, 1.0) + 0.25 * (self._seen[number] > 1)
        events = [Event(at, self._id, item.item_id, "view", "")]
        if rng.random() > CLICK * (0.6 + 0.6 * keen):
            return events
        events.append(Event(at + timedelta(seconds=rng.randint(2, 40)), self._id, item.item_id, "click", ""))
        if number not in self._bought and rng.random() < BUY * (0.5 + 0.8 * keen):
            self._bought.add(number)
            paid = at + timedelta(seconds=rng.randint(60, 900))
            events.append(Event(paid, self._id, item.item_id, "purchase", ""))
            if rng.random() < RATE:
                events.append(
                    self._rating(paid + timedelta(days=rng.randint(2, 16), seconds=rng.randrange(40000)), item, keen)
                )
        elif rng.random() < RATE_UNBOUGHT:
            events.append(self._rating(at + timedelta(seconds=rng.randint(30, 300)), item, keen))
        return events

    def _rating(self, at: datetime, item: Item, keen: float) -> Event:
        stars = round(min(max(self._rng.gauss(3.3 + 1.3 * keen, 0.95), 1), 5))
        return Event(at, self._id, item.item_id, "rating", str(stars))


def _related(item: Item, focus: Item) -> bool:
    """Of one interest, or of one hidden circle, or the same kind of thing."""
    if item.interest and item.interest in {focus.interest, focus.second}:
        return True
    return item.hidden == focus.hidden or (item.true_category == focus.true_category and not focus.interest)
