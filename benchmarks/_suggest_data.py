"""Public loss curves as runs: what `benchmarks/suggest.py` fits and predicts.

Where the data lies and what it holds: the README beside it. Nothing of it is kept in the repository.
"""

import os
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.predict.runs import Run

CURVES = Path(os.environ.get("LRSHAPE_CURVES", Path(__file__).parents[2] / "shared" / "data" / "curves"))
"""The folder with the data: ``$LRSHAPE_CURVES``, or beside the repository."""

SPLIT = ("cosine_24000", "constant_24000", "wsdcon_9")
"""The runs that the multi-power law's authors fit; they test on the others."""

_WARMUP, _PEAK, _FLOOR = 2160, 3e-4, 3e-5


def multi_power_lrs(name: str, steps: int) -> NDArray[np.float64]:
    """Return the LRs of a run of the multi-power law's data, ``(steps,)``, by its name."""
    step = np.arange(steps)
    kind, *numbers = name.split("_")
    lrs = np.full(steps, _PEAK)
    if kind == "cosine":
        progress = (step - _WARMUP) / (int(numbers[0]) - _WARMUP)
        lrs = _FLOOR + (_PEAK - _FLOOR) * (1 + np.cos(np.pi * progress)) / 2
    elif kind == "wsdcon":
        lrs = np.where(step < 8000, _PEAK, 1e-5 * int(numbers[0]))
    elif kind in ("wsd", "wsdld"):
        start, end = map(int, numbers)
        progress = np.clip((step - start) / (end - start), 0, 1)
        lrs = _PEAK * 0.1**progress if kind == "wsd" else _PEAK + (_FLOOR - _PEAK) * progress
    return np.where(step < _WARMUP, _PEAK * step / _WARMUP, lrs)


@cache
def multi_power_runs(size: int) -> dict[str, Run]:
    """Return the nine runs of the model with so many million parameters, each up to its last logged loss."""
    runs = {}
    for path in sorted((CURVES / "multi-power-law" / f"csv_{size}").glob("*.csv")):
        table = pd.read_csv(path)
        lrs = multi_power_lrs(path.stem, int(table["step"].iloc[-1]) + 1)
        logged = table["lr"].to_numpy()
        if np.abs(lrs[table["step"]] / logged - 1).max() > 1e-3:
            raise ValueError(f"{path}: the logged LRs are not those of its name")
        runs[path.stem] = Run(path.stem, lrs[:-1], table["step"].to_numpy(), table["loss"].to_numpy())
    return runs
