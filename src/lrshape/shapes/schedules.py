"""Schedules of several quantities of one training: learning rates of groups, weight decay, momentum, ..."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrshape.errors import InputError, about, shown
from lrshape.shapes.json_value import FORMAT, JsonValue
from lrshape.shapes.schedule import Schedule

if TYPE_CHECKING:
    import keras
    import torch

_KEYS = ("format", "schedules")

GROUP_LR = "lr."
"""Before the name of a group of parameters in that of its learning rate, e.g. ``lr.head``."""


@dataclass(frozen=True, init=False, repr=False)
class Schedules(JsonValue):
    """Schedules by name, an immutable, hashable value: ``Schedules({"lr": ..., "weight_decay": ...})``.

    A name is a quantity, such as ``lr``, ``weight_decay``, ``momentum``, ``beta1`` or any other; or a
    quantity of one group of parameters, such as ``lr.matrix``, and then the quantity's own schedule is for
    the other groups. The base LR of a schedule is the base value of its quantity, and ``min_lr`` the lowest
    value. A quantity that is 0 throughout needs no schedule.

    Args:
        schedules: ``{name: schedule}``, all of equal steps.

    Raises:
        InputError: if a name or a schedule is none, or their steps differ.

    Example:
        >>> lr, decay = Schedule("linear", {}, 0.1, 2, "left"), Schedule("constant", {}, 0.01, 2)
        >>> schedules = Schedules({"lr": lr, "lr.matrix": lr.replace(base_lr=1.0), "weight_decay": decay})
        >>> {name: values.tolist() for name, values in schedules.values().items()}
        {'lr': [0.1, 0.05], 'lr.matrix': [1.0, 0.5], 'weight_decay': [0.01, 0.01]}
        >>> schedules.group("matrix")["lr"].base_lr
        1.0
        >>> Schedules.from_json(schedules.to_json()) == schedules
        True
    """

    json_name: ClassVar[str] = "schedules"

    _schedules: Mapping[str, Schedule]

    def __init__(self, schedules: Mapping[str, Schedule]):
        if not isinstance(schedules, Mapping | Schedules) or not len(schedules):
            raise InputError(f"schedules must map at least one name to a schedule, got {shown(schedules)}")
        found = {name: schedules[name] for name in schedules}
        for name, schedule in found.items():
            if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]\w*(\.[\w-]+)?", name):
                raise InputError(
                    f"a schedule's name must be QUANTITY or QUANTITY.GROUP, e.g. lr.matrix, got {shown(name)}"
                )
            if not isinstance(schedule, Schedule):
                raise InputError(f"{name} must be a schedule, got {shown(schedule)}")
        first, steps = next((name, schedule.steps) for name, schedule in found.items())
        for name, schedule in found.items():
            if schedule.steps != steps:
                raise InputError(
                    f"schedules must have equal steps, got {first} of {steps:,}, {name} of {schedule.steps:,}"
                )
        object.__setattr__(self, "_schedules", MappingProxyType(found))

    def __getitem__(self, name: str) -> Schedule:
        if name not in self._schedules:
            raise InputError(f"there is no schedule {shown(name)}, there are {', '.join(self)}")
        return self._schedules[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._schedules)

    def __len__(self) -> int:
        return len(self._schedules)

    def keys(self) -> Iterable[str]:
        """Return the names: ``{**schedules}`` is a dictionary of the schedules."""
        return self._schedules.keys()

    def __hash__(self) -> int:
        return hash(frozenset(self._schedules.items()))

    def __repr__(self) -> str:
        return f"Schedules({dict(self._schedules)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self._schedules),)  # a mapping proxy cannot be pickled or copied

    @property
    def steps(self) -> int:
        """Number of optimizer steps of each."""
        return next(iter(self._schedules.values())).steps

    def values(self) -> dict[str, NDArray[np.float64]]:
        """Return the value at each step, of shape ``(steps,)``, by name."""
        return {name: schedule.values() for name, schedule in self._schedules.items()}

    def group(self, name: str) -> Self:
        """Return what one group of parameters follows, by quantity: its own schedules before those of all.

        For a program with an optimizer of its own for each group, e.g. Muon and AdamW.

        Raises:
            InputError: if there is no schedule for it.
        """
        own = {one.partition(".")[0]: one for one in self if one.partition(".")[2] == name}
        chosen = {one: one for one in self if "." not in one} | own
        if not chosen:
            raise InputError(f"no schedule is for the group {shown(name)}, there are {', '.join(self)}")
        return type(self)({quantity: self[one] for quantity, one in chosen.items()})

    def replace(self, *, steps: int | None = None, batch_sizes: ArrayLike | None = None) -> Self:
        """Return the schedules with another horizon or batch sizes, see `Schedule.replace`."""
        return self._each(lambda schedule: schedule.replace(steps=steps, batch_sizes=batch_sizes))

    def tail(self, step: int) -> Self:
        """Return what is left of the schedules after so many steps, see `Schedule.tail`."""
        return self._each(lambda schedule: schedule.tail(step))

    def _each(self, change: Callable[[Schedule], Schedule]) -> Self:
        changed = {}
        for name, schedule in self._schedules.items():
            with about(name):
                changed[name] = change(schedule)
        return type(self)(changed)

    def to(self, framework: str, *arguments: Any, **options: Any) -> Any:
        """Return what an exporter makes of the schedules for a program that runs, see `Schedule.to`.

        Raises:
            InputError: if there is no such exporter, or it takes one schedule only.
        """
        from lrshape.frameworks.exporter import EXPORTERS

        exporter = EXPORTERS[framework]
        if exporter.bind_several is None:
            raise InputError(f"{framework} takes one schedule, got {len(self)}: {', '.join(self)}")
        return exporter.bind_several(self, *arguments, **options)

    def to_torch(
        self, optimizer: "torch.optim.Optimizer", *, step: int = 0, steps: int | None = None
    ) -> "torch.optim.lr_scheduler.LRScheduler":
        """Return a PyTorch scheduler; call its ``step()`` after each ``optimizer.step()``.

        Args:
            optimizer: its param groups are found by their key ``name``. Of those that follow one schedule,
                the group with the largest value of the quantity gets the schedule's, and the others keep
                their ratios to it.
            step: how many optimizer steps are done.
            steps: another number of steps.
        """
        return self.replace(steps=steps).to("torch", optimizer, step=step)

    def to_transformers(
        self, optimizer: "torch.optim.Optimizer", *, step: int = 0, steps: int | None = None
    ) -> "tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]":
        """Return ``(optimizer, scheduler)`` for ``Trainer(optimizers=...)``; arguments as for `to_torch`."""
        return self.replace(steps=steps).to("transformers", optimizer, step=step)

    def to_lightning(
        self, optimizer: "torch.optim.Optimizer", *, step: int = 0, steps: int | None = None
    ) -> dict[str, Any]:
        """Return what ``configure_optimizers`` returns in Lightning; arguments as for `to_torch`."""
        return self.replace(steps=steps).to("lightning", optimizer, step=step)

    def to_optax(self, *, steps: int | None = None) -> dict[str, Callable[[Any], Any]]:
        """Return optax schedules by optax's names of the quantities, for ``optax.inject_hyperparams``."""
        return self.replace(steps=steps).to("optax")

    def to_keras(
        self, optimizer: "keras.optimizers.Optimizer", *, steps: int | None = None
    ) -> "keras.optimizers.Optimizer":
        """Let a Keras 3 optimizer follow the schedules, and return it.

        A model is saved with the learning rate alone: call it again on the optimizer of a model that was
        loaded.
        """
        return self.replace(steps=steps).to("keras", optimizer)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object: ``{"format": 1, "schedules": {name: schedule}}``."""
        return {
            "format": FORMAT,
            "schedules": {name: schedule.to_dict() for name, schedule in self._schedules.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`.

        Raises:
            InputError: as for `Schedule.from_dict`, and if a name is none, or the steps differ.
        """
        if not isinstance(data, Mapping) or set(data) != set(_KEYS):
            raise InputError(f"schedules have the keys {' and '.join(_KEYS)}, got {shown(data)}")
        cls.require_format(data)
        if not isinstance(data["schedules"], Mapping):
            raise InputError(f"schedules must map names to schedules, got {shown(data['schedules'])}")
        found = {}
        for name, one in data["schedules"].items():
            with about(name):
                found[name] = Schedule.from_dict(one)
        return cls(found)
