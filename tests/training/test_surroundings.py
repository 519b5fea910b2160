"""Train functions that leave a mess in the study's own process; what comes after them is as before."""

import json
import os
import random
import subprocess
import sys
import threading
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import torch

import lrshape
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.function import FunctionWorkload

LRS = np.linspace(0.1, 1.0, 6).reshape(2, 3)


def run(train, **settings):
    return evaluate(FunctionWorkload.of(train, steps=3, **settings), LRS, [7, 8])


@pytest.mark.parametrize("kind", [GeneratorExit, type("Stop", (BaseException,), {}), SystemExit])
def test_no_exception_but_ctrl_c_ends_the_study(kind):
    def train(lrs, seed):
        if seed == 7:
            raise kind("enough")
        return 1.0

    outcome = run(train)
    assert outcome.status.tolist() == ["failed", "ok"]
    assert outcome.message[0] == f"{kind.__name__}: enough"


@pytest.mark.parametrize(
    "value",
    [
        np.float32(0.5),
        np.float16(0.5),
        np.array(0.5),
        np.array([0.5]),
        np.array([[3]]),
        np.int64(3),
        torch.tensor(0.5),
        torch.tensor([0.5], dtype=torch.bfloat16),
        jnp.float32(0.5),
        jnp.array([0.5]),
        Fraction(1, 2),
        Decimal("0.5"),
        -0.0,
    ],
)
def test_numbers_of_every_kind_are_scores(value):
    expected = float(value.item() if hasattr(value, "item") else value)
    assert run(lambda lrs, seed: value)["final/score"].tolist() == [expected] * 2


def test_a_loss_that_is_still_on_its_graph_is_a_score():
    weight = torch.ones(3, requires_grad=True)
    assert run(lambda lrs, seed: (weight**2).sum())["final/score"].tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    "value",
    [
        1 + 2j,
        np.complex64(1j),
        torch.ones(2),
        np.ones(2),
        np.ones(0),
        np.bool_(True),
        np.datetime64("2026"),
        {},
        object(),
        b"1",
        [[]],
    ],
)
def test_what_is_no_number_fails(value):
    outcome = run(lambda lrs, seed: value)
    assert outcome.status.tolist() == ["failed", "failed"]
    assert outcome.message[0].startswith("TypeError: train must return")
    assert len(outcome.message[0]) <= 500


@pytest.mark.parametrize("scale", [5e-324, 1e-300, 1e37, -1e37])
def test_scores_of_any_size_have_a_winner(tmp_path, scale):
    study = lrshape.search(
        train=lambda lrs, seed: scale * (1 + seed % 3), steps=3, out=tmp_path / "study", families=["rex"],
        baselines=["constant"], screen={"shapes": 4, "seeds": 2}, rescore={"top": 1, "seeds": 2},
        base_lr={"low": 0.1, "high": 1.0, "points": 2}, tuning={"rounds": 1, "base_lrs": 3, "seeds": 1},
        confirm={"seeds": 2},
    )  # fmt: skip
    assert set(study.trials()["status"]) == {"ok"}
    assert 1 <= study.best().score_median / scale <= 3


def test_keys_that_change_fail_where_one_is_missing_and_many_do_no_harm():
    def train(lrs, seed):
        return {"score": 1.0, **{f"k{i}": i for i in range(100_000)}} if seed == 7 else {f"other{seed}": 1.0}

    outcome = run(train)
    assert outcome.status.tolist() == ["ok", "failed"]
    assert "missing: score" in outcome.message[1]
    assert list(outcome) == ["final/score"]


def test_the_directory_is_as_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    seen = []

    def train(lrs, seed):
        seen.append(Path.cwd())
        os.chdir("elsewhere")
        return 1.0

    assert run(train).status.tolist() == ["ok", "ok"]
    assert seen == [tmp_path] * 2


def test_threads_that_go_on_do_not_hold_the_next_training():
    stop = threading.Event()
    try:
        outcome = run(lambda lrs, seed: threading.Thread(target=stop.wait, daemon=True).start() or 1.0)
        assert outcome.status.tolist() == ["ok", "ok"]
    finally:
        stop.set()


def test_the_random_state_of_the_process_changes_nothing(tmp_path):
    """Neither what is searched nor what is said depends on it."""

    def search(out, mess):
        def train(lrs, seed):
            if mess:
                random.seed(0), np.random.seed(0), torch.manual_seed(0)  # noqa: NPY002
            return float(abs(lrs.sum() - 1)) + seed % 7 / 100

        study = lrshape.search(
            train=train, steps=3, out=tmp_path / out, families=["rex"], base_lr={"low": 0.1},
            baselines=["constant"], confirm={"seeds": 2}, trials=48,
        )  # fmt: skip
        return study.trials().drop(columns="wall_time")

    before = random.getstate()
    plain = search("plain", mess=False)
    assert random.getstate() == before
    assert search("mess", mess=True).equals(plain)


MESS = """
import os, sys
def train(lrs, seed):
    {mess}
    return float(abs(lrs.sum() - 1)) + seed % 7 / 100
"""

SPEC = """
families = ["rex"]
baselines = ["constant"]
base_lr = {low = 0.1, high = 1.0, points = 2}
screen = {shapes = 2, seeds = 1}
rescore = {top = 1, seeds = 2}
tuning = {rounds = 1, base_lrs = 3, seeds = 1}
confirm = {seeds = 2}
workload = {name = "function", function = "messy:train", steps = 3, isolated = ISOLATED}
"""


@pytest.mark.parametrize(
    ("mess", "isolated"),
    [
        ("sys.stdout.close(); sys.stderr.close()", "false"),
        ("os.close(0); os.close(1); os.close(2)", "false"),
        ("os.close(0); os.close(1); os.close(2)", "true"),
    ],
)
def test_closed_streams_are_opened_again(tmp_path, mess, isolated):
    """Else the next file that is opened would be standard output, and take what is printed."""
    (tmp_path / "messy.py").write_text(MESS.format(mess=mess))
    (tmp_path / "spec.toml").write_text(SPEC.replace("ISOLATED", isolated))
    program = "from lrshape import api, cli; api.write_report = lambda study: None; cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "search", "spec.toml", "--out", "study"],
        cwd=tmp_path, check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "best shape: rex" in done.stdout
    study = lrshape.Study(tmp_path / "study")
    assert study.is_complete()
    assert set(study.trials()["status"]) == {"ok"}
    assert not (tmp_path / "study" / "damaged").exists()
    json.loads((tmp_path / "study" / "study.json").read_text())


def test_a_search_with_a_function_leaves_jax_alone(tmp_path):
    """JAX that has started takes most of a GPU's memory, and warns when loaders of data fork."""
    (tmp_path / "messy.py").write_text(MESS.format(mess="os.fork() or os._exit(0)"))
    (tmp_path / "spec.toml").write_text(SPEC.replace("ISOLATED", "false"))
    done = subprocess.run(
        [sys.executable, "-m", "lrshape", "search", "spec.toml", "--out", "study"],
        cwd=tmp_path, check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "os.fork()" not in done.stderr
    assert set(lrshape.Study(tmp_path / "study").trials()["status"]) == {"ok"}
