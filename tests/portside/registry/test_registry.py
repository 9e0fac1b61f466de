from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portside.errors import ModelDamaged, ModelError, ModelNotFound, PortsideError, UsageError
from portside.processes import this_process
from portside.registry import ModelRegistry, ModelVersion
from portside.registry.actor import current_actor
from portside.said import in_words, said
from portside.settings import Settings

Register = Callable[..., ModelVersion]


def accept(_folder: Path) -> None: ...


def test_the_first_version_is_champion_and_the_next_a_candidate(registry: ModelRegistry, register: Register) -> None:
    assert [register().ref, register().ref] == ["intents:1", "intents:2"]
    assert registry.aliases("intents") == {"champion": 1, "candidate": 2}
    assert registry.resolve("intents").version == 1
    assert registry.resolve("intents@candidate").version == 2
    assert registry.resolve("intents:2").card["version"] == 2


@pytest.mark.parametrize(
    ("promote", "aliases"),
    [(True, {"champion": 2}), (False, {"champion": 1, "candidate": 2}), (None, {"champion": 1, "candidate": 2})],
)
def test_promote_says_what_the_second_version_becomes(
    registry: ModelRegistry, register: Register, promote: bool | None, aliases: dict[str, int]
) -> None:
    register()
    register(promote=promote)
    assert registry.aliases("intents") == aliases


def test_a_first_version_may_be_held_back(registry: ModelRegistry, register: Register) -> None:
    register(promote=False)
    assert registry.aliases("intents") == {"candidate": 1}
    with pytest.raises(ModelNotFound, match="portside models promote intents"):
        registry.resolve("intents")


def test_the_folder_holds_card_prose_and_manifest(register: Register) -> None:
    version = register(content=b"abc")
    card = json.loads((version.folder / "card.json").read_text())
    assert (card["name"], card["version"], card["labels"]) == ("intents", 1, ["no", "yes"])
    assert "# intents, version 1" in (version.folder / "CARD.md").read_text()
    manifest = json.loads((version.folder / "manifest.json").read_text())["files"]
    assert sorted(manifest) == ["CARD.md", "card.json", "model.safetensors", "tokenizer/vocab.txt"]
    assert manifest["model.safetensors"] == {"size": 3, "sha256": hashlib.sha256(b"abc").hexdigest()}


def test_a_summary_remembers_what_it_was_made_of(registry: ModelRegistry) -> None:
    summary = said("Tells {n} labels apart", n=2)
    with registry.staging("intents") as folder:
        (folder / "model.safetensors").write_bytes(b"weights")
        card = {"summary": summary, "labels": ["a", "b"]}
        made = registry.register("intents", folder, card, actor="ann", reason="first", check=accept)
    stored = json.loads((made.folder / "card.json").read_text())
    assert stored["summary"] == "Tells 2 labels apart"
    for version in (made, registry.resolve("intents")):
        assert in_words(version.card["summary"], lambda text: text.replace("Tells", "区分")) == "区分 2 labels apart"
        assert "said" not in version.card
    assert "template" not in (made.folder / "CARD.md").read_text()


def test_history_says_who_when_why(tmp_path: Path, register: Register, registry: ModelRegistry) -> None:
    register()
    register()
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    ModelRegistry(registry.root, clock=lambda: noon).promote("intents", 2, actor="bo", reason="better on refunds")
    registry.rollback("intents", actor="cy", reason="worse in practice")
    events = registry.history("intents")
    assert [(event.action, event.alias, event.previous, event.version) for event in events] == [
        ("registered", "champion", None, 1),
        ("registered", "candidate", None, 2),
        ("promoted", "champion", 1, 2),
        ("cleared", "candidate", 2, 2),
        ("rolled back", "champion", 2, 1),
    ]
    assert (events[2].actor, events[2].at, events[2].reason) == ("bo", noon, "better on refunds")


def test_promoting_what_is_promoted_changes_nothing(registry: ModelRegistry, register: Register) -> None:
    register()
    stamp = registry.alias_stamp("intents")
    registry.promote("intents", 1, actor="a", reason="again")
    assert registry.alias_stamp("intents") == stamp
    assert len(registry.history("intents")) == 1


def test_the_stamp_changes_with_every_change(registry: ModelRegistry, register: Register) -> None:
    stamps = [registry.alias_stamp("intents")]
    for act in (
        register,
        register,
        lambda: registry.promote("intents", 2, actor="a", reason=""),
        lambda: registry.rollback("intents", actor="a", reason=""),
        lambda: registry.delete("intents", 2, actor="a", reason=""),
    ):
        act()
        stamps.append(registry.alias_stamp("intents"))
    assert len(set(stamps)) == len(stamps)


def test_rollback_passes_over_deleted_versions(registry: ModelRegistry, register: Register) -> None:
    for _ in range(3):
        register(promote=True)
    registry.delete("intents", 2, actor="a", reason="")
    assert registry.rollback("intents", actor="a", reason="") == 1
    with pytest.raises(ModelError, match="earlier version"):
        registry.rollback("intents", actor="a", reason="")


def test_a_deleted_version_is_gone_and_its_number_is_not_used_again(
    registry: ModelRegistry, register: Register
) -> None:
    register()
    second = register(promote=True)
    register(promote=True)
    registry.delete("intents", 2, actor="a", reason="")
    assert not second.folder.exists()
    assert register().version == 4
    with pytest.raises(ModelNotFound, match="versions: 1, 3, 4"):
        registry.resolve("intents:2")
    assert list((registry.root / ".staging").iterdir()) == []


def test_an_aliased_version_is_not_deleted(registry: ModelRegistry, register: Register) -> None:
    version = register()
    with pytest.raises(ModelError, match="champion"):
        registry.delete("intents", 1, actor="a", reason="")
    assert version.folder.exists()


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda r: r.resolve("nothing"), "portside train classification"),
        (lambda r: r.resolve("nothing"), "models: intents"),
        (lambda r: r.resolve("intents@nightly"), "aliases: champion = 1"),
        (lambda r: r.resolve("intents:7"), "versions: 1"),
        (lambda r: r.promote("intents", 7, actor="a", reason=""), "versions: 1"),
        (lambda r: r.rollback("nothing", actor="a", reason=""), "no model 'nothing'"),
        (lambda r: r.rollback("intents", alias="nightly", actor="a", reason=""), "no alias 'nightly'"),
        (lambda r: r.delete("nothing", 1, actor="a", reason=""), "no model 'nothing'"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(
    registry: ModelRegistry, register: Register, ask: Callable[[ModelRegistry], object], says: str
) -> None:
    register()
    with pytest.raises(PortsideError, match=says):
        ask(registry)
    assert registry.names() == ["intents"]
    assert sorted(path.name for path in registry.root.iterdir()) == [".staging", "intents"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../evil",
        "a/b",
        "a\\b",
        ".staging",
        "Intents",
        "nul",
        "com1",
        "a b",
        "-a",
        "a-",
        "é",
        "a\n",
        "x" * 65,
        "a\0",
    ],
)
def test_names_that_could_leave_the_folder_or_clash_are_refused(registry: ModelRegistry, name: str) -> None:
    for ask in (registry.versions, registry.aliases, registry.history, registry.alias_stamp, registry.resolve):
        with pytest.raises(UsageError):
            ask(name)
    with pytest.raises(UsageError), registry.staging(name):
        pass
    assert not registry.root.exists()


@pytest.mark.parametrize(
    "reference", ["intents:", "intents:x", "intents:-1", "intents:1.0", "intents@", "intents:²", "a@b@c", ":1"]
)
def test_references_that_mean_nothing_are_refused(registry: ModelRegistry, reference: str) -> None:
    with pytest.raises(UsageError):
        registry.resolve(reference)


def test_a_model_that_does_not_reload_is_not_registered(registry: ModelRegistry) -> None:
    def refuse(folder: Path) -> None:
        assert json.loads((folder / "card.json").read_text())["labels"] == ["x"]
        raise ModelError("outputs differ")

    with registry.staging("intents") as folder:
        (folder / "model.safetensors").write_bytes(b"x")
        with pytest.raises(ModelError, match="outputs differ"):
            registry.register("intents", folder, {"labels": ["x"]}, actor="a", reason="", check=refuse)
    assert registry.names() == []
    assert list((registry.root / ".staging").iterdir()) == []


@pytest.mark.parametrize("file", ["weights.pkl", "sub/model.PT", "pytorch_model.bin", "training_args.bin"])
def test_pickles_are_refused(registry: ModelRegistry, file: str) -> None:
    with registry.staging("intents") as folder:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_bytes(b"x")
        with pytest.raises(ModelError, match="pickle"):
            registry.register("intents", folder, {}, actor="a", reason="", check=accept)


def test_links_empty_folders_and_foreign_folders_are_refused(registry: ModelRegistry, tmp_path: Path) -> None:
    with registry.staging("intents") as folder:
        with pytest.raises(ModelError, match="empty"):
            registry.register("intents", folder, {}, actor="a", reason="", check=accept)
        (folder / "model").symlink_to("/etc/passwd")
        with pytest.raises(ModelError, match="plain files"):
            registry.register("intents", folder, {}, actor="a", reason="", check=accept)
        with pytest.raises(UsageError, match="JSON"):
            registry.register("intents", folder, {"at": datetime.now(UTC)}, actor="a", reason="", check=accept)
    with pytest.raises(UsageError, match="staging"):
        registry.register("intents", tmp_path, {}, actor="a", reason="", check=accept)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("file", "harm"),
    [
        ("model.safetensors", flip),
        ("tokenizer/vocab.txt", lambda path: path.write_bytes(path.read_bytes()[:-1])),
        ("tokenizer/vocab.txt", lambda path: path.unlink()),
        ("card.json", flip),
        ("card.json", lambda path: path.unlink()),
        ("CARD.md", lambda path: path.write_text("# All is well\n")),
        ("manifest.json", flip),
        ("manifest.json", lambda path: path.unlink()),
        ("tokenizer/extra.json", lambda path: path.write_text("{}")),
        ("model.safetensors", lambda path: (path.unlink(), path.symlink_to("tokenizer/vocab.txt"))),
        ("tokenizer/more", lambda path: path.symlink_to("/etc")),
    ],
)
def test_a_damaged_version_is_refused_with_the_files_name(
    registry: ModelRegistry, register: Register, file: str, harm: Callable[[Path], object]
) -> None:
    version = register()
    register(promote=True)
    harm(version.folder / file)
    for ask in (
        lambda: registry.resolve("intents:1"),
        lambda: registry.verify("intents:1"),
        lambda: registry.promote("intents", 1, actor="a", reason=""),
        lambda: registry.rollback("intents", actor="a", reason=""),
    ):
        with pytest.raises(ModelDamaged, match=file):
            ask()
    assert registry.resolve("intents").version == 2
    assert [found.version for found in registry.versions("intents")] == [1, 2]


def test_a_version_is_read_through_once_a_process_and_always_by_verify(
    registry: ModelRegistry, register: Register
) -> None:
    version = register()
    registry.resolve("intents")
    flip(version.folder / "model.safetensors")
    assert registry.resolve("intents").version == 1
    with pytest.raises(ModelDamaged):
        registry.verify("intents")
    with pytest.raises(ModelDamaged):
        ModelRegistry(registry.root).resolve("intents")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 2}', '{"format": 1, "name": "intents"}'])
def test_a_damaged_registry_file_is_named(registry: ModelRegistry, register: Register, content: str) -> None:
    register()
    (registry.root / "intents" / "registry.json").write_text(content)
    with pytest.raises(ModelDamaged, match=r"intents/registry\.json"):
        registry.resolve("intents")


def test_leftovers_of_dead_processes_go_and_those_of_living_ones_stay(registry: ModelRegistry) -> None:
    area = registry.root / ".staging"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    me = this_process()
    owners = {
        "dead": replace(me, pid=ended.pid),
        "reused": replace(me, started=me.started - 1000),
        "rebooted": replace(me, boot="earlier"),
        "mine": me,
        "elsewhere": replace(me, machine="another"),
    }
    folders = {name: f"{str(owner).replace('/', '~')}~{name}" for name, owner in owners.items()}
    for folder in (*folders.values(), "fresh~unreadable", "old~unreadable"):
        (area / folder / "tokenizer").mkdir(parents=True)
    os.utime(area / "old~unreadable", (0, 0))
    with registry.staging("intents") as own:
        left = {path.name for path in area.iterdir()} - {own.name}
    assert left == {folders["mine"], folders["elsewhere"], "fresh~unreadable"}


def test_a_folder_that_was_never_recorded_is_neither_seen_nor_in_the_way(
    registry: ModelRegistry, register: Register
) -> None:
    register()
    (registry.root / "intents" / "2").mkdir()
    (registry.root / "intents" / "2" / "half").write_text("")
    (registry.root / "intents" / "registry.json.new").write_text("{ha")
    assert len(registry.versions("intents")) == 1
    assert register().version == 2
    registry.verify("intents:2")


def test_the_actor_is_the_setting_or_the_user(settings: Settings) -> None:
    assert current_actor(settings) == "tester"
    assert current_actor(settings.model_copy(update={"actor": ""}))
