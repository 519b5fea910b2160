"""What search_efficiency.py searches on, and the optimum where it is known."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OPTIMA = Path(__file__).resolve().parent.parent / "studies" / "linear-regression"
"""Where `lrshape optimum` has stored the best schedules of these linear regressions."""


@dataclass(frozen=True)
class Task:
    """A workload to search on.

    Attributes:
        label: in tables.
        document: the spec that all contenders share.
        members: trials in a program.
        truth_seeds: fresh seeds on which a recommended schedule is scored.
        budgets: of the learning contenders; empty: each contender's own.
        optimum: the lowest score of all schedules, where seeds change nothing and it is known.
    """

    label: str
    document: Mapping[str, Any]
    members: int = 16
    truth_seeds: int = 40
    budgets: tuple[int, ...] = ()
    optimum: float | None = None

    @property
    def is_exact(self) -> bool:
        """Whether seeds change nothing."""
        return self.optimum is not None


def _regression(label: str, batch_size: int, exponent: float, stored: str) -> Task:
    settings = {"steps": 300, "dimension": 200, "batch_size": batch_size, "exponent": exponent}
    document = {"workload": {"name": "linear-regression", **settings}}
    optimum = json.loads((OPTIMA / stored).read_text(encoding="utf-8"))["optimum"]["loss"]
    return Task(label, document, 256, truth_seeds=1, budgets=(64, 128, 256, 600), optimum=optimum)


def _image(label: str, workload: dict[str, Any], **settings: Any) -> Task:
    document = {"workload": workload, "metric": "final/train_loss"}
    return Task(label, document, **settings)


TASKS: Mapping[str, Task] = {
    "regression": _regression("linear-regression, B = 1, exponent 1", 1, 1.0, "optimum.json"),
    "regression-flat": _regression("linear-regression, B = 2, exponent 0.5", 2, 0.5, "optimum-flat.json"),
    "regression-large-batch": _regression(
        "linear-regression, B = 10, exponent 1", 10, 1.0, "optimum-large-batch.json"
    ),
    "digits-mlp": _image("digits-mlp, 300 steps", {"name": "digits-mlp"}),
    "digits-cnn": _image("digits-cnn, 100 steps", {"name": "digits-cnn", "steps": 100}),
    "cifar10-cnn": _image(
        "cifar10-cnn, 40 steps of 16 images",
        {"name": "cifar10-cnn", "steps": 40, "batch_size": 16, "train_images": 400, "test_images": 400},
    ),
}
