"""Worker processes: their share of the machine, their memory, and how they end."""

import os
import subprocess
import sys

import pytest

import lrshape
from lrshape.errors import InputError
from lrshape.testing import tasks
from lrshape.workers import pool
from lrshape.workers.executor import executor_of
from lrshape.workers.executors.processes import Processes
from lrshape.workers.places import THREADS, places, visible_gpus
from lrshape.workers.process import held

ITEMS = [(1,), (2,), (300,), (4,)]


class Deadly(tasks.Squares):
    """Kills whoever reads it."""

    def __reduce__(self):
        return os._exit, (7,)


def run(executor, task, items=ITEMS):
    with executor:
        return dict(executor.run(task, iter(items), lambda item, news: None, lambda: None))


def test_what_an_item_reports_is_heard_once_with_it():
    heard = []
    with Processes(workers=2) as executor:
        news = executor.run(tasks.Squares(), iter(ITEMS), lambda item, news: heard.append((item, news)), int)
        assert len(list(news)) == len(ITEMS)
    assert sorted(item for item, _ in heard) == sorted(ITEMS)


@pytest.fixture
def watchful(monkeypatch):
    """The memory limit is looked at often, so that tests of it need not be slow."""
    monkeypatch.setattr(pool, "PULSE", 0.05)


def test_an_executor_that_two_searches_share_gives_each_its_own_workers():
    shared = Processes(workers=1)
    with executor_of(shared) as one, executor_of(shared) as other:
        assert one == other == shared
        assert len({id(one), id(other), id(shared)}) == 3


def test_workers_have_cores_of_their_own(monkeypatch):
    cores = sorted(os.sched_getaffinity(0))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    found = places(None, None)
    assert [place.cores for place in found] == [(core,) for core in cores]
    assert {place.environment()[name] for place in found for name in THREADS} == {"1"}
    wide = places(3, len(cores))  # more than there is room for: they share
    assert [place.cores for place in wide] == [tuple(cores)] * 3


def test_each_worker_sees_one_gpu(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, GPU-5e")
    assert visible_gpus() == ["2", "GPU-5e"]
    assert [p.environment()["CUDA_VISIBLE_DEVICES"] for p in places(3, 1)] == ["2", "GPU-5e", "2"]
    assert len(places(None, 1)) == 2
    shared = max(1, len(os.sched_getaffinity(0)) // 2)
    assert [p.threads for p in places(None, None)] == [shared] * 2  # to feed it
    for none in ("-1", "", "NoDevFiles", "2,-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", none)
        assert visible_gpus() == (["2"] if "2" in none else [])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    for name in ("nvidia10", "nvidia9", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert visible_gpus(tmp_path) == ["9", "10"]


def test_memory_of_children_counts():
    child = "x = bytearray(b'x' * 60_000_000); print(flush=True); input()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    before = held(os.getpid())
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        assert held(os.getpid()) - before > 60_000_000
        process.stdin.close()
    assert held(process.pid) == 0


def test_what_takes_too_much_memory_has_failed_and_the_others_are_kept(watchful):
    found = run(Processes(workers=1, memory=0.25), tasks.Squares(takes_memory=[300]))
    reason = found.pop((300,))[0]
    assert reason.startswith("the training process held 0.")
    assert reason.endswith("GiB, more than 0.25; killed")
    assert found == {(1,): [1], (2,): [4], (4,): [16]}


def test_a_slow_leak_costs_a_new_worker_and_no_training(watchful):
    items = [(90,), (91,), (92,), (93,)]
    found = run(Processes(workers=1, memory=0.25), tasks.Squares(takes_memory=[90, 91, 92, 93]), items)
    assert found == {(x,): [x * x] for (x,) in items}


def test_workers_that_never_start_are_bad_input():
    with pytest.raises(InputError, match=r"cannot start: 3 exited .* ended with exit code 7"):
        run(Processes(workers=1), Deadly())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"name": "processes", "workers": 0},
            "executor.workers: must be at least 1",
        ),
        ({"name": "processes", "memory": -1}, "executor.memory: must be greater than 0, got -1"),
        ({"name": "inline", "workers": 2}, "executor: unknown key 'workers'; allowed: none"),
        ({"name": "process"}, "did you mean 'processes'"),
        ({"workers": 2}, "executor: needs a name"),
    ],
)
def test_wrong_settings(settings, message, tmp_path):
    with pytest.raises(InputError, match=message):
        lrshape.search({}, out=tmp_path / "study", executor=settings)
    assert not (tmp_path / "study").exists()


def test_one_training_that_kills_its_worker_fails_and_its_chunk_is_kept(tmp_path, monkeypatch):
    """With a closure, which no worker could import: scripts and notebooks have such functions."""
    monkeypatch.setattr(pool, "BEFORE_SPLIT", 1)  # every death costs a new worker's start
    monkeypatch.setattr(pool, "MAX_DEATHS", 1)
    calls: list[tuple[int, float]] = []
    deadly: list[tuple[int, float]] = []

    def train(lrs, seed):
        calls.append((seed, float(lrs[0])))
        if calls[-1] in deadly:
            os._exit(1)
        return float(lrs.mean())

    spec = {
        "families": ["rex"],
        "baselines": ["constant"],
        "chunk_size": 4,
        "base_lr": {"low": 0.1, "high": 1.0, "points": 2},
        "screen": {"shapes": 3, "seeds": 2},
        "rescore": {"top": 1, "seeds": 2},
        "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1},
        "confirm": {"seeds": 2},
    }
    calm = lrshape.search(spec, train=train, steps=3, out=tmp_path / "calm").trials()
    deadly.append(calls[5])
    executor = {"name": "processes", "workers": 2}
    killed = lrshape.search(spec, train=train, steps=3, out=tmp_path / "killed", executor=executor).trials()
    failed = killed[killed["status"] == "failed"]
    assert failed["message"].tolist() == ["the training process ended with exit code 1"]
    assert failed["final/score"].tolist() == [float("inf")]
    keys = ["shape", "base_lr", "seed"]
    same = calm[calm["phase"] == "screen"].merge(killed[killed["phase"] == "screen"], on=keys)
    assert len(same) > 20
    assert (same["final/score_x"] != same["final/score_y"]).sum() == 1


SCRIPT = """
import os, pickle

class Own:
    pass

def train(lrs, seed):
    if __name__ == "__mp_main__" and lrs[0] > 0.9:
        os._exit(2)  # in a process of its own, which imports this script
    if __name__ == "__mp_main__":
        pickle.dumps(Own())
    return float(lrs.mean())

if __name__ == "__main__":
    import lrshape.api  # not where the worker imports this, again and again
    lrshape.api.write_report = lambda study: None
    spec = {"families": ["rex"], "baselines": ["constant"], "base_lr": {"low": 0.1, "high": 1.0, "points": 2},
            "screen": {"shapes": 2, "seeds": 1}, "rescore": {"top": 1, "seeds": 2}, "confirm": {"seeds": 2},
            "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1}}
    study = lrshape.search(spec, train=train, steps=3, out="study", timeout=60,
                           executor={"name": "processes", "workers": 1})
    print(study.trials()["message"].unique().tolist())
"""


def test_a_scripts_trials_in_processes_of_their_own(tmp_path, environment):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['', 'the training process ended with exit code 2']\n"
