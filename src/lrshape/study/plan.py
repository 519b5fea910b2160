"""The trainings of a study: what each one is, and how they are cut into chunks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lrshape.engine import Outcome
from lrshape.study.shape import Shape


@dataclass(frozen=True)
class Training:
    """One planned training: a shape at a base LR with a seed index, in a phase."""

    phase: str
    shape: Shape
    base_lr: float
    seed: int


@dataclass(frozen=True)
class Chunk:
    """Trainings that are run, stored and lost together."""

    name: str
    trainings: tuple[Training, ...]

    def keys(self) -> pd.DataFrame:
        """The columns that the plan fixes, one row a training."""
        return pd.DataFrame(
            {
                "phase": [t.phase for t in self.trainings],
                "shape": [t.shape.id for t in self.trainings],
                "family": [t.shape.family for t in self.trainings],
                "params": [t.shape.params for t in self.trainings],
                "base_lr": np.array([t.base_lr for t in self.trainings], np.float64),
                "seed": np.array([t.seed for t in self.trainings], np.int64),
            }
        )

    def is_of(self, table: pd.DataFrame) -> bool:
        """Whether a stored table holds this chunk's trainings."""
        keys = self.keys()
        return table[list(keys)].astype(keys.dtypes.to_dict()).equals(keys)

    def halves(self) -> "tuple[Chunk, ...]":
        """The chunk in two; nothing if it is one training."""
        middle = len(self.trainings) // 2
        parts = (self.trainings[:middle], self.trainings[middle:])
        return tuple(Chunk(self.name, part) for part in parts) if middle else ()

    def table(self, outcome: Outcome, seconds: float) -> pd.DataFrame:
        """The rows to store: keys, metrics, status; each training gets an equal share of the time."""
        table = self.keys()
        for name, values in outcome.items():
            table[name] = values
        table["status"] = outcome.status.astype(object)
        table["first_bad_step"] = outcome.first_bad_step.astype(np.int64)
        table["message"] = outcome.message
        table["wall_time"] = seconds / len(table)
        return table


def chunks(phase: str, first: int, trainings: Sequence[Training], size: int) -> list[Chunk]:
    """Cut trainings into chunks of ``size``, numbered from ``first``."""
    return [
        Chunk(f"{phase}-{first + number:05d}", tuple(trainings[start : start + size]))
        for number, start in enumerate(range(0, len(trainings), size))
    ]
