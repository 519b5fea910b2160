"""Any training code as a workload: a Python function that trains once and returns its score."""

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from pydantic import Field, PrivateAttr, field_validator
from typing_extensions import override

from lrshape.errors import InputError
from lrshape.training import user_function
from lrshape.training.called_workload import EMPTY, CalledWorkload
from lrshape.training.code_digest import CodeDigest, code_digest
from lrshape.training.outcome import Result
from lrshape.training.workload import WORKLOADS
from lrshape.workers.process import require_process_groups

TrainFunction = Callable[..., float | Mapping[str, Any]]
"""``train(lrs, seed)``, with a keyword for each hyperparameter that is tuned."""


@WORKLOADS.register("function")
class FunctionWorkload(CalledWorkload):
    """Your own training: ``train(lrs, seed)`` is called once for each trial.

    ``lrs`` is float64 of shape ``(steps,)``, the learning rate of every step; ``seed`` is an int in
    [0, 2**31). It returns the score to minimise, or a mapping of metric names to numbers. A number is
    stored as ``final/score``; a name without a ``/`` gets ``final/`` before it. Beside the metrics, the
    mapping may hold a loss curve: ``curve``, rows (step, train loss) or (step, train loss, validation loss),
    where the step is how many are finished. A trial that returns a
    number that is not finite in float32 has diverged; one that raises has failed, and its message is kept.
    With a ``timeout``, or ``isolated``, trials run in a separate process: one that hangs, crashes or is
    killed there has failed, too. A study that tunes hyperparameters gives them as keywords:
    ``train(lrs, seed, *, weight_decay)``; one that may have a schedule is float64 of shape ``(steps,)``.

    In a spec, ``function`` names it as ``module:name``; the current directory is on the import path.
    """

    function: str = Field(description="module:name of train(lrs, seed) -> float or {metric: number}")
    isolated: bool = Field(
        default=False,
        description="run trials in a separate process, so that no crash stops the study; implied by timeout",
    )
    _train: TrainFunction | None = PrivateAttr(None)
    _origin: dict[str, str] | None = PrivateAttr(None)

    @field_validator("function")
    @classmethod
    def _names_a_function(cls, value: str) -> str:
        module, _, name = value.partition(":")
        if module.endswith(".py") or "/" in module or "\\" in module:
            raise ValueError(
                f"function names a module and no file, e.g. 'train:run' for run in train.py, got {value!r}"
            )
        if not module or not name:
            raise ValueError(f"function must be 'module:name', got {value!r}")
        return value

    @classmethod
    def of(
        cls, train: TrainFunction, steps: int, metrics: Any = ("score",), **settings: Any
    ) -> "FunctionWorkload":
        """Wrap a function that is already in hand, as ``lrshape.search(train=...)`` does.

        Args:
            train: the function.
            steps: how many learning rates it takes.
            metrics: names of what it returns.
            settings: other fields of the workload.

        Raises:
            InputError: if ``train`` cannot be called, or a setting is not legal.
        """
        if not callable(train):
            raise InputError(f"train must be a function of (lrs, seed), got {train!r}")
        if user_function.importing:
            raise InputError(
                "an isolated train function's script is run again in the worker process: start the search "
                "below `if __name__ == '__main__':`"
            )
        module, name = getattr(train, "__module__", "?"), getattr(train, "__qualname__", type(train).__name__)
        workload = cls(function=f"{module}:{name}", steps=steps, metrics=metrics, **settings)
        workload._train = train
        return workload

    @property
    def code(self) -> str:
        """``module:name``."""
        return self.function

    @property
    def in_worker(self) -> bool:
        """Whether trials run in a process of their own."""
        return self.isolated or self.timeout is not None

    @override
    def call(self, lrs: np.ndarray, seed: int, hyperparameters: Mapping[str, Any] = EMPTY) -> Result:
        if self.in_worker:
            function = user_function.IsolatedFunction(self.origin(), self.metric_names())
            return user_function.call_isolated(function, lrs, seed, hyperparameters, self.timeout)
        return user_function.call_function(self.resolve(), self.metric_names(), lrs, seed, hyperparameters)

    @override
    def check(self, hyperparameters: Sequence[str] = ()) -> None:
        function = self.resolve()
        _require_arguments(function, self.function, hyperparameters)
        if self.in_worker:
            require_process_groups("isolated and timeout")
            self.origin()
            if self._train is not None and _named(self.function) is not function:
                raise InputError(
                    "isolated and timeout need a function that another process can import, defined at the "
                    f"top of a module, got {self.function}"
                )

    def origin(self) -> dict[str, str]:
        """Where a worker process finds the function: module, name, and the file if the module is a script.

        Raises:
            InputError: if it was typed in, so that no file has it.
        """
        if self._origin is not None:
            return self._origin
        module, _, name = self.function.partition(":")
        if module != "__main__":
            return {"module": module, "name": name}
        main = sys.modules["__main__"]
        file, spec = getattr(main, "__file__", None), getattr(main, "__spec__", None)
        if spec is not None:  # python -m package.script
            return {"module": spec.name, "name": name}
        if file is None or not Path(file).is_file():
            raise InputError(
                "isolated and timeout need a train function in a file, got one that was typed interactively"
            )
        return {"script": str(Path(file).absolute()), "name": name}

    def __getstate__(self) -> dict[Any, Any]:
        if self.in_worker:
            self._origin = self.origin()  # only this process knows which script it runs
        return super().__getstate__()

    def digest(self) -> CodeDigest:
        """See `lrshape.training.code_digest.code_digest`."""
        return code_digest(self.resolve())

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
            found = user_function.import_function({"module": module_name, "name": name})
        except InputError as error:
            is_script = module_name == "__main__"
            hint = "; what a script or notebook defines must be in a module" if is_script else ""
            raise InputError(f"workload.function: {error}{hint}") from error
        return cast(TrainFunction, found)


def _require_arguments(function: TrainFunction, name: str, keywords: Sequence[str]) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # compiled: its first call tells
        return
    try:
        signature.bind(None, None, **dict.fromkeys(keywords))
    except TypeError as error:
        code = getattr(inspect.unwrap(function), "__code__", None)
        where = f"{code.co_filename}, line {code.co_firstlineno}: " if code else ""
        taken = ", ".join(["lrs", "seed", *(["*"] if keywords else []), *keywords])
        raise InputError(f"{where}{name} must take ({taken}), got {name}{signature}: {error}") from None


def _named(function: str) -> Any:
    """What a worker process would import as ``module:name``; None if there is nothing."""
    module, _, name = function.partition(":")
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found
