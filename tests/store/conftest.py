import numpy as np
import pandas as pd
import pytest

from lrshape.store import Store

DOCUMENT = {"hash": "a" * 64, "spec": {"name": "test"}}


def make_table(rows=12, phase="screen", first=0):
    generator = np.random.default_rng(first)
    index = np.arange(first, first + rows)
    loss = generator.random(rows)
    loss[::5] = np.inf
    loss[1::5] = -0.0
    return pd.DataFrame(
        {
            "phase": phase,
            "shape": [f"rex-{i // 4:04d}" for i in index],
            "family": "rex",
            "params": [f'{{"beta": {i // 4}.5}}' for i in index],
            "base_lr": np.logspace(-3, 0, 2)[index // 2 % 2],
            "seed": index % 2,
            "final/train_loss": loss,
            "final/test_error": np.where(index % 7 == 3, np.nan, loss),
            "status": np.where(np.isfinite(loss), "ok", "diverged"),
            "first_bad_step": np.where(np.isfinite(loss), -1, 17),
            "message": ["", 'Zürich, "quoted"\n\x00', "=1+1"] * (rows // 3) + [""] * (rows % 3),
            "wall_time": generator.random(rows),
        }
    )


@pytest.fixture(name="make_table")
def _make_table():
    return make_table


@pytest.fixture
def table():
    return make_table()


@pytest.fixture
def document():
    return dict(DOCUMENT)


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "study", DOCUMENT)
