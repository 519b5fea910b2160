"""Part (c) of `suggest.py`: suggestions from LR sweeps of one shape, judged on a public grid of trainings.

Data: `grid_124m.csv` of github.com/fabian-sp/lr-scheduling (arXiv:2501.18965): final validation losses of a
124M language model, shape x peak LR x horizon. A suggestion is one cell; its regret is how far it ends above
the best cell of that horizon. The exponents of the law come from other data (arXiv:2503.12811); `CAUTION`
does not, so that it is also judged on each horizon as the other two choose it.
"""

import argparse
import csv
import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrshape.predict.laws.convex_bound import ConvexBound
from lrshape.predict.runs import Run
from lrshape.predict.shape_transfer import CAUTION, transfer_sweep

WARMUP = 300
"""Steps, linear from 1% of the peak LR."""
NOISE = 0.0012
"""Standard deviation of the final loss over repeats of one training."""
SOURCES = ("hold, then linear over the last 0.2", "hold, then linear over the last 0.1", "cosine to 10%")
CAUTIONS = (0.0, 0.125, 0.25, 0.375, 0.5)
CLOSE = 0.002
"""Regret, in nats, up to which a suggestion counts as one of the best."""


class Cell(NamedTuple):
    """One training of the grid, or the mean of its repeats."""

    shape: str
    peak_lr: float
    loss: float


class Case(NamedTuple):
    """One sweep that a user may have, and what was suggested from it."""

    steps: int
    source: str
    lrs: tuple[float, ...]
    at_edge: bool
    first: Cell
    regret: float
    regret_of_two: float
    covered: float
    forecast: float
    gain: float


Grid = dict[int, list[Cell]]


def read_grid(path: Path) -> tuple[Grid, dict[tuple[str, int], NDArray[np.float64]]]:
    """Return the cells of each horizon, and the multipliers of each (shape, horizon)."""
    losses: dict[tuple[int, str, float], list[float]] = defaultdict(list)
    shapes = {}
    for row in csv.DictReader(path.read_text().splitlines()):
        steps = int(row["steps"])
        losses[steps, row["shape"], float(row["peak_lr"])].append(float(row["final_val_loss"]))
        shapes[row["shape"], steps] = multipliers(row, steps)
    grid: Grid = defaultdict(list)
    for (steps, shape, peak_lr), values in losses.items():
        grid[steps].append(Cell(shape, peak_lr, float(np.mean(values))))
    return grid, shapes


def multipliers(row: dict[str, str], steps: int) -> NDArray[np.float64]:
    """Return the multipliers of a row of the grid, ``(steps,)``."""
    step = np.arange(steps)
    if row["scheduler"] == "cos":
        end = 0.1 if row["shape"] == "cosine to 10%" else 0.0
        progress = np.clip((step - WARMUP) / (steps - WARMUP), 0, 1)
        shape = end + (1 - end) * (1 + np.cos(np.pi * progress)) / 2
    else:
        length = float(row["cooldown"]) * steps
        progress = np.clip((step - (steps - length)) / max(length, 1), 0, 1)
        shape = 1 - (np.sqrt(progress) if row["decay_type"] == "sqrt" else progress)
    return shape * np.clip((step + 1) / WARMUP, 0.01, 1)


def sweeps(cells: Sequence[Cell], least: int) -> Iterator[list[Cell]]:
    """Yield every sweep of at least ``least`` LRs of each source shape."""
    for source in SOURCES:
        row = sorted((cell for cell in cells if cell.shape == source), key=lambda cell: cell.peak_lr)
        for count in range(least, len(row) + 1):
            yield from (list(chosen) for chosen in itertools.combinations(row, count))


def judge(
    cells: Sequence[Cell],
    shapes: dict[tuple[str, int], NDArray[np.float64]],
    steps: int,
    sweep: Sequence[Cell],
    noise: NDArray[np.float64],
    law: ConvexBound | None,
    caution: float,
) -> Case:
    """Suggest from one sweep, whose losses are disturbed by ``noise``, ``(len(sweep),)``."""
    names = sorted({cell.shape for cell in cells})
    offered = [[cell.peak_lr for cell in cells if cell.shape == name] for name in names]
    end = np.array([steps])
    runs = [
        Run(f"{cell.peak_lr:g}", shapes[cell.shape, steps] * cell.peak_lr, end, np.array([cell.loss + error]))
        for cell, error in zip(sweep, noise, strict=True)
    ]
    found = transfer_sweep(runs, [shapes[name, steps] for name in names], offered, law, caution).forecasts
    true = {(cell.shape, cell.peak_lr): cell for cell in cells}
    chosen = [true[names[forecast.shape], forecast.base_lr] for forecast in found]
    second = next(cell for cell in chosen if cell.shape != chosen[0].shape)
    best = min(cell.loss for cell in cells)
    own = min(range(len(sweep)), key=lambda i: runs[i].final_loss)
    covered = [
        forecast.interval[0] <= cell.loss - runs[own].final_loss <= forecast.interval[1]
        for forecast, cell in zip(found, chosen, strict=True)
        if cell.shape != sweep[0].shape and cell.loss < best + 0.05
    ]
    return Case(
        steps,
        sweep[0].shape,
        tuple(cell.peak_lr for cell in sweep),
        own in (0, len(sweep) - 1),
        chosen[0],
        chosen[0].loss - best,
        min(chosen[0].loss, second.loss) - best,
        float(np.mean(covered)),
        -found[0].difference,
        runs[own].final_loss - chosen[0].loss,
    )


def judge_grid(
    path: Path, least: int = 3, draws: int = 0, law: ConvexBound | None = None, caution: float = CAUTION
) -> list[Case]:
    """Judge every sweep of at least ``least`` LRs; with ``draws`` > 0 each so often, with fresh noise."""
    grid, shapes = read_grid(path)
    rng = np.random.default_rng(0)
    return [
        judge(
            cells, shapes, steps, sweep, NOISE * rng.standard_normal(len(sweep)) * (draws > 0), law, caution
        )
        for steps, cells in sorted(grid.items())
        for sweep in sweeps(cells, least)
        for _ in range(max(draws, 1))
    ]


def judge_held_out(path: Path) -> list[Case]:
    """Judge each horizon with the caution that has the least mean regret on the others."""
    judged = {caution: judge_grid(path, caution=caution) for caution in CAUTIONS}
    horizons = sorted({case.steps for case in judged[CAUTION]})

    def regret(caution: float, steps: int) -> float:
        return float(np.mean([case.regret for case in judged[caution] if case.steps == steps]))

    cases = []
    for held_out in horizons:
        others = [steps for steps in horizons if steps != held_out]
        chosen = min(CAUTIONS, key=lambda caution: sum(regret(caution, steps) for steps in others))
        cases += [case for case in judged[chosen] if case.steps == held_out]
    return cases


def describe(cases: Sequence[Case]) -> str:
    """Return a table in Markdown: regret of the first suggestion, of the better of two, and coverage."""
    groups = {f"{steps:,} steps": [c for c in cases if c.steps == steps] for steps in (15000, 25000, 50000)}
    groups |= {f"from {source}": [c for c in cases if c.source == source] for source in SOURCES}
    groups |= {
        "two LRs": [c for c in cases if len(c.lrs) == 2],
        "three LRs": [c for c in cases if len(c.lrs) == 3],
        "best LR at an edge": [c for c in cases if c.at_edge],
        "all": list(cases),
    }
    lines = ["| sweeps | cases | median regret | worst | one of two close | 95% intervals hold |"]
    lines.append("|---|---|---|---|---|---|")
    for name, group in groups.items():
        if group:
            regrets = np.array([case.regret for case in group])
            close = np.mean([case.regret_of_two <= CLOSE for case in group])
            held = np.mean([case.covered for case in group])
            lines.append(
                f"| {name} | {len(group)} | {np.median(regrets):.4f} | {regrets.max():.4f} "
                f"| {close:.0%} | {held:.0%} |"
            )
    return "\n".join(lines)


def describe_gains(cases: Sequence[Case]) -> str:
    """Return a table in Markdown: what first suggestions should gain over the best run, and do gain."""
    lines = ["| source | cases | gain forecast, median | gain, median | gains larger than forecast |"]
    lines.append("|---|---|---|---|---|")
    for source in (*SOURCES, "all"):
        group = [case for case in cases if source in (case.source, "all")]
        forecast, gain = (np.array([getattr(case, name) for case in group]) for name in ("forecast", "gain"))
        lines.append(
            f"| {source} | {len(group)} | {np.median(forecast):.4f} | {np.median(gain):.4f} "
            f"| {np.mean(gain > forecast):.0%} |"
        )
    return "\n".join(lines)


def main(path: Path, draws: int = 5) -> str:
    """Return the report: without noise, with the noise of a run, and by the theorem's own exponents."""
    theorem = ConvexBound(rate=1, memory=1)
    parts = {
        "Sweeps of three LRs or more": judge_grid(path),
        f"The same, each with {draws} draws of a run's noise": judge_grid(path, draws=draws),
        "Sweeps of three LRs or more, the caution chosen without the number of steps that it is tested on": (
            judge_held_out(path)
        ),
        "Sweeps of two LRs or more": judge_grid(path, least=2),
        "The theorem's own exponents": judge_grid(path, law=theorem),
    }
    gains = f"### What the first suggestions gain over the best run\n\n{describe_gains(judge_grid(path))}"
    return "\n\n".join([*(f"### {title}\n\n{describe(cases)}" for title, cases in parts.items()), gains])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("grid", type=Path, help="grid_124m.csv")
    parser.add_argument("--draws", type=int, default=5, help="draws of noise for each sweep")
    given = parser.parse_args()
    print(main(given.grid, given.draws))
