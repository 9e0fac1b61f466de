"""Compile what the registry or a pretrained encoder's name says: for commands, jobs and pages alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from portside.errors import ModelError, UsageError
from portside.inference.engines.store import (
    CompiledPlace,
    encoder_place,
    kept_as_trained,
    place_of,
    read_compiled,
    write_compiled,
)
from portside.inference.pooling import pooling_of

if TYPE_CHECKING:
    from portside.encoders import EncoderSource
    from portside.inference.engines.compile import Compilation
    from portside.inference.engines.subject import Subject
    from portside.progress import Progress
    from portside.registry import ModelRegistry, ModelVersion

__all__ = ["Compilable", "find_compilable", "waits_for_engine", "with_record"]


@dataclass(frozen=True)
class Compilable:
    """A registered version, or a pretrained encoder."""

    name: str
    folder: Path
    place: CompiledPlace
    version: ModelVersion | None = None
    """None for a pretrained encoder."""

    def compiled(
        self, data: Path | None, *, threads: int, progress: Progress, texts: Sequence[str] = ()
    ) -> Compilation:
        """Measure the engines of this machine on the rows of ``data`` (None: those kept beside it); the best serves.

        ``texts``: an encoder is measured on these instead where no rows were kept.

        Where none may, that is kept too: the original then serves as it was measured, in 32-bit floats.

        Raises:
            UsageError: no rows were kept beside it, and no ``data``.
            DataError: the file breaks a rule.
            ModelError: the model is of no task that is known here.
        """
        from portside.inference.engines.compile import compile_model

        subject = self._subject(data or self._kept()) if data or not texts else self._on(texts)
        return with_record(self.place, compile_model(subject, self.place, threads=threads, progress=progress))

    def _on(self, texts: Sequence[str]) -> Subject:
        from portside.evaluation.held_out import held_out_file
        from portside.inference.engines.subjects.encoder import subject

        kept = held_out_file(self.folder)
        return subject(self.folder, texts) if kept is None else self._subject(kept)

    def _kept(self) -> Path:
        from portside.evaluation.held_out import held_out_file

        kept = held_out_file(self.folder)
        if kept is None:
            raise UsageError(
                "A compiled model is checked on rows that it has not learned from",
                seen=f"{self.name} keeps none beside it, and no --data",
                remedy=f"Name a file: portside compile {self.name} --data FILE",
            )
        return kept

    def _subject(self, data: Path) -> Subject:
        from portside.apps import load
        from portside.data.columns import Columns
        from portside.data.matching import load_judged
        from portside.data.texts import load_texts
        from portside.inference.folder import task_of
        from portside.tasks.spec import find_task

        task = "encoder" if self.version is None else task_of(self.folder)
        if self.version is None or task == "encoder":
            from portside.inference.engines.subjects.encoder import judged_subject, subject

            if _names_pairs(data):
                return judged_subject(self.folder, load_judged(data, test=True))
            return subject(self.folder, load_texts(data).texts)
        spec = find_task(task)
        made: Subject = load(spec.compile)(self.version, load(spec.read)(data, Columns(), test=True))
        return made


def _names_pairs(data: Path) -> bool:
    """Whether a file says which texts belong together: it has a column of queries and one of documents."""
    from portside.data.matching import DOCUMENT_NAMES, QUERY_NAMES
    from portside.data.read import read_table
    from portside.data.texts import LINE_SUFFIXES

    if data.is_dir():
        return True
    if LINE_SUFFIXES & {suffix.lower() for suffix in data.suffixes}:
        return False
    names = {str(name).strip().casefold() for name in read_table(data).frame.columns}
    return bool(names & set(QUERY_NAMES)) and bool(names & set(DOCUMENT_NAMES))


def with_record(place: CompiledPlace, made: Compilation) -> Compilation:
    """``made`` with a record of what was measured in ``place``, also where no engine may serve."""
    if made.chosen is not None:
        return made
    figures = made.to_dict()
    return replace(made, record=write_compiled(place, None, figures["serves"], figures))


def waits_for_engine(version: ModelVersion) -> bool:
    """Whether engines can be measured on a version, and nobody did so on this machine or wants none."""
    from portside.evaluation.held_out import held_out_file
    from portside.inference.folder import task_of
    from portside.tasks.spec import find_tasks

    place = place_of(version.folder)
    if held_out_file(version.folder) is None or kept_as_trained(place) or read_compiled(place) is not None:
        return False
    try:
        return task_of(version.folder) in {"encoder", *(spec.name for spec in find_tasks())}
    except ModelError:  # of another Portside, or damaged: who asks for it is told
        return False


def find_compilable(asked: str, registry: ModelRegistry, models_dir: Path) -> Compilable:
    """What ``asked`` names: a version as the registry reads it, or a pretrained encoder.

    Raises:
        ModelNotFound: neither.
        ModelDamaged: the version's files are not those that were registered.
    """
    source = _pretrained(asked, registry)
    if source is not None:
        place = encoder_place(models_dir, source.name, source.sha256, pooling_of(source.folder))
        return Compilable(source.name, source.folder, place)
    version = registry.resolve(asked)
    return Compilable(version.ref, version.folder, place_of(version.folder), version)


def _pretrained(asked: str, registry: ModelRegistry) -> EncoderSource | None:
    from portside.encoders import resolve_encoder

    if asked.partition(":")[0].partition("@")[0] in registry.names():
        return None
    try:
        return resolve_encoder(asked, download=False)
    # Then it was meant for a model, whose registry knows what to advise.
    except ModelError:
        return None
