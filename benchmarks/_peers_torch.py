"""What the contenders written in PyTorch share: device, threads, and a loop of steps under a linear decay."""

import time

import torch
from _peers import Contender, first_less_steady


class TorchContender(Contender):
    """A contender on the GPU of `gpu.py`, or on the CPU with ``threads`` threads (None: all)."""

    def __init__(self, threads: int | None = None):
        if threads is not None:
            torch.set_num_threads(threads)
        torch.set_float32_matmul_precision("high")  # TF32 on GPUs, as JAX does; no effect on CPUs
        torch.backends.cudnn.allow_tf32 = True
        self._place = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def synchronize(self) -> None:
        """Wait until the device has done all work."""
        if self._place.type == "cuda":
            torch.cuda.synchronize()


class TorchTraining(TorchContender):
    """Steps of one model, or of stacked models, under a linear decay that starts anew every turn.

    Subclasses set ``optimizer`` before they call `warm_up`, and give ``step``.
    """

    optimizer: torch.optim.Optimizer

    def __init__(self, members: int, steps: int, threads: int | None = None):
        super().__init__(threads)
        torch.manual_seed(0)
        self._members, self._steps = members, steps

    def warm_up(self) -> None:
        """Take two steps, and note how much longer the first takes."""

        def one() -> None:
            self.step()
            self.synchronize()

        self.compile_seconds = first_less_steady(one)

    def step(self) -> torch.Tensor:
        """Compute gradients on a fresh batch, update, and return the loss."""
        raise NotImplementedError

    def measure(self) -> tuple[float, float]:
        """Model-steps and seconds of a turn."""
        steps = self._steps
        schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: 1 - step / steps)
        began = time.perf_counter()
        for _ in range(steps):
            loss = self.step()
            schedule.step()
        if not bool(loss.isfinite().all()):
            raise FloatingPointError("a loss is not finite")
        self.synchronize()
        return float(self._members * steps), time.perf_counter() - began
