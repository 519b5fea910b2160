"""Commands end with this process, however it ends: a small process of its own sees to it.

A worker process that runs lrshape's code notices by itself that its parent has gone. A user's command does
not, and a study that is killed with SIGKILL cannot end it any more.
"""

import atexit
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

_GUARD = """
import os, signal, sys
groups = set()
for line in sys.stdin:
    sign, number = line[0], int(line[1:])
    groups.add(number) if sign == "+" else groups.discard(number)
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""

_lock = threading.Lock()
_guards: dict[int, subprocess.Popen[str]] = {}


@contextlib.contextmanager
def guarded(group: int) -> Iterator[None]:
    """Have a process group killed if this process ends inside the block.

    Args:
        group: its leader's process number.
    """
    _tell(f"+{group}")
    try:
        yield
    finally:
        _tell(f"-{group}")


def _tell(line: str) -> None:
    with _lock:
        guard = _guards.get(os.getpid())  # a forked child must not speak to its parent's
        if guard is None or guard.poll() is not None:
            guard = _guards[os.getpid()] = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _GUARD],
                stdin=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C in a terminal is not for it
            )
        assert guard.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            guard.stdin.write(line + "\n")
            guard.stdin.flush()


@atexit.register
def _close() -> None:
    guard = _guards.pop(os.getpid(), None)
    if guard is not None:
        assert guard.stdin is not None
        with contextlib.suppress(OSError):
            guard.stdin.close()
        guard.wait()
