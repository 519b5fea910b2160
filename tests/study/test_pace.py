"""A number of trials from a time limit, and resuming what was planned so."""

import contextlib
import errno
import os
import time
from functools import partial

import pytest

import lrshape
from lrshape.procedure.budget import LEAST
from lrshape.study.pace import count_affordable, set_trials
from lrshape.study.spec import StudySpec
from lrshape.study.time_limit import limit_time
from lrshape.training.workloads.function import FunctionWorkload

PAUSE = 0.02


def train(lrs, seed):
    time.sleep(PAUSE)
    x = 1.0
    for i, lr in enumerate(lrs):
        x -= lr * (x + 0.1 * ((seed * 31 + i * 17) % 13 - 6) / 6)
    return 0.5 * x * x


SETTINGS = {
    "families": ["power"],
    "baselines": ["linear"],
    "base_lr": {"low": 0.01, "high": 1.0},
    "confirm": {"most": 6},
    "tuning": {"share": 0.3},
    "chunk_size": 8,
}


def spec_of(function):
    return StudySpec.parse(SETTINGS, FunctionWorkload.of(function, 12, ("score",)))


def test_more_time_is_more_trials_and_not_more_than_fit():
    spec = spec_of(train)
    few, many = count_affordable(spec, 10.0), count_affordable(spec, 40.0)
    assert LEAST < few < many < 40.0 / PAUSE


def test_too_little_time_is_said(caplog):
    spec = spec_of(train)
    assert count_affordable(spec, 1.0) == LEAST
    assert "run the same command again to continue it" in caplog.text


def test_a_search_is_planned_for_its_time_and_resumes_without_one(tmp_path):
    given = {"out": tmp_path / "x", "train": train, "steps": 12, **SETTINGS}
    with contextlib.suppress(lrshape.TimeLimitReached):  # a busy machine may be slower than it was at first
        lrshape.search(time_limit=8.0, **given)
    planned = lrshape.Study(tmp_path / "x").document
    study = lrshape.search(**given)
    assert study.is_complete()
    assert study.document == planned
    shapes = planned["spec"]["screen"]["shapes"]
    assert LEAST < shapes < 8.0 / PAUSE
    with pytest.raises(lrshape.InputError, match=r"changed: base_lr\.low"):
        lrshape.search(**(given | {"base_lr": {"low": 0.02, "high": 1.0}}))


def endless(lrs, seed):
    time.sleep(600)


@pytest.mark.usefixtures("hears_interrupts")
@pytest.mark.parametrize("executor", [None, {"name": "processes", "workers": 1}])
def test_a_training_longer_than_the_limit_does_not_hold_it_up(monkeypatch, executor):
    from lrshape.workers.executor import EXECUTORS

    monkeypatch.setattr("lrshape.study.time_limit.PATIENCE", 0.1)
    spec = spec_of(endless)
    began = time.monotonic()
    with EXECUTORS.build(executor or "inline") as runner:
        assert count_affordable(spec, 2.0, runner) == LEAST
    assert time.monotonic() - began < 10


def test_what_fails_in_most_trials_is_told_before_a_study_exists(tmp_path):
    def broken(lrs, seed):
        return lrs.means()

    with pytest.raises(lrshape.InputError, match=r"all 16 trials that were timed failed.*'means'"):
        lrshape.search(time_limit=3600.0, out=tmp_path / "x", train=broken, steps=12, **SETTINGS)
    assert not (tmp_path / "x" / "study.json").exists()


def test_what_needs_more_than_the_default_number_of_trials_gets_what_fits(tmp_path):
    workload = FunctionWorkload.of(train, 12, ("score",))
    planned = set_trials({"confirm": {"seeds": 300}}, tmp_path / "none", 86400.0, workload)
    assert planned["trials"] > 10_000


def test_what_says_how_to_search_is_left_as_it_is(tmp_path):
    for document in ({"screen": {"shapes": 3}}, {"trials": 100}, {"sampler": "sobol"}):
        assert set_trials(document, tmp_path / "none", 10.0, None) == document
    assert set_trials({}, tmp_path / "none", None, None) == {}


@pytest.mark.parametrize(
    "more",
    [{"confirm": {"seeds": 40}}, {"schedules": ["linear", "cosine"], "tuning": {"rounds": 4, "seeds": 9}}],
)
def test_a_time_that_is_too_short_for_given_settings_is_named(tmp_path, more):
    document = {"base_lr": {"low": 0.01, "high": 1.0}, **more}
    with pytest.raises(lrshape.InputError, match=r"a time limit of 1 s gives .* trials must be at least"):
        set_trials(document, tmp_path / "none", 1.0, FunctionWorkload.of(train, 12, ("score",)))


def test_another_plan_for_a_study_is_refused(tmp_path):
    quick = {**SETTINGS, "trials": 48}
    lrshape.search(out=tmp_path / "x", train=lambda lrs, seed: float(lrs[0]), steps=3, **quick)
    other = {**quick, "trials": 200}
    with pytest.raises(lrshape.InputError, match=r"changed: trials \(max_trials\): 48 -> 200; "):
        lrshape.search(out=tmp_path / "x", train=lambda lrs, seed: float(lrs[0]), steps=3, **other)


@pytest.mark.parametrize("refusal", ["it has notes.txt", "cannot write a study"])
def test_a_directory_that_cannot_be_used_is_refused_before_anything_is_timed(tmp_path, monkeypatch, refusal):
    out, calls = tmp_path / "x", []
    out.mkdir()
    if "notes" in refusal:
        (out / "notes.txt").write_text("mine")
    else:
        monkeypatch.setattr("lrshape.store.places.LocalPlace.probe", refuse_to_write)
    with pytest.raises(lrshape.InputError, match=refusal):
        lrshape.search(time_limit=5, out=out, train=lambda lrs, seed: calls.append(seed), steps=3, **SETTINGS)
    assert calls == []


def refuse_to_write(place, folder):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.mark.parametrize("schedules", [None, ["linear", "cosine"]])
def test_two_runs_that_time_their_trials_at_once_share_a_study(tmp_path, monkeypatch, schedules):
    given = {"out": tmp_path / "x", "train": lambda lrs, seed: float(lrs[0]), "steps": 3}
    given |= {"base_lr": SETTINGS["base_lr"], "confirm": SETTINGS["confirm"], "time_limit": 100.0}
    run = lrshape.search if schedules is None else partial(lrshape.compare, schedules=schedules)

    def timed(spec, seconds, executor=None):
        monkeypatch.setattr("lrshape.study.pace.count_affordable", lambda *arguments: 100)
        run(**given)  # the other run, which was quicker
        return 200

    monkeypatch.setattr("lrshape.study.pace.count_affordable", timed)
    study = run(**given)
    assert study.is_complete()
    assert study.spec.max_trials == 100


@pytest.mark.parametrize("change", [{"base_lr": None}, {"base_lr": 3}, {"sampler": 3}])
def test_a_stored_spec_that_makes_no_sense_is_refused_in_words(tmp_path, change):
    out = tmp_path / "x"
    lrshape.store.Store.create(out, {"spec": {"workload": "digits-mlp", **change}, "chunk_size": 4})
    with pytest.raises(lrshape.InputError, match=r"study\.json holds a spec that cannot be read: "):
        set_trials({"workload": "digits-mlp"}, out, None, None)


@pytest.mark.usefixtures("hears_interrupts")
@pytest.mark.filterwarnings("error")
def test_a_time_limit_may_be_longer_than_the_system_can_wait():
    with limit_time(1e10):
        time.sleep(0.1)
