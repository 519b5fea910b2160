"""The family ``smooth_nonmonotonic`` fitted to the optimal schedule: is its form enough?"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.engine import evaluate
from lrshape.errors import InputError
from lrshape.optimum.fit import fit
from lrshape.report.figures._common import WIDE, grid_lines, new_figure, styled
from lrshape.report.palette import CATEGORIES, INK
from lrshape.report.words import percent
from lrshape.reproduce._figure import write_figure
from lrshape.study.spec import StudySpec
from lrshape.workloads.linear_regression import LinearRegression

FAMILY = "smooth_nonmonotonic"
SHAPES = {"smoke": 64, "cpu": 256, "gpu": 256}


def fitted(spec: Mapping[str, Any], scale: str, directory: Path) -> list[Path]:
    """Fit the family to the optimum in ``directory/optimum``, draw both, and say what the fit loses.

    Args:
        spec: the study's on linear regression that the optimum belongs to.
        scale: how many shapes the fit tries first.
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
    found = fit(optimum, FAMILY, sampling=parsed.sampling, shapes=SHAPES[scale])
    recursion = LinearRegression(**{**parsed.workload.model_dump(), "dynamics": "recursion"})
    both = np.stack([optimum, found.schedule.values()])
    losses = evaluate(recursion, both, np.zeros(2, np.int64))["final/train_loss"]
    gap = float(losses[1] / losses[0] - 1)
    document = {
        "schedule": found.schedule.to_dict(),
        "relative_rms_error": found.error,
        "optimum_loss": float(losses[0]),
        "fit_loss": float(losses[1]),
        "gap": gap,
    }
    (directory / "fit.json").write_text(f"{json.dumps(document, indent=2)}\n", "utf-8")
    return [directory / "fit.json", *write_figure(_figure(both, gap), "fit", directory)]


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
