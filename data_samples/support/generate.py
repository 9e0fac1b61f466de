"""Rebuild intents.csv, intents_test.csv and conversations.jsonl from the hand-written sources beside this file.

    python data_samples/support/generate.py            # writes into this folder
    python data_samples/support/generate.py --out DIR  # writes elsewhere; the test compares the two byte by byte

The wording is people's work (source/*.txt). The script only adds what a seed can add: which utterances are held out,
typing slips, casing, greetings, near-duplicates, wrong labels and dates. Same seed, same bytes.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conversations import write_conversations

HERE = Path(__file__).resolve().parent
SEED = 20261101
OUT_OF_SCOPE = "out_of_scope"
TEST_PER_INTENT = 16
TEST_OUT_OF_SCOPE = 82
NEAR_DUPLICATES = 85  # training rows that repeat another row with other slips
EXACT_DUPLICATES = 14
MISLABELLED_TRAIN = 0.015  # share of rows
MISLABELLED_TEST = 0.006

# Where a hurried person who labels would go wrong: the neighbour of each intent.
NEIGHBOURS: dict[str, tuple[str, ...]] = {
    "track_order": ("delivery_late", "delivery_time"),
    "delivery_time": ("track_order", "delivery_cost"),
    "delivery_cost": ("delivery_time", "countries_served"),
    "delivery_late": ("track_order", "complaint"),
    "delivered_not_received": ("delivery_late", "track_order"),
    "change_address": ("cancel_order", "account_login"),
    "cancel_order": ("refund_status", "start_return"),
    "countries_served": ("delivery_cost", "delivery_time"),
    "return_policy": ("start_return", "exchange_item"),
    "start_return": ("return_policy", "exchange_item"),
    "refund_status": ("start_return", "charged_twice"),
    "exchange_item": ("start_return", "size_advice"),
    "damaged_item": ("warranty_claim", "wrong_or_missing_item"),
    "wrong_or_missing_item": ("damaged_item", "delivered_not_received"),
    "warranty_claim": ("damaged_item", "repair_service"),
    "repair_service": ("warranty_claim", "product_care"),
    "stock_availability": ("click_and_collect", "store_hours"),
    "size_advice": ("exchange_item",),
    "product_care": ("repair_service",),
    "store_hours": ("talk_to_human", "click_and_collect"),
    "click_and_collect": ("store_hours", "track_order"),
    "product_safety": ("damaged_item", "warranty_claim"),
    "payment_methods": ("payment_failed",),
    "payment_failed": ("payment_methods", "charged_twice"),
    "charged_twice": ("payment_failed", "refund_status"),
    "invoice_request": ("track_order", "payment_methods"),
    "promo_code": ("gift_card", "loyalty_points"),
    "gift_card": ("promo_code", "payment_methods"),
    "loyalty_points": ("promo_code", "gift_card"),
    "account_login": ("close_account",),
    "close_account": ("account_login", "complaint"),
    "complaint": ("talk_to_human", "delivery_late"),
    "talk_to_human": ("complaint", OUT_OF_SCOPE),
    OUT_OF_SCOPE: ("talk_to_human", "store_hours"),
}

KEYBOARD = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",
    "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "w", "r": "et", "s": "ad", "t": "ry",
    "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip
PREFIXES = (
    "Hi, ", "Hello, ", "hi there, ", "Hey ", "Good morning, ", "Evening all, ", "Hi team, ", "Dear Larkmere, ",
    "quick question: ", "Sorry to bother you, ", "Hiya! ", "Not sure who to ask, but ", "Me again. ", "So, ", "hey guys ",
    "Dear Sir or Madam, ", "Just wondering, ", "Right, ", "Hello again, ", "please help, ",
)  # fmt: skip
SUFFIXES = (
    " thanks", " Thanks in advance", " cheers", " pls", " please", " thx", "!!", " ??", " Kind regards, Helen",
    " ta", " Sent from my iPhone", " asap", " :)", " Many thanks, D. Okafor", " thank you so much", " - Jo", " ty", "...",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One labelled utterance."""

    text: str
    intent: str


def key(text: str) -> str:
    """What makes two texts the same for the split: letters and digits only, lower case."""
    return "".join(letter for letter in text.lower() if letter.isalnum())


def read_utterances(folder: Path) -> dict[str, list[str]]:
    """Hand-written utterances per intent, in the order in which they stand in source/; repeated ones count once."""
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for path in (*sorted(folder.glob("utterances_*.txt")), folder / "out_of_scope.txt"):
        intent = OUT_OF_SCOPE
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("[") and line.endswith("]"):
                intent = line[1:-1]
            elif line.strip() and (key(line) or line) not in seen:
                seen.add(key(line) or line)
                found.setdefault(intent, []).append(line.strip())
    return found


def slip(word: str, rng: random.Random) -> str:
    """One typing slip in a word: a neighbouring key, two letters swapped, one lost or one doubled."""
    at = rng.randrange(1, len(word) - 1)
    letter = word[at]
    kind = rng.randrange(4)
    if kind == 0 and letter.lower() in KEYBOARD:
        return word[:at] + rng.choice(KEYBOARD[letter.lower()]) + word[at + 1 :]
    if kind == 1:
        return word[:at] + word[at + 1] + letter + word[at + 2 :]
    if kind == 2:
        return word[:at] + word[at + 1 :]
    return word[:at] + letter + word[at:]


def with_slips(text: str, rng: random.Random) -> str:
    """One or two typing slips in the longer words; short texts and order numbers stay readable."""
    words = text.split(" ")
    places = [at for at, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    rng.shuffle(places)
    for at in places[: 1 + (len(words) > 8)]:
        words[at] = slip(words[at], rng)
    return " ".join(words)


def lower_first(text: str) -> str:
    """The text as it stands after a greeting: small first letter unless it is an I or an abbreviation."""
    if text[:2] in ("I ", "I'") or text[:2].isupper():
        return text
    return text[:1].lower() + text[1:]


def roughen(text: str, rng: random.Random) -> str:
    """The utterance as somebody may have typed it. About half of them stay as they were written."""
    short = len(text) < 160
    if short and rng.random() < 0.08:
        prefix = rng.choice(PREFIXES)
        text = prefix + (text if prefix.rstrip().endswith((".", "!")) else lower_first(text))
    if rng.random() < 0.09:
        text = text.rstrip(".!") + rng.choice(SUFFIXES)
    if rng.random() < 0.08:
        text = with_slips(text, rng)
    style = rng.random()
    if style < 0.12:
        text = text.lower().replace("'", "").replace(",", "").rstrip(".?!")
    elif style < 0.145 and len(text) < 60:
        text = text.upper()
    elif style < 0.17:
        text = text.replace(". ", " ").replace(", ", " ")
    return text.strip() or "?"


def split_source(pools: dict[str, list[str]], rng: random.Random) -> tuple[list[Row], list[Row]]:
    """Hold out a fixed number of hand-written utterances of each intent."""
    train: list[Row] = []
    test: list[Row] = []
    for intent in sorted(pools):
        texts = list(pools[intent])
        rng.shuffle(texts)
        held = TEST_OUT_OF_SCOPE if intent == OUT_OF_SCOPE else TEST_PER_INTENT
        test += [Row(text, intent) for text in texts[:held]]
        train += [Row(text, intent) for text in texts[held:]]
    return train, test


def roughened(rows: Iterable[Row], rng: random.Random, taken: set[str]) -> Iterator[Row]:
    """Each row as typed; a text that would equal an earlier one keeps its written form."""
    for row in rows:
        text = roughen(row.text, rng)
        if key(text) in taken:
            text = row.text
        taken.add(key(text))
        yield Row(text, row.intent)


def near_duplicates(rows: Sequence[Row], rng: random.Random, taken: set[str]) -> list[Row]:
    """Training rows that say what another row says, with other slips and greetings."""
    found: list[Row] = []
    while len(found) < NEAR_DUPLICATES:
        row = rng.choice([row for row in rows if 12 < len(row.text) < 120])
        text = roughen(row.text, rng)
        if key(text) not in taken:
            taken.add(key(text))
            found.append(Row(text, row.intent))
    return found


def mislabel(rows: list[Row], share: float, rng: random.Random) -> list[Row]:
    """Give a share of the rows the label of a neighbouring intent, as a hurried annotator would."""
    result = list(rows)
    for at in rng.sample(range(len(rows)), round(share * len(rows))):
        result[at] = Row(rows[at].text, rng.choice(NEIGHBOURS[rows[at].intent]))
    return result


def build_intents(pools: dict[str, list[str]], seed: int) -> tuple[list[Row], list[Row]]:
    """Training and held-out rows, shuffled."""
    rng = random.Random(seed)
    written_train, written_test = split_source(pools, rng)
    taken: set[str] = {key(row.text) for row in written_train}
    test = list(roughened(written_test, rng, taken))
    train = list(roughened(written_train, rng, {key(row.text) for row in test}))
    train += near_duplicates(written_train, rng, {key(row.text) for row in train + test + written_test})
    train = mislabel(train, MISLABELLED_TRAIN, rng)
    train += rng.sample(train, EXACT_DUPLICATES)
    test = mislabel(test, MISLABELLED_TEST, rng)
    rng.shuffle(train)
    rng.shuffle(test)
    return train, test


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write a CSV with the columns text, intent."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("text", "intent"))
        writer.writerows((row.text, row.intent) for row in rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the three generated files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to (default: this folder)")
    out: Path = parser.parse_args(arguments).out
    out.mkdir(parents=True, exist_ok=True)
    train, test = build_intents(read_utterances(HERE / "source"), SEED)
    write_rows(out / "intents.csv", train)
    write_rows(out / "intents_test.csv", test)
    write_conversations(HERE, out / "conversations.jsonl", SEED)


if __name__ == "__main__":
    main()
