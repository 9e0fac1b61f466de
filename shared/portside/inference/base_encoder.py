"""The encoder that an adapter is added to: found again, and proved to be the one that the adapter was trained on."""

from __future__ import annotations

from pathlib import Path

from portside.encoders import EncoderSource, resolve_encoder
from portside.errors import ModelDamaged, ModelError
from portside.inference.folder import BaseEncoder, base_of

__all__ = ["check_base", "find_base"]

OTHERWISE = "or train again. Where it is in place, portside models merge makes a version that needs no other files"


def find_base(base: BaseEncoder, adapter: Path) -> EncoderSource:
    """The encoder of the adapter in the folder ``adapter``. Nothing is downloaded.

    Raises:
        ModelError: it is not where it was; says which one is missing and where it was looked for.
        ModelDamaged: other weights lie there now.
    """
    try:
        source = resolve_encoder(base.reference, download=False)
    except ModelError as error:
        raise ModelError(
            "An adapter needs the encoder that it was trained on",
            seen=f"{adapter} needs {base.name} from {_place(base)}: {error.rule}",
            remedy=f"{error.remedy or 'Put it back'}; {OTHERWISE}",
        ) from error
    if source.sha256 != base.sha256:
        raise ModelDamaged(
            "An adapter needs the very weights that it was trained on",
            seen=f"{source.folder} has sha256 {source.sha256[:16]}…, {adapter} was trained on {base.sha256[:16]}…",
            remedy=f"Put the weights of {base.name} back there, {OTHERWISE}",
        )
    return source


def check_base(folder: Path) -> None:
    """Raise what ``find_base`` raises where the model in ``folder`` is an adapter; other models need no base."""
    base = base_of(folder) if (folder / "model.json").is_file() else None
    if base is not None:
        find_base(base, folder)


def _place(base: BaseEncoder) -> str:
    known = {"bundled": "the bundled encoder's package", "hub": "the hub"}
    return known.get(base.kind, f"the folder {base.reference}")
