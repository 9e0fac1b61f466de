"""What the app "yard" has an encoder read: the lines of a file in the home folder."""

from __future__ import annotations

from portside.settings import Settings


def offered(settings: Settings, most: int) -> list[str]:
    path = settings.home / "texts.txt"
    return path.read_text(encoding="utf-8").splitlines()[:most] if path.exists() else []
