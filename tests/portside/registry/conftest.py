"""A model that is two small files, so that registry tests take milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from portside.registry import ModelRegistry, ModelVersion

Register = Callable[..., ModelVersion]


def accept(_folder: Path) -> None:
    """The reload test of a model that always reloads."""


@pytest.fixture
def register(registry: ModelRegistry) -> Register:
    """Registers a small version: ``register(name="m", content=b"…", promote=None)``."""

    def give(name: str = "intents", content: bytes = b"weights", promote: bool | None = None) -> ModelVersion:
        with registry.staging(name) as folder:
            (folder / "model.safetensors").write_bytes(content)
            (folder / "tokenizer").mkdir()
            (folder / "tokenizer" / "vocab.txt").write_text("a\nb\n")
            card = {"labels": ["no", "yes"]}
            return registry.register(name, folder, card, actor="ann", reason="test", promote=promote, check=accept)

    return give
