"""What search_efficiency.py searches on, and the optimum where it can be computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrshape.paper.descent import descend, starts
from lrshape.paper.dynamics import Recursion
from lrshape.study.spec import StudySpec
from lrshape.training.workloads.linear_regression import LinearRegression


@dataclass(frozen=True)
class Task:
    """A workload to search on.

    Attributes:
        label: in tables.
        document: the spec that all contenders share.
        members: trials in a program.
        truth_seeds: fresh seeds on which a recommended schedule is scored.
        budgets: of the learning contenders; empty: each contender's own.
    """

    label: str
    document: Mapping[str, Any]
    members: int = 16
    truth_seeds: int = 40
    budgets: tuple[int, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether seeds change nothing and the optimum can be computed."""
        return self.document["workload"]["name"] == "linear-regression"


def _regression(label: str, batch_size: int, exponent: float) -> Task:
    settings = {"steps": 300, "dimension": 200, "batch_size": batch_size, "exponent": exponent}
    document = {"workload": {"name": "linear-regression", **settings}}
    return Task(label, document, members=256, truth_seeds=1, budgets=(64, 128, 256, 600))


def _image(label: str, workload: dict[str, Any], **settings: Any) -> Task:
    document = {"workload": workload, "metric": "final/train_loss"}
    return Task(label, document, **settings)


TASKS: Mapping[str, Task] = {
    "regression": _regression("linear-regression, B = 1, exponent 1", 1, 1.0),
    "regression-flat": _regression("linear-regression, B = 2, exponent 0.5", 2, 0.5),
    "regression-large-batch": _regression("linear-regression, B = 10, exponent 1", 10, 1.0),
    "digits-mlp": _image("digits-mlp, 300 steps", {"name": "digits-mlp"}),
    "digits-cnn": _image("digits-cnn, 100 steps", {"name": "digits-cnn", "steps": 100}),
    "cifar10-cnn": _image(
        "cifar10-cnn, 40 steps of 16 images",
        {"name": "cifar10-cnn", "steps": 40, "batch_size": 16, "train_images": 400, "test_images": 400},
    ),
}


def optimum(task: Task) -> float:
    """The lowest final loss of all schedules of a linear regression, from four descents."""
    spec = StudySpec.parse({**task.document, "families": ["two_point_spline"]})
    workload = spec.workload
    assert isinstance(workload, LinearRegression)
    dynamics = Recursion(workload.spectrum(), workload.batch_size)
    steps = np.arange(workload.steps)
    guess = {"decay": 0.2 * dynamics.lr_scale * (1 - steps / workload.steps)}
    found = [
        descend(dynamics, name, lrs)
        for name, lrs in starts(workload.steps, dynamics.lr_scale, guess, 4, 0).items()
        if np.isfinite(dynamics.losses(lrs)[0])
    ]
    return min(descent.loss for descent in found)
