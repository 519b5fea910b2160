"""Trainings of lrshape's own workloads as runs: 8 shapes at 2 base LRs each, trained once and kept."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrshape.files import write_file
from lrshape.predict.candidates import candidates
from lrshape.predict.runs import Run
from lrshape.shapes.schedule import Schedule
from lrshape.training.evaluation import evaluate
from lrshape.training.workload import WORKLOADS

SEEDS = 3
"""Every run has one of so many seeds: those of a user differ, too."""
POINTS = 20
"""Validation losses of a run."""
WARMUP = 0.05


class Own(NamedTuple):
    """A workload that is trained here, small enough for minutes on two cores.

    Attributes:
        settings: of the workload.
        base_lrs: near the best ones of most shapes.
    """

    settings: dict[str, Any]
    base_lrs: tuple[float, ...]


OWN = {
    "chars-transformer": Own(
        {"steps": 400, "batch_size": 8, "train_sequences": 1, "valid_sequences": 100}, (1.2e-2, 2.4e-2)
    ),
    "cifar10-cnn": Own(
        {"steps": 160, "batch_size": 32, "train_images": 400, "test_images": 400}, (7e-4, 1.4e-3)
    ),
    "digits-cnn": Own({"steps": 300}, (8e-3, 1.6e-2)),
}


STEP = "a step to 20% at half"
TRAINED = (
    "linear to 0", "cosine to 0", "cosine to 10%", "WSD 20%", "WSD 40% (1-sqrt)", "power 2", "constant", STEP
)  # fmt: skip
"""Of the shapes, those that are trained here."""


def shapes(steps: int) -> dict[str, NDArray[np.float64]]:
    """Return multipliers of those that lrshape suggests and of two more, by name."""
    found = {each.name: each.schedule for each in candidates(steps, round(WARMUP * steps), None, [])}
    found["constant"] = Schedule("constant", {"warmup": WARMUP}, 1.0, steps)
    rows = {name: schedule.multipliers() for name, schedule in found.items()}
    rows[STEP] = rows["constant"] * np.where(np.arange(steps) < steps / 2, 1, 0.2)
    return rows


def own_runs(name: str, folder: Path) -> list[list[Run]]:
    """Return the runs of one workload, those of one base LR together.

    Those that the folder does not hold are trained; runs that diverge are left out.
    """
    own = OWN[name]
    steps = own.settings["steps"]
    every = steps // POINTS
    workload = WORKLOADS[name](**own.settings, evaluate_every=every)
    groups: list[list[Run]] = [[] for _ in own.base_lrs]
    rows = shapes(steps)
    for i, shape in enumerate(TRAINED):
        path = folder / name / f"{shape.replace('%', '').replace(' ', '-')}.json"
        lrs = np.outer(own.base_lrs, rows[shape])
        if not path.exists():
            seeds = (i + np.arange(len(lrs))) % SEEDS
            curves = [curve.valid_loss.tolist() for curve in evaluate(workload, lrs, seeds).curves if curve]
            write_file(path, json.dumps(curves).encode())
        curves = json.loads(path.read_text())
        for group, base_lr, each, losses in zip(groups, own.base_lrs, lrs, curves, strict=True):
            if len(losses) == POINTS:
                points = np.arange(1, POINTS + 1) * every
                group.append(Run(f"{shape} at {base_lr:g}", each, points, losses))
    return groups
