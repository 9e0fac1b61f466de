"""Who rolls back goes back from the version that they saw serving, not from one that came since."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from portside.errors import ModelError
from portside.registry.state import Note, RegistryState

NOTE = Note(datetime(2026, 1, 1, tzinfo=UTC), "ann", "because")


@pytest.fixture
def state() -> RegistryState:
    """Three versions served one after another."""
    made = RegistryState("m")
    for _version in range(3):
        made = made.registered("hash", NOTE, promote=True)
    return made


@pytest.mark.parametrize("seen", [3, None])
def test_what_was_seen_is_rolled_back(state: RegistryState, seen: int | None) -> None:
    assert state.rolled_back("champion", NOTE, seen).aliases["champion"] == 2


def test_what_was_not_seen_stays(state: RegistryState) -> None:
    with pytest.raises(ModelError, match="Version 2 must still serve") as refused:
        state.rolled_back("champion", NOTE, 2)
    assert "version 3" in str(refused.value)
