"""Single models of lrshape's small image workloads, trained with PyTorch as a user would.

The data, the model, its initialisation, the optimizer and the order of batches are those of the workload of
the same name, but the random numbers are PyTorch's.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

from lrshape.training.workload import WORKLOADS

Sets = Mapping[str, tuple[torch.Tensor, torch.Tensor]]


def one_thread() -> None:
    """Set up a worker process."""
    torch.set_num_threads(1)


@cache
def _sets(name: str) -> Sets:
    workload: Any = WORKLOADS[name]
    arrays = workload().data()
    return {
        split: (torch.from_numpy(images.copy()), torch.from_numpy(labels).long())
        for split, (images, labels) in arrays.items()
    }


def _network(name: str) -> nn.Module:
    if name == "cifar10-cnn":
        from _peers_torch_cnn import network

        model = network()
    elif name == "digits-cnn":
        parts = [nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        parts += [nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
        model = nn.Sequential(*parts, nn.Linear(128, 10))
    else:
        parts = [nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU()]
        model = nn.Sequential(*parts, nn.Linear(128, 10))
    for layer in model:  # pyright: ignore[reportGeneralTypeIssues] - a Sequential
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
    return model


def _inputs(images: torch.Tensor) -> torch.Tensor:
    return images.float() / 255 if images.dtype == torch.uint8 else images


def train(workload: Mapping[str, Any], lrs: np.ndarray, seed: int) -> float:
    """Train one model and return its final loss on the training set; +inf if it is not finite.

    Args:
        workload: as in a spec: ``name``, and perhaps ``batch_size`` and ``train_images``.
        lrs: learning rate of every step.
        seed: of the initial weights and the batches.
    """
    torch.manual_seed(seed)
    name, batch_size = workload["name"], workload.get("batch_size", 32)
    images, labels = _sets(name)["train"]
    model, loss_of = _network(name), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: lrs[min(step, len(lrs) - 1)])
    per_epoch = len(labels) // batch_size
    order = torch.randperm(len(labels))
    for step in range(len(lrs)):
        if step and step % per_epoch == 0:
            order = torch.randperm(len(labels))
        index = order[step % per_epoch * batch_size :][:batch_size]
        optimizer.zero_grad()
        loss_of(model(_inputs(images[index])), labels[index]).backward()
        optimizer.step()
        schedule.step()
    count = workload.get("train_images", len(labels))
    with torch.no_grad():
        loss = loss_of(model(_inputs(images[:count])), labels[:count]).item()
    return loss if np.isfinite(loss) else float("inf")
