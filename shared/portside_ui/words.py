"""Words, numbers and times as the user reads them: English or Simplified Chinese, in the user's time zone."""

from __future__ import annotations

import gettext
import io
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from portside.apps import find_apps

__all__ = [
    "HTML_LANGUAGES",
    "LANGUAGES",
    "_",
    "catalogue",
    "day",
    "job_words",
    "language",
    "moment",
    "n_",
    "number",
    "percent",
    "set_language",
    "state_words",
    "time_zone",
]

LANGUAGES = {"en": "English", "zh": "中文"}
"""Language code -> its own name for itself."""
HTML_LANGUAGES = {"en": "en", "zh": "zh-Hans"}
"""Language code -> the one that browsers and screen readers know."""
LANGUAGE_KEY = "portside-language"
_BABEL_LOCALES = {"en": "en_GB", "zh": "zh_Hans_CN"}


def language() -> str:
    """The language of the session that now draws; English where nothing is drawn."""
    from streamlit import session_state
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    if get_script_run_ctx(suppress_warning=True) is None:
        return "en"
    chosen = session_state.get(LANGUAGE_KEY, "en")
    return chosen if chosen in LANGUAGES else "en"


def set_language(code: str) -> None:
    """Draw this session's pages in ``code`` from now on."""
    from streamlit import session_state

    session_state[LANGUAGE_KEY] = code if code in LANGUAGES else "en"


def _(message: str, /, **values: object) -> str:
    """``message`` in the session's language, with ``{name}`` replaced by the values given."""
    text = catalogue(language()).gettext(message)
    return text.format(**values) if values else text


def job_words(kind: str) -> str:
    """A kind of job, ``app.work``, in the session's language; in English ``finance.poll`` is ``Finance: poll``."""
    said = _(kind)
    if said != kind:
        return said
    app, _dot, work = kind.partition(".")
    work = work.replace("_", " ")
    return work.capitalize() if app == "core" else f"{app.capitalize()}: {work}"


def state_words(state: str) -> str:
    """A part's state as ``check_health`` gives it, ``word`` or ``word: detail``, in the session's language."""
    word, separator, detail = state.partition(": ")
    return f"{_(word)}{separator}{_(detail) if detail else ''}"


def n_(singular: str, plural: str, n: int, /, **values: object) -> str:
    """Like ``_`` for a message that counts; ``{n}`` is the count with thousands separators."""
    text = catalogue(language()).ngettext(singular, plural, n)
    return text.format(n=number(n), **values)


@lru_cache
def catalogue(code: str) -> gettext.NullTranslations:
    """Every message of the suite and its apps in one catalogue; English is the message itself."""
    found: gettext.NullTranslations = gettext.NullTranslations()
    folders = [Path(__file__).parent / "locale", *(app.folder / app.locale for app in find_apps())]
    for path in (folder / f"{code}.po" for folder in folders):
        if path.exists():
            part = _read_catalogue(path)
            part.add_fallback(found)
            found = part
    return found


def _read_catalogue(path: Path) -> gettext.GNUTranslations:
    # The readable .po is what is kept; compiling it takes milliseconds, once for each process.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with path.open(encoding="utf-8") as file:
        write_mo(compiled, read_po(file, locale=path.stem))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def number(value: float, digits: int = 0) -> str:
    """``1,234.5``: thousands separators, fixed digits."""
    return f"{value:,.{digits}f}"


def percent(share: float, digits: int = 1) -> str:
    """``82.1 %`` from a share of 0.821."""
    return f"{100 * share:.{digits}f} %"


def moment(value: datetime) -> str:
    """Day, time and zone, in the user's zone."""
    from babel.dates import format_datetime

    local = value.astimezone(_zone())
    return f"{format_datetime(local, 'medium', locale=_BABEL_LOCALES[language()])[:-3]} {local.tzname() or ''}".strip()


def day(value: date | datetime) -> str:
    """A day in words; a point in time is taken in the user's zone."""
    from babel.dates import format_date

    local = value.astimezone(_zone()).date() if isinstance(value, datetime) else value
    return format_date(local, "medium", locale=_BABEL_LOCALES[language()])


def time_zone() -> str:
    """The user's time zone, as tables and charts take it."""
    return _zone().key


def _zone() -> ZoneInfo:
    from streamlit import context
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    name = context.timezone if get_script_run_ctx(suppress_warning=True) else None
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(str(UTC))
