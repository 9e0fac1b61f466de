"""Models for the pages, made as for the core's own tests."""

from tests.portside.conftest import save_random

__all__ = ["save_random"]
