"""Train the intents, fill the desk: from the company's files or from the samples."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from portside.errors import ModelNotFound, UsageError
from portside.progress import Progress, ProgressPart
from portside.records import Example, Prediction
from portside.registry import ModelRegistry, ModelVersion
from portside.said import joined, said
from portside.settings import Settings
from portside_support.build import build_knowledge, build_service, build_stores, ready_database
from portside_support.config import SupportConfig
from portside_support.importing import read_articles, read_conversations, read_slots, read_templates
from portside_support.learning import (
    Utterances,
    fit_temperature,
    measure_threshold,
    show_intents,
    softened,
    with_corrections,
    without_texts,
)
from portside_support.rules import ChosenThreshold

__all__ = ["TrainedIntents", "import_answers", "import_articles", "prepare_demo", "train_intents"]


@dataclass(frozen=True)
class TrainedIntents:
    """What a training gave."""

    model: str
    """The version, as ``name:version``."""
    served: bool
    """Whether it answers customers now."""
    utterances: int
    corrections: int
    intents: int
    accuracy: float
    """Share of the validation utterances that got the right intent, whatever the confidence."""
    threshold: ChosenThreshold

    def summary(self) -> str:
        """One paragraph for the person who started the training."""
        told = [self._learned(), *self._sureness()]
        if not self.served:
            name, _, version = self.model.partition(":")
            command = f"portside models promote {name} {version}"
            told.append(said("It is not served yet: {command}.", command=command))
        return joined(told)

    def _learned(self) -> str:
        return said(
            "{model} tells {intents} intents apart; learned from {utterances} utterances and {corrections} "
            "corrections; {share} right on {n} validation utterances.",
            model=self.model,
            intents=self.intents,
            utterances=self.utterances,
            corrections=self.corrections,
            share=f"{100 * self.accuracy:.1f} %",
            n=self.threshold.n,
        )

    def _sureness(self) -> list[str]:
        chosen = self.threshold
        target = f"{100 * chosen.target:.0f} %"
        if not chosen.met:
            return [said("No threshold reached {target} precision: it will answer nothing on its own.", target=target)]
        answers = said(
            "It answers from {threshold} confidence on: {share} of the validation utterances, {right} of them rightly.",
            threshold=f"{100 * chosen.value:.1f} %",
            share=f"{100 * chosen.coverage:.1f} %",
            right=f"{100 * chosen.precision:.1f} %",
        )
        if not chosen.certainty:
            return [
                answers,
                said("{n} are too few, or the mistakes too many, to promise that of new ones.", n=chosen.n),
            ]
        certain = said(
            "Of new ones at most {share} are answered wrongly, certain to {certainty}.",
            share=f"{100 * (1 - chosen.target):.0f} %",
            certainty=f"{100 * chosen.certainty:.0f} %",
        )
        return [answers, certain]


@dataclass
class Measurement:
    """Chooses the confidence threshold and the temperature of a saved intent model, for its card."""

    valid: Sequence[Example]
    config: SupportConfig
    predictions: list[Prediction] = field(default_factory=list)
    """Of ``valid``, in order, at the chosen temperature; filled by the call."""
    chosen: ChosenThreshold | None = None

    def __call__(self, staged: ModelVersion) -> dict[str, Any]:
        """The part of the card that serving goes by."""
        from portside.inference.classifier import load_classifier

        config = self.config
        raw = load_classifier(staged).predict([example.text for example in self.valid])
        temperature = fit_temperature(self.valid, raw)
        self.predictions = [softened(one, temperature) for one in raw]
        self.chosen = measure_threshold(
            self.valid,
            self.predictions,
            never_answered={*config.human_intents, *config.out_of_scope_intents},
            target=config.target_precision,
            floor=config.confidence_floor,
        )
        measured = {name: value for name, value in asdict(self.chosen).items() if name != "value"}
        return {"thresholds": {"confidence": self.chosen.value, "temperature": temperature, **measured}}


@dataclass(frozen=True)
class TrainingWish:
    """What the user asks of a training beyond the data."""

    text: str | None = None
    label: str | None = None
    epochs: int | None = None
    budget_seconds: float | None = None
    seed: int = 0
    promote: bool | None = None


def train_intents(
    settings: Settings,
    data: Path | None,
    *,
    progress: Progress,
    actor: str,
    reason: str,
    wish: TrainingWish | None = None,
    config: SupportConfig | None = None,
) -> TrainedIntents:
    """Fine-tune the intents on ``data`` (None: the utterances of the last training) and the agents' corrections.

    Raises:
        UsageError: there are no utterances yet.
        DataError: the file breaks a rule.
        Cancelled: ``progress`` asked to stop; nothing is registered.
    """
    from portside.tasks.classification import ClassificationRecipe
    from portside.training.classification import make_task
    from portside.training.run import Order, train_task

    wish, config = wish or TrainingWish(), config or SupportConfig()
    content = build_stores(ready_database(settings)).content
    corrections = content.corrections()
    everything, train, valid = _utterances(settings, data, wish, config)
    train = Utterances(with_corrections(train.examples, corrections), train.source)
    valid = Utterances(without_texts(valid.examples, [one.text for one in corrections]), valid.source)
    registry, measurement = ModelRegistry(settings.models_dir), Measurement(valid.examples, config)
    recipe = ClassificationRecipe(
        encoder=settings.encoder, epochs=wish.epochs, seed=wish.seed, budget_seconds=wish.budget_seconds
    )
    order = Order(
        registry=registry,
        name=config.model_name,
        runs_dir=settings.runs_dir,
        progress=progress,
        actor=actor,
        reason=reason,
        promote=wish.promote,
        threads=settings.threads,
        measure=measurement,
    )
    version = train_task(recipe, make_task(recipe, train, valid), order)
    content.replace_intents(show_intents(train.examples, valid.examples, measurement.predictions))
    _keep_utterances(settings, everything)
    right = sum(one.label == told.label for one, told in zip(valid.examples, measurement.predictions, strict=True))
    assert measurement.chosen is not None
    return TrainedIntents(
        version.ref,
        registry.resolve(config.model_name).ref == version.ref,
        len(everything),
        len(corrections),
        len(train.labels),
        right / max(len(valid.examples), 1),
        measurement.chosen,
    )


def _utterances(
    settings: Settings, data: Path | None, wish: TrainingWish, config: SupportConfig
) -> tuple[tuple[Example, ...], Utterances, Utterances]:
    """All utterances, those to train on and those to validate on."""
    from portside.data import load_examples, split

    path = data or _kept_utterances(settings)
    if data is None and not path.exists():
        raise UsageError(
            "The first training needs a file of utterances",
            remedy="Name it: portside support train --data FILE (columns text and intent)",
        )
    dataset = load_examples(path, text=wish.text, label=wish.label)
    held = config.validation_fraction
    parts = split(dataset, (1 - held, held), seed=wish.seed)
    train = Utterances(tuple(parts.train.examples), f"{dataset.source} and corrections")
    valid = Utterances(tuple(parts.valid.examples), f"{held:.0%} of {dataset.source}")
    return tuple(dataset.examples), train, valid


def _kept_utterances(settings: Settings) -> Path:
    return settings.home / "support" / "utterances.csv"


def _keep_utterances(settings: Settings, examples: Sequence[Example]) -> None:
    # A correction made on a page can be trained on without anybody remembering where the file was.
    path = _kept_utterances(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "intent"])
        writer.writerows((example.text, example.label) for example in examples)
    fresh.replace(path)


def import_articles(
    settings: Settings, folder: Path, *, progress: Progress, config: SupportConfig | None = None
) -> int:
    """Make the articles below ``folder`` the knowledge base; returns how many there are.

    Raises:
        DataError: an article breaks a rule; nothing has changed.
    """
    config = config or SupportConfig()
    articles = read_articles(folder, passage_words=config.passage_words)
    content = build_stores(ready_database(settings)).content
    build_knowledge(settings, content, config).replace(articles, progress)
    return len(articles)


def import_answers(
    settings: Settings, file: Path, slots_file: Path | None = None, *, config: SupportConfig | None = None
) -> tuple[int, int]:
    """Make these the approved answers; returns how many answers and slots there are.

    Slots come from ``slots_file``, or from ``slots.csv`` beside the answers where there is one.

    Raises:
        DataError: a row breaks a rule, or names an intent or slot that is not known; nothing has changed.
    """
    config = config or SupportConfig()
    beside = file.parent / "slots.csv"
    source = slots_file or (beside if beside.exists() else None)
    slots = read_slots(source) if source is not None else {}
    try:
        known = ModelRegistry(settings.models_dir).resolve(config.model_name).card.get("labels", ())
    except ModelNotFound:
        known = ()
    templates = read_templates(file, slots=slots, intents=known)
    build_stores(ready_database(settings)).content.replace_answers(templates, slots)
    return len(templates), len(slots)


def prepare_demo(
    settings: Settings, samples: Path, progress: Progress, *, config: SupportConfig | None = None
) -> list[str]:
    """Train and fill the desk from ``samples/support``; what is there already is left as it is."""
    config = config or SupportConfig()
    folder = samples / "support"
    content = build_stores(ready_database(settings)).content
    done: list[str] = []
    if not ModelRegistry(settings.models_dir).versions(config.model_name):
        done.append(_train_on_samples(settings, folder, ProgressPart(progress, 0.0, 0.85), config).summary())
    if content.knowledge_state() is None:
        count = import_articles(settings, folder / "kb", progress=ProgressPart(progress, 0.85, 0.95), config=config)
        done.append(said("{n} articles are searchable", n=count))
    if not content.counts()["templates"]:
        answers, slots = import_answers(settings, folder / "templates.csv", config=config)
        done.append(said("{n} approved answers with {slots} slots", n=answers, slots=slots))
    service = build_service(settings)
    if not service.channels():
        progress.update(0.96, 1.0, said("importing past conversations"))
        new = service.import_conversations(read_conversations(folder / "conversations.jsonl"))
        done.append(said("{n} past conversations", n=new))
    progress.update(1.0, 1.0, said("ready"))
    return done


def _train_on_samples(settings: Settings, folder: Path, progress: Progress, config: SupportConfig) -> TrainedIntents:
    def within(seconds: float) -> TrainedIntents:
        return train_intents(
            settings,
            folder / "intents.csv",
            progress=progress,
            actor="demo",
            reason=said("trained on the samples"),
            wish=TrainingWish(budget_seconds=seconds),
            config=config,
        )

    try:
        return within(config.demo_seconds)
    except UsageError as error:
        # On a machine so slow or so busy that no step fits, a demo that takes longer beats none.
        progress.log(f"{error} Trying once more with more time.")
        return within(config.slow_demo_seconds)
