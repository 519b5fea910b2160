"""A schedule for the Trainer of Hugging Face's transformers."""

from typing import TYPE_CHECKING, Any

from lrshape.errors import InputError, shown
from lrshape.frameworks.exporter import EXPORTERS
from lrshape.frameworks.torch import SCHEDULER_IMPORTS, SchedulerCode, to_torch
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedules import Schedules

if TYPE_CHECKING:
    import torch
    from torch.optim.lr_scheduler import LRScheduler


def to_transformers(
    schedule: Schedule | Schedules, optimizer: "torch.optim.Optimizer", **options: Any
) -> "tuple[torch.optim.Optimizer, LRScheduler]":
    """Return ``(optimizer, scheduler)`` for ``Trainer(optimizers=...)``; arguments are those of `to_torch`.

    The schedule's steps must be those of the training: optimizer steps, not batches.
    """
    return optimizer, schedule.to("torch", optimizer, **options)


def trainer_class(
    schedule: Schedule, trainer: type[Any] | None = None, *, keep_lr: bool = False
) -> type[Any]:
    """Return a subclass of ``Trainer`` whose ``create_scheduler`` follows ``schedule``.

    The Trainer makes its own optimizer, and the shape is stretched over the steps that it counts.

    Args:
        schedule: what to follow; its steps do not matter.
        trainer: the class to derive from, default ``transformers.Trainer``.
        keep_lr: keep ``TrainingArguments.learning_rate`` as the base LR.

    Raises:
        InputError: if ``trainer`` is no such class.
    """
    from transformers import Trainer

    trainer = Trainer if trainer is None else trainer
    if not isinstance(trainer, type) or not issubclass(trainer, Trainer):
        raise InputError(f"trainer must be transformers.Trainer or a subclass of it, got {shown(trainer)}")

    class ShapeTrainer(trainer):
        def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
            """Make the scheduler for so many optimizer steps, once."""
            if self.lr_scheduler is None:
                optimizer = optimizer or self.optimizer
                if keep_lr:
                    _begin_anew(optimizer)
                stretched = schedule.replace(steps=num_training_steps)
                self.lr_scheduler = to_torch(stretched, optimizer, keep_lr=keep_lr)
                self._created_lr_scheduler = True
            return self.lr_scheduler

    return ShapeTrainer


def _begin_anew(optimizer: Any) -> None:
    """Give an optimizer the learning rates that it began with, as a Trainer's other schedulers do.

    A Trainer keeps its optimizer when it trains again, or tries a smaller batch (``auto_find_batch_size``).
    """
    for group in optimizer.param_groups:
        lr = group.get("initial_lr", group["lr"])
        if hasattr(group["lr"], "fill_"):  # a tensor stays one
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr


_TRAINER = '''
class ShapeTrainer(Trainer):
    """Trainer along the shape, stretched over the steps that it counts."""

    def create_scheduler(self, num_training_steps, optimizer=None):
        if self.lr_scheduler is None:
            self.lr_scheduler = make_scheduler(optimizer or self.optimizer, num_training_steps)
            self._created_lr_scheduler = True
        return self.lr_scheduler'''


@EXPORTERS.register("transformers")
class Transformers(SchedulerCode):
    """The same as torch, and ``ShapeTrainer`` for Hugging Face's transformers."""

    bind = bind_several = staticmethod(to_transformers)
    trainer_class = staticmethod(trainer_class)
    imports = (*SCHEDULER_IMPORTS, "from transformers import Trainer")
    extra = (_TRAINER,)
    usage = "trainer = ShapeTrainer(...)\nor: Trainer(..., optimizers=(optimizer, make_scheduler(optimizer)))"
