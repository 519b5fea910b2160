"""A study whose train function returns loss curves: in the table, in files, in the report, after a resume."""

import numpy as np
import pandas as pd
import pytest

import lrshape
from lrshape.errors import InputError
from lrshape.store.table import CURVE_KEYS
from lrshape.study.trial_files import write_curves
from lrshape.study.verification import examine

STEPS = 20
SPEC = {
    "families": ["rex", "linear"],
    "base_lr": {"low": 0.01, "high": 1.0, "points": 3},
    "min_lr": 0.003,
    "screen": {"shapes": 4, "seeds": 2},
    "rescore": {"top": 2, "seeds": 2},
    "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1},
    "confirm": {"seeds": 6},
    "baselines": ["cosine", "constant"],
    "chunk_size": 4,
}


def train(lrs, seed):
    """A quadratic with gradient noise; one trial in five has no curve."""
    rng, x, curve = np.random.default_rng(seed), 1.0, []
    for step, lr in enumerate(lrs, 1):
        x -= lr * (x + 0.3 * rng.normal())
        if step % 4 == 0:
            curve.append((step, float(lr), x * x if step % 8 == 0 else None))
    return {"score": x * x, "curve": curve if seed % 5 else None}


def search(out):
    return lrshape.search(SPEC, train=train, steps=STEPS, out=out)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return search(tmp_path_factory.mktemp("curves") / "study")


def test_each_point_has_its_trial_and_its_learning_rate(study):
    curves = study.curves()
    assert list(curves) == [*CURVE_KEYS, "step", "lr", "train_loss", "valid_loss"]
    np.testing.assert_allclose(curves["lr"], curves["train_loss"], rtol=1e-6)  # the loss that `train` gave
    assert (curves["valid_loss"].notna() == (curves["step"] % 8 == 0)).all()
    lengths = curves.groupby(CURVE_KEYS, observed=True, sort=False).size()
    assert set(lengths) == {STEPS // 4}
    trials = study.trials()
    joined = curves.merge(trials, on=CURVE_KEYS)
    assert len(joined) == len(curves)
    assert 0.6 * len(trials) < len(lengths) < len(trials)
    assert set(study.curves(["confirm"])["phase"]) == {"confirm"}


def test_the_report_draws_them(study):
    page = (study.directory / "report.html").read_text()
    assert "The loss curves" in page
    assert "Dotted lines are medians of the validation loss" in page
    assert (study.directory / "figures" / "loss_curves.svg").is_file()


@pytest.mark.parametrize(("target", "read"), [("csv", pd.read_csv), ("parquet", pd.read_parquet)])
def test_files_read_back(study, said, tmp_path, target, read):
    out = tmp_path / f"c.{target}"
    said("trials", study.path, "--to", target, "--curves", "--out", out)
    found, curves = read(out), study.curves()
    np.testing.assert_array_equal(found["train_loss"].astype("float32"), curves["train_loss"])
    assert found["lr"].tolist() == curves["lr"].tolist()
    assert found["shape"].tolist() == curves["shape"].tolist()


def test_what_cannot_be_written_is_one_line(study, tmp_path):
    with pytest.raises(InputError, match="--to must be one of csv, parquet, got 'optuna'"):
        write_curves(study.curves(), "optuna", tmp_path / "c.log")
    with pytest.raises(InputError, match=r"no trial has a loss curve: set workload\.record_every"):
        write_curves(study.curves()[:0], "csv", tmp_path / "c.csv")


def test_a_resumed_study_has_the_same_curves(study, tmp_path):
    other = search(tmp_path / "other")
    for name in other.store.chunks()[1::3]:
        (other.directory / "trials" / f"{name}.parquet").unlink()
    resumed = search(tmp_path / "other")
    pd.testing.assert_frame_equal(resumed.curves(), study.curves())
    (found,) = examine(resumed.path)
    assert found.is_sound
