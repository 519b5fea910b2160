"""Curves that follow a law of loss curves, and the public ones beside the repository, where they are."""

from pathlib import Path

import numpy as np
import pytest

from lrshape.predict.curve_law import FittedCurve, Units

STEPS = 4000
PROGRESS = (np.arange(STEPS) + 0.5) / STEPS
WARMUP = np.minimum(PROGRESS / 0.05, 1)
SHARED = Path(__file__).resolve().parents[3] / "shared"
CURVES = SHARED / "data" / "curves"


def typical(law):
    """The law with its priors' means as parameters."""
    means = np.array([mean for mean, _ in law.priors.values()])
    return FittedCurve(law, Units(STEPS, 1e-3, 3.0), means, np.eye(len(means)))


def need(path):
    if not path.exists():
        pytest.skip(f"needs {path.relative_to(SHARED.parent)}")
    return path
