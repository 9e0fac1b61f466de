"""A sentence with what it was made of, so that who draws it can say it in another language."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

__all__ = ["RECORDS", "Said", "from_record", "in_words", "joined", "said", "settled", "with_records", "with_sentences"]


RECORDS = "said"
"""Under this name a JSON object keeps what the sentences in it were made of."""


class Said(str):
    """An English sentence that remembers its template and the values in it; everywhere else a string like any other."""

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, str]

    def __new__(cls, template: str, values: Mapping[str, str]) -> Said:
        made = super().__new__(cls, template.format(**values))
        made.template, made.values = template, dict(values)
        return made

    def to_record(self) -> dict[str, Any]:
        """Template and values as JSON can hold them: what is stored beside the English sentence."""
        return {
            "template": self.template,
            "values": {
                name: value.to_record() if isinstance(value, Said) else value for name, value in self.values.items()
            },
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return Said, (self.template, dict(self.values))


def said(template: str, /, **values: object) -> Said:
    """``template`` with ``{name}`` replaced by the values given, which are already formatted.

    A value that is a ``Said`` itself is translated with it.
    """
    return Said(template, {name: value if isinstance(value, str) else str(value) for name, value in values.items()})


def settled(text: str) -> str:
    """A word or sentence of ours without values, as its own template."""
    return text if isinstance(text, Said) or "{" in text or "}" in text else said(text)


def joined(parts: Sequence[str], separator: str = " ") -> Said:
    """The parts one after the other, each of which keeps what it was made of."""
    slots = {f"part{place}": part for place, part in enumerate(parts)}
    return said(separator.join(f"{{{name}}}" for name in slots), **slots)


def from_record(text: str, record: object) -> str:
    """``text``, an English sentence, with what ``to_record`` kept of it; as it is where that makes another one."""
    try:
        made = _made(record)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return text
    return made if made == text else text


def with_records(facts: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """``facts`` to be written as JSON; what the sentences under ``names`` were made of goes with them."""
    records = {name: facts[name].to_record() for name in names if isinstance(facts.get(name), Said)}
    return {**facts, RECORDS: records} if records else dict(facts)


def with_sentences(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What ``with_records`` made, as it was. What was written without records stays plain English."""
    if RECORDS not in facts:
        return dict(facts)
    plain = {name: value for name, value in facts.items() if name != RECORDS}
    kept = facts[RECORDS] if isinstance(facts[RECORDS], dict) else {}
    return plain | {
        name: from_record(plain[name], record) for name, record in kept.items() if isinstance(plain.get(name), str)
    }


def _made(record: Any) -> Said:
    values = {name: _made(value) if isinstance(value, dict) else str(value) for name, value in record["values"].items()}
    return Said(str(record["template"]), values)


def in_words(text: str, translate: Callable[[str], str]) -> str:
    """``text`` by ``translate``, which knows templates; any other string as ``translate`` gives it."""
    if not isinstance(text, Said):
        return translate(text) if text else text
    # A user's own word may stand in the catalogue by chance: of the values only sentences are translated.
    values = {
        name: in_words(value, translate) if isinstance(value, Said) else value for name, value in text.values.items()
    }
    return translate(text.template).format(**values)
