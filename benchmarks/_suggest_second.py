"""Part (n) of `suggest.py`: what next runs are worth, by the regret of the suggestion that follows them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from _measure import table
from _suggest_grid import Cell, read_grid, sweeps
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.predict.held_out import held_out, widening
from lrshape.predict.laws.convex_bound import DISTANCE_ERROR, RELATIVE_NOISE, FittedBound, Terms
from lrshape.predict.next_runs import next_runs
from lrshape.predict.runs import Run
from lrshape.predict.shape_transfer import transfer_sweep
from lrshape.predict.suggestion import Row, Today
from lrshape.shapes.schedule import Schedule

Array = NDArray[np.float64]
Pick = Callable[["Round"], list[Cell]]

MOST = 2
"""Runs between two suggestions."""
DRAWS = 300


class Round:
    """What is known before a choice of next runs: the cells that were run, and what the law makes of them."""

    def __init__(self, cells: Sequence[Cell], shapes: dict[str, Array], known: Sequence[Cell]):
        self.cells, self.shapes, self.known = cells, shapes, list(known)
        self.runs = [
            Run(cell.shape, shapes[cell.shape] * cell.peak_lr, [len(shapes[cell.shape])], [cell.loss])
            for cell in known
        ]
        self.names = sorted({cell.shape for cell in cells})
        self.open = [cell for cell in cells if cell not in self.known]

    def suggestion(self) -> Cell:
        """Return the cell that is suggested."""
        offered = [[cell.peak_lr for cell in self.cells if cell.shape == name] for name in self.names]
        first = transfer_sweep(self.runs, [self.shapes[name] for name in self.names], offered).forecasts[0]
        wanted = self.names[first.shape], first.base_lr
        return next(cell for cell in self.cells if (cell.shape, cell.peak_lr) == wanted)


def by_rules(known: Round) -> list[Cell]:
    """Return the next runs of `lrshape suggest`, each the nearest open cell of its shape."""
    found = transfer_sweep(known.runs, [known.shapes[name] for name in known.names])
    rows = [
        Row(
            known.names[each.shape],
            Schedule.from_values(known.shapes[known.names[each.shape]]).replace(base_lr=each.base_lr),
            own=False,
            loss=each.loss,
        )
        for each in found.forecasts
    ]
    best = min(known.runs, key=lambda run: run.final_loss)
    today = Today(best, Schedule.from_values(best.lrs))
    wider = widening(held_out(found.fitted.runs))
    chosen: list[Cell] = []
    for run in next_runs(rows, found, today, wider):
        near = [cell for cell in known.open if cell.shape == run.name and cell not in chosen]
        if near:
            chosen.append(min(near, key=lambda cell: abs(np.log(cell.peak_lr / run.schedule.base_lr))))
    return chosen[:MOST]


def by_forecast(known: Round) -> list[Cell]:
    """Return the open cells of the shapes that are expected to be best, each shape once."""
    offered = [[cell.peak_lr for cell in known.open if cell.shape == name] for name in known.names]
    found = transfer_sweep(known.runs, [known.shapes[name] for name in known.names], offered).forecasts
    shapes = list(dict.fromkeys(each.shape for each in found))[:MOST]
    wanted = [next(each for each in found if each.shape == shape) for shape in shapes]
    cells = {(cell.shape, cell.peak_lr): cell for cell in known.open}
    return [cells[known.names[each.shape], each.base_lr] for each in wanted]


def by_regret(known: Round) -> list[Cell]:
    """Return the open cells that shrink the expected regret most: knowledge gradient, one after the other.

    The joint distribution of losses is that of the bound's coefficients, plus a random walk in the log of
    the best base LR, whose variance is that of `FittedBound.difference`.
    """
    found = transfer_sweep(known.runs, [known.shapes[name] for name in known.names])
    law, peaks = found.fitted.law, found.limit * (1 + 1e-9)
    cells = [cell for cell in known.cells if cell.peak_lr * known.shapes[cell.shape].max() <= peaks]
    terms = [law.terms(known.shapes[cell.shape] * cell.peak_lr) for cell in cells]
    mean, covariance = joint(found.fitted, terms)
    noise = (RELATIVE_NOISE * min(run.final_loss for run in known.runs)) ** 2
    z = np.random.default_rng(0).standard_normal(DRAWS)
    z -= z.mean()
    chosen: list[Cell] = []
    for _ in range(MOST):
        at = [i for i, cell in enumerate(cells) if cell in known.open and cell not in chosen]
        if not at:
            break
        moves = covariance[:, at] / np.sqrt(np.diag(covariance)[at] + noise)
        least = (mean[:, None, None] + moves[:, :, None] * z).min(axis=0).mean(axis=1)
        best = at[int(least.argmin())]
        chosen.append(cells[best])
        column = covariance[:, best]
        covariance = covariance - np.outer(column, column) / (column[best] + noise)
    return chosen


def joint(fitted: FittedBound, terms: Sequence[Terms]) -> tuple[Array, Array]:
    """Return the mean, ``(n,)``, and the covariance, ``(n, n)``, of losses less the best run's."""
    change = fitted.rows(terms) - fitted.rows([fitted.reference])
    every = [fitted.reference, *terms]
    best = np.log(fitted.best_factors(every) * [each.peak for each in every])
    away = best[1:] - best[0]
    walk = (np.abs(away)[:, None] + np.abs(away) - np.abs(away[:, None] - away)) / 2
    law = (DISTANCE_ERROR * fitted.curvature) ** 2 * walk
    return change @ fitted.coefficients, change @ fitted.covariance @ change.T + law


PICKS: dict[str, Pick] = {
    "the rules": by_rules,
    "the best forecasts": by_forecast,
    "expected regret": by_regret,
}


def second_table(path: Path) -> str:
    """Return regrets of the suggestion after one and two next runs, and of the best run by then."""
    grid, shapes = read_grid(path)
    found: dict[tuple[int, str, int], list[tuple[float, float]]] = {}
    for steps, cells in sorted(grid.items()):
        own = {name: values for (name, of), values in shapes.items() if of == steps}
        best = min(cell.loss for cell in cells)
        for sweep in sweeps(cells, 1):
            given = min(len(sweep), 3)
            known = Round(cells, own, sweep)
            for name, pick in PICKS.items():
                chosen = pick(known)
                for count in range(MOST + 1):
                    after = Round(cells, own, [*sweep, *chosen[:count]])
                    try:
                        suggested = after.suggestion().loss
                    except InputError:
                        suggested = min(cell.loss for cell in after.known)
                    regrets = suggested - best, min(cell.loss for cell in after.known) - best
                    found.setdefault((given, name, count), []).append(regrets)
    rows = []
    for (given, name, count), pairs in sorted(found.items(), key=lambda item: item[0][0]):
        if count == 0 and name != "the rules":
            continue
        suggested, run = np.array(pairs).T
        rows.append(
            (
                "three or more" if given == 3 else str(given),
                str(len(pairs)),
                name if count else "",
                str(count),
                f"{suggested.mean():.4f}",
                f"{suggested.max():.4f}",
                f"{run.mean():.4f}",
                f"{run.max():.4f}",
            )
        )
    headings = ("runs given", "cases", "next runs by", "next runs", "mean regret", "worst")
    return table((*headings, "best run by then, mean", "worst"), rows)
