"""Whole studies through the Python API: results, resume, damage, refusals."""

import functools
import json
import math
import os
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lrshape
from lrshape.predict.reader import READERS
from lrshape.report.page import write_report
from lrshape.store import PHASES, Store
from lrshape.study.spec import StudySpec

SPEC = {
    "families": ["rex", "linear"],
    "base_lr": {"low": 0.01, "high": 1.0, "points": 3},
    "screen": {"shapes": 4, "seeds": 2},
    "rescore": {"top": 2, "seeds": 6},
    "tuning": {"rounds": 2, "base_lrs": 3, "seeds": 1},
    "confirm": {"least": 8, "most": 16},
    "baselines": ["cosine", "constant"],
}
STEPS = 20


def train(lrs, seed):
    """A quadratic with gradient noise: wants a warm start and a decay, differs by seed."""
    rng = np.random.default_rng(seed)
    x = 1.0
    for lr in lrs:
        x -= lr * (x + 0.3 * rng.normal())
    return {"loss": 0.5 * x * x, "steps": len(lrs)}


def search(out, function=train, **settings):
    return lrshape.search(
        {**SPEC, **settings}, train=function, steps=STEPS, metrics=("loss", "steps"), out=out,
        metric="final/loss",
    )  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return search(tmp_path_factory.mktemp("study") / "one")


def table(path):
    """The trials without their times, which are the only thing that may differ."""
    return lrshape.Study(path).trials().drop(columns="wall_time")


def test_all_phases_are_there(study):
    rows = study.trials()
    counts = rows.groupby("phase").size()
    assert counts["screen"] >= (4 + 4 + 2) * 3 * 2
    assert counts["rescore"] == len(set(rows[rows.phase == "rescore"]["shape"])) * 3 * 6
    assert counts["tune"] in ((2 + 2) * 3 + 3 * i for i in range(5))
    assert counts["confirm"] in (
        4 * 8,
        (4 + 2) * 8,
        (4 + 3) * 8,
    )  # all once, then the winner and the undecided
    assert (rows["final/steps"] == STEPS).all()
    assert study.is_complete()


def test_best_is_what_the_trials_say(study):
    best = study.best()
    rows = study.trials()
    own = rows[(rows.phase == "confirm") & (rows["shape"] == best.shape)]
    assert best.score_median == np.median(own["final/loss"])
    assert best.seeds in (8, 16)
    assert best.steps == STEPS
    assert {row.name for row in best.baselines} == {"cosine", "constant"}
    json.dumps(best.to_dict(), allow_nan=False)


def test_the_winner_is_a_schedule_that_was_trained(study):
    best, schedule = study.best(), study.schedule()
    rows = study.trials()
    own = rows[(rows.phase == "confirm") & (rows["shape"] == best.shape)].iloc[0]
    from lrshape.procedure.trial import training_seeds

    seed = int(training_seeds(0, [own["seed"]])[0])
    assert train(schedule.values(), seed)["loss"] == own["final/loss"]
    assert len(study.schedule(steps=500).values()) == 500


@pytest.mark.parametrize("min_lr", [0.02, 0.5])  # 0.5 lies above the best base LR
def test_lengths_in_steps_and_a_lowest_lr_hold_in_every_trial_and_for_the_winner(tmp_path, min_lr):
    seen = []

    def recorded(lrs, seed):
        seen.append(lrs)
        return train(lrs, seed)

    found = search(tmp_path / "one", recorded, warmup_steps=4, min_lr=min_lr)
    assert all(lrs.min() >= min_lr for lrs in seen)
    assert all(lrs[:4].argmax() == 3 or lrs.max() == min_lr for lrs in seen)
    winner = found.schedule()
    assert any(np.array_equal(winner.values(), lrs) for lrs in seen)
    longer = found.schedule(steps=500)
    assert (longer.in_steps, longer.min_lr) == ({"warmup": 4}, min_lr)
    assert longer.values()[:4].argmax() == 3
    assert min(log.lrs.min() for log in READERS["lrshape_study"]().read(found.path, {})) == min_lr


def test_report_figures_and_tables_are_written(study):
    text = (study.path / "report.html").read_text()
    assert study.best().family in text
    assert list((study.path / "figures").glob("*.svg"))
    assert list((study.path / "figures").glob("*.png"))
    read = pd.read_csv(study.path / "tables" / "trials.csv")
    assert len(read) == len(study.trials())


@pytest.mark.report
def test_the_same_study_twice_is_the_same(study, tmp_path):
    again = search(tmp_path / "two")
    pd.testing.assert_frame_equal(table(again.path), table(study.path), check_exact=True)
    assert again.best() == study.best()
    first, second = (path / "tables" / "trials.csv" for path in (study.path, again.path))
    assert first.read_bytes() == second.read_bytes()


def test_results_do_not_depend_on_the_chunks(study, tmp_path):
    other = search(tmp_path / "chunked", chunk_size=7)
    pd.testing.assert_frame_equal(table(other.path), table(study.path), check_exact=True)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("into_it", [0, 5])
def test_interrupted_anywhere_and_run_again_it_is_the_same(study, tmp_path, phase, into_it):
    stop_after, calls = into_it, []
    stop_after += sum(np.sum(study.trials()["phase"] == before) for before in PHASES[: PHASES.index(phase)])

    def stops(lrs, seed):
        if len(calls) == stop_after:
            raise KeyboardInterrupt
        calls.append(seed)
        return train(lrs, seed)

    stops.__module__, stops.__qualname__ = train.__module__, train.__qualname__
    out = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        search(out, stops)
    stored = len(Store(out).trials())
    assert stored == stop_after

    def counts(lrs, seed):
        calls.append(seed)
        return train(lrs, seed)

    counts.__module__, counts.__qualname__ = train.__module__, train.__qualname__
    search(out, counts)
    pd.testing.assert_frame_equal(table(out), table(study.path), check_exact=True)
    assert len(calls) == len(table(out))  # nothing was trained twice
    assert Store(out).read_choice() == study.store.read_choice()


def test_a_damaged_chunk_is_set_aside_and_computed_again(study, tmp_path, caplog):
    out = shutil.copytree(study.path, tmp_path / "damaged")
    victims = sorted((out / "trials").iterdir())[3:6]
    victims[0].write_bytes(victims[0].read_bytes()[:100])
    victims[1].write_bytes(victims[2].read_bytes())
    victims[2].unlink()
    again = search(out)
    pd.testing.assert_frame_equal(table(again.path), table(study.path), check_exact=True)
    assert len(list((out / "damaged").iterdir())) == 2
    assert caplog.text.count("will be recomputed") == 2


def test_a_complete_study_trains_nothing_more(study):
    def never(lrs, seed):
        raise AssertionError("a complete study was trained again")

    never.__module__, never.__qualname__ = train.__module__, train.__qualname__
    assert search(study.path, never).best() == study.best()


def test_another_spec_is_refused_with_the_keys_that_changed(study):
    with pytest.raises(
        lrshape.InputError, match=r"changed: screen.shapes: 4 -> 5; seed: 0 -> 3; use another"
    ):
        search(study.path, screen={"shapes": 5, "seeds": 2}, seed=3)


def test_time_limit_keeps_what_is_done(tmp_path):
    with pytest.raises(lrshape.TimeLimitReached):
        lrshape.search(SPEC, train=lambda lrs, seed: 1.0, steps=3, out=tmp_path / "x", time_limit=0.2)
    study = lrshape.Study(tmp_path / "x")
    assert not study.is_complete()
    assert len(study.trials()) > 0
    with pytest.raises(lrshape.InputError, match="not complete"):
        study.best()
    assert "The study is not complete" in write_report(study).read_text()


def test_a_training_longer_than_the_time_limit_is_kept(tmp_path):
    def sleeps(lrs, seed):
        time.sleep(0.3)
        return 1.0

    for stored in (1, 2):
        with pytest.raises(lrshape.TimeLimitReached):
            lrshape.search(SPEC, train=sleeps, steps=3, out=tmp_path / "x", time_limit=0.2)
        assert len(lrshape.Study(tmp_path / "x").trials()) == stored


def test_a_changed_train_function_is_told(tmp_path, caplog):
    def first(lrs, seed):
        return 1.0

    def second(lrs, seed):
        return 2.0

    second.__qualname__ = first.__qualname__  # the same function, edited
    small = {**SPEC, "families": ["linear"], "confirm": {"seeds": 1}, "baselines": []}
    for function in (first, first):
        lrshape.search(small, train=function, steps=3, out=tmp_path / "x")
        assert "has changed" not in caplog.text
    study = lrshape.search(small, train=second, steps=3, out=tmp_path / "x")
    assert "the code of" in caplog.text
    assert "has changed" in caplog.text
    assert study.best().score_median == 1.0


def test_other_values_in_a_train_function_are_told(tmp_path, caplog):
    small = {**SPEC, "families": ["linear"], "confirm": {"seeds": 1}, "baselines": []}

    def of_width(lrs, seed, width):
        return width

    for width, told in ((1.0, False), (1.0, False), (2.0, True)):
        function = functools.partial(of_width, width=width)
        study = lrshape.search(small, train=function, steps=3, out=tmp_path / "x")
        assert ("or a value that it holds, has changed" in caplog.text) == told
    assert study.best().score_median == 1.0
    lock = threading.Lock()
    for told in (False, True):
        function = functools.partial(lambda lock, lrs, seed: 1.0, lock)
        lrshape.search(small, train=function, steps=3, out=tmp_path / "y")
        assert ("it cannot compare a _thread.lock" in caplog.text) == told


def test_a_spec_that_was_parsed_is_complete(tmp_path):
    workload = {"name": "linear-regression", "steps": 10, "dimension": 4}
    spec = StudySpec.parse({**SPEC, "workload": workload, "metric": "final/train_loss"})
    assert lrshape.search(spec, out=tmp_path / "x").is_complete()
    for more in ({"seed": 1}, {"train": train, "steps": 3}):
        with pytest.raises(lrshape.InputError, match="a StudySpec is complete"):
            lrshape.search(spec, out=tmp_path / "y", **more)


def test_a_train_function_may_change_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def wanders(lrs, seed):
        os.chdir("/")
        return 1.0

    lrshape.search(SPEC, train=wanders, steps=3, out="here")
    assert lrshape.Study(tmp_path / "here").is_complete()


@pytest.mark.parametrize("phase", PHASES)
def test_a_study_with_a_missing_chunk_is_not_complete(study, tmp_path, phase):
    gap = lrshape.Study(shutil.copytree(study.path, tmp_path / "gap"))
    assert gap.is_complete()
    (gap.path / "trials" / f"{phase}-00001.parquet").unlink()
    assert not gap.is_complete()


def test_an_edited_spec_is_noticed(study, tmp_path):
    out = shutil.copytree(study.path, tmp_path / "edited")
    file = out / "study.json"
    file.write_text(file.read_text().replace(f'"steps": {STEPS}', f'"steps": {STEPS * 2}'))
    with pytest.raises(lrshape.InputError, match="was edited: its spec does not match its hash"):
        lrshape.Study(out)


def test_chunks_beyond_the_plan_are_set_aside(study, tmp_path):
    out = shutil.copytree(study.path, tmp_path / "longer")
    store = Store(out)
    extra = store.read("confirm-00000")
    store.write("confirm-00099", extra.assign(shape="stale"))
    search(out)
    pd.testing.assert_frame_equal(table(out), table(study.path), check_exact=True)


def test_the_first_metric_is_the_metric_by_default(tmp_path):
    small = {
        "families": ["linear"],
        "screen": {"shapes": 1, "seeds": 1},
        "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1},
        "confirm": {"seeds": 1},
        "baselines": [],
    }
    study = lrshape.search(small, train=train, steps=3, metrics=("loss", "steps"), out=tmp_path / "x")
    assert study.metric == "final/loss"


def test_a_spec_may_be_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("spec.toml").write_text(
        'families = ["linear"]\nbaselines = []\nscreen = {shapes = 1, seeds = 1}\n'
        "tuning = {rounds = 1, base_lrs = 3, seeds = 1}\nconfirm = {seeds = 1}\n"
    )
    for spec in ("spec.toml", Path("spec.toml")):
        study = lrshape.search(spec, train=lambda lrs, seed: float(lrs[0]), steps=3, out="x")
    assert [family.name for family in study.spec.families] == ["linear"]


def test_nan_in_a_second_metric_changes_nothing_for_the_one_that_decides(tmp_path):
    def twice(lrs, seed):
        loss, auc = train(lrs, seed)["loss"], float("nan")
        return {"loss": float("nan"), "auc": 0.5} if lrs.max() > 0.5 else {"loss": loss, "auc": auc}

    study = lrshape.search(SPEC, train=twice, steps=3, metrics=("loss", "auc"), out=tmp_path / "x")
    rows, best = study.trials(), study.best()
    assert (rows["status"] == np.where(np.isfinite(rows["final/loss"]), "ok", "diverged")).all()
    assert best.score_median is not None
    assert 0 < best.diverged_share < 0.9
    by_auc = study.analysis("final/auc")  # only the others have one
    assert ((by_auc.trials["status"] == "ok") == (rows["status"] == "diverged")).all()
    assert by_auc.scores["diverged"].sum() == (rows["status"] == "ok").sum()


@pytest.mark.report
def test_all_diverged_is_said_plainly(tmp_path, caplog):
    study = lrshape.search(SPEC, train=lambda lrs, seed: math.nan, steps=3, out=tmp_path / "x")
    (warning,) = [m for m in caplog.messages if "diverged" in m]
    assert warning.startswith("all 64 trials so far diverged: check how the training computes final/score")
    best = study.best()
    assert best.score_median is None
    assert best.diverged_share == 1.0
    assert "diverged" in (study.path / "report.html").read_text()


@pytest.mark.report
def test_failures_keep_their_message(tmp_path):
    def fails(lrs, seed):
        raise OSError("no GPU <b>today</b>")

    study = lrshape.search(SPEC, train=fails, steps=3, out=tmp_path / "x", max_failed_fraction=1.0)
    rows = study.trials()
    assert set(rows["status"]) == {"failed"}
    assert set(rows["message"]) == {"OSError: no GPU <b>today</b>"}
    assert "<b>today</b>" not in (study.path / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train": 3, "steps": 5}, "train must be a function"),
        ({"train": train}, "train= needs steps="),
        ({"train": train, "steps": 10.5}, "steps: must be a whole number, got 10.5"),
        ({"train": train, "steps": 5, "workload": "digits-mlp"}, "cannot be combined with train="),
        ({"workload": "digits-mlp", "steps": 5}, "steps belongs to train="),
        ({"workload": "digits-mlp", "timeout": 5}, "timeout belongs to train=; set workload.timeout"),
        ({"workload": "digits-mlp", "metrics": "loss"}, "metrics belongs to train="),
        ({"train": train, "steps": 5, "timeout": 0}, "timeout: .*greater than 0.*got 0"),
        ({"train": lambda lrs, seed: 1.0, "steps": 5, "isolated": True}, "defined at the top of a module"),
        (
            {"train": train, "steps": 5, "max_failed_fraction": 2},
            "max_failed_fraction: must be at most 1, got 2",
        ),
        (
            {"workload": {"name": "command", "command": ["nope", "{schedule}", "{metrics}"], "steps": 3}},
            "there is no program 'nope'",
        ),
        ({"train": train, "steps": 5, "families": ["nope"]}, "family must be one of"),
        (
            {"workload": {"name": "digits-mlp", "batch_size": 5000}},
            "batch_size must be at most .* 1437, got 5000",
        ),
        ({"workload": {"name": "function", "function": "nowhere:f", "steps": 3}}, "cannot be imported"),
        ({"train": train, "steps": 5, "out": ""}, "out must name a directory"),
        ({"train": train, "steps": 5, "callback": print}, "callback must be an instance of lrshape.Callback"),
        ({"train": train, "steps": 5, "callback": lrshape.Callback}, "an instance of lrshape.Callback"),
        ({"workload": "digits-mlp", "executor": "slurm"}, "executor: must be one of inline.*got 'slurm'"),
    ],
)
def test_bad_arguments_leave_no_directory(tmp_path, arguments, message):
    with pytest.raises(lrshape.InputError, match=message):
        lrshape.search(**{"families": ["rex"], "out": tmp_path / "x", **arguments})
    assert not (tmp_path / "x").exists()


def test_an_unwritable_place_is_an_error_before_any_training(tmp_path):
    (tmp_path / "file").write_text("")

    def never(lrs, seed):
        raise AssertionError("trained")

    for place in (tmp_path / "file" / "below", Path("/proc/lrshape")):
        with pytest.raises(lrshape.InputError, match=f"cannot write .*{place}"):
            search(place, never)


def test_a_jax_workload_end_to_end(tmp_path):
    spec = {
        "workload": {"name": "digits-mlp", "steps": 10, "hidden": [8]},
        "families": ["cosine"],
        "base_lr": {"points": 2},
        "screen": {"shapes": 2, "seeds": 1},
        "rescore": {"top": 1, "seeds": 2, "base_lrs": 1},
        "confirm": {"seeds": 6},
        "baselines": ["constant"],
    }
    study = lrshape.search(spec, out=tmp_path / "x")
    rows = study.trials()
    assert {"final/train_loss", "final/test_error"} <= set(rows.columns)
    assert np.isfinite(study.best().score_low)
    one = lrshape.search({**spec, "chunk_size": 4}, out=tmp_path / "y").trials()
    pd.testing.assert_frame_equal(
        one.drop(columns="wall_time"), rows.drop(columns="wall_time"), check_exact=True
    )
