"""One planned training run."""

from collections.abc import Sequence
from dataclasses import dataclass

from lrshape.procedure.keys import FIRST_SEED
from lrshape.procedure.shape import ShapeRecord

Candidate = tuple[ShapeRecord, float]
"""A shape at a base LR."""


@dataclass(frozen=True)
class Trial:
    """One planned training run: a shape at a base LR with a seed index, in a phase."""

    phase: str
    shape: ShapeRecord
    base_lr: float
    seed: int


def trials(
    phase: str, candidates: Sequence[Candidate], seeds: int, skip: int = 0, *, first: int | None = None
) -> list[Trial]:
    """Every candidate on ``seeds`` seeds of the phase, the same for all, after the first ``skip`` of them.

    A phase that is no search's says which seed index is its ``first``.
    """
    first = (FIRST_SEED[phase] if first is None else first) + skip
    return [
        Trial(phase, shape, base_lr, seed)
        for shape, base_lr in candidates
        for seed in range(first, first + seeds)
    ]
