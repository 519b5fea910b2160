"""How well laws of curves predict: the multi-power law's own split, differences of schedules, and time."""

import time
from collections.abc import Iterator, Sequence

import numpy as np
from _measure import table
from _suggest_data import SPLIT, multi_power_runs

from lrshape.predict.curve_law import FittedCurve
from lrshape.predict.laws.curves import CURVE_LAWS, MULTI_POWER
from lrshape.predict.runs import Run

SIZES = (25, 400)
GIVEN = {
    "constant + WSD": ("constant_24000", "wsd_20000_24000"),
    "constant + WSD, linear": ("constant_24000", "wsdld_20000_24000"),
    "constant + wsdcon_9 + cosine": SPLIT,
    "constant + wsdcon_3": ("constant_24000", "wsdcon_3"),
    "constant + wsdcon_9": ("constant_24000", "wsdcon_9"),
    "constant + cosine": ("constant_24000", "cosine_24000"),
    "cosine + WSD, linear": ("cosine_24000", "wsdld_20000_24000"),
}
"""Runs that are fitted for part (b)."""


def curve_errors(fitted: FittedCurve, runs: Sequence[Run]) -> list[float]:
    """Return the means over runs of R2, MAE, RMSE and of the mean and the worst relative error."""
    rows = []
    for run in runs:
        error = fitted.curve(run.lrs, run.points) - run.losses
        relative = np.abs(error / run.losses)
        rows.append(
            (
                1 - np.mean(error**2) / np.var(run.losses),
                np.mean(np.abs(error)),
                np.sqrt(np.mean(error**2)),
                np.mean(relative),
                np.max(relative),
            )
        )
    return np.mean(rows, axis=0).tolist()


def split_table() -> str:
    """Part (a): fitted on three runs, tested on the other six."""
    rows = []
    for size in SIZES:
        runs = multi_power_runs(size)
        given, unseen = [runs[name] for name in SPLIT], [runs[name] for name in runs if name not in SPLIT]
        for name, law in CURVE_LAWS.items():
            found = curve_errors(law.fit(given), unseen)
            rows.append((f"{size}M", name, *(f"{value:.5f}" for value in found)))
    return table(("model", "law", "R2", "MAE", "RMSE", "PredE", "WorstE"), rows)


def gain_errors(size: int, given: Sequence[str]) -> dict[str, float]:
    """Return by how much each law, and their mean, misses the difference of final losses, WSD - cosine."""
    runs = multi_power_runs(size)
    pair = [runs["wsd_20000_24000"], runs["cosine_24000"]]
    truth = pair[0].losses[-1] - pair[1].losses[-1]
    found = {}
    for name, law in CURVE_LAWS.items():
        predicted = law.fit([runs[run] for run in given]).predict([run.lrs for run in pair])
        found[name] = float(predicted[0] - predicted[1] - truth)
    return {**found, "mean of laws": float(np.mean(list(found.values())))}


def gain_table() -> str:
    """Part (b): errors of the difference WSD minus cosine at 24,000 steps."""
    rows = []
    for size in SIZES:
        for what, given in GIVEN.items():
            errors = gain_errors(size, given)
            rows.append((f"{size}M", what, *(f"{error:+.4f}" for error in errors.values())))
    return table(("model", "given runs", *CURVE_LAWS, "mean of laws"), rows)


def long_runs() -> Iterator[Run]:
    """Ten runs of 100,000 steps whose LR changes at every step."""
    runs = multi_power_runs(25)
    truth = MULTI_POWER.fit([runs[name] for name in SPLIT])
    progress = (np.arange(100_000) + 0.5) / 100_000
    for i in range(10):
        lrs = 3e-4 * np.minimum(progress / 0.02, 1) * (1 - progress) ** (0.3 + 0.2 * i)
        points = np.arange(50, 100_001, 50)
        yield Run(f"long {i}", lrs, points, truth.curve(lrs, points))


def seconds_table() -> str:
    """Part (g): seconds of one fit."""
    cases = {
        "3 runs of 14,000 to 24,000 steps": [multi_power_runs(25)[name] for name in SPLIT],
        "9 runs of 14,000 to 72,000 steps": list(multi_power_runs(400).values()),
        "10 runs of 100,000 steps, 2,000 losses each": list(long_runs()),
    }
    rows = []
    for what, runs in cases.items():
        row = [what]
        for law in CURVE_LAWS.values():
            start = time.perf_counter()
            law.fit(runs)
            row.append(f"{time.perf_counter() - start:.1f}")
        rows.append(tuple(row))
    return table(("runs", *CURVE_LAWS), rows)
