"""Trials as a large study has them, made up: what is stored is real, what it says is not."""

import json

import numpy as np
import pandas as pd

from lrshape.store import NOTHING_TUNED

ROWS = 5000
METRICS = ("final/train_loss", "final/test_loss", "final/train_error", "final/test_error")
_BASE_LRS = 10
_PARAMETERS = ("delta_x1", "delta_x2", "delta_y2", "warmup", "y1")


def chunk(number: int) -> pd.DataFrame:
    """One chunk of ``ROWS`` trials: shapes with parameters of their own, each at ten base LRs.

    Losses have float32's digits, errors are shares of a test set, and a tenth has diverged.
    """
    rng = np.random.default_rng(number)
    shapes = ROWS // _BASE_LRS
    params = [
        json.dumps(dict(zip(_PARAMETERS, values, strict=True)), sort_keys=True)
        for values in rng.random((shapes, len(_PARAMETERS))).tolist()
    ]
    names = [f"two_point_spline-{number * shapes + i:04d}" for i in range(shapes)]
    losses = np.exp(rng.normal(size=(2, ROWS)))
    errors = rng.integers(0, 360, (2, ROWS)) / 360
    metrics = np.concatenate([losses, errors]).astype(np.float32).astype(np.float64)
    diverged = rng.random(ROWS) < 0.1
    metrics[:, diverged] = np.inf
    return pd.DataFrame(
        {
            "phase": "screen",
            "shape": np.repeat(names, _BASE_LRS),
            "family": "two_point_spline",
            "params": np.repeat(params, _BASE_LRS),
            "base_lr": np.tile(np.logspace(-4, 0, _BASE_LRS), shapes),
            "hyperparameters": NOTHING_TUNED,
            "seed": 0,
            **dict(zip(METRICS, metrics, strict=True)),
            "status": np.where(diverged, "diverged", "ok"),
            "first_bad_step": np.where(diverged, rng.integers(0, 300, ROWS), -1),
            "message": "",
            "wall_time": 0.0123 + number * 1e-6,
        }
    )
