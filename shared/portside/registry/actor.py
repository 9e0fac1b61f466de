"""Who is named in histories."""

from __future__ import annotations

import getpass

from portside.settings import Settings

__all__ = ["current_actor"]


def current_actor(settings: Settings) -> str:
    """``PORTSIDE_ACTOR``, or the operating system's user, or "unknown" where there is none."""
    if settings.actor.strip():
        return settings.actor.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        # A container may run under a number that no user has.
        return "unknown"
