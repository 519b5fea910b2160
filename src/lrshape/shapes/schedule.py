"""A schedule: a shape, a base LR and a number of steps, and so the learning rate of every step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrshape.errors import InputError, shown
from lrshape.shapes.batch_sizes import BatchRuns
from lrshape.shapes.binding import Bindable
from lrshape.shapes.family import FAMILIES, Family, as_number, namespace
from lrshape.shapes.json_value import FORMAT, JsonValue
from lrshape.shapes.lengths import IN_STEPS, read_lengths, shares_of_steps
from lrshape.shapes.steps import MAX_STEPS, OFFSETS, StepRule, checked_step_rule, checked_steps
from lrshape.values import plain, positive_number, scalar, whole_number

_KEYS = ("format", "family", "params", "base_lr", "steps", "step_rule", "batch_sizes")
_OPTIONAL_KEYS = ("min_lr",)


@dataclass(frozen=True, init=False, repr=False)
class Schedule(Bindable, JsonValue):
    """A shape, a base LR and a number of steps: an immutable, hashable value that is called on steps.

    Args:
        family: a family's name, or a shape, which is an instance of a family.
        params: ``{name: value}``; parameters that are not named keep the shape's values, or take the
            family's defaults. ``warmup_steps`` and ``decay_steps`` give the family's ``warmup`` and ``decay``
            in steps, which stay as many at every horizon.
        base_lr: learning rate where the multiplier is 1, > 0.
        steps: number of optimizer steps, at least 1.
        step_rule: where in a step the shape is read, see `progress`.
        batch_sizes: for a batch size that changes in training: progress is then the share of all samples (or
            tokens) seen, and not of all steps. Whole numbers of shape ``(steps,)``, one for each step; or
            pairs ``(size, steps)`` of shape ``(runs, 2)``, one for each run of equal steps.
        min_lr: no learning rate is below it, in [0, base_lr].

    Attributes:
        family: the family's name.
        params: all parameters of the shape, ``{name: value}``.
        in_steps: those that are given in steps, ``{name: steps}``, e.g. ``{"warmup": 500}``.
        base_lr, steps, step_rule, min_lr: as given.
        batch_sizes: pairs ``(size, steps)``, or None.
        shape: the shape, an instance of the family.

    Raises:
        InputError: if any of them is not legal, or ``steps`` is not the number of ``batch_sizes``.

    Example:
        >>> schedule = Schedule("linear", {}, base_lr=1.0, steps=4, step_rule="left")
        >>> schedule(1)
        0.75
        >>> schedule.values().tolist()
        [1.0, 0.75, 0.5, 0.25]
        >>> schedule.replace(batch_sizes=[1, 1, 2, 4]).values().tolist()
        [1.0, 0.875, 0.75, 0.5]
        >>> warmed = Schedule("constant", {"warmup_steps": 2}, base_lr=1.0, steps=8)
        >>> warmed.replace(steps=100).params["warmup"]
        0.02
        >>> Schedule.from_json(schedule.to_json()) == schedule
        True
    """

    json_name: ClassVar[str] = "a schedule"

    family: str
    params: Mapping[str, Any]
    base_lr: float
    steps: int
    step_rule: StepRule
    batch_sizes: tuple[tuple[int, int], ...] | None
    min_lr: float
    in_steps: Mapping[str, int]
    shape: Family = field(init=False, compare=False)
    _runs: BatchRuns | None = field(init=False, compare=False)

    def __init__(
        self,
        family: str | Family,
        params: Mapping[str, Any],
        base_lr: float,
        steps: int,
        step_rule: StepRule = "midpoint",
        batch_sizes: ArrayLike | None = None,
        min_lr: float = 0.0,
    ):
        if not isinstance(params, Mapping):
            raise InputError(f"params must map names to values, got {shown(params)}")
        steps = checked_steps(steps)
        params = {name: scalar(value) for name, value in params.items()}
        kind = type(family) if isinstance(family, Family) else FAMILIES[family]
        in_steps = read_lengths(kind, params)
        shares = shares_of_steps(kind, in_steps, steps)
        lengths = {name + IN_STEPS for name in in_steps}
        given = {name: value for name, value in params.items() if name not in lengths}
        kept = {n: scalar(v) for n, v in family.params.items()} if isinstance(family, Family) else {}
        shape = kind.from_params(kept | given | shares)
        for name, value in shape.params.items():
            if not isinstance(value, float | int | str | tuple):
                raise InputError(f"{name} of a schedule must be one value, got an array")
        base_lr = positive_number("base_lr", base_lr)
        min_lr = plain(min_lr)
        if type(min_lr) not in (int, float) or not 0 <= min_lr <= base_lr:
            raise InputError(f"min_lr must be from 0 to the base LR, {base_lr:g}, got {shown(min_lr)}")
        if batch_sizes is not None and in_steps:
            raise InputError(f"{next(iter(in_steps))}{IN_STEPS} cannot go with batch_sizes: give a share")
        runs = None if batch_sizes is None else BatchRuns(batch_sizes)
        if runs is not None and steps != runs.steps:
            raise InputError(f"steps must be the number of batch sizes, {runs.steps}, got {steps}")
        values = {
            "family": shape.name,
            "params": MappingProxyType(shape.params),
            "base_lr": base_lr,
            "steps": steps,
            "step_rule": checked_step_rule(step_rule),
            "batch_sizes": None if runs is None else runs.pairs,
            "min_lr": float(min_lr),
            "in_steps": MappingProxyType(in_steps),
            "shape": shape,
            "_runs": runs,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _arguments(self) -> dict[str, Any]:
        return {
            "family": self.family,
            "params": {
                name + IN_STEPS if name in self.in_steps else name: self.in_steps.get(name, value)
                for name, value in self.params.items()
            },
            "base_lr": self.base_lr,
            "steps": self.steps,
            "step_rule": self.step_rule,
            "batch_sizes": self.batch_sizes,
            "min_lr": self.min_lr,
        }

    def __hash__(self) -> int:
        values = (tuple(v.items()) if isinstance(v, dict) else v for v in self._arguments().values())
        return hash(tuple(values))

    def __repr__(self) -> str:
        family, params, *_ = (repr(value) for value in self._arguments().values())
        unset = {"batch_sizes": None, "min_lr": 0.0}
        named = [
            f"{k}={v!r}"
            for k, v in self._arguments().items()
            if k not in ("family", "params") and not (k in unset and v == unset[k])
        ]
        return f"Schedule({family}, {params}, {', '.join(named)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(self._arguments().values())  # a mapping proxy cannot be pickled or copied

    def replace(
        self,
        *,
        steps: int | None = None,
        base_lr: float | None = None,
        batch_sizes: ArrayLike | None = None,
        min_lr: float | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Self:
        """Return the schedule with another horizon, base LR, lowest LR, ...; None keeps what it has.

        Args:
            steps: number of optimizer steps: a shape is a function of progress, and stretches.
            base_lr: learning rate where the multiplier is 1.
            batch_sizes: see the class; they also set the number of steps.
            min_lr: no learning rate is below it.
            params: those that change, e.g. ``{"warmup_steps": 500}``; see the class.

        Raises:
            InputError: if one is not legal, or ``steps`` is not the number of batch sizes.
        """
        changes = {"steps": steps, "base_lr": base_lr, "batch_sizes": batch_sizes, "min_lr": min_lr}
        changes = {name: value for name, value in changes.items() if value is not None}
        if batch_sizes is not None:
            runs = BatchRuns(batch_sizes)
            changes = {"steps": runs.steps} | changes | {"batch_sizes": runs.pairs}
        params = {} if params is None else params
        if not isinstance(params, Mapping):
            raise InputError(f"params must map names to values, got {shown(params)}")
        own = self._arguments()
        changed = {str(name).removesuffix(IN_STEPS) for name in params}
        kept = {n: value for n, value in own["params"].items() if n.removesuffix(IN_STEPS) not in changed}
        arguments: dict[str, Any] = own | changes | {"params": kept | dict(params)}
        return type(self)(**arguments)

    def tail(self, step: int) -> Self:
        """Return what is left of the schedule after so many steps, for a process that counts from 0 again.

        Args:
            step: how many optimizer steps are done, less than ``self.steps``.

        Returns:
            A ``table``, with the same learning rate at step s as this one at ``step + s``; without a step
            done, this schedule. Its base LR is the largest learning rate that is left.

        Raises:
            InputError: if ``step`` is not such a number, or all learning rates that are left are 0.

        Example:
            >>> Schedule("linear", {}, 1.0, 4, "left").tail(2).values().tolist()
            [0.5, 0.25]
        """
        step = whole_number("step", step, 0)
        if step >= self.steps:
            raise InputError(f"step must be below the number of steps, {self.steps:,}, got {step:,}")
        if not step:
            return self
        rest = self(np.arange(step, self.steps))
        if not rest.any():
            raise InputError(
                f"the values that are left must not all be 0, got only 0 from step {step:,} on: keep the "
                f"whole schedule, and continue it at that step (in PyTorch with step={step})"
            )
        return type(self).from_values(rest)

    @classmethod
    def from_values(cls, lrs: ArrayLike) -> Self:
        """Learning rates, one a step, as a schedule of the family ``table``, exact to rounding.

        Its base LR is the largest of them. A training function that is given learning rates hands them to its
        framework with this: ``Schedule.from_values(lrs).to_torch(optimizer)``, and so on.

        Raises:
            InputError: if they are not one-dimensional, finite, at least 0, and above 0 somewhere.

        Example:
            >>> Schedule.from_values([0.1, 0.2, 0.0]).values().tolist()
            [0.1, 0.2, 0.0]
        """
        try:
            given = lrs if isinstance(lrs, np.ndarray) and lrs.dtype != object else plain(lrs)
            kinds = map(type, given) if isinstance(given, list) else [np.asarray(given).dtype.type]
            if {bool, str, np.bool_, np.str_} & set(kinds):
                raise TypeError
            rates = np.asarray(given, np.float64)
        except (TypeError, ValueError, OverflowError):
            raise InputError(f"learning rates must be numbers, got {shown(lrs)}") from None
        if rates.ndim != 1 or not 1 <= rates.size <= MAX_STEPS:
            raise InputError(f"learning rates must have shape (steps,), got {rates.shape}")
        legal = np.isfinite(rates) & (rates >= 0)
        if not legal.all():
            raise InputError(f"learning rates must be finite and at least 0, got {rates[~legal][0]:g}")
        largest = float(rates.max())
        if largest == 0:
            raise InputError("learning rates must not all be 0")
        # Values at i/steps for i = 0 .. steps, so that step s, read at s/steps, meets the s-th exactly.
        values = np.append(rates, rates[-1]) / largest
        return cls("table", {"values": values}, base_lr=largest, steps=rates.size, step_rule="left")

    def multiplier(self, t: ArrayLike) -> Any:
        """Return the LR over the base LR at progress ``t`` in [0, 1], a number or an array, in [0, 1]."""
        shape = self.shape(t)
        if not self.min_lr:
            return shape
        return as_number(namespace(shape).maximum(shape, self.min_lr / self.base_lr))

    def at(self, progress: ArrayLike) -> Any:
        """Return the learning rate at training progress in [0, 1], a number or an array.

        For runs that end after so many tokens or seconds: progress is the share that has passed,
        ``schedule.at(seen / total)``.
        """
        return self.base_lr * self.multiplier(progress)

    def progress(self, steps: ArrayLike) -> Any:
        """Return training progress, a number or an array, at whole steps from 0 to ``self.steps - 1``."""
        s, offset = np.asarray(steps), OFFSETS[self.step_rule]
        return as_number((s + offset) / self.steps if self._runs is None else self._runs.progress(s, offset))

    @overload
    def __call__(self, step: int) -> float: ...
    @overload
    def __call__(self, step: NDArray[np.integer]) -> NDArray[np.float64]: ...
    def __call__(self, step: int | NDArray[np.integer]) -> float | NDArray[np.float64]:
        """Return the learning rate at a step, or an array of them at an array of steps.

        Args:
            step: whole numbers; those before the first or past the last step have its learning rate.

        Raises:
            InputError: if they are no whole numbers.
        """
        given = np.asarray(step)
        if given.dtype.kind not in "iu":
            raise InputError(f"a step must be a whole number, got {shown(step)}")
        lrs = self.at(self.progress(np.clip(given, 0, self.steps - 1)))
        return lrs if given.ndim else float(lrs)

    def multipliers(self) -> NDArray[np.float64]:
        """Return the shape at each step, of shape ``(steps,)``, in [0, 1]."""
        return self.multiplier(self.progress(np.arange(self.steps)))

    def values(self) -> NDArray[np.float64]:
        """Return the learning rate at each step, of shape ``(steps,)``."""
        return self.base_lr * self.multipliers()

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object: ``format`` and the arguments by name."""
        given = self._arguments()
        if not self.min_lr:
            del given["min_lr"]
        params = {k: list(v) if isinstance(v, tuple) else v for k, v in given["params"].items()}
        runs = None if self.batch_sizes is None else [list(run) for run in self.batch_sizes]
        return {"format": FORMAT, **given, "params": params, "batch_sizes": runs}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`.

        Raises:
            InputError: if a key is missing or unknown, the format is of another version, or a value is not
                legal.
        """
        if not isinstance(data, Mapping):
            raise InputError(f"a schedule must be a JSON object, got {shown(data)}")
        missing = [k for k in _KEYS if k not in data]
        unknown = [k for k in data if k not in _KEYS + _OPTIONAL_KEYS]
        if missing or unknown:
            problem = f"is missing {', '.join(missing)}" if missing else f"has unknown {shown(unknown[0])}"
            raise InputError(f"a schedule has keys {', '.join(_KEYS)}; this one {problem}")
        cls.require_format(data)
        return cls(**{k: value for k, value in data.items() if k != "format"})
