"""Which encoding a file's bytes are in."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from portside.errors import DataError
from portside.said import said

__all__ = ["Decoded", "decode"]

# UTF-32 first: its little-endian mark begins with that of UTF-16.
BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SAMPLE = 200_000
"""Bytes looked at where a guess is needed."""
MAX_BROKEN_SHARE = 0.1
"""Up to this share of broken among non-ASCII characters a file counts as damaged UTF-8, beyond as something else."""
MIN_RUN = 2.0
"""Mean number of high bytes in a row from which a file may be in a script without ASCII letters."""
OTHER_SCRIPTS = ("big5", "shift_jis", "euc_kr", "cp1251", "cp1253")
LATIN_SCRIPTS = ("cp1252", "cp1250", "cp1254")
REMEDY = "Save the file as UTF-8, or name its encoding"


@dataclass(frozen=True)
class Decoded:
    """A file's text. ``certain`` is False where the encoding was guessed from the bytes' frequencies."""

    text: str
    encoding: str
    certain: bool
    broken: int = 0
    """Bytes that are no character in this encoding, shown as U+FFFD."""


def decode(content: bytes, *, file: str, encoding: str | None = None) -> Decoded:
    """The text of ``content``, in ``encoding`` where it is given.

    Tried in this order: a byte-order mark, UTF-8, UTF-16 without mark, GB18030 where it gives common Chinese,
    other scripts by charset-normalizer, Windows-1252, latin-1 (which takes any bytes).

    Raises:
        DataError: the bytes are not in the encoding given, or are damaged UTF-16 or UTF-32.
    """
    if encoding is not None:
        return Decoded(_strictly(content, encoding, file), encoding, certain=True)
    for mark, name in BOMS:
        if content.startswith(mark):
            if name == "utf-8-sig":
                return _utf8(content[len(mark) :]) or Decoded(
                    content[len(mark) :].decode("utf-8", "replace"), name, True
                )
            return Decoded(_strictly(content, name, file), name, certain=True)
    utf16 = _utf16_without_mark(content)
    if utf16 is not None:
        return Decoded(_strictly(content, utf16, file), utf16, certain=False)
    return _utf8(content) or _legacy(content)


def _strictly(content: bytes, encoding: str, file: str) -> str:
    try:
        return content.decode(encoding)
    except LookupError as error:
        raise DataError(
            "The encoding must be one that Python knows", seen=encoding, remedy=REMEDY, file=file
        ) from error
    except (UnicodeError, ValueError) as error:
        where = getattr(error, "start", None)
        seen = said("byte {n} is none", n=f"{where:,}") if isinstance(where, int) else str(error)
        raise DataError(
            said("Every byte must be text in {encoding}", encoding=encoding), seen=seen, remedy=REMEDY, file=file
        ) from error


def _utf8(content: bytes) -> Decoded | None:
    try:
        return Decoded(content.decode("utf-8"), "utf-8", certain=True)
    except UnicodeDecodeError:
        text = content.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    good = sum(1 for character in text[:SAMPLE] if ord(character) > 127) - text[:SAMPLE].count("\ufffd")
    return Decoded(text, "utf-8", certain=True, broken=broken) if broken <= MAX_BROKEN_SHARE * good else None


def _utf16_without_mark(content: bytes) -> str | None:
    # In UTF-16 the separators and line ends of a table are ASCII, so every other byte of them is zero.
    sample = content[: SAMPLE // 2 * 2]
    if b"\x00" not in sample or len(content) % 2:
        return None
    for name, separators in (
        ("utf-16-le", (b",\x00", b"\n\x00", b"\t\x00")),
        ("utf-16-be", (b"\x00,", b"\x00\n", b"\x00\t")),
    ):
        text = sample.decode(name, errors="replace")
        marks = sum(text.count(pair.decode(name)) for pair in separators)
        if marks and "\x00" not in text and "\ufffd" not in text[:-1]:
            return name
    return None


def _legacy(content: bytes) -> Decoded:
    sample = content[:SAMPLE]
    if _is_chinese(sample):
        return Decoded(content.decode("gb18030", errors="replace"), "gb18030", certain=False)
    other = _other_script(sample)
    for name in (other, "cp1252", "latin-1"):
        if name is None:
            continue
        try:
            return Decoded(content.decode(name), name, certain=False)
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 takes any bytes")


def _is_chinese(sample: bytes) -> bool:
    # Accented letters beside ASCII letters happen to be GB18030, too, but give rare characters; common Chinese lies in
    # GB 2312, whose characters are pairs of high bytes.
    text = sample.decode("gb18030", errors="replace")
    others = [character for character in text if ord(character) > 127]
    if not others or "\ufffd" in text[:-2]:
        return False
    common = sum(1 for pair in re.findall(rb"[\xa1-\xf7][\xa1-\xfe]", sample) if pair[0] <= 0xD7)
    return common >= 0.9 * len(others)


def _other_script(sample: bytes) -> str | None:
    # In other scripts whole words are high bytes; accents and currency signs stand alone among ASCII.
    runs = re.findall(rb"[\x80-\xff]+", sample)
    if sum(map(len, runs)) < MIN_RUN * len(runs):
        return None
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=[*OTHER_SCRIPTS, *LATIN_SCRIPTS]).best()
    return best.encoding if best is not None and best.encoding in OTHER_SCRIPTS else None
