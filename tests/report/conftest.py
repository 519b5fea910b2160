import json

import numpy as np
import pandas as pd
import pytest

from browsing import browser  # noqa: F401 - a fixture
from lrshape.analysis.analysis import Analysis
from lrshape.report.findings import Findings
from lrshape.report.page import write_study_page
from page_checks import check_figure, hostile  # noqa: F401

METRIC = "final/train_loss"
BASELINES = {
    "baseline-constant": ("constant", {"warmup": 0.05}, 0.026, 0.003),
    "baseline-cosine": ("cosine", {"warmup": 0.05}, 0.0125, 0.011),
    "baseline-linear": ("linear", {"floor": 0.0, "warmup": 0.05}, 0.0113, 0.012),
    "baseline-wsd": ("wsd", {"decay": 0.2, "floor": 0.0, "warmup": 0.05}, 0.0141, 0.008),
}
PARAMS = {
    "rex": {"beta": 0.4690467068, "warmup": 0.06},
    "two_point_spline": {"delta_x1": 0.4, "delta_x2": 0.3, "delta_y2": 0.5, "warmup": 0.1, "y1": 0.8},
    "generalized_cosine": {"exponent": 0.7, "warmup": 0.1},
}


class Studies:
    """Synthetic trials tables: loss = quality x parabola in log LR x noise by seed; a high LR diverges."""

    def __call__(
        self,
        families=("generalized_cosine", "rex", "two_point_spline"),
        *,
        shapes=8,
        base_lrs=6,
        seeds=(2, 8, 16),
        phases=("screen", "rescore", "confirm"),
        baselines=tuple(BASELINES),
        best=0.006,
        status=None,
        seed=0,
    ):
        """``best``: median of the best shape; the best baseline has 0.0113. ``status``: of all trials."""
        self._random = np.random.default_rng(seed)
        self._noise = {}
        self._status = status
        grid = np.logspace(-4, -0.5, base_lrs) if base_lrs > 1 else np.array([0.01])
        searched = [
            (f"{family}-{i:04d}", family, PARAMS.get(family, {}), best * (1 + 0.2 * (i + 0.5 * f)), 0.01)
            for f, family in enumerate(families)
            for i in range(shapes)
        ]
        searched = sorted(searched, key=lambda shape: shape[3])
        firsts = list({shape[1]: shape for shape in reversed(searched)}.values())
        standard = [(name, *BASELINES[name]) for name in baselines]
        chosen = {shape[0]: shape for shape in [*searched[:4], *firsts, *standard]}.values()
        plan = {
            "screen": [(shape, lr) for shape in [*searched, *standard] for lr in grid],
            "rescore": [(shape, self._nearest(grid, shape)) for shape in chosen],
            "confirm": [(shape, self._nearest(grid, shape)) for shape in [*firsts, *standard]],
        }
        rows = []
        for place, phase in enumerate(("screen", "rescore", "confirm")):
            if phase in phases:
                for shape, lr in plan[phase]:
                    first = 1_000_000 * place
                    rows += [self._row(phase, shape, lr, s) for s in range(first, first + seeds[place])]
        columns = [
            "phase",
            "shape",
            "family",
            "params",
            "base_lr",
            "hyperparameters",
            "seed",
            METRIC,
            "final/test_error",
        ]
        return pd.DataFrame(rows, columns=[*columns, "status", "first_bad_step", "message", "wall_time"])

    def guided(self):
        """A study whose screen gave every eighth shape a seed of its own, and each shape one base LR."""
        trials = self(shapes=16, seeds=(1, 8, 16))
        own = (trials["phase"] == "screen") & ~trials["shape"].str.startswith("baseline")
        number = trials["shape"].str.extract(r"-(\d+)$")[0].fillna("0").astype(int)
        trials["seed"] = trials["seed"].where(~own, number // 8)
        best = trials[own].groupby("shape")[METRIC].min()
        chosen = trials[METRIC] == trials["shape"].map(best)
        return trials[~own | chosen].reset_index(drop=True)

    @staticmethod
    def findings(trials, **options):
        """The findings of a study of 300 steps."""
        return Findings(Analysis(trials, METRIC), 300, "midpoint", **options)

    @staticmethod
    def curves(trials, points=30, *, valid=True):
        """Loss curves of the confirm phase's trials, as the store gives them: they fall to the final loss."""
        rows = trials[trials["phase"] == "confirm"][
            ["phase", "shape", "base_lr", "hyperparameters", "seed", METRIC]
        ]
        table = rows.loc[rows.index.repeat(points)].reset_index(drop=True)
        table["step"] = np.tile(np.linspace(300 / points, 300, points).astype(np.int32), len(rows))
        noise = 1 + 0.2 * np.sin(table["seed"] + table["step"])
        table["train_loss"] = (table.pop(METRIC) * (300 / table["step"]) * noise).astype(np.float32)
        kept = valid & (table["step"] % 60 == 0)
        table["valid_loss"] = table["train_loss"].where(kept) * np.float32(1.2)
        return table

    @staticmethod
    def _nearest(grid, shape):
        return grid[np.argmin(np.abs(np.log(grid / shape[4])))]

    def _row(self, phase, shape, lr, seed):
        noise = self._noise.setdefault(seed, self._random.normal())
        loss = shape[3] * np.exp(0.4 * np.log(lr / shape[4]) ** 2 + 0.05 * noise)
        loss = min(loss * np.exp(0.03 * self._random.normal()), 2.3)
        status = self._status or ("diverged" if lr > 0.2 else "ok")
        ok = status == "ok"
        return (
            phase,
            shape[0],
            shape[1],
            json.dumps(shape[2], sort_keys=True),
            float(lr),
            "{}",
            seed,
            loss if ok else np.inf,
            min(0.9, 2 * loss) if ok else np.inf,
            status,
            -1 if ok else 17,
            "" if status != "failed" else "ValueError: no such file",
            0.01,
        )


@pytest.fixture(scope="session")
def studies():
    return Studies()


@pytest.fixture(scope="session")
def document():
    return {
        "format": 1,
        "name": "digits",
        "hash": "0123456789abcdef" * 4,
        "spec": {
            "name": "digits",
            "metric": METRIC,
            "families": [{"name": "rex", "fixed": {}}, {"name": "two_point_spline"}],
            "baselines": {"cosine": {"family": "cosine", "params": {"warmup": 0.05}}},
            "workload": {"name": "digits-mlp", "steps": 300, "hidden": [128, 128]},
        },
        "versions": {"python": "3.11.7", "lrshape": "0.1.0", "jax": "0.10.2"},
        "device": {"kind": "cpu", "count": 2},
        "git_revision": None,
        "created": "2026-01-02T03:04:05+00:00",
    }


@pytest.fixture(scope="session")
def write(document):
    """Return ``write(trials, directory, **changes)``: a report of a table, by the usual arguments."""

    def write(
        trials, directory, *, metric=METRIC, step_rule="midpoint", planned=None, study_metric="", **changes
    ):
        found = Findings(Analysis(trials, metric), 300, step_rule, planned or {}, study_metric)
        return write_study_page(found, {**document, **changes}, directory)

    return write
