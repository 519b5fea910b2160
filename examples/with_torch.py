"""PyTorch: search shapes for a small convolutional network on real digits, then train with the winner.

Run it with ``python examples/with_torch.py``; it takes some seconds, and resumes if run again.
"""

import numpy as np
import torch
from sklearn.datasets import load_digits

import lrshape

torch.set_num_threads(1)  # faster for a network as small as this one
STEPS = 40
IMAGES, DIGITS = load_digits(return_X_y=True)
X = torch.tensor(IMAGES / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
Y = torch.tensor(DIGITS)
TRAIN, VALID = slice(0, 1400), slice(1400, None)


def network(seed):
    """A convolution, a pooling and a linear layer, initialised from a seed."""
    torch.manual_seed(seed)
    layers = [torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(72, 10))


def batch_loss(model, rng):
    """The loss of a random batch."""
    chosen = torch.tensor(rng.integers(1400, size=64))
    return torch.nn.functional.cross_entropy(model(X[TRAIN][chosen]), Y[TRAIN][chosen])


@torch.no_grad()
def validation_loss(model):
    """The loss of images that were not trained on."""
    return torch.nn.functional.cross_entropy(model(X[VALID]), Y[VALID]).item()


def train(lrs, seed):
    """What the search calls: one learning rate for each step."""
    model, rng = network(seed), np.random.default_rng(seed)
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    for lr in lrs:
        optimizer.param_groups[0]["lr"] = lr
        optimizer.zero_grad()
        batch_loss(model, rng).backward()
        optimizer.step()
    return validation_loss(model)


def main():
    """Search, then train with the winner's scheduler as one would without lrshape's loop."""
    study = lrshape.search(
        train=train, steps=STEPS, families=["rex", "wsd"], baselines=["cosine", "constant"], out="with-torch",
        base_lr={"low": 0.01, "high": 1.0, "points": 3}, screen={"shapes": 3, "seeds": 1},
        rescore={"top": 2, "seeds": 2}, confirm={"seeds": 2},
    )  # fmt: skip
    schedule = study.schedule()
    model, rng = network(0), np.random.default_rng(0)
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    scheduler = schedule.to_torch(optimizer)
    for _ in range(STEPS):
        optimizer.zero_grad()
        batch_loss(model, rng).backward()
        optimizer.step()
        scheduler.step()
    exported, searched = validation_loss(model), train(schedule.values(), 0)
    print(f"winner: {schedule}")
    print(f"validation loss with the scheduler {exported:.6f}, with the same rates by hand {searched:.6f}")


if __name__ == "__main__":
    main()
