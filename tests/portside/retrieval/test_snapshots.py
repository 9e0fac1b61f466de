"""What is on disk is always a whole index: after a kill, beside a saver, and never after damage."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from portside.errors import ModelDamaged, StorageError
from portside.retrieval.hybrid import HybridIndex
from portside.retrieval.keywords import KeywordIndex
from portside.retrieval.snapshots import CURRENT, PREFIX, _folder_until_done, _replace, _sealed
from portside.retrieval.vectors import VectorIndex

SAVER = """
import sys
from pathlib import Path
import numpy as np
from portside.retrieval.vectors import VectorIndex
generation = 0
while True:
    generation += 1
    index = VectorIndex(8)
    index.add([f"{generation}-{n}" for n in range(2000)], np.full((2000, 8), generation, dtype=np.float32))
    index.save(Path(sys.argv[1]))
    print(generation, flush=True)
"""


def whole_generation(index: VectorIndex) -> int:
    generations = {int(key.split("-")[0]) for key in index.ids()}
    assert len(index) == 2_000
    (generation,) = generations
    assert (index.vectors_of(index.ids()) == generation).all()
    return generation


@pytest.mark.slow
def test_a_saver_killed_at_any_moment_leaves_a_whole_index(tmp_path: Path) -> None:
    chance = random.Random(5)
    folder = tmp_path / "index"
    for _ in range(8):
        saver = subprocess.Popen([sys.executable, "-c", SAVER, str(folder)], stdout=subprocess.PIPE, text=True)
        assert saver.stdout is not None
        assert saver.stdout.readline() == "1\n"
        time.sleep(chance.uniform(0.0, 0.2))
        saver.send_signal(signal.SIGKILL)
        told = [int(line) for line in saver.stdout.read().split()]
        saver.wait()
        saver.stdout.close()
        # What it said was saved is saved; the one it was killed in may be there, too.
        assert whole_generation(VectorIndex.load(folder)) - max([1, *told]) in (0, 1)
    after = VectorIndex(8)
    after.save(folder)
    assert len(list(folder.glob(PREFIX + "*"))) == 1, "leftovers of killed savers go"


def test_readers_load_whole_indexes_while_two_savers_pass(tmp_path: Path) -> None:
    one, other = VectorIndex(2), VectorIndex(2)
    one.add([f"1-{number}" for number in range(100)], np.full((100, 2), 1, dtype=np.float32))
    other.add([f"2-{number}" for number in range(50)], np.full((50, 2), 2, dtype=np.float32))
    one.save(tmp_path)
    stop = threading.Event()
    savers = [threading.Thread(target=_save_until, args=(index, tmp_path, stop)) for index in (one, other)]
    for saver in savers:
        saver.start()
    try:
        sizes = {len(VectorIndex.load(tmp_path)) for _ in range(60)}
    finally:
        stop.set()
        for saver in savers:
            saver.join()
    assert sizes <= {100, 50}


def _save_until(index: VectorIndex, folder: Path, stop: threading.Event) -> None:
    while not stop.is_set():
        index.save(folder)


def bytes_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("way", ["delete", "update", "rebuild", "delete what was loaded"])
def test_what_is_deleted_is_gone_from_the_disk(tmp_path: Path, way: str) -> None:
    texts = {"k1": "my parcel is late", "secret-id": "call zanzibarquux about his parcel", "k2": "refund"}
    vectors = np.eye(3, dtype=np.float32) / 7 + np.float32(0.123)
    index = HybridIndex(3)
    index.add(list(texts), list(texts.values()), vectors)
    index.save(tmp_path)
    gone = [b"zanzibarquux", vectors[1].tobytes()]
    assert all(one in bytes_below(tmp_path) for one in (*gone, b"secret-id"))
    if way == "update":
        index.update(["secret-id"], ["another parcel"], np.ones((1, 3), dtype=np.float32))
    elif way == "rebuild":
        index = HybridIndex(3)
        index.add(["k1", "k2"], [texts["k1"], texts["k2"]], vectors[[0, 2]])
    else:
        index = HybridIndex.load(tmp_path) if way == "delete what was loaded" else index
        index.delete(["secret-id"])
    index.save(tmp_path)
    left = bytes_below(tmp_path)
    assert not any(one in left for one in gone)
    assert (b"secret-id" in left) == (way == "update")
    again = HybridIndex.load(tmp_path)
    assert again.search("zanzibarquux", np.zeros(3, dtype=np.float32), 1)[0].keyword_score is None
    assert again.search("late", np.zeros(3, dtype=np.float32), 1)[0].id == "k1"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    index = VectorIndex(2)
    index.add(["a", "b"], np.eye(2, dtype=np.float32))
    index.save(tmp_path)
    return tmp_path


def test_what_a_killed_saver_could_not_remove_goes_when_the_index_is_read(saved: Path) -> None:
    (now,) = saved.glob(PREFIX + "*")
    shutil.copytree(now, saved / f"{PREFIX}before")
    assert len(VectorIndex.load(saved)) == 2
    assert list(saved.glob(PREFIX + "*")) == [now]


def test_a_reader_removes_nothing_while_a_saver_is_at_work(saved: Path) -> None:
    (saved / f"{PREFIX}being-written").mkdir()
    with FileLock(saved / ".lock"):
        assert len(VectorIndex.load(saved)) == 2
    assert (saved / f"{PREFIX}being-written").is_dir()


def test_an_error_after_the_new_snapshot_is_current_does_not_remove_it(saved: Path) -> None:
    target = saved / f"{PREFIX}new"

    def write() -> None:
        _replace(saved / CURRENT, _sealed({"snapshot": target.name}))
        raise OSError("cannot be synced")

    with pytest.raises(OSError, match="cannot be synced"), _folder_until_done(target):
        write()
    assert target.is_dir()


@pytest.mark.parametrize("name", ["vectors.npy", "vector_ids.npy"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_damage_is_refused_by_name(saved: Path, name: str, damage: str) -> None:
    (path,) = saved.glob(f"{PREFIX}*/{name}")
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[-1] ^= 1
        path.write_bytes(content)
    elif damage == "cut":
        path.write_bytes(content[:-1])
    else:
        path.unlink()
    with pytest.raises(ModelDamaged, match=name) as refused:
        VectorIndex.load(saved)
    assert refused.value.remedy


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\x00", b'{"sha256": "0", "body": "{}"}'])
def test_a_damaged_table_of_contents_is_refused_and_mended_by_saving(saved: Path, content: bytes) -> None:
    (saved / "current.json").write_bytes(content)
    with pytest.raises(ModelDamaged, match=r"current\.json"):
        VectorIndex.load(saved)
    VectorIndex(2).save(saved)
    assert len(VectorIndex.load(saved)) == 0


def test_every_byte_of_the_table_of_contents_counts(saved: Path) -> None:
    path = saved / "current.json"
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(ModelDamaged):
            VectorIndex.load(saved)


def test_nothing_there_and_the_wrong_kind(tmp_path: Path, saved: Path) -> None:
    with pytest.raises(StorageError, match="no index"):
        VectorIndex.load(tmp_path / "nothing")
    with pytest.raises(StorageError, match="keyword"):
        KeywordIndex.load(saved)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError, match="can be written"):
        VectorIndex(2).save(tmp_path / "file" / "index")
    assert os.listdir(tmp_path) == ["file"]
