"""What is wrong with labelled files of each task: read, encode with the frozen encoder, look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from portside.data.columns import Columns
from portside.errors import UsageError
from portside.evaluation.report.fault_files import encoded_files, faults_of_files, told_read
from portside.evaluation.report.faults import LabelledRowsOf
from portside.evaluation.report.parts import Report
from portside.inference.interfaces import TextEncoder
from portside.progress import Progress
from portside.said import said
from portside.settings import Settings
from portside.tasks.spec import find_task

if TYPE_CHECKING:
    from portside.data.multilabel import MultiLabelDataset
    from portside.data.tagged import TaggedDataset
    from portside.training.word_vectors import WordEncoder

__all__ = ["faults_of_task", "name_faults_of_files", "set_faults_of_files"]


def faults_of_task(
    task: str, file: Path, test: Path | None, columns: Columns, *, settings: Settings, progress: Progress
) -> Report:
    """What is wrong with ``file``, a file of ``task``; with ``test`` also which of its rows stand in ``file``.

    Raises:
        DataError: a file cannot be read as one of that task.
        UsageError: there is no such task, or nothing is looked for in its files.
    """
    name = find_task(task).name
    if name == "classification":
        return faults_of_files(file, test, columns, settings, progress)
    if name == "multilabel":
        return set_faults_of_files(file, test, columns, settings, progress)
    if name == "tagging":
        return name_faults_of_files(file, test, settings, progress)
    raise UsageError(
        "Wrong labels and copies are looked for in files of texts with labels, or with names",
        seen=f"--task {name}",
        remedy="Use --task classification, multilabel or tagging; portside data check looks at files of every task",
    )


def set_faults_of_files(
    file: Path,
    test: Path | None,
    columns: Columns,
    settings: Settings,
    progress: Progress,
    *,
    encoder: TextEncoder | None = None,
) -> Report:
    """What is wrong with texts that may have several labels.

    Raises:
        DataError: a file cannot be read as such, or there is nothing to tell apart.
    """
    from portside.data.multilabel import read
    from portside.evaluation.report.label_set_faults import label_set_faults_report
    from portside.tasks.multilabel import label_order
    from portside.training.cross_label_sets import cross_predict_sets

    datasets = [read(path, columns, test=path is test) for path in (file, test) if path is not None]
    label_order(datasets[0])
    texts = [[one.text for one in dataset.examples] for dataset in datasets]
    vectors = encoded_files(texts, settings, progress, encoder=encoder, more=len(texts[0]))
    made = [_label_sets(*each) for each in zip(datasets, texts, vectors, strict=True)]
    sets = [one.labels for one in datasets[0].examples]
    told_read(made, progress)
    return label_set_faults_report(made[0], sets, cross_predict_sets, made[1] if len(made) > 1 else None)


def name_faults_of_files(
    file: Path,
    test: Path | None,
    settings: Settings,
    progress: Progress,
    *,
    encoder: TextEncoder | None = None,
    words: WordEncoder | None = None,
) -> Report:
    """What is wrong with tagged sentences.

    Raises:
        DataError: a file cannot be read as such.
    """
    from portside.data.tagged import load_tagged
    from portside.evaluation.report.name_faults import name_faults_report
    from portside.training.cross_words import cross_predict_words

    datasets = [load_tagged(path) for path in (file, test) if path is not None]
    texts = [[" ".join(one.tokens) for one in dataset.sentences] for dataset in datasets]
    sentences = datasets[0].sentences
    vectors = encoded_files(texts, settings, progress, encoder=encoder, more=len(sentences))
    made = [_sentences(*each) for each in zip(datasets, texts, vectors, strict=True)]
    before, total = sum(map(len, texts)), sum(len(one.tokens) for one in sentences)

    def report(done: int) -> None:
        # What is read a second time, word by word, counts as much as the first time.
        progress.update(
            before + len(sentences) * done / total,
            before + len(sentences),
            said("{done} of {total} words read", done=f"{done:,}", total=f"{total:,}"),
        )

    of_words = (_words(settings) if words is None else words)(sentences, report)
    whole = before + len(sentences)
    progress.update(whole, whole, said("a model is asked about the words that it has not learned from"))
    return name_faults_report(made[0], sentences, of_words, cross_predict_words, made[1] if len(made) > 1 else None)


def _words(settings: Settings) -> WordEncoder:
    from portside.encoders import resolve_encoder
    from portside.registry import ModelRegistry
    from portside.training.word_vectors import EncodedWords

    source = resolve_encoder(settings.encoder, ModelRegistry(settings.models_dir))
    return EncodedWords(source.folder, threads=settings.threads)


def _label_sets(dataset: MultiLabelDataset, texts: Sequence[str], vectors: NDArray[Any]) -> LabelledRowsOf:
    labels = [", ".join(one.labels) or said("no label") for one in dataset.examples]
    rows = dataset.rows or range(1, len(dataset) + 1)
    return LabelledRowsOf(Path(dataset.source).name, texts, labels, rows, vectors)


def _sentences(dataset: TaggedDataset, texts: Sequence[str], vectors: NDArray[Any]) -> LabelledRowsOf:
    from portside.evaluation.report.name_faults import names_in_words, types_in_words

    names = [names_in_words(one) or said("no name") for one in dataset.sentences]
    kinds = [types_in_words(one) for one in dataset.sentences]
    return LabelledRowsOf(Path(dataset.source).name, texts, names, range(1, len(dataset) + 1), vectors, kinds)
