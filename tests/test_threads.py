"""Threads that use lrshape at once get what one alone gets, and leave the process as it was."""

import asyncio
import logging
import os
import random
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
import threadpoolctl

import lrshape
from lrshape.process_wide import one_blas_thread, quiet_optuna
from lrshape.report.drawing import inline
from lrshape.report.plotting import one_panel, styled
from lrshape.study import study as study_module
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.function import FunctionWorkload

SEARCH = {
    "steps": 4, "families": ["rex"], "baselines": ["constant"],
    "base_lr": {"low": 0.1, "high": 1.0, "points": 3},
    "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1},
    "screen": {"shapes": 2, "seeds": 1}, "rescore": {"top": 1, "seeds": 2}, "confirm": {"seeds": 2},
}  # fmt: skip


@pytest.fixture
def eager_switching():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(call, items):
    with ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(call, items))


def overlap(block):
    """Enter a block in two threads, the second within the first, which leaves it first."""
    entered, left = threading.Event(), threading.Event()

    def first():
        with block():
            entered.set()
            second.join(0.1)  # it cannot leave before, unless it waits for this one
        left.set()

    def inner():
        entered.wait()
        with block():
            left.wait(1)

    second = threading.Thread(target=inner)
    second.start()
    first()
    second.join()


def train(lrs, seed):
    return float(lrs.mean()) + seed % 3


@pytest.mark.usefixtures("eager_switching")
@pytest.mark.parametrize("batch_sizes", [None, [(8, 300), (16, 200), (4, 500)]])
@pytest.mark.parametrize("family", ["two_point_spline", "table"])
def test_one_schedule_gives_every_thread_its_learning_rates(family, batch_sizes):
    schedule = lrshape.Schedule(family, {}, base_lr=0.1, steps=1000, batch_sizes=batch_sizes)
    expected = schedule.values().tolist()

    def rates(start):
        return [schedule(step) for step in range(start, 1000, 8)]

    assert at_once(rates, range(8)) == [expected[start::8] for start in range(8)]


def test_drawing_leaves_the_users_settings_of_matplotlib():
    before = dict(mpl.rcParams)
    overlap(styled)
    assert dict(mpl.rcParams) == before


def test_drawing_ignores_missing_glyphs_in_its_own_figures_alone():
    figure, ax = one_panel()
    ax.set_title("\u4e00")
    inline(figure, "name", "what it shows")
    with pytest.warns(UserWarning, match="missing from font"):
        warnings.warn("Glyph 1 missing from font", stacklevel=1)


def test_linear_algebra_has_its_threads_again():
    def threads():
        return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]

    with threadpoolctl.threadpool_limits(2):
        before = threads()
        overlap(one_blas_thread)
        assert threads() == before


def test_optuna_logs_as_the_user_wants():
    optuna = pytest.importorskip("optuna")
    before = optuna.logging.get_verbosity()
    assert before != logging.WARNING
    overlap(quiet_optuna)
    assert optuna.logging.get_verbosity() == before


def test_the_directory_is_as_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inside").mkdir()
    began, ended = threading.Event(), threading.Event()

    def first(lrs, seed):
        os.chdir("inside")
        began.set()
        second.join(0.1)
        return 1.0

    def inner(lrs, seed):
        ended.wait(1)
        return 1.0

    def run(train):
        return evaluate(FunctionWorkload.of(train, steps=2), np.ones((1, 2)), [0]).status.tolist()

    second = threading.Thread(target=lambda: began.wait() and run(inner))
    second.start()
    assert run(first) == ["ok"]
    ended.set()
    second.join()
    assert Path.cwd() == tmp_path


def test_a_study_is_analysed_by_the_metric_that_was_asked_for(searched, monkeypatch):
    def analysis(trials, metric, **settings):
        return SimpleNamespace(led=lambda: str(metric))

    class Compared(str):
        """A metric; while it is compared with the last one that was asked for, another thread asks."""

        def __eq__(self, other):
            thread = threading.Thread(target=searched.analysis, args=("final/b",))
            thread.start()
            thread.join()
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    monkeypatch.setattr(study_module, "Analysis", analysis)
    monkeypatch.setattr(searched, "store", SimpleNamespace(chunks=list, trials=list))
    monkeypatch.setattr(searched, "choice", lambda: None)
    searched.analysis("final/a")
    assert searched.analysis(Compared("final/a")) == "final/a"


def test_searches_in_threads_share_a_study(tmp_path):
    alone = lrshape.search(train=train, out=tmp_path / "alone", **SEARCH).trials()
    before = random.getstate()
    found = at_once(
        lambda _: lrshape.search(train=train, out=tmp_path / "shared", **SEARCH).trials(), range(2)
    )
    assert random.getstate() == before
    for trials in found:
        assert trials.drop(columns="wall_time").equals(alone.drop(columns="wall_time"))


@pytest.mark.parametrize("executor", ["inline", {"name": "processes", "workers": 1}])
def test_a_search_runs_in_a_notebook(tmp_path, executor):
    """There an event loop runs already, and no module has the train function."""

    async def cell():
        return lrshape.search(
            train=lambda lrs, seed: train(lrs, seed), out=tmp_path, executor=executor, **SEARCH
        )

    assert asyncio.run(cell()).is_complete()


def test_a_time_limit_ends_a_search_in_a_thread(tmp_path):
    def search(_):
        with pytest.raises(lrshape.TimeLimitReached):
            lrshape.search(
                train=lambda lrs, seed: threading.Event().wait(0.02) or 1.0,
                out=tmp_path,
                time_limit=0.2,
                **SEARCH,
            )

    at_once(search, [0])
