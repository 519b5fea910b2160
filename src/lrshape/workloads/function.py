"""Any training code as a workload: a Python function that trains once and returns its score."""

import hashlib
import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from pydantic import Field, PrivateAttr, ValidationError, field_validator

from lrshape.errors import InputError
from lrshape.settings import explain
from lrshape.workloads.base import Workload
from lrshape.workloads.registry import WORKLOADS

TrainFunction = Callable[[np.ndarray, int], float | Mapping[str, float]]


@WORKLOADS.register("function")
class FunctionWorkload(Workload):
    """Your own training: ``train(lrs, seed)`` is called once for each training.

    ``lrs`` is float64 of shape ``(steps,)``, the learning rate of every step; ``seed`` is an int in
    [0, 2**32). It returns the score to minimise, or a mapping of metric names to numbers. A number is
    stored as ``final/score``; a name without a ``/`` gets ``final/`` before it. A training that returns a
    number that is not finite in float32 has diverged; one that raises has failed, and its message is kept.

    In a spec, ``function`` names it as ``module:name``; the current directory is on the import path.
    """

    objective = "final/score"
    max_members = 1  # a user's training is costly: every finished one is stored at once

    function: str = Field(description="module:name of train(lrs, seed) -> float or {metric: number}")
    metrics: tuple[str, ...] = Field(
        default=("final/score",), min_length=1, description="names of the metrics that the function returns"
    )
    _train: TrainFunction | None = PrivateAttr(None)

    @field_validator("function")
    @classmethod
    def _names_a_function(cls, value: str) -> str:
        module, _, name = value.partition(":")
        if not module or not name:
            raise ValueError(f"function must be 'module:name', got {value!r}")
        return value

    @field_validator("metrics")
    @classmethod
    def _full_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(full_name(name) for name in value)

    @classmethod
    def of(
        cls, train: TrainFunction, steps: int, metrics: tuple[str, ...] = ("score",)
    ) -> "FunctionWorkload":
        """Wrap a function that is already in hand, as ``lrshape.search(train=...)`` does.

        Raises:
            InputError: if ``train`` cannot be called.
        """
        if not callable(train):
            raise InputError(f"train must be a function of (lrs, seed), got {train!r}")
        module, name = getattr(train, "__module__", "?"), getattr(train, "__qualname__", type(train).__name__)
        try:
            workload = cls(function=f"{module}:{name}", steps=steps, metrics=metrics)
        except ValidationError as error:
            raise explain(error) from None
        workload._train = train
        return workload

    def metric_names(self) -> tuple[str, ...]:
        """The names that the spec or the caller states, since the function has not run yet."""
        return self.metrics

    def digest(self) -> str | None:
        """SHA-256 of the function's own source, None where Python does not know it.

        What the function calls is not part of it.
        """
        try:
            source = inspect.getsource(self.resolve())
        except (OSError, TypeError):  # typed in, compiled, or no plain function
            return None
        return hashlib.sha256(source.encode()).hexdigest()

    def resolve(self) -> TrainFunction:
        """Return the function, importing it when only its name is known.

        Raises:
            InputError: if the module cannot be imported or has no such function.
        """
        if self._train is not None:
            return self._train
        module_name, _, name = self.function.partition(":")
        if str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        try:
            target: Any = importlib.import_module(module_name)
            for part in name.split("."):
                target = getattr(target, part)
        except (ImportError, AttributeError) as error:
            raise InputError(f"workload.function {self.function!r} cannot be imported: {error}") from error
        if not callable(target):
            raise InputError(f"workload.function {self.function!r} must be a function, got {target!r}")
        return cast(TrainFunction, target)


def full_name(metric: str) -> str:
    """A metric's name as it is stored: ``final/`` goes before a name without a moment."""
    return metric if "/" in metric else f"final/{metric}"
