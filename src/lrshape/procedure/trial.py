"""What a search trains: shapes under their names, trials, and the seeds of all random numbers."""

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrshape.analysis.design import Key
from lrshape.analysis.scores import BASELINE
from lrshape.shapes import FAMILIES, Family, evaluate
from lrshape.shapes.steps import StepRule, progress
from lrshape.store import NOTHING_TUNED, params_of, text_of

TRAINING, SAMPLER = 1, 2

FIRST_SEED = {
    "screen": 0,
    "rescore": 1_000_000,
    "confirm": 2_000_000,
    "optimum": 6_000_000,
    "pace": 7_000_000,
    "tune": 8_000_000,
}
"""First seed index of each phase: no phase sees another's seeds, up to a million of each.

Those of checks follow from their classes, see `lrshape.checks.check.Check`: 3 to 5 million are taken.
"""


def training_seeds(study_seed: int, indices: ArrayLike) -> NDArray[np.int64]:
    """Seeds of trials from their seed indices, in [0, 2**31), all different within a study.

    They fit into 32 bits with a sign, which is all that some frameworks take.
    """
    offset = int(np.random.SeedSequence(study_seed, spawn_key=(TRAINING,)).generate_state(1)[0])
    return (np.asarray(indices, np.int64) + offset) % 2**31


def sampler_seed(study_seed: int, family: str) -> int:
    """Seed of the sampler of a family's shapes: it depends on no other family."""
    index = zlib.crc32(family.encode())
    return int(np.random.SeedSequence(study_seed, spawn_key=(SAMPLER, index)).generate_state(1)[0])


@dataclass(frozen=True)
class ShapeRecord:
    """A shape under its name in a study; records of one study are equal if their names are.

    Attributes:
        id: e.g. ``rex-0007``, or ``baseline-cosine``.
        family: the shape.
    """

    id: str
    family: Family = field(compare=False)

    @classmethod
    def of(cls, id: str, family: str, params: Mapping[str, Any]) -> "ShapeRecord":  # noqa: A002
        """Build from the family's name and parameters."""
        return cls(id, FAMILIES[family].from_params(params))

    @classmethod
    def read(cls, id: str, family: str, params: str) -> "ShapeRecord":  # noqa: A002
        """Build from the columns of a row."""
        return cls.of(id, family, params_of(params))

    @property
    def is_baseline(self) -> bool:
        """Whether it is a baseline."""
        return self.id.startswith(BASELINE)

    @cached_property
    def params(self) -> str:
        """The column ``params`` of a row: a JSON object of the parameters with sorted keys.

        Those that are never searched are left out where they have their default.
        """
        values = self.family.params
        told = {
            p.name: values[p.name]
            for p in self.family.parameters()
            if p.searched or values[p.name] != p.default
        }
        return text_of(told)


def multipliers(shapes: Sequence[Family], steps: int, step_rule: StepRule) -> NDArray[np.float64]:
    """Multipliers of shapes of any families, (shapes, steps); each distinct shape is computed once."""
    t = progress(steps, step_rule)
    row_of = {shape: row for row, shape in enumerate(dict.fromkeys(shapes))}
    rows = np.empty((len(row_of), steps))
    batches: dict[tuple[Any, ...], list[Family]] = defaultdict(list)
    for shape in row_of:
        shared = tuple(getattr(shape, p.name) for p in shape.parameters() if not p.batched)
        batches[type(shape), shared].append(shape)
    for (family, _), members in batches.items():
        params = members[0].params
        columns = {
            p.name: np.array([getattr(shape, p.name) for shape in members])
            for p in family.parameters()
            if p.batched
        }
        rows[[row_of[shape] for shape in members]] = evaluate(family, params | columns, t)
    return rows[[row_of[shape] for shape in shapes]]


class Candidate(NamedTuple):
    """A shape at a base LR, with hyperparameters.

    Attributes:
        shape: the shape.
        base_lr: factor on its multipliers.
        hyperparameters: by name, as the column of a row has them.
    """

    shape: ShapeRecord
    base_lr: float
    hyperparameters: str = NOTHING_TUNED

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> "Candidate":
        """Build from the columns of a row."""
        shape = ShapeRecord.read(row["shape"], row["family"], row["params"])
        return cls(shape, float(row["base_lr"]), row["hyperparameters"])

    @property
    def key(self) -> Key:
        """What tells it from others of its study."""
        return self.shape.id, self.base_lr, self.hyperparameters


@dataclass(frozen=True)
class Trial:
    """One planned training run: a candidate with a seed index, in a phase."""

    phase: str
    candidate: Candidate
    seed: int

    @property
    def shape(self) -> ShapeRecord:
        """Its shape."""
        return self.candidate.shape

    @property
    def base_lr(self) -> float:
        """Its base LR."""
        return self.candidate.base_lr


def trials(
    phase: str, candidates: Sequence[Candidate], seeds: int, skip: int = 0, *, first: int | None = None
) -> list[Trial]:
    """Every candidate on ``seeds`` seeds of the phase, the same for all, after the first ``skip`` of them.

    A phase that is no search's says which seed index is its ``first``.
    """
    first = (FIRST_SEED[phase] if first is None else first) + skip
    return [Trial(phase, candidate, seed) for candidate in candidates for seed in range(first, first + seeds)]
