"""Promote, roll back and delete in any order, against a model that remembers everything."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from portside.errors import ModelError, ModelNotFound
from portside.registry.state import Note, RegistryState

NOTE = Note(datetime(2026, 1, 1, tzinfo=UTC), "ann", "because")
ALIASES = st.sampled_from(["champion", "candidate", "nightly"])
PROMOTE = st.sampled_from([None, True, False])


class RegistryMachine(RuleBasedStateMachine):
    """Keeps, beside the real state, each alias's path as a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.state = RegistryState("m")
        self.paths: dict[str, list[int]] = {}
        self.alive: set[int] = set()
        self.used = 0
        self.events = 0

    def at(self, alias: str) -> int | None:
        path = self.paths.get(alias)
        return path[-1] if path else None

    @rule(promote=PROMOTE)
    def register(self, promote: bool | None) -> None:
        champion = promote is True or (promote is None and self.at("champion") is None)
        self.state = self.state.registered("hash", NOTE, promote=promote)
        self.used += 1
        self.alive.add(self.used)
        self.paths.setdefault("champion" if champion else "candidate", []).append(self.used)
        self.events += 1

    @rule(version=st.integers(1, 8), alias=ALIASES)
    def promote(self, version: int, alias: str) -> None:
        if version not in self.alive:
            with pytest.raises(ModelNotFound):
                self.state.promoted(version, alias, NOTE)
            return
        changes = self.at(alias) != version
        clears = changes and alias == "champion" and self.at("candidate") == version
        self.state = self.state.promoted(version, alias, NOTE)
        if changes:
            self.paths.setdefault(alias, []).append(version)
        if clears:
            self.paths["candidate"] = []
        self.events += changes + clears

    @precondition(lambda self: self.alive)
    @rule(alias=ALIASES)
    def roll_back(self, alias: str) -> None:
        now = self.at(alias)
        path = list(self.paths.get(alias, []))
        while path and (path[-1] == now or path[-1] not in self.alive):
            path.pop()
        if not path:
            with pytest.raises(ModelError):
                self.state.rolled_back(alias, NOTE)
            return
        self.state = self.state.rolled_back(alias, NOTE)
        self.paths[alias] = path
        self.events += 1

    @rule(version=st.integers(1, 8))
    def delete(self, version: int) -> None:
        held = version in {self.at(alias) for alias in self.paths}
        if held or version not in self.alive:
            with pytest.raises(ModelError):
                self.state.deleted(version, NOTE)
            return
        self.state = self.state.deleted(version, NOTE)
        self.alive.remove(version)
        self.events += 1

    @invariant()
    def agrees(self) -> None:
        assert dict(self.state.aliases) == {alias: path[-1] for alias, path in self.paths.items() if path}
        assert set(self.state.versions) == self.alive
        assert self.state.next_version == self.used + 1

    @invariant()
    def every_alias_stands_on_a_version(self) -> None:
        assert set(self.state.aliases.values()) <= set(self.state.versions)

    @invariant()
    def history_only_grows(self) -> None:
        assert len(self.state.events) == self.events

    @invariant()
    def survives_the_disk(self) -> None:
        assert RegistryState.from_json(json.loads(json.dumps(self.state.to_json()))) == self.state


TestRegistryMachine = RegistryMachine.TestCase
TestRegistryMachine.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_rolling_back_again_goes_further_back_and_not_forth() -> None:
    state = RegistryState("m")
    for _ in range(3):
        state = state.registered("hash", NOTE, promote=True)
    state = state.rolled_back("champion", NOTE)
    assert state.aliases["champion"] == 2
    assert state.rolled_back("champion", NOTE).aliases["champion"] == 1


def test_an_alias_on_no_version_is_not_read() -> None:
    stored = RegistryState("m").registered("hash", NOTE, promote=True).to_json()
    with pytest.raises(ValueError, match="without a version"):
        RegistryState.from_json({**stored, "versions": {}})
