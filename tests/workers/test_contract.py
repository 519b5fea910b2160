"""What every registered executor must do."""

import time
from pathlib import Path

import pytest

from lrshape.errors import InputError
from lrshape.workers.executor import EXECUTORS

SETTINGS = {"processes": {"workers": 2}, "ray": {"workers": 2}}
ELSEWHERE = sorted(set(EXECUTORS) - {"inline"})
ITEMS = [tuple(range(3 * i, 3 * i + 3)) for i in range(12)]
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
    "confirm": {"seeds": 6},
}


@pytest.fixture(scope="module")
def started(request, tasks):
    """An executor that all tests of it share."""
    if request.param == "ray":
        request.getfixturevalue("local_ray")
    with EXECUTORS.build({"name": request.param, **SETTINGS.get(request.param, {})}) as executor:
        yield executor


everywhere = pytest.mark.parametrize("started", sorted(EXECUTORS), indirect=True)
elsewhere = pytest.mark.parametrize("started", ELSEWHERE, indirect=True)


def run(executor, task, items=ITEMS, report=lambda item, news: None, check=lambda: None):
    return dict(executor.run(task, iter(items), report, check))


def squares(items):
    return {item: [x * x for x in item] for item in items}


@everywhere
def test_every_item_has_its_result_once(started, tasks):
    found = list(started.run(tasks.Squares(), ITEMS, lambda item, news: None, lambda: None))
    assert sorted(item for item, _ in found) == ITEMS
    assert dict(found) == squares(ITEMS)
    assert run(started, tasks.Squares(), []) == {}


@everywhere
def test_no_more_is_begun_than_there_is_room_for(started, tasks):
    taken, finished, ahead = 0, 0, []

    def items():
        nonlocal taken
        for item in ITEMS:
            taken += 1
            yield item

    for _ in started.run(tasks.Squares(), items(), lambda item, news: None, lambda: None):
        ahead.append(taken - finished)
        finished += 1
    assert finished == len(ITEMS)
    assert max(ahead) <= 2 * getattr(started, "workers", 1)  # those that run, and those just handed back


@everywhere
def test_what_a_task_raises_ends_the_run_and_the_executor_goes_on(started, tasks):
    with pytest.raises(KeyError, match="number 4") as caught:
        run(started, tasks.Squares(raises=[4]))
    if started.name != "inline":
        assert any("in raises" in note for note in caught.value.__notes__)
    with pytest.raises((tasks.Fussy, RuntimeError), match="4 and 4"):
        run(started, tasks.Squares(raises_fussily=[4]))
    assert run(started, tasks.Squares()) == squares(ITEMS)


@everywhere
def test_the_check_is_heard(started, tasks, tmp_path):
    class Enough(Exception):  # noqa: N818
        pass

    began = time.monotonic()

    def check():
        if time.monotonic() - began > 0.5:
            raise Enough

    slow = {"sleeps": [0]} if started.name != "inline" else {"pauses": range(10**6)}
    many = ITEMS if started.name != "inline" else ITEMS * 100
    with pytest.raises(Enough):
        run(started, tasks.Squares(str(tmp_path), **slow), many, check=check)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("started", ["inline", "processes"], indirect=True)
def test_reports_come_with_their_item(started, tasks):
    heard = []
    run(started, tasks.Squares(), report=lambda item, news: heard.append((item, news)))
    assert sorted(heard) == [(item, 3) for item in ITEMS]


@elsewhere
def test_workers_that_die_of_something_else_cost_nothing(started, tasks, tmp_path):
    task = tasks.Squares(str(tmp_path), dies_once=[1, 16])
    assert run(started, task) == squares(ITEMS)
    assert len(list(tmp_path.iterdir())) == 2


@elsewhere
def test_of_a_poisonous_item_only_the_part_that_kills_has_failed(started, tasks):
    found = run(started, tasks.Squares(is_killed=[4]), ITEMS[:4])
    reason = found[(3, 4, 5)][1]
    assert "SIGKILL" in reason if started.name == "processes" else "died" in reason
    assert found == squares(ITEMS[:4]) | {(3, 4, 5): [9, reason, 25]}


@elsewhere
def test_dropping_a_run_ends_what_runs(started, tasks, tmp_path, gone):
    found = started.run(
        tasks.Squares(str(tmp_path), sleeps=[3]), ITEMS, lambda item, news: None, lambda: None
    )
    next(found)
    while not (marks := list(tmp_path.iterdir())):
        time.sleep(0.05)
    began = time.monotonic()
    found.close()
    assert time.monotonic() - began < 5
    assert gone(int(marks[0].name.removeprefix("process-")))


@elsewhere
def test_a_task_that_a_worker_cannot_read_is_bad_input(started, tasks):
    with pytest.raises(InputError, match="what it should train: RuntimeError: not on this machine"):
        run(started, tasks.Unreadable())


@elsewhere
def test_a_task_that_cannot_be_sent_is_bad_input(started, tasks):
    task = tasks.Squares()
    task.lock = __import__("threading").Lock()
    with pytest.raises(InputError, match="cannot be sent to a worker"):
        run(started, task)


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    (folder / "contract_training.py").write_text(TRAINING)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


@pytest.fixture(scope="module")
def inline(training, tmp_path_factory):
    return search(tmp_path_factory.mktemp("inline"), "inline")


def search(folder: Path, executor):
    import lrshape

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lrshape.api.write_report", lambda study: None)
        study = lrshape.search(SPEC, out=folder / "study", executor=executor)
    return study.document["hash"], study.trials().drop(columns="wall_time")


@elsewhere
def test_a_study_is_the_same(started, inline, tmp_path):
    digest, table = search(tmp_path, started)
    assert digest == inline[0]
    assert set(table["status"]) == {"ok", "failed"}
    assert table.equals(inline[1])
