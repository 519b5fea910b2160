"""A schedule for Lightning's ``configure_optimizers``."""

from typing import TYPE_CHECKING, Any

from lrshape.frameworks.torch import to_torch
from lrshape.shapes.curve import Curve

if TYPE_CHECKING:
    import torch


def to_lightning(
    curve: Curve, optimizer: "torch.optim.Optimizer", *, keep_lr: bool = False
) -> dict[str, Any]:
    """Return what ``configure_optimizers`` returns; the arguments are `to_torch`'s.

    The scheduler steps once for each optimizer step (``interval="step"``), also when gradients are
    accumulated. ``self.trainer.estimated_stepping_batches`` is the number of steps of a trial.
    """
    scheduler = to_torch(curve, optimizer, keep_lr=keep_lr)
    return {
        "optimizer": optimizer,
        "lr_scheduler": {"scheduler": scheduler, "interval": "step", "frequency": 1},
    }
