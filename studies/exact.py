"""The losses of schedules where they are known: for linear regression a recursion gives the expected loss."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.analysis.scale import on_scale
from lrshape.procedure.curves import multiplier_rms, root_mean_square
from lrshape.procedure.trial import multipliers
from lrshape.shapes import FAMILIES, Family
from lrshape.training.evaluation import evaluate
from lrshape.training.workload import Workload
from lrshape.training.workloads.linear_regression import LinearRegression

Array = NDArray[np.float64]

Scores = Callable[[Sequence[Family], Array], Array]
"""Logarithms of the losses of shapes, each with a root mean square of its LRs, (shapes,)."""

OCTAVES = np.linspace(-4, 2, 10)
"""Where a shape's best root mean square of LRs is sought first, beside one that is about right."""

HALVINGS = 6
"""Then so often at half of the distance on either side: to a hundredth of an octave."""

MEMBERS = 1024
"""Schedules that are computed at once."""


def shape(given: Mapping[str, Any]) -> Family:
    """The shape of a family's name and parameters."""
    return FAMILIES[given["family"]].from_params(given["params"])


def rms_lr(one: Family, base_lr: float) -> float:
    """The root mean square of a schedule's LRs."""
    return base_lr * float(multiplier_rms([one])[0])


def lowest(scores: Scores, shapes: Sequence[Family], about: float) -> Array:
    """The lowest scores of shapes over base LRs, (shapes,).

    Args:
        scores: of shapes.
        shapes: any.
        about: a root mean square of LRs that is about right.
    """

    def at(octaves: Array) -> Array:
        return scores(shapes, about * 2**octaves)

    tried = np.stack([at(np.full(len(shapes), octave)) for octave in OCTAVES])
    least, best = tried.min(axis=0), OCTAVES[tried.argmin(axis=0)]
    step = OCTAVES[1] - OCTAVES[0]
    for _ in range(HALVINGS):
        step /= 2
        near = [best, best - step, best + step]
        tried = np.stack([least, *(at(octaves) for octaves in near[1:])])
        chosen = tried.argmin(axis=0)
        least, best = tried.min(axis=0), np.stack(near)[chosen, np.arange(len(shapes))]
    return least


def expected_scores(workload: Workload) -> Scores | None:
    """The logarithm of the expected loss, infinite where it diverges; None where it is not known."""
    if not isinstance(workload, LinearRegression):
        return None
    exact = workload.model_copy(update={"dynamics": "recursion", "evaluate_every": 0, "record_every": 0})

    def scores(shapes: Sequence[Family], sizes: Array) -> Array:
        values = multipliers(shapes, workload.steps, "midpoint")
        lrs = values * (sizes / root_mean_square(values))[:, None]
        losses = evaluate(exact, lrs, np.zeros(len(lrs), np.int64), members=MEMBERS)
        return on_scale(losses["final/train_loss"], "log")

    return scores
