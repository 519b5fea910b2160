"""Part (c) of `suggest.py`: suggestions for another number of steps than that of the sweep."""

from pathlib import Path

import numpy as np
from _measure import table
from _suggest_grid import CLOSE, read_grid, sweeps

from lrshape.predict.runs import Run
from lrshape.predict.shape_transfer import transfer_sweep


def carried_table(path: Path) -> str:
    """Return regrets and coverage by the sweep's number of steps and that of the training to come."""
    grid, shapes = read_grid(path)
    rows = []
    for given in sorted(grid):
        for wanted in sorted(set(grid) - {given}):
            names = sorted({cell.shape for cell in grid[wanted]})
            offered = [[cell.peak_lr for cell in grid[wanted] if cell.shape == name] for name in names]
            true = {(cell.shape, cell.peak_lr): cell.loss for cell in grid[wanted]}
            best, regrets, of_two, held = min(true.values()), [], [], []
            for sweep in sweeps(grid[given], 3):
                runs = [
                    Run(
                        "", shapes[cell.shape, given] * cell.peak_lr, np.array([given]), np.array([cell.loss])
                    )
                    for cell in sweep
                ]
                own = min(sweep, key=lambda cell: cell.loss)
                today = shapes[own.shape, wanted] * own.peak_lr
                multipliers = [shapes[name, wanted] for name in names]
                found = transfer_sweep(runs, multipliers, offered, today=today).forecasts
                cells = [(names[forecast.shape], forecast.base_lr) for forecast in found]
                second = next(cell for cell in cells if cell[0] != cells[0][0])
                regrets.append(true[cells[0]] - best)
                of_two.append(min(true[cells[0]], true[second]) - best)
                now = true.get((own.shape, own.peak_lr), np.nan)
                held += [
                    forecast.interval[0] <= true[cell] - now <= forecast.interval[1]
                    for forecast, cell in zip(found, cells, strict=True)
                    if cell[0] != own.shape and true[cell] < best + 0.05 and np.isfinite(now)
                ]
            rows.append(
                (
                    f"{given:,}",
                    f"{wanted:,}",
                    str(len(regrets)),
                    f"{np.median(regrets):.4f}",
                    f"{max(regrets):.4f}",
                    f"{np.mean(np.array(of_two) <= CLOSE):.0%}",
                    f"{np.mean(held):.0%}",
                )
            )
    headings = ("steps of the sweep", "to come", "sweeps", "median regret", "worst", "one of two close")
    return table((*headings, "95% intervals hold"), rows)
