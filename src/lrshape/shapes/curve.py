"""A schedule as a function of the optimizer step: what every exporter hands to its framework."""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from numbers import Integral
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrshape.errors import InputError, shown
from lrshape.shapes.schedule import MAX_STEPS, OFFSETS, Schedule

BLOCK = 1024
"""So many steps are computed at once when a trial asks for one after another."""

BatchSizes = ArrayLike
"""Samples or tokens of every optimizer step, or of runs of steps; see `Curve`."""


class Curve:
    """Step 0, 1, ... -> learning rate; steps past the end keep the last one.

    Args:
        schedule: what to follow.
        steps: another number of optimizer steps; the shape, a function of progress, is stretched over them.
        base_lr: another base LR.
        batch_sizes: where the batch size changes in training: progress is then the share of all samples (or
            tokens) seen, and not of all steps. Whole numbers of shape ``(steps,)``, one for each optimizer
            step; or pairs ``(size, steps)`` of shape ``(runs, 2)``, one for each run of equal steps.

    Raises:
        InputError: if one of them is not legal, or ``steps`` is not the number of ``batch_sizes``.

    Example:
        >>> schedule = Schedule("linear", {}, base_lr=1.0, steps=4, step_rule="left")
        >>> [Curve(schedule)(step) for step in (0, 1, 2, 3, 4)]
        [1.0, 0.75, 0.5, 0.25, 0.25]
        >>> Curve(schedule, batch_sizes=[1, 1, 2, 4]).values().tolist()
        [1.0, 0.875, 0.75, 0.5]
    """

    def __init__(
        self,
        schedule: Schedule,
        *,
        steps: int | None = None,
        base_lr: float | None = None,
        batch_sizes: BatchSizes | None = None,
    ):
        self.runs = None if batch_sizes is None else _runs(batch_sizes)
        if self.runs is not None:
            total = sum(count for _, count in self.runs)
            if steps is not None and steps != total:
                raise InputError(f"steps must be the number of batch sizes, {total}, got {shown(steps)}")
            steps = total
        changes = {"steps": steps, "base_lr": base_lr}
        self.schedule = replace(schedule, **{k: v for k, v in changes.items() if v is not None})
        sizes, counts = np.array(self.runs or [(1, self.schedule.steps)], np.int64).T
        self._sizes = sizes.astype(np.float64)
        self._starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self._seen = np.concatenate([[0.0], np.cumsum(self._sizes * counts)])
        self._first, self._block = 0, np.empty(0)

    @property
    def steps(self) -> int:
        """Number of optimizer steps."""
        return self.schedule.steps

    @property
    def base_lr(self) -> float:
        """The learning rate where the shape is 1."""
        return self.schedule.base_lr

    def progress(self, steps: ArrayLike) -> NDArray[np.float64]:
        """Progress in [0, 1] at steps in [0, ``self.steps``)."""
        s = np.asarray(steps)
        run = np.searchsorted(self._starts, s, side="right") - 1
        within = s - self._starts[run] + OFFSETS[self.schedule.step_rule]
        return (self._seen[run] + within * self._sizes[run]) / self._seen[-1]

    def values(self) -> NDArray[np.float64]:
        """The learning rate of every step, shape ``(steps,)``; `Schedule.values` if all batches are equal."""
        return self.base_lr * self.schedule.shape(self.progress(np.arange(self.steps)))

    def multiplier(self, step: int) -> float:
        """The shape's value in [0, 1] at a step; 0 and the last step where it lies before or past them."""
        step = min(max(operator.index(step), 0), self.steps - 1)
        if not self._first <= step < self._first + len(self._block):
            self._first = step - step % BLOCK
            steps = np.arange(self._first, min(self._first + BLOCK, self.steps))
            self._block = self.schedule.shape(self.progress(steps))
        return float(self._block[step - self._first])

    def __call__(self, step: int) -> float:
        """The learning rate at a step; the first and the last where it lies before or past them."""
        return self.base_lr * self.multiplier(step)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object: that of the schedule, and ``batch_sizes``, pairs (size, steps) or null."""
        runs = None if self.runs is None else [list(run) for run in self.runs]
        return {**self.schedule.to_dict(), "batch_sizes": runs}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises `InputError` as `Schedule.from_dict` and this class do."""
        if not isinstance(data, Mapping):
            raise InputError(f"a schedule must be a JSON object, got {shown(data)}")
        rest = {key: value for key, value in data.items() if key != "batch_sizes"}
        return cls(Schedule.from_dict(rest), batch_sizes=data.get("batch_sizes"))


def _runs(batch_sizes: Any) -> tuple[tuple[int, int], ...]:
    """Pairs (batch size, steps), neighbours of different size."""
    rule = "batch_sizes must be whole numbers above 0, one a step, or pairs of a size and a number of steps"
    if isinstance(batch_sizes, str | bytes | Mapping) or not isinstance(batch_sizes, Sequence | np.ndarray):
        raise InputError(f"{rule}, got {shown(batch_sizes)}")
    found: list[tuple[int, int]] = []
    for item in batch_sizes:
        pair: tuple[Any, ...] = (
            tuple(item) if isinstance(item, Sequence | np.ndarray) and len(item) == 2 else (item, 1)
        )
        if not all(_is_count(number) for number in pair):
            raise InputError(f"{rule}, got {shown(item)}")
        found.append((int(pair[0]), int(pair[1])))
    if not found:
        raise InputError(f"{rule}, got none")
    merged = [(size, sum(count for _, count in runs)) for size, runs in groupby(found, lambda run: run[0])]
    if sum(count for _, count in merged) > MAX_STEPS:
        raise InputError(f"batch_sizes must be of at most {MAX_STEPS:,} steps")
    return tuple(merged)


def _is_count(number: Any) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool) and 0 < int(number) <= 2**53


def read_batch_sizes(text: str) -> list[tuple[int, int]]:
    """Read ``SIZExSTEPS,SIZExSTEPS,...``, or a text file with the batch size of one step a line.

    Raises:
        InputError: if it is neither.

    Example:
        >>> read_batch_sizes("256x1000,512x9000")
        [(256, 1000), (512, 9000)]
    """
    path = Path(text)
    try:
        if path.is_file():
            return [(int(line), 1) for line in path.read_text("utf-8").split()]
        pairs = [part.split("x") for part in text.split(",")]
        return [(int(size), int(count)) for size, count in pairs]
    except (ValueError, OSError):
        raise InputError(
            "--batch-sizes must be SIZExSTEPS,SIZExSTEPS,... or a file with one whole number a line, "
            f"got {shown(text)}"
        ) from None
