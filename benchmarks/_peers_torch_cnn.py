"""The CIFAR-10 CNN in PyTorch: one model after another, and many at once with ``torch.func.vmap``."""

import copy
import time
from collections.abc import Callable

import torch
from _peers import first_less_steady
from _peers_torch import TorchContender, TorchTraining
from torch import nn
from torch.func import functional_call, grad_and_value, stack_module_state, vmap


def network() -> nn.Module:
    """The CNN with 1,070,794 parameters."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(4096, 256),
        nn.ReLU(),
        nn.Linear(256, 10),
    )


IMAGE = (3, 32, 32)


def examples(
    count: int, device: torch.device, shape: tuple[int, ...] = IMAGE
) -> tuple[torch.Tensor, torch.Tensor]:
    """Synthetic images, uint8 (n, *shape) and in channels-last memory if they have channels, and labels."""
    images = torch.randint(0, 256, (count, *shape), dtype=torch.uint8, device=device)
    if len(shape) == len(IMAGE):
        images = images.contiguous(memory_format=torch.channels_last)
    return images, torch.randint(0, 10, (count,), device=device)


class Sequential(TorchTraining):
    """One model after another, channels-last, fused Adam."""

    def __init__(self, steps: int, batch_size: int, threads: int | None = None):
        super().__init__(1, steps, threads)
        self._batch_size = batch_size
        self._images, self._labels = examples(50_000, self._place)
        self._model = network().to(self._place, memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self._model.parameters(), lr=1e-3, fused=True)
        self._loss = nn.CrossEntropyLoss()
        self.warm_up()

    def step(self) -> torch.Tensor:
        """One step on a random batch."""
        index = torch.randint(0, len(self._labels), (self._batch_size,), device=self._place)
        self.optimizer.zero_grad()
        loss = self._loss(self._model(self._images[index].float() / 255), self._labels[index])
        loss.backward()
        self.optimizer.step()
        return loss.detach()


class Stacked(TorchTraining):
    """Many models at once: vmap over stacked parameters, one fused Adam for the stacks.

    All members share one learning rate, which is all that torch.optim offers; batches differ.
    """

    def __init__(
        self,
        members: int,
        steps: int,
        batch_size: int,
        make: Callable[[], nn.Module] = network,
        shape: tuple[int, ...] = IMAGE,
    ):
        super().__init__(members, steps)
        self._batch_size = batch_size
        self._images, self._labels = examples(50_000, self._place, shape)
        models = [make().to(self._place, memory_format=torch.channels_last) for _ in range(members)]
        self._params, _ = stack_module_state(models)
        template = copy.deepcopy(models[0]).to("meta")
        self.optimizer = torch.optim.Adam(self._params.values(), lr=1e-3, fused=True)

        def loss_of(params: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return nn.functional.cross_entropy(functional_call(template, params, (x,)), y)

        self._gradients = vmap(grad_and_value(loss_of))
        self.warm_up()

    def step(self) -> torch.Tensor:
        """One step of all members, each on its own random batch."""
        shape = (self._members, self._batch_size)
        index = torch.randint(0, len(self._labels), shape, device=self._place)
        params = {name: value.detach() for name, value in self._params.items()}
        images = self._images[index.flatten()].float().div_(255).unflatten(0, shape)
        gradients, losses = self._gradients(params, images, self._labels[index])
        for name, value in self._params.items():
            value.grad = gradients[name]
        self.optimizer.step()
        return losses


class Evaluation(TorchContender):
    """Forward passes of one model over the test set; models are evaluated one after another."""

    def __init__(self, images: int, batch_size: int):
        super().__init__()
        self._images, self._labels = examples(images, self._place)
        self._batch_size = batch_size
        self._model = network().to(self._place, memory_format=torch.channels_last).eval()
        self.compile_seconds = first_less_steady(self.measure)

    @torch.inference_mode()
    def measure(self) -> tuple[float, float]:
        """Images and seconds of a turn."""
        began = time.perf_counter()
        loss = torch.zeros((), device=self._place)
        wrong = torch.zeros((), device=self._place)
        for start in range(0, len(self._labels), self._batch_size):
            part = slice(start, start + self._batch_size)
            scores = self._model(self._images[part].float() / 255)
            loss += nn.functional.cross_entropy(scores, self._labels[part], reduction="sum")
            wrong += (scores.argmax(1) != self._labels[part]).sum()
        loss.item(), wrong.item()
        return float(len(self._labels)), time.perf_counter() - began
