"""What is known of one model name: its versions, where its aliases stand, and how they came there. No files here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from portside.errors import ModelError, ModelNotFound
from portside.said import said, with_records, with_sentences

__all__ = ["CANDIDATE", "CHAMPION", "Note", "RegistryEvent", "RegistryState"]

CHAMPION = "champion"
"""The alias that is served."""

CANDIDATE = "candidate"
"""The alias of the newest version that was not promoted yet."""

REGISTERED = "registered"
PROMOTED = "promoted"
ROLLED_BACK = "rolled back"
CLEARED = "cleared"
DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class RegistryEvent:
    """One change, as the history keeps it."""

    at: datetime
    actor: str
    action: str
    """``registered``, ``promoted``, ``rolled back``, ``cleared`` (an alias was taken away) or ``deleted``."""
    version: int
    alias: str | None
    """The alias that was moved to ``version``, or taken from it."""
    previous: int | None
    """Where that alias stood before."""
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """When, by whom and why a change is made."""

    at: datetime
    actor: str
    reason: str


@dataclass(frozen=True)
class RegistryState:
    """One name's versions, aliases and history. Every change gives a new state."""

    name: str
    next_version: int = 1
    """Numbers are never used twice, also after a deletion."""
    versions: Mapping[int, str] = field(default_factory=dict)
    """Version -> sha256 of its manifest."""
    aliases: Mapping[str, int] = field(default_factory=dict)
    events: tuple[RegistryEvent, ...] = ()

    def registered(self, manifest: str, note: Note, *, promote: bool | None) -> RegistryState:
        """With one version more. ``promote`` None: champion if it is the first there is, candidate otherwise."""
        version = self.next_version
        becomes = CHAMPION if promote or (promote is None and CHAMPION not in self.aliases) else CANDIDATE
        grown = replace(self, next_version=version + 1, versions={**self.versions, version: manifest})
        return grown._pointed(becomes, version, REGISTERED, note)

    def promoted(self, version: int, alias: str, note: Note) -> RegistryState:
        """With ``alias`` on ``version``; the same state when it stands there already.

        Raises:
            ModelNotFound: there is no such version.
        """
        self.need(version)
        if self.aliases.get(alias) == version:
            return self
        moved = self._pointed(alias, version, PROMOTED, note)
        if alias == CHAMPION and moved.aliases.get(CANDIDATE) == version:
            return moved._cleared(CANDIDATE, note)
        return moved

    def rolled_back(self, alias: str, note: Note, seen: int | None = None) -> RegistryState:
        """With ``alias`` where it stood before; versions that were deleted since are passed over.

        Raises:
            ModelError: it stood nowhere before, or no longer on ``seen``, where that is given.
        """
        if alias not in self.aliases:
            raise ModelNotFound(
                said("Model '{name}' has no alias '{alias}'", name=self.name, alias=alias),
                seen=self.describe_aliases(),
                remedy=said(
                    "Set it: portside models promote {name} VERSION --alias {alias}", name=self.name, alias=alias
                ),
            )
        if seen not in {None, self.aliases[alias]}:
            raise ModelError(
                said("Version {version} must still serve when it is rolled back", version=seen),
                seen=said("somebody made version {version} serve meanwhile", version=self.aliases[alias]),
                remedy="Look at the history, then decide again",
            )
        earlier = [version for version in self.path(alias) if version in self.versions]
        while earlier and earlier[-1] == self.aliases[alias]:
            earlier.pop()
        if not earlier:
            raise ModelError(
                said(
                    "Alias '{alias}' of model '{name}' must have stood on an earlier version that still exists",
                    alias=alias,
                    name=self.name,
                ),
                seen=said("version {version} only", version=self.aliases[alias]),
                remedy=said("Choose a version: portside models promote {name} VERSION", name=self.name),
            )
        return self._pointed(alias, earlier[-1], ROLLED_BACK, note)

    def deleted(self, version: int, note: Note) -> RegistryState:
        """Without ``version``.

        Raises:
            ModelNotFound: there is no such version.
            ModelError: an alias stands on it.
        """
        self.need(version)
        holders = sorted(alias for alias, at in self.aliases.items() if at == version)
        if holders:
            raise ModelError(
                "A version that an alias stands on cannot be deleted",
                seen=said("{model} is {aliases}", model=f"{self.name}:{version}", aliases=", ".join(holders)),
                remedy=said(
                    "Move the alias first: portside models promote {name} VERSION --alias {alias}",
                    name=self.name,
                    alias=holders[0],
                ),
            )
        rest = {number: manifest for number, manifest in self.versions.items() if number != version}
        event = RegistryEvent(note.at, note.actor, DELETED, version, None, None, note.reason)
        return replace(self, versions=rest, events=(*self.events, event))

    def need(self, version: int) -> int:
        """``version``, when it exists.

        Raises:
            ModelNotFound: it does not; names those that do.
        """
        if version not in self.versions:
            known = ", ".join(str(number) for number in sorted(self.versions)) or said("none")
            raise ModelNotFound(
                said("Model '{name}' has no version {version}", name=self.name, version=version),
                seen=said("versions: {known}", known=known),
                remedy=said("Choose one of these: portside models show {name}", name=self.name),
            )
        return version

    def path(self, alias: str) -> list[int]:
        """Where ``alias`` stood, one after another up to now, without what was rolled back."""
        stack: list[int] = []
        for event in self.events:
            if event.alias != alias:
                continue
            if event.action in (REGISTERED, PROMOTED):
                stack.append(event.version)
            elif event.action == ROLLED_BACK:
                while stack and stack[-1] != event.version:
                    stack.pop()
            elif event.action == CLEARED:
                stack.clear()
        return stack

    def describe_aliases(self) -> str:
        """The aliases in one line."""
        known = ", ".join(f"{alias} = {at}" for alias, at in sorted(self.aliases.items()))
        return said("aliases: {known}", known=known or said("none"))

    def _pointed(self, alias: str, version: int, action: str, note: Note) -> RegistryState:
        event = RegistryEvent(note.at, note.actor, action, version, alias, self.aliases.get(alias), note.reason)
        return replace(self, aliases={**self.aliases, alias: version}, events=(*self.events, event))

    def _cleared(self, alias: str, note: Note) -> RegistryState:
        event = RegistryEvent(
            note.at, note.actor, CLEARED, self.aliases[alias], alias, self.aliases[alias], note.reason
        )
        rest = {name: at for name, at in self.aliases.items() if name != alias}
        return replace(self, aliases=rest, events=(*self.events, event))

    def to_json(self) -> dict[str, Any]:
        """As it is written to disk."""
        return {
            "format": 1,
            "name": self.name,
            "next_version": self.next_version,
            "versions": {str(number): manifest for number, manifest in self.versions.items()},
            "aliases": dict(self.aliases),
            "events": [_stored(event) for event in self.events],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> RegistryState:
        """Read what ``to_json`` gave.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        if stored["format"] != 1:
            raise ValueError(f"format {stored['format']} is not known to this version of Portside")
        state = cls(
            name=str(stored["name"]),
            next_version=int(stored["next_version"]),
            versions={int(number): str(manifest) for number, manifest in stored["versions"].items()},
            aliases={str(alias): int(version) for alias, version in stored["aliases"].items()},
            events=tuple(
                RegistryEvent(**{**with_sentences(event), "at": datetime.fromisoformat(event["at"])})
                for event in stored["events"]
            ),
        )
        strays = {alias: at for alias, at in state.aliases.items() if at not in state.versions}
        if strays:
            raise ValueError(f"aliases without a version: {strays}")
        return state


def _stored(event: RegistryEvent) -> dict[str, Any]:
    return with_records({**asdict(event), "at": event.at.isoformat()}, ("reason",))
