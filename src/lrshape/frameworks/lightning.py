"""A schedule for Lightning's ``configure_optimizers``."""

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from lrshape.frameworks.exporter import EXPORTERS
from lrshape.frameworks.standalone import CodeExporter
from lrshape.frameworks.torch import SCHEDULER_IMPORTS, scheduler_code, to_torch
from lrshape.shapes.schedule import Schedule

if TYPE_CHECKING:
    import torch


def to_lightning(
    schedule: Schedule, optimizer: "torch.optim.Optimizer", *, keep_lr: bool = False
) -> dict[str, Any]:
    """Return what ``configure_optimizers`` returns; the arguments are `to_torch`'s.

    The scheduler steps once for each optimizer step (``interval="step"``), also when gradients are
    accumulated. ``self.trainer.estimated_stepping_batches`` is the number of steps.
    """
    scheduler = to_torch(schedule, optimizer, keep_lr=keep_lr)
    return {
        "optimizer": optimizer,
        "lr_scheduler": {"scheduler": scheduler, "interval": "step", "frequency": 1},
    }


_CONFIGURED = '''
def configured(optimizer, steps=STEPS, base_lr=BASE_LR):
    """Return what configure_optimizers returns."""
    scheduler = make_scheduler(optimizer, steps, base_lr)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}'''


@EXPORTERS.register("lightning")
class Lightning(CodeExporter):
    """The same as torch, and ``configured(optimizer)`` for Lightning's ``configure_optimizers``."""

    bind = staticmethod(to_lightning)
    imports = SCHEDULER_IMPORTS
    usage = (
        "def configure_optimizers(self):\n"
        "    steps = self.trainer.estimated_stepping_batches\n"
        "    return configured(torch.optim.SGD(self.parameters()), steps)"
    )

    @override
    @classmethod
    def code(cls) -> str:
        return f"{scheduler_code()}\n\n{_CONFIGURED}"
