"""The README and the guide do what they say: commands exist, links lead somewhere, snippets run."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from portside.apps import find_apps
from portside.cli import COMMANDS, build_cli

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")] + sorted(ROOT.glob("data_samples/**/README.md"))
BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)


def blocks(language: str) -> list[tuple[Path, str]]:
    return [
        (page, body)
        for page in PAGES
        for kind, body in BLOCK.findall(page.read_text(encoding="utf-8"))
        if kind == language
    ]


def commands() -> list[str]:
    lines = [line for _page, body in blocks("sh") for line in body.replace("\\\n", " ").splitlines()]
    found = [line.split("#")[0].strip() for line in lines]
    return sorted({line.removeprefix(".venv/bin/") for line in found if line})


@cache
def help_of(path: tuple[str, ...]) -> str:
    """What ``portside <path> --help`` prints; nothing where there is no such command."""
    plain = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    ran = CliRunner().invoke(build_cli(path[0]), [*path, "--help"], env=plain)
    return ran.output if ran.exit_code == 0 else ""


@pytest.mark.parametrize("command", [line for line in commands() if line.startswith("portside")])
def test_documented_commands_exist_with_their_options(command: str) -> None:
    """Every word of a documented command is known: the groups, the command, each option."""
    words = shlex.split(command)[1:]
    options = [word for word in words if word.startswith("--")]
    path: tuple[str, ...] = ()
    for word in words[:3]:
        if word.startswith("-") or not help_of((*path, word)):
            break
        path = (*path, word)
    assert path, f"{command!r}: no such command"
    unknown = [option for option in options if option.split("=")[0] not in help_of(path)]
    assert not unknown, f"{command!r}: `portside {' '.join(path)}` has no {unknown}"


@pytest.mark.parametrize("target", sorted({word for line in commands() for word in re.findall(r"make ([\w-]+)", line)}))
def test_documented_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{re.escape(target)}:", (ROOT / "Makefile").read_text(), re.MULTILINE), f"no target {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)", text)
    missing = [t for t in targets if not t.startswith(("http", "mailto:")) and not (page.parent / t).exists()]
    assert not missing, f"{page.name} points at {missing}"


def test_readme_names_every_app_and_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [app.name for app in find_apps() if f"portside {app.name}" not in readme]
    assert not [name for name in COMMANDS if f"portside {name}" not in readme]


def snippets() -> list[Any]:
    """Those that train use the real encoder."""
    return [
        pytest.param(page, code, id=page.name, marks=[pytest.mark.models] if "train_task" in code else [])
        for page, code in blocks("python")
    ]


@pytest.mark.parametrize(("page", "code"), snippets())
def test_python_snippets_run(page: Path, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data_samples").symlink_to(ROOT / "data_samples")
    exec(compile(code, str(page), "exec"), {"__name__": "__snippet__"})


def test_no_document_names_a_missing_file() -> None:
    """Paths in backticks that look like files of the project exist."""
    wrong = []
    for page in PAGES[:2]:
        for path in re.findall(
            r"`((?:shared|apps|tests|deploy|data_samples)/[\w./-]+)`", page.read_text(encoding="utf-8")
        ):
            if not (ROOT / path).exists():
                wrong.append(f"{page.name}: {path}")
    assert not wrong, "\n".join(wrong)
