"""A schedule for the Trainer of Hugging Face's transformers."""

from typing import TYPE_CHECKING, Any

from lrshape.frameworks.torch import ShapeLR, to_torch
from lrshape.shapes.curve import Curve
from lrshape.shapes.schedule import Schedule

if TYPE_CHECKING:
    import torch


def to_transformers(
    curve: Curve, optimizer: "torch.optim.Optimizer", *, keep_lr: bool = False
) -> "tuple[torch.optim.Optimizer, ShapeLR]":
    """Return ``(optimizer, scheduler)`` for ``Trainer(optimizers=...)``; the arguments are `to_torch`'s.

    The curve's steps must be those of the training: optimizer steps, not batches.
    """
    return optimizer, to_torch(curve, optimizer, keep_lr=keep_lr)


def trainer_class(
    schedule: Schedule,
    trainer: type[Any] | None = None,
    *,
    base_lr: float | None = None,
    keep_lr: bool = False,
) -> type[Any]:
    """Return a subclass of ``Trainer`` whose ``create_scheduler`` follows ``schedule``.

    The Trainer makes its own optimizer, and the shape is stretched over the steps that it counts.

    Args:
        schedule: what to follow; its steps do not matter.
        trainer: the class to derive from, default ``transformers.Trainer``.
        base_lr: another base LR.
        keep_lr: keep ``TrainingArguments.learning_rate`` as the base LR.
    """
    if trainer is None:
        from transformers import Trainer

        trainer = Trainer

    class ShapeTrainer(trainer):
        def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
            """Make the scheduler for so many optimizer steps, once."""
            if self.lr_scheduler is None:
                curve = Curve(schedule, steps=num_training_steps, base_lr=base_lr)
                self.lr_scheduler = to_torch(curve, optimizer or self.optimizer, keep_lr=keep_lr)
                self._created_lr_scheduler = True
            return self.lr_scheduler

    return ShapeTrainer
