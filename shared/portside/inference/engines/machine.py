"""What the answers and the speed of an engine depend on: the processor's instructions, the GPU and the libraries.

ONNX Runtime documents that its 8-bit products may overflow on processors without the VNNI instructions: a file whose
answers were checked on one processor is unchecked on another.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["LIBRARIES", "Machine", "graphics_of", "library", "processor_of", "this_machine"]

INTEL = {"avx", "avx2", "avx512f", "avx512bw", "avx512_vnni", "avx_vnni", "avx_vnni_int8", "avx512_bf16"}
MATRICES = {"amx_tile", "amx_int8", "amx_bf16"}
ARM = {"asimddp", "i8mm", "bf16", "sve", "sve2", "svei8mm", "svebf16"}
INSTRUCTIONS = frozenset(INTEL | MATRICES | ARM)
"""Those that matrix products in 8 and 16 bits are computed with, as Linux names them on Intel, AMD and ARM."""
LIBRARIES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "torch": "PyTorch"}
"""Those whose versions are part of a ``Machine``, by the name of its field."""
CPUINFO = Path("/proc/cpuinfo")
GRAPHICS = Path("/proc/driver/nvidia/gpus")
"""Where NVIDIA's driver describes each GPU: to ask torch would import it."""


@dataclass(frozen=True)
class Machine:
    """Two machines that are equal compute the same from the same file."""

    processor: str
    """Its kind and those of its instructions that matter."""
    onnxruntime: str
    """The library's version; empty where it is not installed."""
    openvino: str = ""
    """The same of the other library."""
    torch: str = ""
    """The same of the library that runs the original, with what it was built for: ``2.9.0+cpu``."""
    graphics: str = ""
    """The GPUs that torch may run on; empty without any."""


def processor_of(cpuinfo: str, kind: str) -> str:
    """``kind`` and the instructions that matter, from what ``/proc/cpuinfo`` says; it may be empty."""
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    has = INSTRUCTIONS & set(found[1].split()) if found else set()
    return " ".join([kind, *sorted(has)])


def graphics_of(folder: Path) -> str:
    """The models of the GPUs that the driver's ``folder`` describes; empty without any."""
    found = []
    for path in folder.glob("*/information"):
        model = re.search(r"^Model:\s*(.+)$", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        found.append(model[1].strip() if model else path.parent.name)
    return ", ".join(sorted(found))


def library(name: str) -> str:
    """Its version; empty where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


@lru_cache(maxsize=1)
def this_machine() -> Machine:
    """The machine that this process runs on."""
    try:
        cpuinfo = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        cpuinfo = ""
    try:
        graphics = graphics_of(GRAPHICS)
    except OSError:
        graphics = ""
    return Machine(
        processor_of(cpuinfo, platform.machine()), **{name: library(name) for name in LIBRARIES}, graphics=graphics
    )
