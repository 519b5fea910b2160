"""Processes that trials run in: how they begin and how they end. Nothing heavy: workers import it."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path


def kill_group(process: subprocess.Popen[bytes], grace: float = 0.0) -> None:
    """Kill a process that leads a process group, and all of the group; also what it left behind.

    Args:
        process: started with ``start_new_session=True``.
        grace: seconds between SIGTERM and SIGKILL.
    """
    if grace > 0 and process.poll() is None:
        _signal(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=grace)
    _signal(process.pid, signal.SIGKILL)
    process.wait()


def end_own_group() -> None:
    """Kill this process and all of its group: what a worker does once its parent has gone."""
    os.killpg(os.getpgid(0), signal.SIGKILL)


def volunteer() -> None:
    """Let this process go first where the memory ends, so that the study stays."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # all of it has ended
        os.killpg(group, number)


def ended(code: int) -> str:
    """Words for a process that ended by itself, from its exit code."""
    if code >= 0:
        return f"the training's process ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = " (out of memory?)" if name == "SIGKILL" else ""
    return f"the training's process was killed by {name}{hint}"
