"""What the benchmarks share: taking turns, medians, and tables in Markdown."""

import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from lrshape.workers.places import core_count


def alternate(contenders: Mapping[str, Callable[[], float]], repeats: int = 5) -> dict[str, list[float]]:
    """Measure every contender in turn, ``repeats`` times, after one turn each that does not count.

    Args:
        contenders: ``{name: function}``; a function does the work once and returns its measurement.
        repeats: turns that count.

    Returns:
        All measurements by name.
    """
    for measure in contenders.values():
        measure()
    results: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, measure in contenders.items():
            results[name].append(measure())
    return results


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Median and range, e.g. ``20,800 (19,900 to 21,000)``."""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """Processor, cores, system and versions, in one line."""
    names = ("jax", "numpy", "optax", "torch", "optuna")
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    model = platform.processor() or platform.machine()
    if sys.platform == "linux":
        lines = subprocess.run(["lscpu"], capture_output=True, text=True, check=False).stdout.splitlines()
        model = next((x.split(":", 1)[1].strip() for x in lines if x.startswith("Model name")), model)
    python = f"Python {platform.python_version()}"
    return f"{model}, {core_count()} cores, {platform.system()}, {python}, {', '.join(found)}"
