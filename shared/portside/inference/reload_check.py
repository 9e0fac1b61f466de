"""``python -m portside.inference.reload_check``: load a model in a fresh process and say what it answers.

Started as a training begins, it imports what it needs and waits for one line of JSON on standard input,
``{"folder": …, "inputs": […]}``; it answers with one line, ``{"labels": […], "probabilities": [[…]]}`` or
``{"error": …}``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from portside.apps import load
from portside.inference.threads import prepare_threads

__all__ = ["main"]

ENCODER_ANSWERS = "portside.inference.encoder:answers"
"""An encoder is no task: it has no labels, its vectors are its answers."""


def main() -> None:
    """Answer one question and end; end silently when nobody asks."""
    prepare_threads()
    from portside.inference import network as engine
    from portside.inference.folder import task_of
    from portside.tasks.spec import find_task

    assert engine  # imported now: torch is what takes long
    line = sys.stdin.readline()
    if not line.strip():
        return
    question: dict[str, Any] = json.loads(line)
    try:
        folder = Path(question["folder"])
        task = task_of(folder)
        address = ENCODER_ANSWERS if task == "encoder" else find_task(task).answers
        labels, found = load(address)(folder, question["inputs"])
        answer: dict[str, Any] = {"labels": labels, "probabilities": found.tolist()}
    # Whatever goes wrong here is the answer: the model does not reload.
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
