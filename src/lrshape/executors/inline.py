"""One item after another in this process."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lrshape.executors.base import Executor, Item, Report, Result
from lrshape.executors.registry import EXECUTORS


@EXECUTORS.register("inline")
@dataclass(frozen=True)
class Inline(Executor):
    """This process; the engine spreads each chunk over all its devices."""

    def run(
        self, task: Callable[[Item, Report], Result], items: Sequence[Item], report: Report
    ) -> Iterator[tuple[Item, Result]]:
        """Run the items in order."""
        for item in items:
            yield item, task(item, report)
