"""The executors by name."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from lrshape.errors import InputError
from lrshape.registry import Registry
from lrshape.settings import explain
from lrshape.workers.executor import Executor

EXECUTORS: Registry[Executor] = Registry(
    "executor", "lrshape.workers.executors", "lrshape.executors", Executor
)

ExecutorChoice = str | Mapping[str, Any] | Executor
"""A name, a mapping with a ``name`` and settings, or an executor."""


def make_executor(given: ExecutorChoice) -> Executor:
    """Build an executor from its name, or from a mapping with its ``name`` and settings.

    Raises:
        InputError: if there is no such executor, or it has no such setting, or a value is not legal.
    """
    if isinstance(given, Executor):
        return given
    settings = {"name": given} if isinstance(given, str) else dict(given)
    name = settings.pop("name", None)
    if name is None:
        raise InputError(f"executor needs a name, one of {', '.join(EXECUTORS)}, got {given!r:.80}")
    cls = EXECUTORS[name]
    try:
        return cls.model_validate(settings)
    except ValidationError as error:
        raise explain(error, name) from None
