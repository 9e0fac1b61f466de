"""``python -m portside.inference.reload_check``: load a model in a fresh process and say what it answers.

Started as a training begins, it imports what it needs and waits for one line of JSON on standard input,
``{"folder": …, "texts": […]}``; it answers with one line, ``{"labels": […], "probabilities": [[…]]}`` or
``{"error": …}``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from portside.inference.threads import prepare_threads

__all__ = ["main"]


def main() -> None:
    """Answer one question and end; end silently when nobody asks."""
    prepare_threads()
    from portside.inference import network as engine
    from portside.inference.classifier import FolderClassifier
    from portside.tasks import classification_network

    assert engine
    assert classification_network
    line = sys.stdin.readline()
    if not line.strip():
        return
    question: dict[str, Any] = json.loads(line)
    try:
        classifier = FolderClassifier(Path(question["folder"]), model="check")
        found = classifier.probabilities(question["texts"])
        answer: dict[str, Any] = {"labels": classifier.labels, "probabilities": found.tolist()}
    # Whatever goes wrong here is the answer: the model does not reload.
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
