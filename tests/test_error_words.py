"""What an error says on a page, and what the record of a job says, exists in Chinese."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from portside import errors
from portside.apps import find_apps
from portside.errors import PortsideError

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "shared" / "portside"
ERRORS = {
    name
    for name in errors.__all__
    if issubclass(getattr(errors, name), PortsideError) and name not in ("Cancelled", "FeedError")
}
FOLDERS = ("data", "jobs", "registry", "tasks", "training")
LEFT = {"add_class.py", "attempt.py", "merge.py", "search.py", "space.py", "study.py"}
"""Errors in English still: only the command line adds labels, merges adapters and searches recipes, no page does."""
BLANK = "(blank)"
"""What findings say of an empty cell: pages know this word without ``said``."""
MODULES = [
    *(path for folder in FOLDERS for path in sorted((CORE / folder).rglob("*.py")) if path.name not in LEFT),
    *(CORE / "evaluation" / name for name in ("classification.py", "held_out.py", "matching.py")),
]


def known(catalogue: Path) -> set[str]:
    entries = read_po(io.BytesIO(catalogue.read_bytes()), locale="zh")
    return {str(entry.id) for entry in entries if entry.id and entry.string}


SUITE = known(ROOT / "shared" / "portside_ui" / "locale" / "zh.po")


def spoken(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """Part and expression of what an error or a finding is made with; nothing of any other call."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name in ERRORS:
        yield from (("rule", value) for value in call.args[:1])
        yield from ((word.arg, word.value) for word in call.keywords if word.arg in ("seen", "remedy"))
    elif name == "Finding":
        yield from zip(("rule", "remedy"), call.args[1:3], strict=False)


def sentences(module: Path) -> Iterator[tuple[int, str, ast.expr]]:
    """Line, part of the error or finding, and expression; also what is put into a variable of that name first."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield from ((node.lineno, part, value) for part, value in spoken(node))
        elif isinstance(node, ast.Assign):
            target = node.targets[0]
            pairs = (
                zip(target.elts, node.value.elts, strict=True)
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                else [(target, node.value)]
            )
            for name, value in pairs:
                if isinstance(name, ast.Name) and name.id in ("rule", "seen", "remedy"):
                    yield node.lineno, name.id, value


def choices(value: ast.expr) -> Iterator[ast.expr]:
    """What ``a if b else c`` and ``a or b`` may give; any other expression itself."""
    if isinstance(value, ast.IfExp):
        yield from (*choices(value.body), *choices(value.orelse))
    elif isinstance(value, ast.BoolOp):
        for one in value.values:
            yield from choices(one)
    else:
        yield value


def fault(part: str, value: ast.expr) -> str:
    if isinstance(value, ast.JoinedStr):
        words = "".join(str(each.value) for each in value.values if isinstance(each, ast.Constant))
        return "write it as said(…)" if part != "seen" or any(map(str.isalpha, words)) else ""
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
        if part == "seen":
            return "" if value.value == BLANK else "write it as said(…)"
        return "" if value.value in SUITE else "add it to portside_ui/locale/zh.po"
    return ""


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(CORE).as_posix())
def test_errors_that_a_page_shows_have_their_chinese(module: Path) -> None:
    wrong = [
        f"{module.name}:{line} {part} {ast.unparse(value)}: {found}"
        for line, part, whole in sentences(module)
        for value in choices(whole)
        if (found := fault(part, value))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", [CORE, *(app.folder for app in find_apps())], ids=lambda path: path.name)
def test_templates_have_their_chinese(package: Path) -> None:
    templates = {
        str(message)
        for _file, _line, message, _comments, _context in extract_from_dir(
            package, [("**.py", "python")], keywords={"said": None}, comment_tags=()
        )
        if any(map(str.isalpha, str(message)))
    }
    own = package / "locale" / "zh.po"
    missing = templates - SUITE - (known(own) if own.exists() else set())
    assert not missing, f"add to {own if own.exists() else 'portside_ui/locale/zh.po'}:\n" + "\n".join(sorted(missing))
