"""A compiled model answers without the libraries that it was trained with: each takes seconds to import."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from portside.inference.engines.build import export
from portside.inference.engines.store import place_of, write_compiled
from portside.inference.engines.subject import Subject
from portside.inference.logits import OUTPUTS
from portside.registry import ModelRegistry, ModelVersion
from portside.tasks.classification_network import load_network

HEAVY = ("torch", "transformers")
ANSWER = """
import json, sys
from pathlib import Path
from portside.inference.classifier import ServedClassifier
from portside.registry import ModelRegistry
found = ServedClassifier(ModelRegistry(Path(sys.argv[1])), "intents").predict(["where is my card", "refund"])
print(json.dumps({"models": [one.model for one in found], "modules": sorted(sys.modules)}))
"""
HELP = """
import json, sys
from portside.cli import main
sys.argv = ["portside", "--help"]
try:
    main()
except SystemExit as ended:
    assert not ended.code
print(json.dumps({"modules": sorted(sys.modules)}))
"""


def said(program: str, *arguments: str) -> dict[str, list[str]]:
    ran = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    answer: dict[str, list[str]] = json.loads(ran.stdout.splitlines()[-1])
    return answer


@pytest.fixture
def compiled(registry: ModelRegistry, register_random: Callable[..., ModelVersion], tmp_path: Path) -> ModelVersion:
    version = register_random(registry, ("zeta", "alpha"), seed=1)
    network, _, _ = load_network(version.folder)
    rows = Subject(network, OUTPUTS, rows=0, ask=lambda forward, places: [], agreement=lambda found, original: 1.0)
    export(rows, tmp_path / "built.onnx")
    write_compiled(place_of(version.folder), tmp_path / "built.onnx", "onnx-fp32", {})
    return version


def test_a_compiled_model_answers_without_torch(compiled: ModelVersion, registry: ModelRegistry) -> None:
    found = said(ANSWER, str(registry.root))
    assert found["models"] == [compiled.ref] * 2
    assert "onnxruntime" in found["modules"]
    assert not set(HEAVY) & set(found["modules"])


def test_help_loads_no_model_library() -> None:
    assert not {*HEAVY, "onnxruntime"} & set(said(HELP)["modules"])
