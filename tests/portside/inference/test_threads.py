"""How many cores there are to compute on: those of the machine, or what a container may take of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from portside.inference.threads import prepare_threads, quota_cores, threads_of_each, usable_cores


def groups(folder: Path, lines: str, files: dict[str, str]) -> tuple[Path, Path]:
    """What Linux shows of control groups: the list of a process's groups, and the folder with their files."""
    (folder / "groups").write_text(lines)
    for name, text in files.items():
        (folder / "mount" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "mount" / name).write_text(text)
    return folder / "groups", folder / "mount"


@pytest.mark.parametrize(
    ("lines", "files", "cores"),
    [
        pytest.param("0::/\n", {"cpu.max": "200000 100000\n"}, 2, id="a container"),
        pytest.param("0::/\n", {"cpu.max": "150000 100000\n"}, 2, id="a core and a half"),
        pytest.param("0::/\n", {"cpu.max": "20000 100000\n"}, 1, id="a fifth of a core"),
        pytest.param("0::/\n", {"cpu.max": "max 100000\n"}, None, id="no limit"),
        pytest.param("0::/\n", {"cpu.max": "?\n"}, None, id="not understood"),
        pytest.param("0::/\n", {}, None, id="no file"),
        pytest.param("", {"cpu.max": "200000 100000\n"}, None, id="in no group"),
        pytest.param(
            "0::/system/portside\n",
            {"system/cpu.max": "300000 100000", "system/portside/cpu.max": "max 100000"},
            3,
            id="the limit of the group above",
        ),
        pytest.param(
            "0::/system/portside\n",
            {"system/cpu.max": "800000 100000", "system/portside/cpu.max": "400000 100000"},
            4,
            id="the least of both",
        ),
        pytest.param(
            "5:devices:/a\n4:cpu,cpuacct:/docker/4711\n0::/\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"},
            3,
            id="version 1, the container's own folder is the mount",
        ),
        pytest.param(
            "4:cpu:/\n",
            {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
            None,
            id="version 1, none",
        ),
    ],
)
def test_a_containers_share_of_the_processor_is_read(
    tmp_path: Path, lines: str, files: dict[str, str], cores: int | None
) -> None:
    assert quota_cores(*groups(tmp_path, lines, files)) == cores


def test_no_more_cores_are_used_than_the_container_may_take(tmp_path: Path) -> None:
    assert usable_cores(*groups(tmp_path, "0::/", {"cpu.max": "90000 100000"})) == 1
    everything = usable_cores(tmp_path / "none", tmp_path / "none")
    assert everything >= 1
    assert usable_cores(*groups(tmp_path, "0::/", {"cpu.max": "99900000 100000"})) == everything


def test_processes_side_by_side_share_the_threads() -> None:
    assert [threads_of_each(processes, 6) for processes in (1, 2, 4, 9)] == [0, 3, 1, 1]
    assert threads_of_each(2) == max(1, usable_cores() // 2)


def test_torch_is_told_of_a_quota_below_the_machines_cores_and_what_is_set_stays() -> None:
    free: dict[str, str] = {}
    prepare_threads(free, quota=2, cores=2)
    assert "OMP_NUM_THREADS" not in free
    assert free["OMP_WAIT_POLICY"] == "PASSIVE"
    limited: dict[str, str] = {}
    prepare_threads(limited, quota=2, cores=64)
    assert limited["OMP_NUM_THREADS"] == "2"
    told = {"OMP_NUM_THREADS": "8", "OMP_WAIT_POLICY": "ACTIVE"}
    prepare_threads(told, quota=2, cores=64)
    assert told == {"OMP_NUM_THREADS": "8", "OMP_WAIT_POLICY": "ACTIVE"}
