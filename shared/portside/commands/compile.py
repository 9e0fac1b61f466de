"""``portside compile``: build a model for this machine, check it, serve it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from portside.encoders import EncoderSource
    from portside.inference.engines.compile import Compilation
    from portside.inference.engines.store import CompiledPlace
    from portside.inference.engines.subject import Subject
    from portside.registry import ModelRegistry, ModelVersion
    from portside.settings import Settings

__all__ = ["commands"]

# Options may follow the model's name, although a group of commands usually ends its own at the first word.
commands = typer.Typer(no_args_is_help=True, subcommand_metavar="", context_settings={"allow_interspersed_args": True})


@commands.callback(invoke_without_command=True)
def compile_named(
    model: Annotated[
        str,
        typer.Argument(
            help="NAME (its champion), NAME@ALIAS, NAME:VERSION, or a pretrained encoder such as bundled.",
            metavar="NAME",
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(help="Rows to check it on, labelled as for evaluate; without it those kept aside in training."),
    ] = None,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Serve the original again.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Make a model answer faster on this machine.

    Every engine that can run here is measured on rows that the model has not learned from; the fastest serves whose
    answers stay the original's. Running apps take it up when they start again.
    """
    from portside.console import as_json, say
    from portside.inference.engines.store import remove_compiled
    from portside.settings import load_settings

    settings = load_settings()
    found = _Found(model, settings)
    if remove:
        remove_compiled(found.place)
        say(f"{found.name} is served as it was trained.")
        return
    made = found.compiled(data, settings.threads)
    if json:
        as_json({"model": found.name, **made.to_dict()})
        return
    _show(found.name, made)


class _Found:
    """A registered version, or a pretrained encoder."""

    def __init__(self, asked: str, settings: Settings) -> None:
        from portside.inference.engines.store import encoder_place, place_of
        from portside.registry import ModelRegistry

        registry = ModelRegistry(settings.models_dir)
        self.version: ModelVersion | None = None
        source = _pretrained(asked, registry)
        if source is None:
            self.version = registry.resolve(asked)
            self.name, self.folder = self.version.ref, self.version.folder
            self.place: CompiledPlace = place_of(self.folder)
        else:
            self.name, self.folder = source.name, source.folder
            self.place = encoder_place(settings.models_dir, source.name, source.sha256)

    def compiled(self, data: Path | None, threads: int) -> Compilation:
        from portside.inference.engines.compile import compile_model
        from portside.progress import TerminalProgress

        subject = self._subject(data or self._kept())
        with TerminalProgress(f"Compiling {self.name}") as progress:
            return compile_model(subject, self.place, threads=threads, progress=progress)

    def _kept(self) -> Path:
        from portside.errors import UsageError
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
        from portside.commands.tasks import task_of_version
        from portside.data.columns import Columns
        from portside.data.texts import load_texts
        from portside.inference.folder import task_of

        if self.version is None or task_of(self.folder) == "encoder":
            from portside.inference.engines.subjects.encoder import subject

            return subject(self.folder, load_texts(data).texts)
        task = task_of_version(self.version)
        made: Subject = load(task.compile)(self.version, load(task.read)(data, Columns(), test=True))
        return made


def _pretrained(asked: str, registry: ModelRegistry) -> EncoderSource | None:
    from portside.encoders import resolve_encoder
    from portside.errors import ModelError

    if asked.partition(":")[0].partition("@")[0] in registry.names():
        return None
    try:
        return resolve_encoder(asked, download=False)
    # Then it was meant for a model, whose registry knows what to advise.
    except ModelError:
        return None


def _show(name: str, made: Compilation) -> None:
    from portside.console import say, table
    from portside.inference.engines.choice import speed_up

    table(
        ["engine", "texts/s", "one text ms", "times as fast", f"{made.measure} %".strip(), "same answers %", "MB", ""],
        [
            [
                one.engine,
                one.texts_per_second,
                one.single_ms,
                speed_up(one, made.original),
                "" if one.quality is None else 100 * one.quality,
                100 * one.agreement,
                one.megabytes,
                "serves" if one is made.chosen else made.refused.get(one.engine, ""),
            ]
            for one in (made.original, *made.engines)
        ],
        title=f"{name} on {made.rows:,} rows that it has not learned from",
    )
    for engine, why in made.failed.items():
        say(f"{engine} could not be tried: {why}.")
    if made.chosen is None:
        say("No engine is faster with the same answers: the original goes on serving.")
    else:
        say(f"{name} is served by {made.chosen.engine} from now on; back with: portside compile {name} --remove")
