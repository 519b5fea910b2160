"""Ctrl-C, SIGTERM, kill -9 and the time limit, on real processes, and what is there afterwards."""

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pandas as pd
import pytest
import typer

import lrshape
from lrshape.cli import stopping
from lrshape.cli.running import seconds
from lrshape.study import time_limit

CHUNKS = "study/trials/*.parquet"


def table(folder, name="study"):
    return lrshape.Study(folder.path / name).trials().drop(columns="wall_time")


def stopped(process, code):
    """Assert that a process ends soon, with a code and without a traceback; return what it said."""
    began = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - began < 10
    assert process.returncode == code
    assert "Traceback" not in err
    return err


def finish(folder, finished):
    """Run the search to its end: its trials are those of one that was not stopped."""
    folder.pause(0.0)
    code, _, err = folder.run("search", "spec.toml", "--out", "study")
    assert code == 0, err
    pd.testing.assert_frame_equal(table(folder), table(finished), check_exact=True)


@pytest.fixture
def slow(folder):
    folder.pause(0.05)
    return folder


@pytest.mark.parametrize(
    ("kill", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)]
)
def test_stopped_and_run_again_it_is_the_same_study(slow, finished, kill, code):
    process = slow.start("search", "spec.toml", "--out", "study")
    slow.wait(process, CHUNKS, 5)
    process.send_signal(kill)
    err = stopped(process, code)
    if code == 130:
        assert "finished trials are stored in study: run the same command again to resume" in err
    stored = len(table(slow))
    assert 0 < stored < len(table(finished))
    finish(slow, finished)
    assert slow.run("best", "study", "--json")[1] == finished.run("best", "study", "--json")[1]


def test_the_bars_of_a_terminal_do_not_overwrite_how_to_resume(slow):
    slow.environment["TERM"] = "xterm"
    terminal, end = os.openpty()
    process = slow.start("search", "spec.toml", "--out", "study", stderr=end)
    os.close(end)
    shown, told = b"", False
    with suppress(OSError):  # Linux ends what a terminal showed with an error
        while select.select([terminal], [], [], 60)[0] and (read := os.read(terminal, 4096)):
            shown += read
            if not told and (told := "━".encode() in shown):
                process.send_signal(signal.SIGINT)
    os.close(terminal)
    process.communicate(timeout=60)
    assert process.returncode == 130
    _, _, after = shown.partition(b"interrupted; ")
    assert after
    assert b"\x1b" not in after


def test_ctrl_c_stops_a_background_job_that_was_started_with_it_ignored(slow):
    ignore = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    process = slow.start("search", "spec.toml", "--out", "study", before=ignore)
    slow.wait(process, CHUNKS, 2)
    process.send_signal(signal.SIGINT)
    stopped(process, 130)


INTERRUPTS_IMPORT = """
import gc, os, signal, sys

class Finder:
    def find_spec(self, name, *_):
        if name == "jax":
            gc.callbacks.append(self.collected)
            gc.collect()

    def collected(self, *_):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):  # what Python's own handler raises here is ignored
            pass

sys.meta_path.insert(0, Finder())
"""


def test_ctrl_c_while_jax_is_imported_is_not_lost(slow):
    before = f"exec({INTERRUPTS_IMPORT!r})"
    assert stopped(slow.start("search", "spec.toml", "--out", "study", before=before), 130)


@pytest.mark.parametrize(("kill", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_workers_end_with_the_study_and_inline_goes_on(slow, finished, descendants, gone, kill, code):
    process = slow.start("search", "spec.toml", "--out", "study", "--executor", "processes", "--workers", "2")
    slow.wait(process, CHUNKS, 5)
    workers = descendants(process.pid)
    assert len(workers) >= 2
    process.send_signal(kill)
    stopped(process, code)
    assert all(map(gone, workers))
    finish(slow, finished)


STUBBORN = """
import time

def train(lrs, seed):
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass
"""


HASTY = (
    "from lrshape.cli import stopping; from lrshape.study import time_limit; "
    "stopping.GRACE, time_limit.PATIENCE = 0.2, 1.0"
)


@pytest.fixture
def stubborn(folder):
    """Trials that do not end, and do not hear of signals."""
    (folder.path / "my_training.py").write_text(STUBBORN)
    return folder


def wait_for_study(folder, process):
    folder.wait(process, "study/study.json", 1)
    time.sleep(1.0)  # now it trains


def test_ctrl_c_in_a_callback_of_the_garbage_collector_is_not_lost():
    code = """
import gc, os, signal
from lrshape.cli.stopping import stoppable

def callback(*_):
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):
        pass

with stoppable(lambda: "left", 7):
    gc.callbacks.append(callback)
    gc.collect()
    print("goes on")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (7, "", "left")


def test_an_interrupt_of_the_clock_is_no_ctrl_c():
    code = """
import time
from lrshape.cli import stopping
from lrshape.study import time_limit
stopping.GRACE, time_limit.PATIENCE = 0.2, 0.0
with stopping.stoppable(lambda: "left at once", 9):
    try:
        with time_limit.limit_time(0.1):
            time.sleep(60)
    except time_limit.TimeLimitReached:
        time_limit.forget_interrupt()
    time.sleep(0.6)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_second_ctrl_c_stops_at_once_what_does_not_hear_the_first(stubborn):
    process = stubborn.start("search", "spec.toml", "--out", "study")
    wait_for_study(stubborn, process)
    process.send_signal(signal.SIGINT)
    time.sleep(1.0)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - began < 2
    assert process.returncode == 130
    assert "stopped immediately; this run stored no trials: run the same command again" in err


def test_what_hears_nothing_stops_within_ten_seconds(stubborn):
    assert stopping.GRACE + time_limit.PATIENCE < 10
    process = stubborn.start("search", "spec.toml", "--out", "study", "--time-limit", "1s", before=HASTY)
    wait_for_study(stubborn, process)
    err = stopped(process, 130)
    assert "stopped immediately; this run stored no trials: run the same command again" in err


def test_where_no_trial_was_stored_none_is_said_to_be(stubborn):
    arguments = ("search", "planned.toml", "--out", "study", "--time-limit", "1s")
    _, err = stubborn.start(*arguments, before=HASTY).communicate(timeout=60)
    assert err.endswith(
        "stopped immediately; this run stored no trials: run the same command again, with more time if it "
        "ends here again\n"
    )
    assert not (stubborn.path / "study" / "study.json").exists()


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_the_time_limit_drops_a_long_training(slow, descendants, gone, executor):
    (slow.path / "my_training.py").write_text("import time\ndef train(lrs, seed): time.sleep(600)\n")
    began = time.monotonic()
    options = ("--out", "study", "--time-limit", "2s", "--executor", executor)
    process = slow.start("search", "spec.toml", *options)
    workers: list[int] = []
    while executor == "processes" and not workers:
        assert process.poll() is None, process.communicate()
        workers = descendants(process.pid)
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - began < 30  # most of it is the start
    assert process.returncode == 130
    assert "time limit reached" in err
    assert all(map(gone, workers))


def test_two_runs_on_one_directory_share_the_work_and_finish_with_the_same_table(slow, finished):
    text = (slow.path / "my_training.py").read_text()
    count = "import os; os.write(os.open('calls', os.O_WRONLY | os.O_APPEND | os.O_CREAT), b'x')"
    text = text.replace("    x = 1.0", f"    {count}\n    x = 1.0").replace("sleep(0.05)", "sleep(0.02)")
    (slow.path / "my_training.py").write_text(text)
    runs = [slow.start("search", "spec.toml", "--out", "study") for _ in range(2)]
    for process in runs:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    pd.testing.assert_frame_equal(table(slow), table(finished), check_exact=True)
    assert not (slow.path / "study" / "damaged").exists()
    calls = (slow.path / "calls").stat().st_size
    assert len(table(slow)) <= calls < 1.6 * len(table(slow))


def test_time_limit_stops_and_says_how_to_go_on(slow):
    code, _, err = slow.run_apart("search", "spec.toml", "--out", "study", "--time-limit", "1s")
    assert code == 130
    assert "time limit reached" in err
    assert "run the same command again to resume" in err
    code, _, err = slow.run("best", "study")
    assert code == 2
    assert "not complete" in err
    assert slow.run("report", "study")[0] == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("0.5h", 1800), ("1m30s", 90)],
)
def test_times(text, found):
    assert seconds(text) == found


@pytest.mark.parametrize("text", ["", "s", "-5s", "5 minutes", "1m1h", "nan", "inf", "10_m", "1__0s", "1h30"])
def test_wrong_times(text):
    with pytest.raises(typer.BadParameter, match="positive time"):
        seconds(text)
