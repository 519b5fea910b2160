"""The trials of a real study as tables and as an Optuna study, read back by pandas and Optuna."""

import json

import numpy as np
import optuna
import pandas as pd
import pytest

from lrshape.errors import InputError
from lrshape.study.trial_files import flat, write_trials

STATES = {"ok": "COMPLETE", "diverged": "COMPLETE", "failed": "FAIL"}


def journal(path):
    return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))


def write(study, target, path, **options):
    return write_trials(study.trials(), target, path, metric=study.metric, name="three", **options)


def optuna_study(study, folder, **options):
    path = write(study, "optuna", folder / "t.log", **options)
    return optuna.load_study(study_name="three", storage=journal(path))


@pytest.mark.parametrize(("target", "read"), [("csv", pd.read_csv), ("parquet", pd.read_parquet)])
def test_tables_read_back(study, tmp_path, target, read):
    found, rows = read(write(study, target, tmp_path / f"t.{target}")), study.trials()
    assert len(found) == len(rows)
    assert found["final/loss"].tolist() == rows["final/loss"].tolist()
    assert found["status"].tolist() == rows["status"].tolist()
    for (_, flat_row), params in zip(found.iterrows(), map(json.loads, rows["params"]), strict=True):
        for name, value in params.items():
            assert flat_row[f"param.{name}"] == value
        assert flat_row.filter(like="param.").notna().sum() == len(params)


def test_every_training_is_a_trial_of_an_optuna_study(study, tmp_path):
    found, rows = optuna_study(study, tmp_path), study.trials()
    assert len(found.trials) == len(rows)
    assert set(rows["status"]) == set(STATES)
    for trial, row in zip(found.trials, rows.to_dict("records"), strict=True):
        assert trial.state.name == STATES[row["status"]]
        assert trial.value == (None if row["status"] == "failed" else row["final/loss"])
        assert trial.params["family"] == row["family"]
        assert trial.params["base_lr"] == pytest.approx(row["base_lr"], rel=1e-12)
        for name, value in json.loads(row["params"]).items():
            assert trial.params[f"{row['family']}.{name}"] == pytest.approx(value, rel=1e-12)
        assert trial.user_attrs["message"] == row["message"]
    assert found.best_value == rows["final/loss"].min()


def test_optuna_goes_on_from_it(study, tmp_path):
    """Its samplers take what lrshape has trained."""
    found = optuna_study(study, tmp_path)
    found.sampler = optuna.samplers.TPESampler(seed=0)
    trial = found.ask({"base_lr": optuna.distributions.FloatDistribution(0.1, 1.0, log=True)})
    found.tell(trial, 0.5)
    assert 0.1 <= trial.params["base_lr"] <= 1.0


def test_where_higher_is_better_the_highest_is_the_best_trial(study, tmp_path):
    found = optuna_study(study, tmp_path, direction="maximize")
    losses = study.trials()["final/loss"]
    assert found.best_value == losses[np.isfinite(losses)].max()
    assert min(trial.value for trial in found.trials if trial.value is not None) == -np.inf


def test_lists_stay_text():
    row = {"phase": "screen", "params": '{"values": [1.0, 0.5]}', "base_lr": 0.1}
    table = pd.DataFrame([row | {"hyperparameters": '{"decay": 0.3}'}])
    assert flat(table).loc[0].to_dict() == {
        "phase": "screen", "param.values": "[1.0, 0.5]", "base_lr": 0.1, "hyperparameter.decay": 0.3,
    }  # fmt: skip


def test_a_schedule_of_a_hyperparameter_that_is_a_table_goes_to_optuna_without_its_values(study, tmp_path):
    scheduled = {"base": 0.1, "family": "table", "params": {"values": [1.0, 0.5]}}
    trials = study.trials().assign(hyperparameters=json.dumps({"weight_decay": scheduled}))
    path = write_trials(trials, "optuna", tmp_path / "t.log", metric=study.metric, name="x")
    found = optuna.load_study(study_name="x", storage=journal(path)).trials[0].params
    assert (found["weight_decay"], found["weight_decay.family"]) == (0.1, "table")


def test_choices_of_numbers_and_text_read_back(tmp_path):
    rows = [{"params": "{}", "hyperparameters": json.dumps({"gamma": one})} for one in ("auto", 0.1)]
    trials = pd.DataFrame([*rows, {"params": "{}", "hyperparameters": "{}"}])
    path = write_trials(trials, "parquet", tmp_path / "t.parquet", metric="final/loss", name="x")
    assert pd.read_parquet(path)["hyperparameter.gamma"].fillna("").tolist() == ["auto", "0.1", ""]


def test_what_cannot_be_written(study, tmp_path):
    rows = study.trials()
    (tmp_path / "there.log").write_text("precious")
    for target, path, message in (
        ("xlsx", tmp_path / "t", "--to must be one of csv, parquet, optuna, got 'xlsx'"),
        ("optuna", tmp_path / "there.log", "exists already"),
        ("optuna", "/dev/stdout", "goes into a new file, not to /dev/stdout"),
        ("csv", tmp_path, "cannot be written"),
        ("parquet", tmp_path / "there.log" / "t", "cannot be written"),
    ):
        with pytest.raises(InputError, match=message):
            write(study, target, path)
    assert (tmp_path / "there.log").read_text() == "precious"
    with pytest.raises(InputError, match="no trial is stored yet"):
        write_trials(rows.iloc[:0], "csv", tmp_path / "t", metric="final/loss", name="x")
    with pytest.raises(InputError, match=r"metric must be one of the stored metrics .*, got 'loss'"):
        write_trials(rows, "optuna", tmp_path / "o", metric="loss", name="x")
