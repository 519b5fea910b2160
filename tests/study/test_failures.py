"""Studies whose trials fail: how many may, what is said then, and going on afterwards."""

import contextlib
import os
import signal
import sys

import numpy as np
import pandas as pd
import pytest

import lrshape
from lrshape.errors import InputError
from lrshape.procedure.sampler import SAMPLERS, SequenceSampler
from lrshape.procedure.trial import Candidate, ShapeRecord, Trial
from lrshape.process_wide import heard_interrupts
from lrshape.store import text_of
from lrshape.study.chunk import Chunk, TrainChunk, cut
from lrshape.study.run import MIN_JUDGED, TooManyFailed
from lrshape.study.spec import StudySpec
from lrshape.training.workloads.function import FunctionWorkload

SPEC = {
    "families": ["rex"],
    "base_lr": {"low": 0.01, "high": 1.0, "points": 3},
    "screen": {"shapes": 4, "seeds": 2},
    "rescore": {"top": 2, "seeds": 6},
    "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1},
    "confirm": {"seeds": 6},
    "baselines": ["constant"],
}


class Broken:
    """A trial that fails when its number is among the first of each ten, once so many have not."""

    def __init__(self, of_ten, after=0):
        self.of_ten, self.after, self.calls = of_ten, after, 0

    def __call__(self, lrs, seed):
        self.calls += 1
        if self.calls > self.after and self.calls % 10 < self.of_ten:
            raise OSError("no space\nleft")
        return float(lrs.mean())

    __qualname__ = "Broken"


def search(train, out, **settings):
    return lrshape.search({**SPEC, **settings}, train=train, steps=3, out=out)


def test_a_study_stops_when_most_trials_fail_and_says_the_first_message(tmp_path):
    train = Broken(10)
    with pytest.raises(TooManyFailed) as stop:
        search(train, tmp_path / "x")
    assert str(stop.value) == (
        "10 of the 10 trials of this run failed, more than max_failed_fraction = 0.5 allows, the first with: "
        f"OSError: no space left; the next run in {tmp_path / 'x'} trains the chunks again in which more "
        "than that share failed"
    )
    assert train.calls == MIN_JUDGED
    assert not list((tmp_path / "x" / "trials").iterdir())
    assert list((tmp_path / "x" / "damaged").iterdir())


def test_mended_code_finds_what_it_finds_without_the_mistake(tmp_path, caplog):
    """As the first trials choose a baseline's base LR, failures must not count as losses of it."""
    with pytest.raises(TooManyFailed):
        search(Broken(10), tmp_path / "x")
    search(Broken(0), tmp_path / "x")
    assert "has changed since the study began" not in caplog.text  # no trial of the old code is stored
    tables = [search(Broken(0), tmp_path / name).trials().drop(columns="wall_time") for name in ("x", "y")]
    pd.testing.assert_frame_equal(*tables)


def test_a_plug_in_that_has_changed_is_told_when_a_study_is_resumed(tmp_path, caplog, monkeypatch):
    assert "sobol" in SAMPLERS
    monkeypatch.setattr(SAMPLERS, "_classes", dict(SAMPLERS._classes))

    def define(shift):
        @SAMPLERS.register("shifted")
        class Shifted(SequenceSampler):
            def sequence(self, dimensions, seed, start, count):
                rows = np.arange(start, start + count)[:, None]
                return np.tile((0.3 * rows + shift) % 1, (1, dimensions))

    for shift, told in ((0.0, False), (0.0, False), (0.1, True)):
        define(shift)
        search(Broken(0), tmp_path / "x", sampler="shifted")
        assert ("the class of sampler shifted has changed since the study began" in caplog.text) == told


def test_mended_code_keeps_what_was_trained_before_the_mistake(tmp_path):
    with pytest.raises(TooManyFailed):
        search(Broken(10, after=12), tmp_path / "x", chunk_size=4)
    assert lrshape.Study(tmp_path / "x").trials()["status"].tolist() == ["ok"] * 12
    mended = Broken(0)
    study = search(mended, tmp_path / "x", chunk_size=4)
    assert mended.calls == len(study.trials()) - 12


@pytest.mark.parametrize(("of_ten", "most", "stops"), [(3, 0.5, False), (3, 0.2, True), (8, 0.9, False)])
def test_the_share_is_the_specs(tmp_path, of_ten, most, stops):
    if stops:
        with pytest.raises(TooManyFailed, match=f"more than max_failed_fraction = {most} allows"):
            search(Broken(of_ten), tmp_path / "x", max_failed_fraction=most)
    else:
        assert search(Broken(of_ten), tmp_path / "x", max_failed_fraction=most).is_complete()


def test_another_share_is_the_same_study(tmp_path):
    """It changes no training: who wants to go on whatever fails raises it."""
    with pytest.raises(TooManyFailed):
        search(Broken(10), tmp_path / "x")
    assert search(Broken(10), tmp_path / "x", max_failed_fraction=1.0).is_complete()


def test_divergence_is_no_failure(tmp_path):
    assert search(lambda lrs, seed: float("nan"), tmp_path / "x", max_failed_fraction=0.0).is_complete()


def exits(lrs, seed):
    """As Lightning does."""
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(1)


def returns(lrs, seed):
    """As scikit-learn does."""
    with contextlib.suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    return 0.5


@pytest.mark.usefixtures("hears_interrupts")
@pytest.mark.parametrize("swallow", [exits, returns])
def test_an_interrupt_that_a_trainer_swallows_stops_the_study_and_makes_no_trial(tmp_path, swallow):
    def train(lrs, seed, calls=[0]):  # noqa: B006
        calls[0] += 1
        return swallow(lrs, seed) if calls[0] == 3 else float(lrs.mean())

    with pytest.raises(KeyboardInterrupt):
        search(train, tmp_path / "x")
    assert lrshape.Study(tmp_path / "x").trials()["status"].tolist() == ["ok", "ok"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_hyperparameters_that_a_workload_refuses_fail_their_trial_alone():
    sizes = {"batch_size": {"low": 16, "high": 1437, "scale": "integer"}}
    spec = StudySpec.parse({"workload": {"name": "digits-mlp", "steps": 2}, "trials": 200, "tune": sizes})
    shape = ShapeRecord.of("a", "linear", {})
    trials = [
        Trial("screen", Candidate(shape, 0.1, f'{{"batch_size": {size}}}'), seed)
        for seed, size in enumerate((32, 1438, 64))
    ]
    table = TrainChunk(spec, 4)(Chunk("screen-00000", tuple(trials)), lambda news: None)
    assert table["status"].tolist() == ["ok", "failed", "ok"]
    assert "batch_size must be at most the number of training examples, 1437" in table["message"][1]
    assert np.isfinite(table[spec.metric]).tolist() == [True, False, True]


def test_missing_data_of_a_workload_fails_no_trial(tmp_path):
    workload = {"name": "cifar10-cnn", "data_dir": str(tmp_path)}
    settings = {"workload": workload, "tune": {"beta1": [0.5, 0.9]}, "trials": 200}
    trial = Trial("screen", Candidate(ShapeRecord.of("a", "linear", {}), 0.1, '{"beta1": 0.5}'), 0)
    with pytest.raises(InputError, match="data_dir must hold"):
        TrainChunk(StudySpec.parse(settings), 4)(Chunk("screen-00000", (trial,)), lambda news: None)


@pytest.mark.parametrize("size", [1, 4])
def test_a_train_function_gets_the_choices_as_they_are_given_whatever_the_chunk_size(size):
    got = []

    def train(lrs, seed, *, choice):
        got.append(choice)
        return 1.0

    choices = [False, 0.1, 8, "x", 0.5]
    settings = {"families": ["rex"], "baselines": ["constant"], "tune": {"choice": {"choices": choices}}}
    spec = StudySpec.parse(settings, FunctionWorkload.of(train, steps=3))
    shape = ShapeRecord.of("a", "linear", {})
    for some in (choices[:2], choices[2:]):
        trials = [Trial("screen", Candidate(shape, 0.1, text_of({"choice": one})), 0) for one in some]
        for chunk in cut("screen", 0, trials, size):
            TrainChunk(spec, size)(chunk, lambda news: None)
    assert [repr(one) for one in got] == [repr(one) for one in choices]


@pytest.mark.usefixtures("hears_interrupts")
def test_what_a_handler_raises_is_raised_and_a_handler_that_raises_nothing_changes_nothing():
    heard = []
    signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    with heard_interrupts():
        os.kill(os.getpid(), signal.SIGINT)
    assert heard == [1]
    signal.signal(signal.SIGINT, lambda *_: sys.exit(143))
    with pytest.raises(SystemExit), heard_interrupts(), contextlib.suppress(SystemExit):
        os.kill(os.getpid(), signal.SIGINT)
