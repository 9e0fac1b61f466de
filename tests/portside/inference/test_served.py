from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from portside.errors import ModelDamaged, ModelNotFound
from portside.inference.served import Served
from portside.registry import ModelVersion


@dataclass
class Versions:
    """A registry of which only the champion's number is known."""

    champion: int | None
    resolved: int = 0
    stamps: int = field(default=0)

    def promote(self, number: int | None) -> None:
        self.champion = number
        self.stamps += 1

    def resolve(self, reference: str) -> ModelVersion:
        self.resolved += 1
        if self.champion is None:
            raise ModelNotFound(f"There is no model '{reference}'")
        return ModelVersion("intents", self.champion, Path(), {})

    def alias_stamp(self, name: str) -> object:
        return self.stamps


FAULTS = {13: ModelDamaged("weights"), 14: OSError("disk"), 15: RuntimeError("of a library"), 16: MemoryError()}


def served(versions: Versions, *, fallback: bool = False) -> Served[str]:
    def load(version: ModelVersion) -> str:
        if version.version in FAULTS:
            raise FAULTS[version.version]
        return version.ref

    return Served(versions, "intents", "champion", load, (lambda: "fallback") if fallback else None)


def test_nothing_is_looked_up_before_the_first_use() -> None:
    versions = Versions(1)
    served(versions)
    assert versions.resolved == 0


def test_a_promoted_version_is_picked_up_and_looked_up_once() -> None:
    versions = Versions(1)
    model = served(versions)
    assert [model.current(), model.current()] == ["intents:1", "intents:1"]
    assert versions.resolved == 1
    versions.promote(2)
    assert [model.current(), model.current()] == ["intents:2", "intents:2"]
    assert versions.resolved == 2


def test_a_model_that_is_missing_is_an_error_until_it_is_there() -> None:
    versions = Versions(None)
    model = served(versions)
    with pytest.raises(ModelNotFound):
        model.current()
    versions.promote(1)
    assert model.current() == "intents:1"


def test_the_fallback_serves_until_there_is_a_model() -> None:
    versions = Versions(None)
    model = served(versions, fallback=True)
    assert model.current() == "fallback"
    versions.promote(1)
    assert model.current() == "intents:1"


@pytest.mark.parametrize("number", FAULTS)
def test_a_promotion_that_cannot_be_loaded_leaves_the_old_version_in_service(
    number: int, caplog: pytest.LogCaptureFixture
) -> None:
    versions = Versions(1)
    model = served(versions)
    model.current()
    versions.promote(number)
    assert [model.current(), model.current()] == ["intents:1", "intents:1"]
    assert len(caplog.records) == 1
    assert "stays in service" in caplog.text
    assert str(FAULTS[number]) in caplog.text
    versions.promote(2)
    assert model.current() == "intents:2"


def test_a_damaged_first_version_is_an_error() -> None:
    with pytest.raises(ModelDamaged):
        served(Versions(13)).current()


def test_others_go_on_with_the_old_version_while_one_loads() -> None:
    versions = Versions(1)
    loading, go_on = threading.Event(), threading.Event()

    def load(version: ModelVersion) -> str:
        if version.version == 2:
            loading.set()
            assert go_on.wait(10)
        return version.ref

    model: Served[str] = Served(versions, "intents", "champion", load)
    assert model.current() == "intents:1"
    versions.promote(2)
    found: list[str] = []
    loader = threading.Thread(target=lambda: found.append(model.current()))
    loader.start()
    assert loading.wait(10)
    assert model.current() == "intents:1"
    go_on.set()
    loader.join(10)
    assert found == ["intents:2"]
    assert model.current() == "intents:2"
