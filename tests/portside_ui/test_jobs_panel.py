"""What a page shows of long work."""

from __future__ import annotations

from pathlib import Path

from portside.errors import DataError
from portside.jobs import JobQueue
from portside.jobs.claims import Claims, Report
from portside.jobs.rules import Ending
from portside.processes import this_process
from portside.said import said
from portside.settings import Settings
from portside.storage.engine import open_database
from portside.storage.migrate import upgrade
from portside_ui.runtime import configure
from tests.drawn_pages import page_test


def draw(kind: str, language: str) -> None:
    import streamlit as st

    from portside_ui.jobs_panel import job_panel
    from portside_ui.words import LANGUAGE_KEY

    st.session_state[LANGUAGE_KEY] = language
    job_panel([kind], "key")


def shown(kind: str, language: str) -> str:
    page = page_test(draw, {"kind": kind, "language": language}).run()
    assert not page.exception, page.exception
    return "\n".join(str(text.value).replace("\\", "") for text in page.markdown)  # without the marks of plain text


def test_the_end_of_a_job_is_told_in_the_readers_language(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    database = open_database(settings)
    upgrade(database, [])
    configure(settings, [])
    queue, claims = JobQueue(database), Claims(database, str(this_process()), logs=settings.jobs_dir)
    made = said("Tells {labels} labels apart; fine-tuned on {rows} texts", labels=5, rows="1,200")
    summary = said("{model}: {summary}", model="intents:3", summary=made)
    rule = said("The column '{column}' must be in the file", column="body")
    error = DataError(
        rule, seen=said("the columns {names}", names="'a', 'b'"), file="mail.csv", remedy="Check the path"
    )
    ends = {
        "core.train": Ending("succeeded", {"summary": summary}, None),
        "core.compile": Ending("failed", None, error.sentence()),
    }
    for kind, end in ends.items():
        job = queue.submit(kind, {}, actor="ann")
        assert claims.claim() is not None
        claims.finish(job, end, Report())
    assert "intents:3：区分 5 个标签；用 1,200 条文本微调" in shown("core.train", "zh")
    assert "intents:3: Tells 5 labels apart; fine-tuned on 1,200 texts" in shown("core.train", "en")
    failed = shown("core.compile", "zh")
    assert "mail.csv：文件中须有列“body”。" in failed
    assert "实际情况：各列为" in failed
    assert "解决办法：请检查路径。" in failed
    database.close()
