"""A schedule for Lightning's ``configure_optimizers``."""

from typing import TYPE_CHECKING, Any

from lrshape.export.curve import Curve
from lrshape.export.torch import to_torch

if TYPE_CHECKING:
    import torch


def to_lightning(
    curve: Curve, optimizer: "torch.optim.Optimizer", *, keep_lr: bool = False
) -> dict[str, Any]:
    """Return what ``configure_optimizers`` returns; the arguments are `to_torch`'s.

    The scheduler steps once for each optimizer step (``interval="step"``), also when gradients are
    accumulated. ``self.trainer.estimated_stepping_batches`` is the number of steps of a training.
    """
    scheduler = to_torch(curve, optimizer, keep_lr=keep_lr)
    return {
        "optimizer": optimizer,
        "lr_scheduler": {"scheduler": scheduler, "interval": "step", "frequency": 1},
    }
