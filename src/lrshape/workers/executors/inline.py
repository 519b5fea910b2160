"""One item after another in this process."""

from collections.abc import Iterable, Iterator
from functools import partial

from lrshape.process_wide import heard_interrupts
from lrshape.workers.executor import EXECUTORS, Check, Executor, Item, Report, Result, Task


@EXECUTORS.register("inline")
class Inline(Executor):
    """This process; the engine spreads each chunk over all its devices."""

    def run(
        self, task: Task[Item, Result], items: Iterable[Item], report: Report, check: Check
    ) -> Iterator[tuple[Item, Result]]:
        """Run the items in order; between them, ``check`` is called."""
        for item in items:
            check()
            with heard_interrupts():
                result = task(item, partial(report, item))
            yield item, result

    def close(self) -> None:
        """There is nothing to end."""
