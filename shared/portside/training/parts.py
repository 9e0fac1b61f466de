"""Batches that are held in memory part by part teach what whole ones do. Imports the Trainer: import it lazily."""

from __future__ import annotations

from typing import Any

from portside.training.trainer import CoreTrainer

__all__ = ["PartsTrainer"]


class PartsTrainer(CoreTrainer):
    """Each part of a batch counts by its rows: the Trainer takes the mean of the parts' means, and the last part of an
    epoch may be a short one.
    """

    _rows_of_a_part = 1.0

    def get_batch_samples(self, *given: Any, **named: Any) -> Any:
        """The parts of the next batch; their mean number of rows is kept."""
        parts, items = super().get_batch_samples(*given, **named)
        self._rows_of_a_part = sum(len(part["input_ids"]) for part in parts) / max(len(parts), 1)
        return parts, items

    def compute_loss(self, model: Any, inputs: Any, *given: Any, **named: Any) -> Any:
        """The part's loss, multiplied by its rows as a share of those that a part of this batch has."""
        loss: Any = super().compute_loss(model, inputs, *given, **named)
        return loss * (len(inputs["input_ids"]) / self._rows_of_a_part)
