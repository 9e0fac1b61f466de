"""Several processes at once, and kills at random moments: the registry must stay usable and its history true."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from portside.registry import ModelRegistry, RegistryEvent

PRELUDE = """
import os, random, sys
from pathlib import Path
from portside.errors import ModelError
from portside.registry import ModelRegistry
registry = ModelRegistry(Path(sys.argv[1]))
def register(promote=None):
    with registry.staging("m") as folder:
        (folder / "tokenizer").mkdir()
        for file in ("model.safetensors", "tokenizer/vocab.txt", "tokenizer/rules.json"):
            (folder / file).write_bytes(os.urandom(30_000))
        return registry.register("m", folder, {"n": 1}, actor=me, reason="r", promote=promote, check=lambda _: None)
"""

PROMOTE = """
me = sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
changes = 0
for turn in range(60):
    before = len(registry.history("m"))
    registry.promote("m", random.choice([1, 2, 3]), actor=me, reason=str(turn))
    if turn % 3 == 0:
        try:
            registry.rollback("m", actor=me, reason=str(turn))
        except ModelError:
            pass
    if turn % 10 == 0:
        register()
print("ended", flush=True)
"""

CHURN = """
me = "churn"
done = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def work():
    while True:
        version = register().version
        os.write(done, f"registered {version}\\n".encode())
        registry.promote("m", version, actor=me, reason="")
        os.write(done, f"promoted {version}\\n".encode())
        for old in registry.versions("m")[:-3]:
            registry.delete("m", old.version, me, "")
            os.write(done, f"deleted {old.version}\\n".encode())
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)  # only an error ends the loop
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@contextmanager
def python(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PRELUDE + program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def replayed(events: list[RegistryEvent]) -> Mapping[str, int]:
    """Where the aliases stand after ``events``, each of which must begin where the one before ended."""
    aliases: dict[str, int] = {}
    for event in events:
        if event.alias is None:
            continue
        assert event.previous == aliases.get(event.alias), event
        if event.action == "cleared":
            del aliases[event.alias]
        else:
            aliases[event.alias] = event.version
    return aliases


def check(registry: ModelRegistry) -> None:
    """Everything that is visible is whole, and the history leads to where the aliases stand."""
    events = registry.history("m")
    assert replayed(events) == registry.aliases("m")
    registered = {event.version for event in events if event.action == "registered"}
    deleted = {event.version for event in events if event.action == "deleted"}
    assert {version.version for version in registry.versions("m")} == registered - deleted
    for version in registry.versions("m"):
        registry.verify(version.ref)


@pytest.mark.slow
def test_processes_that_promote_at_once_leave_one_history(registry: ModelRegistry) -> None:
    register_three(registry)
    with python(PROMOTE, str(registry.root), "ann") as one, python(PROMOTE, str(registry.root), "bo") as two:
        for process in (one, two):
            assert hear(process) == "ready"
        for process in (one, two):
            tell(process, "go")
        reads = 0
        while one.poll() is None or two.poll() is None:
            version = registry.resolve("m")  # a reader never sees a half
            assert version.card["version"] == version.version
            reads += 1
        assert (hear(one), hear(two)) == ("ended", "ended")
    assert reads > 10
    check(registry)
    assert {event.actor for event in registry.history("m")} == {"test", "ann", "bo"}
    assert len(registry.versions("m")) == 3 + 2 * 6


def register_three(registry: ModelRegistry) -> None:
    for _ in range(3):
        with registry.staging("m") as folder:
            (folder / "model.safetensors").write_bytes(b"x")
            registry.register("m", folder, {}, actor="test", reason="", check=lambda _: None)


@pytest.mark.slow
def test_kills_at_random_moments_leave_a_usable_registry(registry: ModelRegistry, tmp_path: Path) -> None:
    done = tmp_path / "done"
    done.touch()
    chance = random.Random(os.urandom(8))
    with python(CHURN, str(registry.root), str(done)) as mother:
        for _ in range(25):
            tell(mother, "go")
            child = int(hear(mother))
            time.sleep(chance.uniform(0.0, 0.25))
            os.kill(child, signal.SIGKILL)
            assert os.WTERMSIG(int(hear(mother))) == signal.SIGKILL  # it was at work until then
            check(registry)
    reported = [tuple(line.split()) for line in done.read_text().splitlines()]
    history = {(event.action, str(event.version)) for event in registry.history("m")}
    assert len(reported) > 10
    # The first version became champion by registration, so that promoting it changed nothing.
    assert set(reported) - history <= {("promoted", "1")}
    register_three(registry)
    check(registry)
    assert list((registry.root / ".staging").iterdir()) == []
    assert {path.name for path in (registry.root / "m").iterdir() if path.is_dir()} == {
        str(version.version) for version in registry.versions("m")
    }
