"""Knowledge-base articles: Markdown with a head, cut into passages by section."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from urllib.parse import urlsplit

from portside.errors import DataError
from portside_support.records import Article, Passage

__all__ = ["parse_article", "plain_text"]

_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")
_REMEDY = "Begin the file with lines such as '---', 'title: Returns', 'slug: returns', 'category: Orders', '---'"


def parse_article(text: str, *, file: str, passage_words: int) -> Article:
    """Read one article.

    Raises:
        DataError: the head is missing or wrong, the address is no web address, or there is no text.
    """
    head, body = _split_head(text.lstrip("\ufeff").replace("\r\n", "\n"), file)
    for name in ("title", "slug"):
        if not head.get(name):
            raise DataError(f"An article needs a {name} in its head", remedy=_REMEDY, file=file)
    slug, title, url = head["slug"], head["title"], head.get("url", "")
    if not _SLUG.fullmatch(slug):
        raise DataError(
            "A slug holds small letters, digits, '-', '_' and '.' only",
            seen=slug,
            remedy=f"Write it as '{re.sub(r'[^a-z0-9]+', '-', slug.lower()).strip('-') or 'article'}'",
            file=file,
        )
    _check_url(url, file)
    _check_day(head.get("updated", ""), file)
    sections = [(heading, part) for heading, lines in _sections(body) for part in _pieces(lines, passage_words)]
    if not sections:
        raise DataError("An article must have text", remedy="Write the article or remove its file", file=file)
    passages = tuple(
        Passage(f"{slug}#{number}", slug, title, heading, part, url)
        for number, (heading, part) in enumerate(sections, start=1)
    )
    return Article(slug, title, head.get("category", ""), head.get("updated", ""), url, body.strip(), passages)


def plain_text(markdown: str) -> str:
    """Markdown without its marks, for excerpts and for the encoder. HTML stays as the characters it is made of."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r"^\s*(?:[-*+]|\d+[.)])\s+", "• ", text, flags=re.MULTILINE)
    text = re.sub(r"^\s*(?:>|#{1,6})\s?", "", text, flags=re.MULTILINE)
    text = re.sub(r"(\*\*|__|`)(.+?)\1", r"\2", text)
    text = re.sub(r"(?<![\w*])[*_](?=\S)(.+?)(?<=\S)[*_](?![\w*])", r"\1", text)
    return re.sub(r"[ \t]+", " ", text).strip()


def _split_head(text: str, file: str) -> tuple[dict[str, str], str]:
    lines = text.split("\n")
    if lines[0].strip() != "---":
        raise DataError(
            "An article begins with a head between two lines of '---'", seen=lines[0][:60], remedy=_REMEDY, file=file
        )
    head: dict[str, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        if line.strip() == "---":
            return head, "\n".join(lines[number:])
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, value = line.partition(":")
        if not colon:
            raise DataError(
                f"Line {number} of the head must read 'name: value'", seen=line.strip()[:60], remedy=_REMEDY, file=file
            )
        head[name.strip().lower()] = value.strip().strip("\"'").strip()
    raise DataError("The head of the article has no end", remedy="Close it with a line of '---'", file=file)


def _check_url(url: str, file: str) -> None:
    # What stands here becomes a link in a page: "javascript:" and friends must not get that far.
    if url and not _is_web_address(url):
        raise DataError(
            "The url of an article is a web address or a path that begins with '/'",
            seen=url[:80],
            remedy="Write it as https://…, or leave it out",
            file=file,
        )


def _is_web_address(url: str) -> bool:
    if re.search(r"[\s<>\"'()\\]", url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (parts.scheme in ("http", "https") and bool(parts.netloc)) or (url[0] == "/" and url[:2] != "//")


def _check_day(day: str, file: str) -> None:
    try:
        if day:
            date.fromisoformat(day[:10])
    except ValueError as error:
        raise DataError(
            "'updated' is a day written as year-month-day", seen=day, remedy="Write it as 2026-03-31", file=file
        ) from error


def _sections(body: str) -> Iterator[tuple[str, list[str]]]:
    """Heading and lines of each section; text before the first heading has the heading ''."""
    heading, fenced = "", False
    lines: list[str] = []
    for line in body.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        found = None if fenced else _HEADING.match(line)
        if found:
            yield heading, lines
            heading, lines = found.group(1), []
        else:
            lines.append(line)
    yield heading, lines


def _pieces(lines: list[str], limit: int) -> Iterator[str]:
    """The section's paragraphs joined into pieces of at most ``limit`` words; longer paragraphs are cut."""
    piece: list[str] = []
    words = 0
    paragraphs = [part.strip("\n") for part in re.split(r"\n\s*\n", "\n".join(lines)) if part.strip()]
    for part in (cut for paragraph in paragraphs for cut in _cut(paragraph, limit)):
        count = len(part.split())
        if piece and words + count > limit:
            yield "\n\n".join(piece)
            piece, words = [], 0
        piece.append(part)
        words += count
    if piece:
        yield "\n\n".join(piece)


def _cut(paragraph: str, limit: int) -> Iterator[str]:
    words = paragraph.split()
    if len(words) <= limit:
        yield paragraph
        return
    for start in range(0, len(words), limit):
        yield " ".join(words[start : start + limit])
