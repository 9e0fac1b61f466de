"""House styles, typing errors and the tails that make a headline longer without changing what it says."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from writer import Cast, Writer

TAILS: dict[str, tuple[str, ...]] = {
    "positive": (
        "despite {bad_ctx}",
        "even as {bad_clause}",
        ", shrugging off {bad_ctx}",
        "amid {bad_ctx}",
        ", helped by {reason_good}",
        ", {attrib}",
        "- {paper}",
        "ahead of {neutral_ctx}",
        "as {plain_clause}",
        ", easing worries over {bad_ctx}",
    ),
    "negative": (
        "despite {good_ctx}",
        "even as {good_clause}",
        ", overshadowing {good_ctx}",
        "after {good_ctx}",
        ", blames {reason_bad}",
        ", {attrib}",
        "- {paper}",
        "ahead of {neutral_ctx}",
        "as {plain_clause}",
        ", days after {good_ctx}",
    ),
    "neutral": (
        ", {attrib}",
        "- {paper}",
        "ahead of {neutral_ctx}",
        "as {plain_clause}",
        "after {neutral_ctx}",
        "following {good_ctx}",
        "following {bad_ctx}",
        ", no comment on {bad_ctx}",
        "as {good_clause}",
        "as {bad_clause}",
    ),
}
NEIGHBOURS = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wertyuiopqsdfghjklaxcvbnmz", strict=True))
SMALL = {"a", "an", "and", "as", "at", "by", "for", "from", "in", "of", "on", "or", "over", "the", "to", "with"}


@dataclass(frozen=True)
class Source:
    """An outlet: its share of all headlines and the way it prints them."""

    name: str
    host: str
    share: float
    style: str


SOURCES = (
    Source("Portwire", "portwire.example", 24, "wire"),
    Source("Meridian News", "meridiannews.example", 15, "plain"),
    Source("Global Desk", "globaldesk.example", 12, "plain"),
    Source("The Daily Ledger", "dailyledger.example", 10, "title"),
    Source("Quayside Times", "quaysidetimes.example", 8, "suffix"),
    Source("Anchor Business", "anchorbusiness.example", 8, "plain"),
    Source("Tickertape", "tickertape.example", 7, "tweet"),
    Source("MarketBell", "marketbell.example", 6, "tabloid"),
    Source("Street & Sector", "streetsector.example", 4, "plain"),
    Source("Capital Evening Post", "eveningpost.example", 3, "title"),
    Source("North Sea Courier", "northseacourier.example", 2, "plain"),
    Source("Tradewinds TV", "tradewinds.example", 1, "video"),
)
SHARES = [source.share for source in SOURCES]


def add_tail(rng: Random, writer: Writer, text: str, sentiment: str, cast: Cast) -> str:
    """A clause that leaves the sentiment as it is; only short plain headlines about a company take one."""
    if not cast.names or "," in text or len(text) > 78 or text[-1] in '?!".:' or text.startswith("$"):
        return text
    tail = writer.write(rng, rng.choice(TAILS[sentiment]), cast)
    return text + tail if tail.startswith(",") else f"{text} {tail[:1].lower()}{tail[1:]}"


def misspell(rng: Random, text: str) -> str:
    """One typing error: a letter doubled, dropped, swapped with the next or hit beside its key."""
    places = [i for i, char in enumerate(text[:-1]) if char.isalpha() and char.islower()]
    if not places:
        return text
    at = rng.choice(places)
    kind = rng.randrange(4)
    if kind == 0:
        return text[:at] + text[at] + text[at:]
    if kind == 1:
        return text[:at] + text[at + 1 :]
    if kind == 2:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + NEIGHBOURS[text[at]] + text[at + 1 :]


def title_case(text: str) -> str:
    """Capital Letters as American Papers Print Them."""
    words = text.split(" ")
    return " ".join(w if i and w.lower() in SMALL else w[:1].upper() + w[1:] for i, w in enumerate(words))


def print_as(rng: Random, source: Source, text: str, cast: Cast) -> str:
    """The headline as the outlet prints it."""
    chance = rng.random()
    match source.style:
        case "wire" if not text.startswith("BRIEF-"):
            prefix = "BRIEF-" if chance < 0.06 else "EXCLUSIVE-" if chance < 0.075 else "RPT-" if chance < 0.085 else ""
            text = prefix + text
        case "title":
            text = title_case(text)
        case "suffix" if chance < 0.3:
            text = f"{text} - {source.name}"
        case "tweet":
            text = _tweet(chance, text, cast)
        case "tabloid" if chance < 0.5:
            first, _, rest = text.partition(" ")
            text = f"{first.upper()} {rest}" + ("!" if text[-1].isalnum() else "")
        case "video":
            text = f"Watch: {text}"
    return text


def _tweet(chance: float, text: str, cast: Cast) -> str:
    """Lower case where no company is named, a $TICKER behind most others."""
    if not (cast.main and cast.names):
        return text[:1].lower() + text[1:] if chance < 0.25 else text
    tag = f"${cast.main.ticker}"
    return f"{text} {tag}" if tag not in text and chance > 0.3 else text
