"""Train functions that hang, crash, leave, fork and print, each in a process of its own."""

import contextlib
import functools
import os
import signal
import time

import numpy as np
import pytest

import lrshape
from lrshape.errors import InputError
from lrshape.training import user_function
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.function import FunctionWorkload

CODE = """
import ctypes, os, signal, subprocess, sys, time
from pathlib import Path

def train(lrs, seed):
    kind = MISCHIEF.get(seed)
    if kind:
        kind(lrs)
    return {"score": float(lrs.sum()) + seed, "process": os.getpid()}

def forever(lrs):
    while True:
        pass

def leaves_a_child(lrs):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
    Path("child").write_text(str(child.pid))
    time.sleep(100)

def forks(lrs):
    os.fork()

def hides(lrs):
    raise RuntimeError("CUDA out of memory")

def nan(lrs):
    lrs[:] = float("nan")

def prints(lrs):
    for _ in range(200):
        print("x" * 20_000)

MISCHIEF = {
    1: forever, 2: lambda lrs: sys.exit(3), 3: lambda lrs: os._exit(4), 4: lambda lrs: ctypes.string_at(0),
    5: forks, 6: hides, 7: nan, 8: prints, 9: lambda lrs: os.kill(os.getpid(), signal.SIGKILL),
    10: leaves_a_child,
}
"""
LRS = np.array([0.1, 1 / 3, 1e-7])


@pytest.fixture(scope="module", autouse=True)
def mischief(modules):
    (modules / "mischievous_training.py").write_text(CODE)
    with contextlib.chdir(modules):
        yield modules
    user_function.end_worker()


def run(*seeds, **settings):
    workload = FunctionWorkload(
        function="mischievous_training:train", steps=3, metrics=("score", "process"),
        **{"isolated": True, **settings},
    )  # fmt: skip
    return evaluate(workload, np.tile(LRS, (len(seeds), 1)), np.array(seeds))


def test_the_results_are_those_of_inline_training():
    isolated, inline = run(100, 6, 7, 101), run(100, 6, 7, 101, isolated=False)
    assert isolated["final/score"].tolist() == inline["final/score"].tolist()
    assert isolated.status.tolist() == inline.status.tolist() == ["ok", "failed", "diverged", "ok"]
    assert isolated.message == inline.message
    assert set(inline["final/process"][[0, 3]]) == {os.getpid()}
    assert os.getpid() not in isolated["final/process"]


def test_one_process_serves_all_trials():
    first, second = run(100, 101), run(102)
    assert len({*first["final/process"], *second["final/process"]}) == 1


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        (2, "SystemExit: 3"),
        (3, "the training process ended with exit code 4"),
        (4, "the training process was killed by SIGSEGV"),
        (6, "RuntimeError: CUDA out of memory"),
        (9, "the training process was killed by SIGKILL (out of memory?)"),
    ],
)
def test_a_crash_is_a_failed_training_and_the_next_one_runs(seed, message):
    outcome = run(100, seed, 101)
    assert outcome.status.tolist() == ["ok", "failed", "ok"]
    assert outcome.message == ["", message, ""]


def test_an_endless_training_is_killed_with_its_children(mischief, gone):
    began = time.monotonic()
    outcome = run(100, 1, 10, 101, timeout=0.5)
    assert time.monotonic() - began < 20
    assert outcome.status.tolist() == ["ok", "failed", "failed", "ok"]
    assert outcome.message[1] == "TimeoutError: not done after 0.5 s; killed"
    assert gone(int((mischief / "child").read_text()))


def test_a_training_that_forks_gives_one_result():
    outcome = run(5, 100, 5, 101)
    assert outcome.status.tolist() == ["ok"] * 4
    assert len(set(outcome["final/process"])) == 1


@pytest.mark.filterwarnings("ignore:.*fork")  # JAX and Python warn of it where threads run
def test_forking_inline_does_not_double_the_study():
    process = os.getpid()
    assert run(5, 100, isolated=False).status.tolist() == ["ok", "ok"]
    assert os.getpid() == process
    os.wait()


@pytest.mark.filterwarnings("ignore:.*fork")
def test_a_fork_leaves_its_parents_process_alone():
    process = run(100)["final/process"][0]
    if (child := os.fork()) == 0:
        user_function.end_worker()
        os._exit(0)
    os.waitpid(child, 0)
    assert run(101)["final/process"][0] == process


def test_megabytes_of_output_do_no_harm(capfd):
    user_function.end_worker()  # a new process writes to where this one writes now
    assert run(8).status.tolist() == ["ok"]
    written = len(capfd.readouterr().err)
    assert written == 200 * 20_001


def test_ctrl_c_kills_the_training(gone):
    process = int(run(100)["final/process"][0])
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    with pytest.raises(KeyboardInterrupt):
        run(1)
    assert gone(process)


def test_no_worker_outlives_a_search(gone, tmp_path):
    workload = {"name": "function", "function": "mischievous_training:train", "steps": 3, "isolated": True}
    given = {"workload": workload | {"metrics": ["score", "process"]}, "max_trials": 60}
    study = lrshape.compare(given, schedules=["linear", "cosine"], out=tmp_path / "x")
    assert all(map(gone, set(study.trials()["final/process"].astype(int))))


@pytest.mark.parametrize("settings", [{"isolated": True}, {"timeout": 3.0}])
def test_a_function_that_no_other_process_can_import_is_refused(settings):
    def local(lrs, seed):
        return 1.0

    class Trainer:
        def __call__(self, lrs, seed):
            return 1.0

        run = __call__

    for train in (local, lambda lrs, seed: 1.0, functools.partial(local), Trainer(), Trainer().run):
        with pytest.raises(InputError, match="another process can import, defined at the top of a module"):
            FunctionWorkload.of(train, 3, **settings).check()


def test_a_function_that_only_the_worker_cannot_import_ends_the_run(tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text(
        f"import os\nif os.getpid() != {os.getpid()}: raise RuntimeError('no licence')\n"
        "def train(lrs, seed): return 1.0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    workload = FunctionWorkload(function="only_here:train", steps=3, isolated=True)
    reason = r"in a worker process, 'only_here' .*only_here.py, line 2: RuntimeError: no licence"
    with pytest.raises(InputError, match=reason):
        evaluate(workload, [LRS], [0])
