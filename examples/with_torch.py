"""PyTorch: search shapes for a small convolutional network on digits, then train with the winner.

Run ``python examples/with_torch.py``. It takes a few seconds; running it again resumes the search.
"""

import numpy as np
import torch
from sklearn.datasets import load_digits

import lrshape

torch.set_num_threads(1)  # faster for so small a network
STEPS = 40
IMAGES, DIGITS = load_digits(return_X_y=True)
X = torch.tensor(IMAGES / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
Y = torch.tensor(DIGITS)
TRAIN, VALID = slice(0, 1400), slice(1400, None)


def network(seed):
    """Return a convolution, a pooling and a linear layer, initialised from a seed."""
    torch.manual_seed(seed)
    layers = [torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(72, 10))


def batch_loss(model, rng):
    """Return the loss of a random batch."""
    chosen = torch.tensor(rng.integers(1400, size=64))
    return torch.nn.functional.cross_entropy(model(X[TRAIN][chosen]), Y[TRAIN][chosen])


@torch.no_grad()
def validation_loss(model):
    """Return the loss on held-out images."""
    return torch.nn.functional.cross_entropy(model(X[VALID]), Y[VALID]).item()


def train(lrs, seed):
    """Run one trial: the search passes a learning rate for every step."""
    model, rng = network(seed), np.random.default_rng(seed)
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    for _ in lrshape.Schedule.from_values(lrs).follow(optimizer):
        optimizer.zero_grad()
        batch_loss(model, rng).backward()
        optimizer.step()
    return validation_loss(model)


def train_exported(schedule, seed):
    """Train with the winner's scheduler, as in a script that does not search."""
    model, rng = network(seed), np.random.default_rng(seed)
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    scheduler = schedule.to_torch(optimizer)
    for _ in range(schedule.steps):
        optimizer.zero_grad()
        batch_loss(model, rng).backward()
        optimizer.step()
        scheduler.step()
    return validation_loss(model)


def main():
    """Search, then train with the winner on seeds that the search has not seen."""
    study = lrshape.search(
        train=train, steps=STEPS, families=["rex", "wsd"], baselines=["cosine", "constant"], out="with-torch",
        base_lr={"low": 0.01, "high": 1.0, "points": 3}, screen={"shapes": 3, "seeds": 1},
        rescore={"top": 2, "seeds": 2}, confirm={"seeds": 12},
    )  # fmt: skip
    schedule, best = study.schedule(), study.best()
    exported = float(np.median([train_exported(schedule, seed) for seed in range(12)]))
    print(f"winner: {schedule}")
    print(f"validation loss with the scheduler, median over 12 new seeds {exported:.4f}; "
          f"the search's 95% interval is {best.score_low:.4f} to {best.score_high:.4f}")  # fmt: skip


if __name__ == "__main__":
    main()
