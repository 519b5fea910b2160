"""The executors by name."""

from collections.abc import Mapping
from typing import Any

from lrshape.registry import Registry
from lrshape.workers.executor import Executor

EXECUTORS: Registry[Executor] = Registry(
    "executor", "lrshape.workers.executors", "lrshape.executors", Executor
)

ExecutorChoice = str | Mapping[str, Any] | Executor
"""A name, a mapping with a ``name`` and settings, or an executor."""
