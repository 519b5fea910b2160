"""How much memory a process and its children hold."""

import os
from pathlib import Path

PROC = Path("/proc")


def can_measure() -> bool:
    """Whether this system tells, as Linux does."""
    return (PROC / "self" / "statm").exists()


def held(process: int) -> int:
    """Resident bytes of a process and all of its descendants; pages that they share count for each.

    A process that has ended holds nothing.
    """
    try:
        pages = int((PROC / str(process) / "statm").read_text().split()[1])
        threads = list((PROC / str(process) / "task").iterdir())
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(held(child) for t in threads for child in _children(t))


def _children(thread: Path) -> list[int]:
    try:
        return [int(name) for name in (thread / "children").read_text().split()]
    except OSError:
        return []
