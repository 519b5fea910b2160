"""The family ``smooth_nonmonotonic`` fitted to the optimal schedule: is its form enough?"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import qmc

from lrshape.engine import evaluate
from lrshape.errors import InputError
from lrshape.families import FAMILIES
from lrshape.report.figures._common import WIDE, grid_lines, new_figure, styled
from lrshape.report.palette import CATEGORIES, INK
from lrshape.report.words import percent
from lrshape.reproduce._figure import write_figure
from lrshape.schedule import Schedule
from lrshape.study.spec import StudySpec
from lrshape.workloads.linear_regression import LinearRegression

FAMILY = "smooth_nonmonotonic"
STARTS = {"smoke": 4, "cpu": 32, "gpu": 32}


def fitted(spec: Mapping[str, Any], scale: str, directory: Path) -> list[Path]:
    """Fit the family to the optimum in ``directory/optimum``, draw both, and say what the fit loses.

    Args:
        spec: the study's on linear regression that the optimum belongs to.
        scale: how many starts the fit has.
        directory: where ``optimum/optimum.json`` is, and ``fit.json`` and the figure go to.

    Raises:
        InputError: if there is no optimum, or it is of another number of steps.
    """
    parsed = StudySpec.parse(spec)
    file = directory / "optimum" / "optimum.json"
    try:
        optimum = np.asarray(json.loads(file.read_text("utf-8"))["optimum"]["lrs"], np.float64)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{file}: is no optimum as `lrshape optimum` writes it: {error}") from None
    if len(optimum) != parsed.workload.steps:
        raise InputError(f"{file}: must have {parsed.workload.steps} learning rates, got {len(optimum)}")
    schedule, error = fit(optimum, parsed.sampling, STARTS[scale])
    recursion = LinearRegression(**{**parsed.workload.model_dump(), "dynamics": "recursion"})
    both = np.stack([optimum, schedule.values()])
    losses = evaluate(recursion, both, np.zeros(2, np.int64))["final/train_loss"]
    gap = float(losses[1] / losses[0] - 1)
    document = {
        "schedule": schedule.to_dict(),
        "relative_rms_error": error,
        "optimum_loss": float(losses[0]),
        "fit_loss": float(losses[1]),
        "gap": gap,
    }
    (directory / "fit.json").write_text(f"{json.dumps(document, indent=2)}\n", "utf-8")
    return [directory / "fit.json", *write_figure(_figure(both, gap), "fit", directory)]


def fit(lrs: NDArray[np.float64], sampling: Any, starts: int) -> tuple[Schedule, float]:
    """Fit the family's parameters and the base LR to learning rates, by least squares from many starts.

    Args:
        lrs: shape (steps,), not negative, not all 0.
        sampling: where in a step the shape is read.
        starts: Sobol points of the parameters' cube, each refined.

    Returns:
        The schedule, and the root of the mean squared error as a share of the largest learning rate.
    """
    largest = float(lrs.max())
    family = FAMILIES[FAMILY]
    names = [p.name for p in family.parameters()]

    def made(x: NDArray[np.float64]) -> Schedule:
        params = dict(zip(names, np.clip(x[:-1], 0, 1).tolist(), strict=True))
        return Schedule(FAMILY, params, float(x[-1]) * largest, len(lrs), sampling)

    def residuals(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return (made(x).values() - lrs) / largest

    points = qmc.Sobol(len(names), rng=0).random(starts)
    low, high = np.r_[np.zeros(len(names)), 0.1], np.r_[np.ones(len(names)), 3.0]
    found = [
        least_squares(residuals, np.r_[0.02 + 0.96 * point, 1.0], bounds=(low, high), diff_step=1e-4)
        for point in points
    ]
    best = min(found, key=lambda result: result.cost)
    return made(best.x), float(np.sqrt(2 * best.cost / len(lrs)))


def _figure(both: NDArray[np.float64], gap: float) -> Any:
    with styled():
        figure = new_figure(WIDE, 3.0)
        ax = figure.subplots()
        grid_lines(ax, "y")
        steps = np.arange(both.shape[1])
        dashed = (0, (4, 2))
        ax.plot(steps, both[0], color=INK.light, lw=1.4, ls=dashed, zorder=4, label="the optimum")
        label = f"{FAMILY}, fitted\n{percent(gap)} above its loss"
        ax.plot(steps, both[1], color=CATEGORIES[0].light, lw=2.2, label=label)
        ax.set(xlabel="step", ylabel="learning rate", xlim=(0, len(steps) - 1))
        ax.set_ylim(bottom=0)
        figure.legend(loc="outside right upper", labelcolor=INK.light)
    return figure
