"""The public curves and the hand-made exports beside the project, where they are."""

import csv

import numpy as np
import pytest

from law_curves import CURVES, SHARED, need
from lrshape import Schedule
from lrshape.errors import InputError
from lrshape.predict.reading import read_runs

INPUTS = SHARED / "bug-inputs"


def test_curves_that_begin_after_the_warmup():
    runs = {run.name: run for run in read_runs(need(CURVES / "multi-power-law"))}
    assert len(runs) == 18
    cosine, wsd = runs["csv_25/cosine_24000"], runs["csv_25/wsd_20000_24000"]
    assert wsd.final_loss - cosine.final_loss == pytest.approx(-0.0278, abs=0.001)
    np.testing.assert_allclose(cosine.lrs[1079], 1.5e-4, rtol=1e-3)
    assert cosine.lrs.argmax() in range(2150, 2180)


def test_branches_of_constant_runs():
    folder = need(CURVES / "lr-scheduling")
    with (folder / "runs.csv").open() as file:
        table = {row["run"]: row for row in csv.DictReader(file)}
    alike = ("model", "n_layer", "n_head", "n_embd", "dataset", "peak_lr", "beta2", "grad_clip", "group")
    whole = {
        tuple(row[key] for key in alike): run
        for run, row in table.items()
        if row["scheduler"] == "wsd" and not row["resumed_from"]
    }
    parents = {
        run: parent
        for run, row in table.items()
        if row["resumed_from"] and (parent := whole.get(tuple(row[key] for key in alike)))
    }
    runs = read_runs(folder, parents=parents)
    found = {run.name: run for run in runs}
    branches = [run for run in found.values() if run.name in parents]
    assert len(branches) > 30
    for run in branches:
        row = table[run.name]
        assert run.steps == int(row["iterations"])
        assert run.lrs.max() == pytest.approx(float(row["peak_lr"]), rel=1e-3)
        assert run.lrs[20] == pytest.approx(float(row["peak_lr"]) * (0.01 + 0.99 * 20 / 300), rel=0.02)
        assert run.losses[-1] == pytest.approx(float(row["final_val_loss"]), abs=0.05)
    assert any("runs.csv: has one row for each run" in note for note in runs.notes)


def test_runs_without_learning_rates_take_schedules():
    folder = need(CURVES / "modded-nanogpt")
    with pytest.raises(InputError, match=r"0: logs no learning rates.* \(385 more runs cannot be used\)"):
        read_runs(folder)
    runs = read_runs(folder, schedules={"0": Schedule("linear", {}, 0.01, 3350)})
    assert runs.runs[0].losses[-1] == 3.27839
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("wandb_run_name_has_lr.csv", "lr-sweep-3"),
        ("trainer_state.json", "bug-inputs"),
        ("wandb_hugging_face.csv", "bert: has no finite loss"),
        ("wandb_one_run_crashed.csv", "good: has no finite loss"),
        ("tensorboard_lr.csv", "has no finite loss"),
        ("excel_utf8_one_column.csv", "must hold headings"),
        ("german_curve.csv", "decimal point"),
        ("german_runs.csv", "needs a column of steps"),
        ("log_with_gaps.csv", "has no finite loss"),
        ("optuna_trials_dataframe.csv", "needs a column of steps"),
    ],
)
def test_exports_of_loggers_are_read_or_refused_in_one_line(name, result):
    path = need(INPUTS / name)
    try:
        told = read_runs(path).runs[0].name
    except InputError as error:
        told = str(error)
        assert "\n" not in told
    assert result in told
