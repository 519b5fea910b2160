"""A schedule as a PyTorch scheduler, by itself and for Lightning: also the core of those for Transformers."""

import ast
import functools
from collections.abc import Callable, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from lrshape.errors import InputError, shown
from lrshape.frameworks.exporter import EXPORTERS, MAX_TABLE
from lrshape.frameworks.standalone import CodeExporter
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedules import Schedules
from lrshape.values import whole_number

if TYPE_CHECKING:
    import torch

    from lrshape.frameworks._torch import ShapeLR
    from lrshape.frameworks._torch_several import ShapesLR

Scheduler = TypeVar("Scheduler")


def to_torch(
    schedule: Schedule, optimizer: "torch.optim.Optimizer", *, keep_lr: bool = False, step: int = 0
) -> "ShapeLR":
    """Return a scheduler whose ``step()`` is called after each ``optimizer.step()``.

    Args:
        schedule: what to follow.
        optimizer: any optimizer.
        keep_lr: keep the optimizer's own learning rates as base LRs, instead of the schedule's: those that it
            has at present, or with a ``step`` above 0 those that it began with. Those of a state that it
            loads later become no base LRs.
        step: how many optimizer steps are done.

    Raises:
        InputError: if ``optimizer`` is none, ``step`` is not a whole number from 0, or no group has a
            learning rate above 0.
    """
    from lrshape.frameworks._torch import ShapeLR

    shape, identity, base_lr = _curve(schedule)
    base = None if keep_lr else base_lr
    return _made(optimizer, step, lambda step: ShapeLR(optimizer, shape, identity, base, step))


def to_torch_of_several(
    schedules: Schedules, optimizer: "torch.optim.Optimizer", *, step: int = 0
) -> "ShapesLR":
    """Return a scheduler of several quantities, see `Schedules.to_torch`.

    Raises:
        InputError: as for `to_torch`; if the optimizer has no such quantity, or no such param group.
    """
    from lrshape.frameworks._torch_several import ShapesLR

    curves = {name: _curve(schedules[name]) for name in schedules}
    return _made(optimizer, step, lambda step: ShapesLR(optimizer, curves, step))


def _made(optimizer: object, step: int, make: Callable[[int], Scheduler]) -> Scheduler:
    import torch

    if not isinstance(optimizer, torch.optim.Optimizer):
        raise InputError(f"optimizer must be a torch.optim.Optimizer, got {shown(optimizer)}")
    step = whole_number("step", step, 0)
    try:
        return make(step)
    except ValueError as error:
        raise InputError(str(error)) from None


def _curve(schedule: Schedule) -> tuple[Callable[[int], float], dict[str, Any], float]:
    """What a `ShapeLR` takes: the shape, what it is, and the base LR, which shows in those of the groups."""
    identity = schedule.to_dict()
    return _multiplier(schedule), identity, identity.pop("base_lr")


def _multiplier(schedule: Schedule) -> Callable[[int], float]:
    """The shape as a function of the step: looked up, unless the table would be too large."""
    if schedule.steps > MAX_TABLE:
        return functools.partial(_compute, schedule)
    return functools.partial(_look_up, schedule.multipliers())


def _look_up(values: NDArray[np.float64], step: int) -> float:
    return float(values[min(max(step, 0), len(values) - 1)])


def _compute(schedule: Schedule, step: int) -> float:
    return schedule(step) / schedule.base_lr


def _class_of(file: str) -> str:
    """The text of the first class of a file, read without importing PyTorch."""
    text = resources.files("lrshape.frameworks").joinpath(file).read_text("utf-8")
    classes = (node for node in ast.parse(text).body if isinstance(node, ast.ClassDef))
    return f"\n{ast.get_source_segment(text, next(classes))}"


_MAKE_SCHEDULER = '''
def make_scheduler(optimizer, steps=STEPS, base_lr=BASE_LR, step=0):
    """Return a scheduler; base_lr=None keeps the optimizer's own learning rates, step is what is done."""
    steps = checked_steps(steps)
    identity = {**SCHEDULE, "steps": steps}
    del identity["base_lr"]
    shape = functools.partial(multiplier_at, steps, float(BASE_LR if base_lr is None else base_lr))
    return ShapeLR(optimizer, shape, identity, base_lr, step)


def multiplier_at(steps, base_lr, step):
    """Return the learning rate over the base LR at a step of so many."""
    return multiplier(progress(step, steps), steps, base_lr)'''

_MAKE_SCHEDULER_OF_SEVERAL = '''
def make_scheduler(optimizer, steps=STEPS, step=0):
    """Return a scheduler of all quantities; step is what is done."""
    steps = checked_steps(steps)
    curves = {}
    for name, schedule in SCHEDULES.items():
        identity = {**schedule, "steps": steps}
        base = identity.pop("base_lr")
        curves[name] = functools.partial(multiplier_at, name, steps), identity, base
    return ShapesLR(optimizer, curves, step)


def multiplier_at(name, steps, step):
    """Return a quantity's value over its base value at a step of so many."""
    return CURVES[name](step, steps) / SCHEDULES[name]["base_lr"]'''

SCHEDULER_IMPORTS = (
    "import functools",
    "import logging",
    "import math",
    "from collections.abc import Callable",
    "from typing import Any",
    "",
    "import torch",
    "from torch.optim.lr_scheduler import LRScheduler",
)


class SchedulerCode(CodeExporter):
    """Writes the scheduler's class and ``make_scheduler``.

    Attributes:
        extra: source code that follows, e.g. a class of a framework that calls ``make_scheduler``.
    """

    imports = SCHEDULER_IMPORTS
    extra: ClassVar[Sequence[str]] = ()

    @override
    @classmethod
    def code(cls) -> str:
        return "\n\n".join([_class_of("_torch.py"), _MAKE_SCHEDULER, *cls.extra])

    @override
    @classmethod
    def code_of_several(cls) -> str:
        classes = [_class_of("_torch.py"), _class_of("_torch_several.py")]
        return "\n\n".join([*classes, _MAKE_SCHEDULER_OF_SEVERAL, *cls.extra])


@EXPORTERS.register("torch")
class Torch(SchedulerCode):
    """``lr(step)``, and ``make_scheduler(optimizer)`` for PyTorch."""

    bind = staticmethod(to_torch)
    bind_several = staticmethod(to_torch_of_several)
    usage = "scheduler = make_scheduler(optimizer)\n... optimizer.step(); scheduler.step() ..."


def to_lightning(
    schedule: Schedule | Schedules, optimizer: "torch.optim.Optimizer", **options: Any
) -> dict[str, Any]:
    """Return what ``configure_optimizers`` returns; the arguments are those of `to_torch`.

    The scheduler steps once for each optimizer step (``interval="step"``), also when gradients are
    accumulated. ``self.trainer.estimated_stepping_batches`` is the number of steps.
    """
    scheduler = schedule.to("torch", optimizer, **options)
    return {
        "optimizer": optimizer,
        "lr_scheduler": {"scheduler": scheduler, "interval": "step", "frequency": 1},
    }


_CONFIGURED = '''
def configured(optimizer, *arguments, **options):
    """Return what configure_optimizers returns; steps, base_lr and step as make_scheduler takes them."""
    scheduler = make_scheduler(optimizer, *arguments, **options)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}'''


@EXPORTERS.register("lightning")
class Lightning(SchedulerCode):
    """The same as torch, and ``configured(optimizer)`` for Lightning's ``configure_optimizers``."""

    bind = bind_several = staticmethod(to_lightning)
    extra = (_CONFIGURED,)
    usage = (
        "def configure_optimizers(self):\n"
        "    steps = self.trainer.estimated_stepping_batches\n"
        "    return configured(torch.optim.SGD(self.parameters()), steps)"
    )
