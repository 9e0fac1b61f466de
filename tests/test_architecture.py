"""The house rules, checked: which way imports point, what importing may load, how long things may be.

Each failure is a sentence that says what to do.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*ROOT.glob("shared/*/**/*.py"), *ROOT.glob("apps/*/**/*.py")])
APPS = sorted(path.parent.name for path in ROOT.glob("apps/portside_*/__init__.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
APP_FILES = ("config.py", "service.py", "store.py", "train.py", "build.py", "api.py", "cli.py", "jobs.py", "py.typed")
MAY_READ_ENVIRONMENT = {"settings.py", "server.py", "ui.py", "child.py", "worker.py", "reload.py", "threads.py"}
"""settings.py reads it; the others hand it to a process they start, or tell the OpenMP runtime about threads."""
HEAVY = ("torch", "transformers", "streamlit", "fastapi", "faiss", "sklearn", "sentence_transformers", "pandas")


def package_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[1]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def imports_of(path: Path) -> list[tuple[int, str]]:
    """Line and module of every import; a file is parsed once for all the rules that ask."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.lineno, node.module or ""))
    return found


def test_imports_point_one_way() -> None:
    apps = set(APPS)
    may_not = {
        "portside": apps | {"portside_ui", "portside_api", "streamlit", "fastapi", "starlette"},
        "portside_ui": apps,
        "portside_api": apps | {"portside_ui", "streamlit"},
        **{app: apps - {app} for app in apps},
    }
    wrong = [
        f"{name_of(path)}:{line} imports {module}: move what it needs to where both may look"
        for path in SOURCES
        for line, module in imports_of(path)
        if module.split(".")[0] in may_not[package_of(path)]
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_command_line_knows_commands() -> None:
    wrong = [
        f"{name_of(path)}:{line} imports {module}: move what it needs out of the commands"
        for path in SOURCES
        if package_of(path) == "portside" and path.parent.name != "commands" and path.name != "cli.py"
        for line, module in imports_of(path)
        if module.startswith("portside.commands")
    ]
    assert not wrong, "\n".join(wrong)


def test_only_pages_draw_and_only_routers_answer() -> None:
    wrong = []
    for path in SOURCES:
        inside = name_of(path)
        for line, module in imports_of(path):
            top = module.split(".")[0]
            if package_of(path) in APPS and top in {"streamlit", "portside_ui"} and "/ui/" not in inside:
                wrong.append(f"{inside}:{line} imports {module}: drawing belongs in ui/*_page.py")
            if package_of(path) in APPS and top == "fastapi" and path.name != "api.py":
                wrong.append(f"{inside}:{line} imports fastapi: answering HTTP belongs in api.py")
    assert not wrong, "\n".join(wrong)


LIGHT = [
    "portside",
    "portside.apps",
    "portside.cli",
    "portside.settings",
    *(f"portside.inference.{name}" for name in ("classifier", "encoder", "matcher", "multilabel", "tagger")),
    "portside.jobs",
    "portside.registry",
    "portside.storage.engine",
    "portside_ui",
    "portside_api",
    *(f"{app}{part}" for app in APPS for part in ("", ".config", ".rules", ".service", ".store", ".build", ".jobs")),
]


def module_exists(name: str) -> bool:
    path = Path(*name.split("."))
    return any(
        (ROOT / root / path).with_suffix(".py").exists() or (ROOT / root / path / "__init__.py").exists()
        for root in ("shared", "apps")
    )


def test_importing_is_light_and_does_nothing(tmp_path: Path) -> None:
    """One fresh process imports all light modules: nothing heavy is loaded, no file is made."""
    names = [name for name in LIGHT if module_exists(name)]
    code = (
        "import sys, importlib\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        f"    loaded = [heavy for heavy in {[h for h in HEAVY if h != 'pandas']!r} if heavy in sys.modules]\n"
        "    if loaded: sys.exit(f'importing {name} loads {loaded}: import them inside the function that needs them')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr.strip().splitlines()[-1]
    assert list(tmp_path.iterdir()) == [], "importing a package made files: do it where it is used"


def test_no_page_loads_torch_before_it_needs_it(tmp_path: Path) -> None:
    """One fresh process imports whatever draws: nothing that trains or computes with networks is loaded."""
    drawing = [one for one in SOURCES if "/ui/" in name_of(one) or package_of(one) in {"portside_ui", "portside_api"}]
    names = [".".join(one.relative_to(ROOT).with_suffix("").parts[1:]) for one in drawing if one.stem != "__init__"]
    assert len(names) > 40
    code = (
        f"import sys, importlib\nfor name in {names!r}: importlib.import_module(name)\n"
        f"loaded = [heavy for heavy in {['torch', 'transformers', 'onnxruntime', 'sklearn', 'optuna']!r} "
        "if heavy in sys.modules]\nsys.exit(str(loaded) if loaded else 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr.strip().splitlines()[-1]


def test_the_command_line_answers_without_pandas_or_database(tmp_path: Path) -> None:
    code = (
        f"import sys, portside.cli\nloaded = [m for m in {(*HEAVY, 'sqlalchemy', 'pydantic')!r} if m in sys.modules]\n"
        "sys.exit(str(loaded) if loaded else 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"portside.cli loads {ran.stderr}: import it in the command that needs it"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    assert lines <= LONGEST_FILE, f"{name_of(path)} has {lines} lines: which two questions does it answer?"
    if path.parent.name == "migrations":
        return  # a revision is a flat list of tables, written once
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = [
                part for part in node.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
            ]
            length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert length <= LONGEST_FUNCTION, (
                f"{name_of(path)}:{node.lineno} {node.name} has {length} lines: name its parts as functions"
            )


def test_nothing_is_pickled_and_nothing_is_called_utils() -> None:
    wrong = [f"{name_of(path)}: name it after the question it answers" for path in SOURCES if "util" in path.stem]
    for path in SOURCES:
        for line, module in imports_of(path):
            if module.split(".")[0] in {"pickle", "joblib", "dill", "cloudpickle", "shelve"}:
                wrong.append(f"{name_of(path)}:{line} imports {module}: keep data as safetensors, JSON or Parquet")
        if "torch.load(" in path.read_text(encoding="utf-8"):
            wrong.append(f"{name_of(path)} calls torch.load: load safetensors")
    assert not wrong, "\n".join(wrong)


def test_the_environment_is_read_in_one_place() -> None:
    wrong = [
        f"{name_of(path)}:{node.lineno} reads os.{node.attr}: make it a field of portside.settings.Settings"
        for path in SOURCES
        if path.name not in MAY_READ_ENVIRONMENT
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("app", APPS)
def test_every_app_answers_the_same_questions(app: str) -> None:
    folder = ROOT / "apps" / app
    missing = [name for name in APP_FILES if not (folder / name).exists()]
    assert not missing, f"{app} lacks {', '.join(missing)}: see the table of questions in CONTRIBUTING.md"
    strangers = [p.name for p in (folder / "ui").glob("*.py") if not p.name.endswith("_page.py")]
    assert not strangers, f"{app}/ui holds {strangers}: only pages live there"


DRAWING = {"button", "caption", "checkbox", "download_button", "error", "expander", "header", "info", "markdown"}
DRAWING |= {"metric", "multiselect", "number_input", "radio", "selectbox", "slider", "subheader", "success", "tabs"}
DRAWING |= {"text", "text_area", "text_input", "title", "toast", "toggle", "warning", "write", "page_header", "section"}
DRAWING |= {"empty_state", "date_input", "file_uploader", "form_submit_button", "chat_input", "spinner"}


def test_no_page_holds_a_literal_sentence() -> None:
    """What a page says goes through ``_`` so that it can be said in Chinese."""
    wrong = []
    pages = [path for path in SOURCES if path.name.endswith("_page.py") or path.parent.name == "portside_ui"]
    for path in pages:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            if isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "log":
                continue  # the server's log is for whoever runs it
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if (
                called in DRAWING
                and isinstance(first, ast.Constant)
                and isinstance(first.value, str)
                and sum(letter.isalpha() for letter in first.value) > 1
                and first.value not in {"Portside"}
            ):
                wrong.append(f"{name_of(path)}:{node.lineno} draws {first.value!r}: wrap it in _()")
    assert not wrong, "\n".join(wrong)
