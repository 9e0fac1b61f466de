"""Every sentence a page says exists in Chinese, with the same slots."""

from __future__ import annotations

import io
import re
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from portside.apps import find_apps
from portside.data import check_examples

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = [ROOT / "shared" / "portside_ui", *(app.folder for app in find_apps())]
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "n_": (1, 2)}


def catalogue_of(package: Path) -> Catalog:
    path = package / "locale" / "zh.po"
    assert path.exists(), f"{package.name} has no Chinese catalogue: write {path.relative_to(ROOT)}"
    return read_po(io.BytesIO(path.read_bytes()), locale="zh")


def messages_of(package: Path) -> dict[str, str]:
    """Message -> where it is said. Literal arguments of ``_`` and ``n_``."""
    found: dict[str, str] = {}
    for file, line, message, _comments, _context in extract_from_dir(
        package, [("**.py", "python")], keywords=KEYWORDS, comment_tags=()
    ):
        for each in message if isinstance(message, tuple) else (message,):
            found.setdefault(str(each), f"{package.name}/{file}:{line}")
    return found


def slots(text: str) -> set[str]:
    return {name for _literal, name, _spec, _conversion in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_message_has_its_chinese(package: Path) -> None:
    known = {str(each) for entry in catalogue_of(package) if entry.id and entry.string for each in listed(entry.id)}
    shared = {str(each) for entry in catalogue_of(PACKAGES[0]) if entry.id for each in listed(entry.id)}
    missing = [
        f"{where} {message!r}" for message, where in messages_of(package).items() if message not in known | shared
    ]
    assert not missing, f"add to {package.name}/locale/zh.po:\n" + "\n".join(missing)


@pytest.mark.parametrize("app", find_apps(), ids=lambda app: app.name)
def test_names_of_apps_pages_and_jobs_have_their_chinese(app) -> None:  # type: ignore[no-untyped-def]
    known = {str(each) for entry in catalogue_of(app.folder) if entry.id and entry.string for each in listed(entry.id)}
    wanted = {app.title, app.summary, *(page.title for page in app.pages), *app.jobs}
    assert not wanted - known, f"add to {app.package}/locale/zh.po: {sorted(wanted - known)}"


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_translations_keep_their_slots_and_are_chinese(package: Path) -> None:
    wrong = []
    for entry in catalogue_of(package):
        for source, target in zip(listed(entry.id), listed(entry.string), strict=False):
            if source and slots(str(source)) != slots(str(target)):
                wrong.append(f"{source!r} -> {target!r}: the slots differ")
            if re.search(r"[a-z]{3} [a-z]{2}", str(source)) and not re.search(r"[\u4e00-\u9fff]", str(target)):
                wrong.append(f"{source!r} -> {target!r}: no Chinese in it")
    assert not wrong, "\n".join(wrong)


def listed(value: object) -> list[object]:
    return list(value) if isinstance(value, tuple | list) else [value]


def test_sentences_of_reports_that_are_made_of_templates_have_their_chinese() -> None:
    templates = {
        message
        for _file, _line, message, _comments, _context in extract_from_dir(
            ROOT / "shared" / "portside" / "evaluation", [("**.py", "python")], keywords={"said": None}, comment_tags=()
        )
    }
    assert len(templates) > 30
    known = {str(entry.id): str(entry.string) for entry in catalogue_of(PACKAGES[0]) if entry.id and entry.string}
    assert not templates - known.keys(), sorted(templates - known.keys())
    for template in templates:
        assert slots(template) == slots(known[template]), template


def test_what_is_wrong_with_a_file_is_said_in_chinese_too(tmp_path: Path) -> None:
    known = {str(each) for entry in catalogue_of(PACKAGES[0]) if entry.id and entry.string for each in listed(entry.id)}
    rows = [
        "nan,a",
        "my card,A",
        "my card,b",
        "my card,A",
        ",a",
        "x\x07y,a",
        "cafÃ©,a ",
        "ok,",
        "ok,null",
        f"{'w' * 30_000},a",
    ]
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("text,utterance,label\n" + "\n".join(f"{row.split(',')[0]},u,{row.split(',')[1]}" for row in rows))
    test.write_text("text,label\nmy card,A\nmy card,z\n", encoding="utf-8")
    latin = tmp_path / "latin.csv"
    latin.write_bytes("text,label\ncafé au lait,a\nthé,b\nun\n".encode("latin-1"))
    found = [*check_examples(train, test=test).findings, *check_examples(latin).findings]
    said = {one for finding in found for one in (finding.rule, finding.remedy) if one}
    assert len(said) > 20
    missing = {getattr(one, "template", one) for one in said} - known
    assert not missing, f"add to portside_ui/locale/zh.po: {sorted(missing)}"
