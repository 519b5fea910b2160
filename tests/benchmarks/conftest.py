"""The programs of ``benchmarks/`` can be imported, and run in this process."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    """The programs can be imported."""
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2] / "benchmarks")


@pytest.fixture
def in_threads(benchmarks, monkeypatch):
    """Repetitions run in threads: a process would have to import everything again."""
    import _repetitions

    monkeypatch.setattr(_repetitions, "ProcessPoolExecutor", lambda n, mp_context: ThreadPoolExecutor(n))
