"""Chunks: the trials that are trained together in one program and stored in one file."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lrshape.procedure.trial import Trial
from lrshape.store import chunk_name
from lrshape.training import Outcome


@dataclass(frozen=True)
class Chunk:
    """Trials that are run, stored and lost together."""

    name: str
    trials: tuple[Trial, ...]

    def keys(self) -> pd.DataFrame:
        """The columns that the plan fixes, one row a trial."""
        return pd.DataFrame(
            {
                "phase": [t.phase for t in self.trials],
                "shape": [t.shape.id for t in self.trials],
                "family": [t.shape.family.name for t in self.trials],
                "params": [t.shape.params for t in self.trials],
                "base_lr": np.array([t.base_lr for t in self.trials], np.float64),
                "seed": np.array([t.seed for t in self.trials], np.int64),
            }
        )

    def is_of(self, table: pd.DataFrame) -> bool:
        """Whether a stored table holds this chunk's trials."""
        keys = self.keys()
        return table[list(keys)].astype(keys.dtypes.to_dict()).equals(keys)

    def halves(self) -> "tuple[Chunk, ...]":
        """The chunk in two; nothing if it is one trial."""
        middle = len(self.trials) // 2
        parts = (self.trials[:middle], self.trials[middle:])
        return tuple(Chunk(self.name, part) for part in parts) if middle else ()

    def table(self, outcome: Outcome, seconds: float) -> pd.DataFrame:
        """The rows to store: keys, metrics, status; each trial gets an equal share of the time."""
        table = self.keys()
        for name, values in outcome.items():
            table[name] = values
        table["status"] = outcome.status.astype(object)
        table["first_bad_step"] = outcome.first_bad_step.astype(np.int64)
        table["message"] = outcome.message
        table["wall_time"] = seconds / len(table)
        return table


def cut(phase: str, first: int, trials: Sequence[Trial], size: int) -> list[Chunk]:
    """Cut trials into chunks of ``size``, numbered from ``first``."""
    return [
        Chunk(chunk_name(phase, first + number), tuple(trials[start : start + size]))
        for number, start in enumerate(range(0, len(trials), size))
    ]
