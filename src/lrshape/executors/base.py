"""What runs the chunks of a study; it knows nothing of what a chunk is."""

import abc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Report = Callable[[Any], None]
"""Hears how a running item gets on; it may raise, which stops the run."""


@dataclass(frozen=True)
class Executor(abc.ABC):
    """Applies a task to items somewhere and hands the results back as they come, in any order."""

    name: ClassVar[str]

    @abc.abstractmethod
    def run(
        self, task: Callable[[Item, Report], Result], items: Sequence[Item], report: Report
    ) -> Iterator[tuple[Item, Result]]:
        """Yield every item once, with its result.

        Args:
            task: called as ``task(item, report)``; what it raises ends the run.
            items: what to run.
            report: given to the tasks.
        """
