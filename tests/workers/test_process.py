"""The protocol of worker processes: limits, ends without a word, and the end with the parent."""

import os
import signal
import subprocess
import sys
import time

import pytest

from lrshape.workers.process import Worker
from lrshape.workers.worker import packed


@pytest.fixture
def worker():
    made = Worker()
    yield made
    made.end()


def ask(worker, task, item=None, seconds=None):
    worker.order(packed(task), item, seconds)
    return worker.answer()


def test_it_answers_again_and_again_and_takes_another_task(worker):
    assert ask(worker, lambda item, report: item + os.getpid(), 1) == ("done", worker.process.pid + 1)
    assert ask(worker, lambda item, report: -item, 2) == ("done", -2)
    kind, (error, trace) = ask(worker, lambda item, report: 1 / item, 0)
    assert (kind, type(error)) == ("raised", ZeroDivisionError)
    assert "1 / item" in trace
    kind, (error, _) = ask(worker, lambda item, report: __import__("threading").Lock())
    assert (kind, type(error).__name__) == ("raised", "InputError")
    assert ask(worker, lambda item, report: item, 3) == ("done", 3)


def test_the_time_limit_counts_for_each_order(worker):
    for _ in range(3):
        assert ask(worker, lambda item, report: time.sleep(0.2), seconds=0.5).kind == "done"
    kind, death = ask(worker, lambda item, report: time.sleep(600), seconds=0.5)
    assert (kind, death.reason) == ("died", "TimeoutError: not done after 0.5 s; killed")
    assert not worker.alive


def test_a_task_that_closes_the_socket_has_died(worker):
    kind, death = ask(worker, lambda item, report: os.closerange(3, 10_000))
    assert (kind, death.reason) == ("died", "the training process ended with exit code 1")


def test_a_child_that_keeps_the_socket_open_hides_no_death_and_is_killed(worker, tmp_path, gone):
    def forks(path, report):
        if child := os.fork():
            path.write_text(str(child))
            os._exit(3)
        time.sleep(600)

    kind, death = ask(worker, forks, tmp_path / "child")
    assert (kind, death.reason) == ("died", "the training process ended with exit code 3")
    assert gone(int((tmp_path / "child").read_text()))


def test_it_ends_with_its_parent(gone):
    """Even a parent that is killed leaves nothing behind that runs for ever."""
    script = (
        "import os; from lrshape.workers.process import Worker; from lrshape.workers.worker import packed\n"
        "def forever(item, report):\n"
        "    report(os.getpid())\n"
        "    while True: pass\n"
        "worker = Worker()\n"
        "worker.order(packed(forever), None)\n"
        "while (answer := worker.look()) is None or answer.kind != 'news': pass\n"
        "print(answer.what, flush=True)\n"
        "worker.answer()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        assert not gone(child, patience=0.1)
        parent.kill()
    assert gone(child)


def test_a_worker_whose_parent_has_ended_ends_without_a_word():
    code = """
from multiprocessing.connection import Pipe
from lrshape.workers.worker import _send
ours, theirs = Pipe()
theirs.close()
_send(ours, "done", 1)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], start_new_session=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, b"")
