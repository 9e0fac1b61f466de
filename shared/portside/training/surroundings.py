"""What a training is given besides data and recipe: its folder, its time, and who is told how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from portside.progress import Progress, ProgressPart
from portside.training.run_folder import RunFolder

__all__ = ["Surroundings"]


@dataclass(frozen=True)
class Surroundings:
    """What a run is given besides data and recipe."""

    run: RunFolder
    progress: Progress
    remaining: Callable[[], float | None]
    """Seconds left of the budget, from now; None: no budget."""
    checkpoint_seconds: float
    planned: Callable[[], None] = lambda: None
    """Called once this machine's speed is measured: until then nothing else should keep it busy."""
    on_validation: Callable[[float, float], None] = lambda share, score: None
    """Gets the share of the run that is over and the score of each validation; what it raises ends the run."""

    def part(self, name: str, begin: float, share: float, *, kept: float = 0.0) -> Surroundings:
        """For one of several trainings that make one model, in the inner folder ``name``: it is told of as the
        ``share`` of the whole that starts at ``begin``, and leaves ``kept`` seconds of the budget to the others.

        Only the first of them, at 0, says when the machine's speed is measured.
        """

        def remaining() -> float | None:
            left = self.remaining()
            return None if left is None else left - kept

        progress = ProgressPart(self.progress, begin, begin + share)
        made = Surroundings(self.run.inner(name), progress, remaining, self.checkpoint_seconds)
        return replace(made, planned=self.planned) if begin == 0 else made
