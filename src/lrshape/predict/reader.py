"""What every reader of training runs is: it turns what a logger wrote into logs of runs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrshape.predict.headings import is_metric
from lrshape.registry import Registry

MAX_BYTES = 4 * 10**9
"""Size of a log that is read."""


class Series(NamedTuple):
    """What was logged under one heading, in the order of the log.

    Attributes:
        steps: shape (k,); as they were logged, so they may fall where a run was resumed.
        values: shape (k,), NaN where nothing was logged, and inf where NaN was.
    """

    steps: NDArray[np.float64]
    values: NDArray[np.float64]


def logged(points: Sequence[tuple[int, float]]) -> Series:
    """Return the series of steps and their values, which have no gaps."""
    steps, values = np.array(points, np.float64).T
    return Series(steps, np.where(np.isnan(values), np.inf, values))


@dataclass
class RunLog:
    """What one source says of one run: nothing is chosen or checked yet.

    Attributes:
        name: of the run; logs of one name from several files are of one run.
        source: the file or folder, which tells runs of one name apart.
        series: by heading, e.g. ``train/loss`` or ``lr``.
        parent: name of the run that it was resumed from, if the log has only what came afterwards.
        planned_steps: steps that the run should take, where the source knows them.
        lrs: the LR of every step, where the source knows it without a log, shape (steps,).
        stopped: how it ended before its end, e.g. ``it was pruned``; empty if the source does not say so.
        minimised: heading of what the source itself minimises, which is read where there is no loss.
        faults: why series could not be read, by heading.
        headings: of all columns of its table, if it comes from one.
    """

    name: str
    source: Path
    series: dict[str, Series]
    parent: str = ""
    planned_steps: int | None = None
    lrs: NDArray[np.float64] | None = None
    stopped: str = ""
    minimised: str = ""
    faults: dict[str, str] = field(default_factory=dict)
    headings: tuple[str, ...] = ()

    @property
    def reached(self) -> int:
        """The last step at which it logged a learning rate or a loss; 0 without any."""
        return int(max((s.steps[-1] for heading, s in self.series.items() if is_metric(heading)), default=0))


class Reader(ABC):
    """A format of logs.

    A subclass is registered with ``READERS.register(name)``; its docstring says which files it reads.
    Packages that only it needs are imported in `read`.

    Attributes:
        name: the registered name.
        is_fallback: whether readers of more special formats are asked first.
        shares_folders: whether people keep other logs in its folders, too, which it does not read.
    """

    name: ClassVar[str]
    is_fallback: ClassVar[bool] = False
    shares_folders: ClassVar[bool] = False

    @abstractmethod
    def recognises(self, source: Path) -> bool:
        """Whether an existing file or folder is of this format; by its name, or by its first bytes."""

    @abstractmethod
    def read(self, source: Path, columns: Mapping[str, str]) -> list[RunLog]:
        """Return the logs in a file or folder that it recognises.

        Args:
            source: where they are.
            columns: headings by role, ``step``, ``run`` and ``resumed_from`` among others, where users name
                them. Series keep their own headings, whatever their roles.

        Raises:
            InputError: in one line that begins with the path, if it cannot be read.
        """


READERS: Registry[Reader] = Registry("reader", "lrshape.predict.readers", "lrshape.readers", Reader)
"""The readers by name."""
