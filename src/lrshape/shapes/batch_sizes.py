"""Batch sizes that change in training: progress is then the share of samples seen."""

from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError, shown
from lrshape.shapes.input_file import reading
from lrshape.shapes.number_table import read_table
from lrshape.values import plain

MAX_FILE_BYTES = 1_000_000_000

_RULE = "batch_sizes must be whole numbers above 0, one a step, or pairs of a size and a number of steps"


class BatchRuns:
    """Runs of optimizer steps whose batches have equal sizes.

    Args:
        batch_sizes: samples (or tokens) of every step, whole numbers of shape ``(steps,)``; or pairs
            ``(size, steps)``, shape ``(runs, 2)``.

    Attributes:
        pairs: ``(size, steps)`` of each run; neighbours have different sizes.
        steps: number of steps of all runs.

    Raises:
        InputError: if they are neither.
    """

    def __init__(self, batch_sizes: Any):
        self.pairs = _pairs(batch_sizes)
        self.steps = sum(count for _, count in self.pairs)
        sizes, counts = np.array(self.pairs, np.float64).T
        self._sizes = sizes
        self._starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self._seen = np.concatenate([[0.0], np.cumsum(sizes * counts)])

    def progress(self, steps: NDArray[np.integer], offset: float) -> NDArray[np.float64]:
        """Return the share of all samples that is seen at ``steps``, ``offset`` of a batch included."""
        run = np.searchsorted(self._starts, steps, side="right") - 1
        within = steps - self._starts[run] + offset
        return (self._seen[run] + within * self._sizes[run]) / self._seen[-1]


def batch_sizes_of_file(path: Path) -> list[int]:
    """Read a text file with the batch size of one step a line; the first line may be a heading.

    Raises:
        InputError: if it cannot be read as that, or a line has no whole number.
    """
    with reading(path, "no list of batch sizes", MAX_FILE_BYTES):
        table = read_table(path)
        if len(table.columns) != 1:
            raise InputError(f"batch sizes are one column, got {len(table.columns)}")
        sizes = table.numbers(next(iter(table.columns)))
        whole = sizes % 1 == 0
        if not whole.all():
            place = int(whole.argmin())
            raise InputError(f"number {place + 1} must be a whole number, got {sizes[place]:.15g}")
        return [int(size) for size in sizes]


def _pairs(batch_sizes: Any) -> tuple[tuple[int, int], ...]:
    given = plain(batch_sizes)
    if not isinstance(given, list):
        raise InputError(f"{_RULE}, got {shown(batch_sizes)}")
    found: list[tuple[int, int]] = []
    for item in given:
        pair: tuple[Any, ...] = tuple(item) if isinstance(item, list) and len(item) == 2 else (item, 1)
        if not all(type(number) is int and 0 < number <= 2**53 for number in pair):
            raise InputError(f"{_RULE}, got {shown(item)}")
        found.append((pair[0], pair[1]))
    if not found:
        raise InputError(f"{_RULE}, got none")
    return tuple((size, sum(count for _, count in runs)) for size, runs in groupby(found, lambda run: run[0]))
