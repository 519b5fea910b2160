"""What a schedule of weight decay, or one of a parameter group, gains over a constant that is tuned alike.

lrshape search examples/NAME.toml --set seed=N --out studies/digits-mlp/NAME-N

The stored studies are those of ``weight-decay-schedule`` and ``two-groups`` with N = 0 and 1, without the
trials of their screens, which no number here needs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from effects import Effect, contest_effect
from numpy.typing import NDArray
from stored import STUDIES

from lrshape.analysis.tables import records
from lrshape.procedure.scheduled import schedule
from lrshape.report.palette import CATEGORIES, MUTED
from lrshape.report.plotting import (
    TEXT,
    grid_lines,
    legend_below,
    panel_title,
    panels,
    progress_axes,
    scale_axis,
    styled,
)
from lrshape.shapes import FAMILIES
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.steps import progress
from lrshape.study.study import Study

SEARCHES = {
    "weight-decay-schedule": "weight decay",
    "two-groups": "LR of the output layer",
}
"""Stored studies of `examples/`, and what the search gave a schedule."""
FOLDER = STUDIES / "digits-mlp"
LOWEST = 1e-4
"""Values below this share of the largest are not drawn."""


class Repetition(NamedTuple):
    """One search, confirmed on fresh seeds.

    Attributes:
        found: value of the quantity at every step, (steps,).
        constant: the same of the baseline.
        loss: median with what was found.
        constant_loss: median of the baseline.
        effect: how far the baseline's loss is above the other one, whatever better base LRs gain on either
            side.
        trials: that the search may train.
        seeds: of the comparison.
    """

    found: NDArray[np.float64]
    constant: NDArray[np.float64]
    loss: float
    constant_loss: float
    effect: Effect
    trials: int | None
    seeds: int

    @property
    def active(self) -> float:
        """The share of training in which what was found is above 1% of its peak."""
        return float(np.mean(self.found > 0.01 * self.found.max()))


class Search(NamedTuple):
    """What was searched, and what each repetition found."""

    quantity: str
    repetitions: list[Repetition]

    @property
    def bound(self) -> float:
        """The largest gain that some repetition's interval does not exclude, as a share."""
        return max(one.effect.high for one in self.repetitions)

    @property
    def shortest(self) -> float:
        """The smallest `Repetition.active`."""
        return min(one.active for one in self.repetitions)

    @property
    def gains(self) -> bool:
        """Whether a repetition has found what is better than the baseline."""
        return any(one.effect.verdict == "worse" for one in self.repetitions)


def _repetition(study: Study) -> Repetition:
    analysis = study.analysis()
    won, constant = sorted(records(analysis.confirmed), key=lambda row: row["is_baseline"])
    schedules = study.schedules()
    (name,) = schedules.keys() - {"lr"}
    (baseline,) = study.best().baselines
    lr = Schedule(
        FAMILIES[baseline.family].from_params(baseline.params),
        {},
        baseline.base_lr,
        study.steps,
        study.step_rule,
    )
    return Repetition(
        schedules[name].values(),
        schedule(name, baseline.hyperparameters[name], lr, baseline.base_lr).values(),
        won["score"],
        constant["score"],
        contest_effect(constant | {"scale": analysis.scale}, won),
        study.spec.max_trials,
        constant["pairs"],
    )


@styled()
def draw(searches: Sequence[Search]) -> Any:
    """Draw a panel for each search: what each repetition found, beside its baseline."""
    figure, axes = panels(len(searches), row_height=2.2)
    for ax, search in zip(axes, searches, strict=True):
        grid_lines(ax, "y")
        for number, (one, colour) in enumerate(zip(search.repetitions, CATEGORIES, strict=False)):
            t = progress(len(one.found))
            words = f"repetition {number + 1}"
            ax.plot(t, one.found, color=colour.light, label=words)
            ax.plot(t, one.constant, color=colour.light, ls=(0, (4, 1.6)), lw=1.2, label=f"{words}, baseline")
        panel_title(ax, search.quantity, "")
    values = np.concatenate([one.found for search in searches for one in search.repetitions])
    progress_axes(axes[0])  # whose limits of y are those of multipliers
    scale_axis(axes[0].yaxis, [*values[values > LOWEST * values.max()]], log=True)
    for ax in axes:
        ax.set_xlabel("training progress")
    figure.supylabel("value", fontsize=TEXT, color=MUTED.light)
    legend_below(figure, axes[0].get_lines())
    return figure


def findings() -> Mapping[str, Any]:
    """What the section shows."""
    searches = []
    for name, quantity in SEARCHES.items():
        paths = sorted(file.parent for file in FOLDER.glob(f"{name}-*/study.json"))
        searches.append(Search(quantity, [_repetition(Study(path)) for path in paths]))
    return {"searches": searches, "drawing": draw(searches)}
