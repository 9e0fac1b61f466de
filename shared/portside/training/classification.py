"""Fine-tune a classifier and register it as a model version."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portside.encoders import EncoderSource, resolve_encoder
from portside.errors import StorageError
from portside.inference.threads import prepare_threads
from portside.progress import Progress
from portside.registry import CHAMPION, ModelRegistry, ModelVersion
from portside.registry.names import check_name
from portside.tasks.classification import ClassificationRecipe, LabelledTexts
from portside.training.card import classification_card
from portside.training.material import Material, prepare
from portside.training.reload import ReloadCheck
from portside.training.run_folder import open_run
from portside.training.seen import save_seen

if TYPE_CHECKING:
    from portside.training.fit import Fitted

__all__ = ["ClassificationRecipe", "train_classifier"]

CHECKPOINT_SECONDS = 30.0
"""Between two checkpoints: what a kill can cost at most. Writing one takes about half a second."""
CHECK_TEXTS = 12
"""Texts whose outputs a fresh process must repeat."""


def train_classifier(
    recipe: ClassificationRecipe,
    dataset: LabelledTexts,
    *,
    registry: ModelRegistry,
    name: str,
    runs_dir: Path,
    progress: Progress,
    actor: str,
    reason: str,
    valid: LabelledTexts | None = None,
    promote: bool | None = None,
    resume: bool = False,
    threads: int = 0,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    measure: Callable[[ModelVersion], Mapping[str, Any]] | None = None,
) -> ModelVersion:
    """Fine-tune on ``dataset`` and register the result as the next version of ``name``.

    Without ``valid`` some rows are kept aside, by label. Interrupted at any moment, nothing is registered, and
    ``resume`` goes on from the last checkpoint. ``threads`` 0: all that this process may use. ``measure`` gets the
    saved version before anybody else can see it; what it returns is added to the card.

    Raises:
        DataError: the data cannot be trained on.
        UsageError: another training of ``name`` runs; a resumed one differs; the budget is too short.
        ModelError: memory or the loss gave out, or the saved model does not reload to the same outputs.
        Cancelled: ``progress`` asked to stop.
    """
    began = time.monotonic()
    check_name(name)
    material = prepare(recipe, dataset, valid)
    source = resolve_encoder(recipe.encoder)
    progress.log(source.note)
    identity = _identity(recipe, dataset, valid, source)
    with open_run(runs_dir, name, identity, resume=resume) as run, ReloadCheck() as check:
        prepare_threads()
        from portside.inference.network import use_threads
        from portside.training.fit import Surroundings, fit

        use_threads(threads)

        def remaining() -> float | None:
            budget = recipe.budget_seconds
            return None if budget is None else budget - (time.monotonic() - began)

        # The fresh process imports while this one trains, and is ready at the end.
        around = Surroundings(run, progress, remaining, checkpoint_seconds, planned=check.start)
        fitted = fit(recipe, source, material, around)
        progress.update(1, 1, "saving, and reloading in a fresh process")
        card = classification_card(
            recipe, dataset, source=source, material=material, fitted=fitted, parent=_parent(registry, name)
        )
        with _advice_on_disk(), registry.staging(name) as folder:
            reloads = _save(folder, fitted, material, check)
            if measure is not None:
                card = {**card, **measure(ModelVersion(name, 0, folder, card))}
            version = registry.register(name, folder, card, actor=actor, reason=reason, promote=promote, check=reloads)
        run.remove()
    progress.log(f"Registered {version.ref}")
    return version


def _save(folder: Path, fitted: Fitted, material: Material, check: ReloadCheck) -> Callable[[Path], None]:
    """Write the model's files; returns the test that they reload to the outputs of the trained network."""
    from portside.inference import network as engine
    from portside.inference.classifier import softmax
    from portside.tasks.classification_network import save_network

    save_network(folder, fitted.network, fitted.tokens, fitted.config, material.labels)
    save_seen(folder, material.texts)
    # Texts of all lengths, the longest and the shortest among them.
    by_length = sorted({*material.texts, *material.valid_texts}, key=lambda text: (len(text), text))
    texts = by_length[:: max(1, len(by_length) // CHECK_TEXTS)] + by_length[-1:]
    device = next(fitted.network.parameters()).device
    logits = engine.run(lambda ids, mask: fitted.network(ids, mask)["logits"], fitted.tokens, texts, device=device)
    expected = softmax(logits)
    return lambda staged: check.compare(staged, texts, material.labels, expected)


def _identity(
    recipe: ClassificationRecipe, dataset: LabelledTexts, valid: LabelledTexts | None, source: EncoderSource
) -> dict[str, Any]:
    # The budget may be changed when resuming: it decides when to stop, not what is trained.
    return {
        "task": "classification",
        "recipe": asdict(replace(recipe, budget_seconds=None)),
        "training_data": dataset.content_hash,
        "validation_data": None if valid is None else valid.content_hash,
        "encoder_weights": source.sha256,
    }


def _parent(registry: ModelRegistry, name: str) -> str | None:
    champion = registry.aliases(name).get(CHAMPION)
    return None if champion is None else f"{name}:{champion}"


@contextmanager
def _advice_on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            "A model version must fit on the disk; nothing was registered",
            seen=str(error),
            remedy="Free some space, then train with --resume",
        ) from error
