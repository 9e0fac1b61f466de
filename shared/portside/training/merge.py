"""Merge an adapter into its encoder: a version that holds all its weights and needs no other files."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from portside.apps import load
from portside.errors import UsageError
from portside.inference.base_encoder import find_base
from portside.inference.folder import FORMAT, base_of, read_model_file, task_of, write_model_file
from portside.inference.threads import prepare_threads
from portside.registry import ModelRegistry, ModelVersion
from portside.registry.manifest import CARD_FILE, MANIFEST_FILE, PROSE_FILE
from portside.tasks.spec import find_task
from portside.training.disk import advice_on_disk
from portside.training.reload import ReloadCheck

__all__ = ["merge_version"]


def merge_version(
    registry: ModelRegistry, reference: str, *, actor: str, reason: str, promote: bool | None = None
) -> ModelVersion:
    """Register the adapter that ``reference`` names, merged, as the next version of its name.

    It is registered only when a fresh process gets the same answers from it as this one from the adapter.

    Raises:
        UsageError: the version is no adapter.
        ModelNotFound, ModelDamaged: there is no such version, or it is not what was registered.
        ModelError: its encoder is gone, or the merged version answers otherwise.
        StorageError: it does not fit on the disk.
    """
    adapter = registry.resolve(reference)
    base = base_of(adapter.folder)
    if base is None:
        raise UsageError(
            "Only an adapter can be merged",
            seen=f"{adapter.ref} holds all its weights",
            remedy="Use it as it is; portside train with --method lora makes adapters",
        )
    find_base(base, adapter.folder)  # refused before anything heavy is imported
    prepare_threads()
    task = find_task(task_of(adapter.folder))
    labels, expected = load(task.answers)(adapter.folder, task.trial)
    card = {**adapter.card, "parent": adapter.ref, "merged_from": adapter.ref}
    full = advice_on_disk(
        "A merged version must fit on the disk; nothing was registered", "Free some space, then merge again"
    )
    with full, ReloadCheck() as check, registry.staging(adapter.name) as folder:
        check.start()
        _write_merged(adapter.folder, folder, task.name)
        return registry.register(
            adapter.name,
            folder,
            card,
            actor=actor,
            reason=reason,
            promote=promote,
            check=lambda staged: check.compare(staged, task.trial, labels, expected),
        )


def _write_merged(adapter: Path, folder: Path, task: str) -> None:
    from portside.inference.lora import ADAPTER_FILES, network_weights
    from portside.tasks.network_folder import save_weights

    for path in sorted(adapter.iterdir()):
        if path.name not in (*ADAPTER_FILES, CARD_FILE, PROSE_FILE, MANIFEST_FILE):
            shutil.copyfile(path, folder / path.name)
    save_weights(folder, network_weights(adapter))
    write_model_file(folder, replace(read_model_file(adapter, task=task), base=None, format=FORMAT))
