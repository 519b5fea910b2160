"""Every registered executor keeps its contract, and runs a study to the same results."""

from pathlib import Path

import pytest

from lrshape.testing import executors
from lrshape.workers.executor import EXECUTORS

SETTINGS = {"processes": {"workers": 2}, "ray": {"workers": 2}}
ELSEWHERE = sorted(set(EXECUTORS) - {"inline"})
TRAINING = """
import os
def train(lrs, seed):
    if seed % 7 == 0:
        raise ValueError("no luck")
    x = 1.0
    for i, lr in enumerate(lrs):
        x -= lr * (x + 0.1 * ((seed * 31 + i * 17) % 13 - 6) / 6)
    return 0.5 * x * x
"""
SPEC = {
    "families": ["rex", "linear"],
    "baselines": ["cosine"],
    "chunk_size": 4,
    "workload": {"name": "function", "function": "contract_training:train", "steps": 10},
    "base_lr": {"low": 0.01, "high": 1.0, "points": 3},
    "screen": {"shapes": 4, "seeds": 2},
    "rescore": {"top": 2, "seeds": 6},
    "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1},
    "confirm": {"seeds": 6},
}


@pytest.fixture(scope="module")
def started(request):
    """An executor that all tests of it share."""
    if request.param == "ray":
        request.getfixturevalue("local_ray")
    with EXECUTORS.build({"name": request.param, **SETTINGS.get(request.param, {})}) as executor:
        yield executor


everywhere = pytest.mark.parametrize("started", sorted(EXECUTORS), indirect=True)
elsewhere = pytest.mark.parametrize("started", ELSEWHERE, indirect=True)


@everywhere
@pytest.mark.parametrize("rule", executors.RULES)
def test_keeps_the_contract(started, rule):
    rule(started)


@pytest.fixture(scope="module")
def inline(modules, without_report, tmp_path_factory):
    (modules / "contract_training.py").write_text(TRAINING)
    with without_report():
        return search(tmp_path_factory.mktemp("inline"), "inline")


def search(folder: Path, executor):
    import lrshape

    study = lrshape.search(SPEC, out=folder / "study", executor=executor)
    return study.document["hash"], study.trials().drop(columns="wall_time")


@elsewhere
def test_a_study_is_the_same(started, inline, tmp_path):
    digest, table = search(tmp_path, started)
    assert digest == inline[0]
    assert set(table["status"]) == {"ok", "failed"}
    assert table.equals(inline[1])
