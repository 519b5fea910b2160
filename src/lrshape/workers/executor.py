"""What runs the chunks of a study; it knows nothing of what a chunk is."""

import abc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar

from lrshape.registry import Registry
from lrshape.settings import Settings

Item = TypeVar("Item")
Result = TypeVar("Result")

Report = Callable[[Any, Any], None]
"""Called as ``report(item, news)``: hears how a running item gets on; it may raise, which ends the run."""

Check = Callable[[], None]
"""Called a few times a second where items run elsewhere; it may raise, which ends the run."""


class Task(abc.ABC, Generic[Item, Result]):
    """What is done with each item. Other processes get a pickled copy."""

    @abc.abstractmethod
    def __call__(self, item: Item, report: Callable[[Any], None]) -> Result:
        """Do it; what this raises ends the run."""

    @abc.abstractmethod
    def parts(self, item: Item) -> Sequence[Item]:
        """Smaller items to run in place of one that killed its worker; none if it is the smallest."""

    @abc.abstractmethod
    def joined(self, results: Sequence[Result]) -> Result:
        """The result of an item from those of its parts, in their order."""

    @abc.abstractmethod
    def failed(self, item: Item, reason: str) -> Result:
        """The result of a smallest item that kills its worker."""


class Executor(Settings, abc.ABC):
    """Applies a task to items somewhere, and hands the results back as they come, in any order.

    Its settings say where and with how much. They belong to no study's spec: a study may go on with another
    executor. It is a context manager; workers that it keeps from one run to the next end with the context.
    """

    name: ClassVar[str]

    @abc.abstractmethod
    def run(
        self, task: Task[Item, Result], items: Iterable[Item], report: Report, check: Check
    ) -> Iterator[tuple[Item, Result]]:
        """Yield every item once, with its result.

        When the iterator is closed, or anything is raised, items that run are dropped.

        Args:
            task: what is done with each item.
            items: what to run; no more are taken than there is room for, so that what is not begun can still
                be changed.
            report: hears what the task reports.
            check: called a few times a second while this waits for other processes.

        Raises:
            InputError: if the task cannot be sent to where it would run, or no worker can start.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """End all workers; the next run starts new ones."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


EXECUTORS: Registry[Executor] = Registry(
    "executor", "lrshape.workers.executors", "lrshape.executors", Executor
)
"""The executors by name."""

ExecutorChoice = str | Mapping[str, Any] | Executor
"""A name, a mapping with a ``name`` and settings, or an executor."""


def executor_of(choice: ExecutorChoice) -> Executor:
    """Return the executor of a choice, with workers of its own: other threads may use the same choice."""
    return EXECUTORS.build(choice).model_copy()
