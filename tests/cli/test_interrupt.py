"""Ctrl-C, SIGTERM, kill -9 and the time limit, on real processes, and what is there afterwards."""

import signal
import time

import pandas as pd
import pytest

import lrshape
from lrshape.cli.running import limit
from lrshape.errors import InputError


def table(folder, name="study"):
    return lrshape.Study(folder.path / name).trainings().drop(columns="wall_time")


def wait_for_chunks(folder, process, count):
    trainings = folder.path / "study" / "trainings"
    for _ in range(1200):
        if trainings.is_dir() and len(list(trainings.glob("*.parquet"))) >= count:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError("the study did not get going")


@pytest.fixture
def slow(folder):
    folder.environment["PYTHONDONTWRITEBYTECODE"] = "1"  # the training is edited within a second
    text = (folder.path / "my_training.py").read_text()
    (folder.path / "my_training.py").write_text(text.replace("sleep(0.0)", "sleep(0.05)"))
    return folder


@pytest.mark.parametrize(
    ("kill", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)]
)
def test_stopped_and_run_again_it_is_the_same_study(slow, finished, kill, code):
    process = slow.start("search", "spec.toml", "--out", "study")
    wait_for_chunks(slow, process, 5)
    process.send_signal(kill)
    began = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - began < 10
    assert process.returncode == code
    assert "Traceback" not in err
    if code == 130:
        assert "run the same command to resume" in err
    stored = len(table(slow))
    assert 0 < stored < len(table(finished))
    text = (slow.path / "my_training.py").read_text()
    (slow.path / "my_training.py").write_text(text.replace("sleep(0.05)", "sleep(0.0)"))
    again, _, err = slow.run("search", "spec.toml", "--out", "study")
    assert again == 0, err
    pd.testing.assert_frame_equal(table(slow), table(finished), check_exact=True)
    assert slow.run("best", "study", "--json")[1] == finished.run("best", "study", "--json")[1]


def test_ctrl_c_stops_a_background_job_that_was_started_with_it_ignored(slow):
    ignore = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    process = slow.start("search", "spec.toml", "--out", "study", before=ignore)
    wait_for_chunks(slow, process, 2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_time_limit_stops_and_says_how_to_go_on(slow):
    code, _, err = slow.run("search", "spec.toml", "--out", "study", "--time-limit", "1s")
    assert code == 130
    assert "time limit reached" in err
    assert "run the same command to resume" in err
    code, _, err = slow.run("best", "study")
    assert code == 2
    assert "not complete" in err
    assert slow.run("report", "study")[0] == 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("0.5h", 1800), ("1m30s", 90)],
)
def test_times(text, seconds):
    assert limit(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-5s", "5 minutes", "1m1h", "nan", "inf"])
def test_wrong_times(text):
    with pytest.raises(InputError, match="positive time"):
        limit(text)
