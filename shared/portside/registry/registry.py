"""The registry: where model versions are put, found, promoted, rolled back and removed.

On disk, under one root::

    <root>/<name>/registry.json     versions, aliases, history: the truth, replaced in one step under .lock
    <root>/<name>/<version>/        card.json, CARD.md, manifest.json and the model's files; never changed
    <root>/.staging/                folders being filled; those of dead processes are removed

A version exists when ``registry.json`` names it. A kill can leave a folder that it does not name: nobody sees it, and
the next registration of that name removes it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from portside.clock import Clock, utc_now
from portside.errors import ModelDamaged, ModelError, ModelNotFound, StorageError, UsageError
from portside.registry.card import render_card
from portside.registry.files import clear_leftovers, private_folder, sync_folder, sync_tree, write_bytes, write_json
from portside.registry.manifest import (
    CARD_FILE,
    DERIVED,
    MANIFEST_FILE,
    PROSE_FILE,
    check_folder,
    damaged,
    measure,
    measure_folder,
)
from portside.registry.names import NAME, Reference, check_name, parse_reference
from portside.registry.state import CHAMPION, Note, RegistryEvent, RegistryState
from portside.registry.versions import ModelVersion
from portside.said import said, with_records, with_sentences

__all__ = ["ModelRegistry"]

LOCK_SECONDS = 60.0
"""The lock of a name is held while a few small files are written; who waits longer has a broken disk."""

RESOLVE_TRIES = 5
"""How often a reader looks again when the version it was about to read is removed under its hands."""


class ModelRegistry:
    """All model versions under ``root``. Safe for many threads and processes at once; reading takes no lock."""

    def __init__(self, root: Path, clock: Clock = utc_now) -> None:
        self.root = root
        self._clock = clock
        self._verified: set[tuple[str, str]] = set()
        self._verified_lock = threading.Lock()

    # --- looking -----------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Every name that has a version."""
        if not self.root.is_dir():
            return []
        found = sorted(
            path.parent.name for path in self.root.glob("*/registry.json") if NAME.fullmatch(path.parent.name)
        )
        return [name for name in found if self._state(name).versions]

    def versions(self, name: str) -> list[ModelVersion]:
        """The versions of ``name``, oldest first; none when nobody registered one.

        Files are not checked here: a version whose card cannot be read has an empty one.
        """
        return [self._version(name, number, strict=False) for number in sorted(self._state(name).versions)]

    def aliases(self, name: str) -> dict[str, int]:
        """Where the aliases of ``name`` stand."""
        return dict(self._state(name).aliases)

    def history(self, name: str) -> list[RegistryEvent]:
        """Every change of ``name``, oldest first."""
        return list(self._state(name).events)

    def alias_stamp(self, name: str) -> tuple[int, ...] | None:
        """A value that changes whenever anything about ``name`` changes, for the price of two ``stat``."""
        try:
            status = self._state_path(check_name(name)).stat()
        except OSError:
            return None
        try:
            derived = (self.root / name / DERIVED).stat().st_mtime_ns
        except OSError:
            derived = 0
        return status.st_mtime_ns, status.st_ino, status.st_size, derived

    def resolve(self, reference: str) -> ModelVersion:
        """The version that ``name`` (its champion), ``name@alias`` or ``name:3`` means now, its files verified.

        The files are read and compared once in the life of this object, not at every call.

        Raises:
            UsageError: the reference cannot be read.
            ModelNotFound: there is no such model, alias or version.
            ModelDamaged: a file of the version is not what was registered; names it.
        """
        wanted = parse_reference(reference)
        for remaining in reversed(range(RESOLVE_TRIES)):
            stamp = self.alias_stamp(wanted.name)
            state = self._state(wanted.name)
            number = self._number(state, wanted)
            try:
                self._verify_once(state, number)
                return self._version(wanted.name, number)
            except ModelDamaged:
                # Deleted while we read it? Then the registry has changed too, and says what is meant now.
                if remaining == 0 or self.alias_stamp(wanted.name) == stamp:
                    raise
        raise AssertionError("unreachable")

    def verify(self, reference: str) -> ModelVersion:
        """Read every file of a version again and compare it with what was registered.

        Raises:
            UsageError, ModelNotFound, ModelDamaged: as ``resolve``.
        """
        wanted = parse_reference(reference)
        state = self._state(wanted.name)
        number = self._number(state, wanted)
        self._verify(state, number)
        return self._version(wanted.name, number)

    # --- changing ----------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """An empty folder to fill for ``register``; gone at the end of the block when it was not registered."""
        check_name(name)
        area = self.root / ".staging"
        with contextlib.ExitStack() as stack:
            try:
                clear_leftovers(area)
                folder = stack.enter_context(private_folder(area))
            except OSError as error:
                raise StorageError(
                    "The models' folder must be writable",
                    seen=f"{self.root}: {error.strerror}",
                    remedy="Free space or set PORTSIDE_HOME to a folder of your own",
                ) from error
            yield folder

    def register(
        self,
        name: str,
        staging: Path,
        card: Mapping[str, Any],
        *,
        actor: str,
        reason: str,
        promote: bool | None = None,
        check: Callable[[Path], None],
    ) -> ModelVersion:
        """Make the content of ``staging`` the next version of ``name``.

        ``check`` gets the folder with ``card.json`` in it (not yet its version number) and raises when the model does
        not reload; nothing is visible before it returns. ``promote`` None: champion if ``name`` has none, candidate
        otherwise; True: champion; False: candidate.

        Raises:
            UsageError: the folder did not come from ``staging()`` of this registry, or the card is no JSON.
            ModelError: the folder is empty or holds what no version may hold.
        """
        check_name(name)
        if not staging.is_relative_to(self.root / ".staging") or not staging.is_dir():
            raise UsageError("A version is registered from the folder that staging() gave", seen=str(staging))
        facts = _plain(card) | {"name": name, "created_at": self._clock().isoformat()}
        write_json(staging / CARD_FILE, facts)
        check(staging)
        marks = measure_folder(staging)
        if marks.keys() <= {CARD_FILE, PROSE_FILE, MANIFEST_FILE}:
            raise ModelError("A model version needs files", seen=said("an empty folder"), remedy="Save the model first")
        sync_tree(staging)
        with self._changing(name) as state:
            number = state.next_version
            self._clear_strays(state)
            manifest = _seal(staging, {**facts, "version": number}, f"{name}:{number}", marks)
            os.rename(staging, self._folder(name, number))
            sync_folder(self.root / name)
            self._write(state.registered(manifest, self._note(actor, reason), promote=promote))
        return self._version(name, number)

    def promote(self, name: str, version: int, *, alias: str = CHAMPION, actor: str, reason: str) -> None:
        """Let ``alias`` mean ``version``. Nothing happens when it does already.

        Raises:
            ModelNotFound: there is no such version.
            ModelDamaged: the version's files are not what was registered.
        """
        check_name(alias, "alias")
        state = self._state(name)
        self._verify(state, self._number(state, Reference(name, version=version)))
        with self._changing(name) as state:
            moved = state.promoted(version, alias, self._note(actor, reason))
            if moved is not state:
                self._write(moved)

    def rollback(self, name: str, *, alias: str = CHAMPION, actor: str, reason: str, seen: int | None = None) -> int:
        """Let ``alias`` mean what it meant before; returns that version.

        ``seen`` is the version that it stood on when the caller decided: what somebody else did since is not undone.

        Raises:
            ModelNotFound: there is no such model or alias.
            ModelError: there is no earlier version, or ``alias`` no longer stands on ``seen``.
            ModelDamaged: the earlier version's files are not what was registered.
        """
        check_name(alias, "alias")
        self._known(self._state(name))
        with self._changing(name) as state:
            back = state.rolled_back(alias, self._note(actor, reason), seen)
            self._verify(back, back.aliases[alias])
            self._write(back)
        return back.aliases[alias]

    def delete(self, name: str, version: int, actor: str, reason: str) -> None:
        """Remove a version for good. Its number is not used again.

        Raises:
            ModelNotFound: there is no such version.
            ModelError: an alias stands on it.
        """
        self._known(self._state(name))
        # The lock is given back first, then the files go with the private folder: readers and writers need not wait.
        with private_folder(self.root / ".staging") as bin_folder, self._changing(name) as state:
            self._write(state.deleted(version, self._note(actor, reason)))
            with contextlib.suppress(FileNotFoundError):
                os.rename(self._folder(name, version), bin_folder / "deleted")
            # What was made of it for this machine goes with it.
            with contextlib.suppress(FileNotFoundError):
                os.rename(self.root / name / DERIVED / str(version), bin_folder / "derived")

    # --- inside ------------------------------------------------------------------------------------------------

    def _folder(self, name: str, number: int) -> Path:
        return self.root / name / str(number)

    def _state_path(self, name: str) -> Path:
        return self.root / name / "registry.json"

    def _note(self, actor: str, reason: str) -> Note:
        return Note(self._clock(), actor, reason)

    def _state(self, name: str) -> RegistryState:
        path = self._state_path(check_name(name))
        try:
            return RegistryState.from_json(json.loads(path.read_bytes()))
        except FileNotFoundError:
            return RegistryState(name)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelDamaged(
                said("The registry of model '{name}' must be readable", name=name),
                seen=f"{path}: {error}",
                remedy="Restore this file from a backup",
            ) from error

    def _write(self, state: RegistryState) -> None:
        write_json(self._state_path(state.name), state.to_json())

    @contextlib.contextmanager
    def _changing(self, name: str) -> Iterator[RegistryState]:
        """The state of ``name`` while no other process or thread can change it."""
        (self.root / name).mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.root / name / ".lock", timeout=LOCK_SECONDS):
                yield self._state(name)
        except Timeout as error:
            raise StorageError(
                said("Only one process at a time may change model '{name}'", name=name),
                seen=said("{file} is held since {n} seconds", file=error.lock_file, n=f"{LOCK_SECONDS:.0f}"),
                remedy="Look for a process that hangs, then try again",
            ) from error

    def _known(self, state: RegistryState) -> RegistryState:
        if state.versions:
            return state
        known = ", ".join(self.names()) or said("none yet")
        raise ModelNotFound(
            said("There is no model '{name}'", name=state.name),
            seen=said("models: {known}", known=known),
            remedy=said("Train it: portside train classification --data FILE --name {name}", name=state.name),
        )

    def _number(self, state: RegistryState, wanted: Reference) -> int:
        self._known(state)
        if wanted.version is not None:
            return state.need(wanted.version)
        alias = wanted.alias or CHAMPION
        if alias not in state.aliases:
            raise ModelNotFound(
                said("Model '{name}' has no alias '{alias}'", name=state.name, alias=alias),
                seen=state.describe_aliases(),
                remedy=said(
                    "Set it: portside models promote {name} VERSION --alias {alias}", name=state.name, alias=alias
                ),
            )
        return state.aliases[alias]

    def _version(self, name: str, number: int, *, strict: bool = True) -> ModelVersion:
        folder = self._folder(name, number)
        try:
            card = json.loads((folder / CARD_FILE).read_bytes())
        except (OSError, ValueError) as error:
            if strict:
                raise damaged(f"{name}:{number}", folder / CARD_FILE, said("it cannot be read")) from error
            card = {}
        return ModelVersion(name, number, folder, with_sentences(card))

    def _verify(self, state: RegistryState, number: int) -> None:
        manifest = state.versions[number]
        check_folder(self._folder(state.name, number), manifest, f"{state.name}:{number}")
        with self._verified_lock:
            self._verified.add((f"{state.name}:{number}", manifest))

    def _verify_once(self, state: RegistryState, number: int) -> None:
        with self._verified_lock:
            if (f"{state.name}:{number}", state.versions[number]) in self._verified:
                return
        self._verify(state, number)

    def _clear_strays(self, state: RegistryState) -> None:
        """Remove version folders that were moved in place by a process that was killed before it recorded them."""
        for folder in (self.root / state.name).iterdir():
            if folder.name.isdigit() and int(folder.name) not in state.versions:
                shutil.rmtree(folder)


def _plain(card: Mapping[str, Any]) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = json.loads(json.dumps(with_records(card, ("summary",)), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise UsageError("A model card holds what JSON can hold", seen=str(error)) from error
    return plain


def _seal(folder: Path, card: Mapping[str, Any], ref: str, marks: Mapping[str, Any]) -> str:
    """Write the final card, its readable twin and the manifest; return the manifest's sha256."""
    write_json(folder / CARD_FILE, card)
    write_bytes(folder / PROSE_FILE, render_card(card, ref).encode())
    final = {**marks, CARD_FILE: measure(folder / CARD_FILE), PROSE_FILE: measure(folder / PROSE_FILE)}
    final.pop(MANIFEST_FILE, None)
    files = {path: {"size": mark.size, "sha256": mark.sha256} for path, mark in sorted(final.items())}
    write_json(folder / MANIFEST_FILE, {"format": 1, "files": files})
    return measure(folder / MANIFEST_FILE).sha256
