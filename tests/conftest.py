"""What tests of several rooms need: real data, the end of processes."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from typer.testing import CliRunner

import driving
import lrshape
from lrshape.cli import app
from lrshape.testing.executors import has_ended

collect_ignore = ["plugins", "shared"]  # a package that is installed; modules that tests import

PARTS = ("cifar-10-batches-bin", "wikitext-2")


@pytest.fixture(scope="session")
def real_data():
    """A folder with CIFAR-10's binary version and WikiText-2, as their publishers lay them out.

    ``$LRSHAPE_DATA`` if it has both; else what a script beside the repository unpacks.
    """
    given = Path(os.environ.get("LRSHAPE_DATA", "/nowhere"))
    if all((given / part).is_dir() for part in PARTS):
        return given
    script = Path(__file__).resolve().parents[2] / "shared" / "data" / "unpack.py"
    if not script.exists():
        absent = "there is no real data: set LRSHAPE_DATA to a folder with " + " and ".join(PARTS)
        if os.environ.get("LRSHAPE_REQUIRE_DATA"):
            pytest.fail(absent)
        pytest.skip(absent)
    folder = Path(tempfile.gettempdir()) / f"lrshape-data-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:  # test processes share it
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            [sys.executable, script, folder, "cifar10", "wikitext"], check=True, capture_output=True
        )
    return folder


@pytest.fixture
def gone():
    """Tells whether a process ends within some seconds."""
    return has_ended


@pytest.fixture
def descendants():
    """Tells which processes a process has started, directly or not."""

    def found(process):
        children = []
        for thread in Path(f"/proc/{process}/task").glob("*/children"):
            children += [int(name) for name in thread.read_text().split()]
        return children + [grandchild for child in children for grandchild in found(child)]

    return found


@pytest.fixture
def said():
    """Runs a command in this process, which must end with the code; gives what it said."""

    def run(*arguments, code=0):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.output

    return run


TOLERANCE = 1e-6
"""Relative, of every learning rate that an optimizer uses."""


@pytest.fixture
def same():
    """Assert that learning rates agree to `TOLERANCE`, past the end too, where the last one stays."""

    def check(found, expected):
        expected = np.asarray(expected)
        expected = np.concatenate([expected, np.full(max(0, len(found) - len(expected)), expected[-1])])
        np.testing.assert_allclose(found, expected[: len(found)], rtol=TOLERANCE, atol=1e-12)

    return check


TRAINING = '''
calls = []
stop_after = None

def train(lrs, seed):
    """A quadratic with gradient noise that differs by seed: wants a decay, and little warmup."""
    if stop_after is not None and len(calls) >= stop_after:
        raise KeyboardInterrupt
    calls.append(seed)
    x = 1.0
    for i, lr in enumerate(lrs):
        x -= lr * (x + 0.3 * ((seed * 31 + i * 17) % 13 - 6) / 6)
    return 0.5 * x * x
'''

SPEC = {
    "families": ["rex", "linear"],
    "workload": {"name": "function", "function": "followed_training:train", "steps": 12},
    "base_lr": {"low": 0.01, "high": 1.0, "points": 4},
    "screen": {"shapes": 6, "seeds": 2},
    "rescore": {"top": 3, "seeds": 6},
    "tuning": {"rounds": 1, "base_lrs": 3},
    "confirm": {"seeds": 6},
    "baselines": ["constant"],
    "chunk_size": 4,
}


@pytest.fixture(scope="session")
def modules(tmp_path_factory):
    """A folder whose modules can be imported."""
    folder = tmp_path_factory.mktemp("modules")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder


@pytest.fixture(scope="session")
def without_report():
    """A context in which no search writes a report, for where it is not the point: drawing takes seconds."""
    return partial(mock.patch, "lrshape.api.write_report", lambda study: None)


@pytest.fixture(autouse=True)
def no_report(request, without_report):
    """No search of a test writes a report, unless the test is marked ``report``."""
    with nullcontext() if request.node.get_closest_marker("report") else without_report():
        yield


@pytest.fixture(scope="session")
def _searched(modules, without_report, tmp_path_factory):
    (modules / "followed_training.py").write_text(TRAINING)
    with without_report():
        return lrshape.search(SPEC, out=tmp_path_factory.mktemp("followed") / "study").path


@pytest.fixture
def searched(_searched, tmp_path):
    """A complete study of a quick training function, a fresh copy."""
    return lrshape.Study(shutil.copytree(_searched, tmp_path / "study"))


@pytest.fixture
def run_again(searched):
    """Runs the search of the study again."""
    return partial(lrshape.search, SPEC, out=searched.path)


@pytest.fixture
def training(_searched):
    """The module of the training: ``calls`` has the seeds, ``stop_after`` interrupts it."""
    module = sys.modules["followed_training"]
    module.calls.clear()
    module.stop_after = None
    yield module
    module.stop_after = None


@pytest.fixture
def drive():
    """Runs a phase on ``metric(training)``; gives its rounds of trials and what it chose."""
    return driving.drive


@pytest.fixture(scope="session")
def drive_all():
    """Runs all phases of a search on ``metric(training)``; gives their trials, and the choice."""
    return driving.drive_all
