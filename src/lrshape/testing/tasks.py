"""Tasks for `lrshape.testing.executors`, which worker processes import: squares of numbers, and mischief."""

import os
import signal
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, NoReturn

from lrshape.workers.executor import Task

Item = tuple[int, ...]
_kept: list[bytes] = []


class FussyError(Exception):
    """Cannot be read back from its pickled form."""

    def __init__(self, a: int, b: int):
        super().__init__(f"{a} and {b}")


class Squares(Task[Item, list[Any]]):
    """Items are tuples of numbers; what else a number does is in ``mischief``, by the method's name."""

    def __init__(self, folder: str = "", **mischief: Collection[int]):
        self.folder, self.mischief = folder, mischief

    def __call__(self, item: Item, report: Callable[[Any], None]) -> list[Any]:
        """Report the number of numbers, do mischief, and return the squares."""
        report(len(item))
        for x in item:
            for name, numbers in self.mischief.items():
                if x in numbers:
                    getattr(self, name)(x)
        return [x * x for x in item]

    def parts(self, item: Item) -> Sequence[Item]:
        """Two halves."""
        middle = len(item) // 2
        return (item[:middle], item[middle:]) if middle else ()

    def joined(self, results: Sequence[list[Any]]) -> list[Any]:
        """One after the other."""
        return [x for part in results for x in part]

    def failed(self, item: Item, reason: str) -> list[Any]:
        """The reason in place of a square."""
        return [reason] * len(item)

    def is_killed(self, x: int) -> None:
        """End it as the system does when memory is short."""
        os.kill(os.getpid(), signal.SIGKILL)

    def dies_once(self, x: int) -> None:
        """End the process, the first time."""
        try:
            Path(self.folder, f"died-{x}").touch(exist_ok=False)
        except FileExistsError:
            return
        os._exit(3)

    def raises(self, x: int) -> None:
        """Raise what can be pickled."""
        raise KeyError(f"number {x}")

    def raises_fussily(self, x: int) -> None:
        """Raise what cannot be read back."""
        raise FussyError(x, x)

    def sleeps(self, x: int) -> None:
        """Hang, and leave a file that names the process."""
        Path(self.folder, f"process-{os.getpid()}").touch()
        time.sleep(600)

    def pauses(self, x: int) -> None:
        """Take a little time."""
        time.sleep(0.02)

    def takes_memory(self, x: int) -> None:
        """Keep so many MiB."""
        _kept.append(b"x" * (x * 2**20))
        time.sleep(0.5)


class Process(Squares):
    """Tells which process runs it."""

    def __call__(self, item: Item, report: Callable[[Any], None]) -> list[Any]:
        """Return the process's id."""
        return [os.getpid()]


def unreadable() -> NoReturn:
    """What a worker hits that lacks the code to train."""
    raise RuntimeError("not on this machine")


class Unreadable(Squares):
    """Can be sent, but not read."""

    def __reduce__(self) -> Any:
        return unreadable, ()
