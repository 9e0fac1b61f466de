"""Add labels, or further rows of known ones, to a classifier of prototypes: its head is computed anew, nothing is
trained. The encoder stays, and so do the means of labels that get no rows.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from portside.errors import DataError, UsageError
from portside.evaluation.held_out import HeldOut, load_held_out, save_held_out
from portside.inference.folder import read_model_file, write_model_file
from portside.inference.outside_gate import OPTION, EnergyGate, fit_energy_gate, read_gate
from portside.inference.threads import prepare_threads
from portside.progress import NullProgress, Progress
from portside.records import Example
from portside.registry import ModelRegistry, ModelVersion
from portside.registry.manifest import CARD_FILE, MANIFEST_FILE, PROSE_FILE
from portside.said import said
from portside.tasks.classification import LabelledTexts
from portside.training.classification import validation_metrics
from portside.training.discriminant import LabelStatistics
from portside.training.disk import advice_on_disk
from portside.training.holdout import hold_out
from portside.training.learned_labels import LearnedLabels
from portside.training.material import Material
from portside.training.reload import ReloadCheck, check_inputs
from portside.training.seen import add_seen, load_seen, text_hash

if TYPE_CHECKING:
    from portside.inference.tokens import Tokens
    from portside.tasks.classification_network import ClassificationNetwork

__all__ = ["add_class"]

KEPT_OF_CARD = ("task", "method", "encoder", "recipe", "versions", "limits")
"""What stays true of a version with more labels; what else was measured on the old one does not."""


def add_class(
    registry: ModelRegistry,
    reference: str,
    dataset: LabelledTexts,
    *,
    actor: str,
    reason: str,
    promote: bool | None = None,
    progress: Progress | None = None,
    threads: int = 0,
) -> ModelVersion:
    """Register the prototypes that ``reference`` names, with the rows of ``dataset`` among theirs, as a next version.

    Rows that the version has learned from already, or that it is measured by, are left out; under a new label they
    leave the label that they had. ``threads`` 0: all that this process may use.

    Raises:
        UsageError: the version is not one of prototypes, or was made before they were kept; or a text that it has
            learned is given a new label, and it does not tell which one that text had.
        ModelNotFound, ModelDamaged, ModelError: there is no such classifier, or it is not what was registered.
        DataError: a row has no label, or no row is new.
        StorageError: the version does not fit on the disk.
    """
    began, log = time.monotonic(), (progress or NullProgress()).log
    version = registry.resolve(reference)
    file = read_model_file(version.folder, task="classification")
    known = _statistics_of(version, len(file.labels))
    rows = _new_rows(version, file.labels, dataset)
    _tell(rows, len(dataset.examples), read_gate(file.options), log)
    prepare_threads()
    from portside.inference.network import use_threads

    use_threads(threads)
    full = advice_on_disk(
        "A version with more labels must fit on the disk; nothing was registered",
        "Free some space, then add the rows again",
    )
    with full, ReloadCheck() as check, registry.staging(version.name) as folder:
        check.start()
        added = _write(version, folder, known, rows)
        card = _card(version, rows, added, dataset, time.monotonic() - began)
        return registry.register(
            version.name,
            folder,
            card,
            actor=actor,
            reason=reason,
            promote=promote,
            check=lambda staged: check.compare(staged, added.texts, rows.material.labels, added.expected),
        )


def _tell(rows: _Rows, given: int, gate: EnergyGate | None, log: Callable[[str], None]) -> None:
    """What becomes of the ``given`` rows, and of what the version knows of texts from outside."""
    for label, count in rows.moved.counts.items():
        log(f"{count:,} rows leave the label {label}, which they had before")
    if rows.left_out:
        log(f"{rows.left_out:,} of {given:,} rows are left out: the model has them already")
    if gate is not None and gate.reading is not None:
        log(
            "The chance that none of the labels fits is left out: it was learned from texts that the version does not "
            "keep. Train anew to have it"
        )


def _statistics_of(version: ModelVersion, labels: int) -> LabelStatistics:
    found = LabelStatistics.load(version.folder)
    if found is not None and len(found.counts) == labels:
        return found
    method = version.card.get("method", "unknown")
    old = method == "prototype"
    raise UsageError(
        "Labels are added to prototypes, from the means that were kept when they were computed",
        seen=f"{version.ref} was made before Portside kept them" if old else f"{version.ref} has the method {method}",
        remedy="Train again, with the old rows and the new ones in one file: portside train classification "
        f"--method prototype --data FILE --name {version.name}",
    )


@dataclass(frozen=True)
class _Rows:
    """What is new to the version, and what the next one is measured by."""

    material: Material
    counts: dict[str, int]
    """New rows of each label that has some, those kept aside among them."""
    left_out: int
    moved: _Moved
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Where the rows come from that it is measured by, by column."""


@dataclass(frozen=True)
class _Moved:
    """What had another label before: a label is split."""

    texts: Sequence[str]
    """Those that were learned from, and must be taken out of what is known of the label they had."""
    label_ids: Sequence[int]
    counts: Counter[str]
    """Rows that each label loses, those among them that it was measured by."""


def _new_rows(version: ModelVersion, old: Sequence[str], dataset: LabelledTexts) -> _Rows:
    """The rows that the version does not have; some of them kept aside where it has rows to be measured by."""
    unlabelled = next((one.text for one in dataset.examples if not one.label.strip()), None)
    if unlabelled is not None:
        rule, remedy = "Every row needs a label", "Give the row its label or remove it"
        raise DataError(rule, seen=f"none beside {unlabelled[:60]!r}", remedy=remedy, file=dataset.source)
    labels = (*old, *sorted({one.label for one in dataset.examples} - set(old)))
    held = load_held_out(version.folder)
    places = _unknown(version, old, held, dataset)
    new = [dataset.examples[place] for place in places]
    counts = Counter(one.label for one in new)
    texts, ids = [one.text for one in new], [labels.index(one.label) for one in new]
    whole = Material(labels, texts, ids, (), (), f"none: {version.ref} kept no rows to be measured by")
    left_out = len(dataset.examples) - len(new)
    moved = _moved(version, old, held, new)
    if held is None:
        return _Rows(whole, dict(counts), left_out, moved)
    seed = int(version.card.get("recipe", {}).get("seed", 0))
    train, valid = hold_out(texts, ids, seed=seed)
    part = whole.fold(train, valid)
    taken = {text_hash(text) for text in texts}
    before = [place for place, text in enumerate(held.texts) if text_hash(text) not in taken]
    said = (
        f"{len(before):,} rows kept with {version.ref}, and {len(part.valid_texts):,} of {len(new):,} new ones, "
        f"kept aside by label with seed {seed}"
    )
    material = replace(
        part,
        valid_texts=[*(held.texts[place] for place in before), *part.valid_texts],
        valid_ids=[*(int(held.truth[place]) for place in before), *part.valid_ids],
        validation=said,
    )
    given: Mapping[str, Sequence[str]] = getattr(dataset, "parts", {})
    parts = _joined_parts(held.parts, before, given, [places[place] for place in valid])
    return _Rows(material, dict(counts), left_out, moved, parts)


def _joined_parts(
    first: Mapping[str, Sequence[str]],
    first_places: Sequence[int],
    second: Mapping[str, Sequence[str]],
    second_places: Sequence[int],
) -> dict[str, list[str]]:
    """Where some rows of two sets come from, one after the other; empty where a set does not have the column."""

    def values(parts: Mapping[str, Sequence[str]], name: str, places: Sequence[int]) -> list[str]:
        return [parts[name][place] if name in parts else "" for place in places]

    names = dict.fromkeys([*first, *second])
    return {name: values(first, name, first_places) + values(second, name, second_places) for name in names}


def _moved(version: ModelVersion, old: Sequence[str], held: HeldOut | None, new: Sequence[Example]) -> _Moved:
    """Which of the ``new`` rows the version has under another label.

    Raises:
        UsageError: it does not know under which.
    """
    seen, known = load_seen(version.folder), LearnedLabels.load(version.folder)
    measured = {} if held is None else dict(zip(map(text_hash, held.texts), held.truth.tolist(), strict=True))
    texts, places, gone, taken = [], [], Counter[str](), Counter[int]()
    for one in new:
        number = text_hash(one.text)
        had = () if known is None else known[one.text]
        if len(set(had)) > 1 or (not had and seen is not None and seen(one.text)):
            raise _unknown_label(version, one.text, kept=known is not None)
        if taken[number] < len(had):
            texts.append(one.text)
            places.append(had[0])
            gone[old[had[0]]] += 1
        elif not had and number in measured and not taken[number]:
            gone[old[measured[number]]] += 1
        taken[number] += 1
    return _Moved(texts, places, gone)


def _unknown_label(version: ModelVersion, text: str, *, kept: bool) -> UsageError:
    had = "under several labels" if kept else f"and {version.ref} was made before Portside kept under which label"
    return UsageError(
        "A text that is given a new label must leave the label that it had",
        seen=f"{text[:60]!r} was learned from, {had}",
        remedy="Leave such texts out, or train again with the rows under their new labels: portside train "
        f"classification --method prototype --data FILE --name {version.name}",
    )


def _unknown(version: ModelVersion, old: Sequence[str], held: HeldOut | None, dataset: LabelledTexts) -> list[int]:
    """Places of the rows that the version does not have."""
    seen = load_seen(version.folder)
    measuring = {text_hash(text) for text in (() if held is None else held.texts)}

    def known(one: Example) -> bool:
        # A text that has a new label is taken: whoever splits a label in two brings its texts again.
        return one.label in old and (text_hash(one.text) in measuring or (seen is not None and seen(one.text)))

    new = [place for place, one in enumerate(dataset.examples) if not known(one)]
    if not new:
        raise DataError(
            "The file must have rows that the model does not have yet",
            seen=f"{len(dataset.examples):,} rows, each learned from or kept to measure by",
            remedy="Add rows of the new label",
            file=dataset.source,
        )
    return new


@dataclass(frozen=True)
class _Added:
    """What the new files hold, as far as the card and the reload check ask."""

    texts: Sequence[str]
    expected: Any
    temperature: float
    scores: dict[str, float] | None
    """On the validation rows; None where there are none."""
    cut: int
    """New texts that are longer than is read."""
    trained_on: int
    """Texts that the head was computed from, old and new."""


def _write(version: ModelVersion, folder: Path, known: LabelStatistics, rows: _Rows) -> _Added:
    from portside.inference.classifier import softmax
    from portside.tasks.classification_network import load_network
    from portside.tasks.network_folder import save_weights
    from portside.training.classification_adapter import logits_of, scores_of

    material = rows.material
    old, tokens, _ = load_network(version.folder)
    before = float(version.card.get("calibration", {}).get("temperature", 1.0))
    network, statistics, temperature = _computed(old, tokens, rows, known, before)
    held, scores = None, None
    if material.valid_texts:
        truth = np.asarray(material.valid_ids, dtype=np.int64)
        held = HeldOut(material.valid_texts, truth, logits_of(network, tokens, material.valid_texts), parts=rows.parts)
        scores = scores_of(held.logits, truth, material.labels)
    _copy(version.folder, folder, rows, held)
    save_weights(folder, network.state_dict())
    statistics.save(folder)
    texts = check_inputs([*material.texts, *material.valid_texts])
    cut = len(tokens(material.texts).cut)
    trained_on = int(statistics.counts.sum())
    return _Added(texts, softmax(logits_of(network, tokens, texts)), temperature, scores, cut, trained_on)


def _computed(
    old: ClassificationNetwork, tokens: Tokens, rows: _Rows, known: LabelStatistics, temperature: float
) -> tuple[ClassificationNetwork, LabelStatistics, float]:
    from portside.inference.network import best_device
    from portside.tasks.classification_network import ClassificationNetwork
    from portside.training.closed_form import LEAST, label_statistics, set_head

    material, moved = rows.material, rows.moved
    width, labels = old.head.in_features, len(material.labels)
    network = ClassificationNetwork(old.encoder, width, labels, pooling=old.pooling).to(best_device()).eval()
    if moved.texts:
        known = known.without(label_statistics(network, tokens, moved.texts, moved.label_ids, len(known.counts)))
    statistics = known.joined(label_statistics(network, tokens, material.texts, material.label_ids, labels))
    divisor = set_head(network, tokens, material, statistics.head(), least=LEAST["prototype"], otherwise=temperature)
    return network.to("cpu"), statistics, divisor


def _copy(old: Path, folder: Path, rows: _Rows, held: HeldOut | None) -> None:
    """Encoder and tokenizer as they are; label order, gate, rows to measure by and texts seen as they are now."""
    material, moved = rows.material, rows.moved
    for path in sorted(old.iterdir()):
        if path.is_file() and path.name not in (CARD_FILE, PROSE_FILE, MANIFEST_FILE):
            shutil.copyfile(path, folder / path.name)
    add_seen(folder, material.texts, gone=moved.texts)
    learned = LearnedLabels.load(old)
    if learned is not None:
        learned.changed(moved.texts, material.texts, material.label_ids).save(folder)
    gate = None if held is None else fit_energy_gate(held.logits)
    file = read_model_file(old, task="classification")
    kept = {name: value for name, value in file.options.items() if name != OPTION}
    options = {**kept, **({} if gate is None else gate.to_options())}
    write_model_file(folder, replace(file, labels=material.labels, options=options))
    if held is not None:
        save_held_out(folder, held, material.labels)


def _card(version: ModelVersion, rows: _Rows, added: _Added, dataset: LabelledTexts, seconds: float) -> dict[str, Any]:
    old, material = version.card, rows.material
    data, n = old.get("data", {}), len(material.valid_texts)
    new = sum(rows.counts.values())
    summary = said(
        "Tells {labels} labels apart; computed from {n} texts, {new} rows of them added to {model} without training",
        labels=len(material.labels),
        n=f"{added.trained_on:,}",
        new=f"{new:,}",
        model=version.ref,
    )
    if added.scores:
        share = f"{100 * added.scores['accuracy']:.1f} %"
        summary = said("{made}, {share} right on validation rows", made=summary, share=share)
    per_label = Counter(data.get("rows_per_label", {}))
    per_label.update(rows.counts)
    per_label.subtract(rows.moved.counts)
    return {
        **{key: old[key] for key in KEPT_OF_CARD if key in old},
        "summary": summary,
        "parent": version.ref,
        "labels": list(material.labels),
        "metrics": {} if added.scores is None else {"validation": validation_metrics(added.scores, n)},
        "data": {
            **data,
            "source": f"{data.get('source', version.ref)} and {dataset.source}",
            "content_hash": _joined_hash(data.get("content_hash", version.ref), dataset.content_hash),
            "rows": int(data.get("rows", 0)) + new - rows.moved.counts.total(),
            "trained_on": added.trained_on,
            "validation": material.validation,
            "longer_than_limit": int(data.get("longer_than_limit", 0)) + added.cut,
            "rows_per_label": {label: per_label[label] for label in material.labels},
        },
        "added": {
            "to": version.ref,
            "source": dataset.source,
            "content_hash": dataset.content_hash,
            "rows_per_label": rows.counts,
            "rows_left_out": rows.left_out,
            "rows_moved_from": dict(rows.moved.counts),
        },
        "training": {**old.get("training", {}), "seconds": round(seconds, 1)},
        "calibration": {"temperature": added.temperature},
    }


def _joined_hash(first: str, second: str) -> str:
    return hashlib.sha256(f"{first} {second}".encode()).hexdigest()
