"""Model versions: immutable folders under names, aliases that serving asks for, and a history of who moved them."""

from portside.registry.registry import ModelRegistry
from portside.registry.state import CANDIDATE, CHAMPION, RegistryEvent
from portside.registry.versions import ModelVersion

__all__ = ["CANDIDATE", "CHAMPION", "ModelRegistry", "ModelVersion", "RegistryEvent"]
