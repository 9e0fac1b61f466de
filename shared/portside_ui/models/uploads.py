"""Files that users give on the models page: kept whole, each once, found again by what is in them."""

from __future__ import annotations

import hashlib
import re
import secrets
from contextlib import suppress
from pathlib import Path

from portside.errors import UsageError
from portside.registry.names import DEVICES

__all__ = ["TABLES", "keep_upload", "model_name"]

TABLES = ["csv", "tsv", "txt", "conll", "json", "jsonl", "parquet", "gz"]
"""Kinds of files that can be given."""
MOST_CHARACTERS = 60
"""Of a file's name: in UTF-8 they are below what every file system takes, and the end says of which kind it is."""


def keep_upload(folder: Path, name: str, data: bytes) -> Path:
    """Where the file now is: under its content's hash, with its own name, so that messages name what the user knows.

    Raises:
        UsageError: it cannot be written.
    """
    safe = re.sub(r"[\x00-\x1f/\\:]+", "_", name)[-MOST_CHARACTERS:].lstrip("._ ") or "upload.csv"
    path = folder / hashlib.sha256(data).hexdigest()[:16] / safe
    if path.exists():
        return path
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise UsageError(
            "The file must be kept to be trained on",
            seen=f"{path}: {error.strerror}",
            remedy="Free some space, or give the file a shorter name",
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return path


def model_name(file_name: str) -> str:
    """A name for a model that is trained on this file: ``Mail March.csv.gz`` gives ``mail-march``."""
    stem = Path(file_name).name.lower().partition(".")[0]
    words = re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:40].strip("-") or "model"
    return f"my-{words}" if words == "model" or words in DEVICES else words
