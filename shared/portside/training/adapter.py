"""What the training loop asks of a task: its rows, its network, its validation. Imports torch: import it lazily."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from portside.inference.tokens import Tokens

__all__ = ["Rows", "TaskAdapter"]


class Rows(Protocol):
    """Encoded training rows."""

    @property
    def lengths(self) -> Sequence[int]:
        """Tokens of each row: rows of like length share a batch."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, place: int) -> Mapping[str, Any]: ...


class TaskAdapter(Protocol):
    """One task with its data, ready to be trained on. Made anew for each run."""

    metric: str
    """What ``score`` is, in words: ``accuracy``."""
    tokens: Tokens
    cut: int
    """Training texts longer than the token limit; for a tagger, words."""
    cut_note: str
    """The same in a sentence for the person who trains, with the longest one's length; read where ``cut`` is not 0."""
    valid_count: int
    """Rows that ``validate`` reads; 0: there are none, and it is not called."""
    saving_count: int
    """Texts that saving the model reads once more."""
    head_start_rows: int
    """Rows that ``head_start`` reads; 0: the task knows of none."""

    @property
    def rows(self) -> Rows:
        """What is trained on."""
        ...

    def network(self, encoder: nn.Module, hidden: int) -> nn.Module:
        """The network to train: batches of ``collate`` as keyword arguments, a dict with ``loss`` out."""
        ...

    def collate(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Rows as one batch, padded to the longest of them; ``labels`` has one entry a row."""
        ...

    def validate(self, network: nn.Module) -> dict[str, float]:
        """``score``, by which weights are chosen (higher is better), ``loss`` and the task's own figures."""
        ...

    def closed_form(self, network: nn.Module, method: str) -> None:
        """Give the head weights that are computed, not trained: for methods that leave the encoder as it is."""
        ...

    def finish(self, network: nn.Module) -> None:
        """Last changes, after the validation rows have measured the network and may be learned from."""
        ...

    def head_start(self, network: nn.Module, precision: str) -> None:
        """Give the head of a short run better weights than random ones."""
        ...
