import numpy as np
import pandas as pd
import pytest

METRIC = "final/train_loss"


@pytest.fixture
def trials_of():
    """A function from ``{(phase, shape, base LR): values by seed}`` to a table of trials.

    A shape's family is its name before the last dash; infinite values are trials that diverged.
    """

    def build(values):
        columns = {
            "phase": [],
            "shape": [],
            "family": [],
            "params": [],
            "base_lr": [],
            "hyperparameters": [],
            "seed": [],
            METRIC: [],
        }
        for (phase, shape, base_lr), sample in values.items():
            first = {"screen": 0, "rescore": 1_000_000, "tune": 1_500_000, "confirm": 2_000_000}[phase]
            for i, value in enumerate(sample):
                family = shape.removeprefix("baseline-").partition("-")[0]
                row = (
                    phase,
                    shape,
                    family,
                    f'{{"warmup": 0.{len(shape)}}}',
                    base_lr,
                    "{}",
                    first + i,
                    float(value),
                )
                for column, cell in zip(columns.values(), row, strict=True):
                    column.append(cell)
        table = pd.DataFrame(columns).astype(
            dict.fromkeys(("phase", "shape", "family", "params", "hyperparameters"), "str")
            | {"base_lr": float, "seed": int, METRIC: float}
        )
        finite = np.isfinite(table[METRIC].to_numpy())
        return table.assign(
            status=pd.Series(np.where(finite, "ok", "diverged"), dtype=table["shape"].dtype),
            first_bad_step=np.where(finite, -1, 3),
            message=pd.Series([""] * len(table), dtype=table["shape"].dtype),
            wall_time=0.5,
        )

    return build


@pytest.fixture
def metric():
    return METRIC


@pytest.fixture
def study():
    """Three families: rex-1 wins the rescore phase, although rex-2 does better before and after."""
    noise = np.random.default_rng(0).normal(0, 0.3, 20)
    values = {}
    screen = {"rex-1": 1.2, "rex-2": 1.0, "wsd-0": 1.5, "sqrt-3": 3.0, "baseline-cosine": 2.0}
    for shape, value in screen.items():
        for lr, worse in ((0.1, 0.4), (0.2, 0.0), (0.4, np.inf)):
            values["screen", shape, lr] = [value + worse, value + worse + 0.1]
    for shape, value in {"rex-1": 1.0, "rex-2": 1.1, "wsd-0": 1.4}.items():
        values["rescore", shape, 0.2] = value + noise[:10]
    for shape, value in {"rex-1": 1.2, "rex-2": 1.1, "wsd-0": 1.4, "baseline-cosine": 2.0}.items():
        values["confirm", shape, 0.2] = value + noise
    values["confirm", "baseline-constant", 0.1] = [np.inf] * 15 + [3.0] * 5
    return values
