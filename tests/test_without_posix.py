"""A system without POSIX, such as Windows: what it lacks is taken away, since no test runs on one."""

import json
import os
import subprocess
import sys

import pytest

WITHOUT_POSIX = """
import json, os, signal, sys
import jax, matplotlib.pyplot, optax, pandas, pyarrow.parquet, scipy.stats  # Windows has its own of these

for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("fork", "setsid", "killpg", "getpgid", "sched_getaffinity", "sched_setaffinity", "sysconf",
             "O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK", "O_NOCTTY", "mkfifo"):
    delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "pthread_kill"):
    delattr(signal, name)
os.supports_dir_fd = set()

from typer.testing import CliRunner
from lrshape.cli import app

for arguments in json.loads(sys.argv[1]):
    result = CliRunner().invoke(app, arguments)
    print("RESULT", json.dumps([result.exit_code, result.stderr, repr(result.exception)]))
"""

TRAINING = "def train(lrs, seed):\n    return float(abs(lrs.sum() - 1)) + seed % 7 / 100\n"

SEARCH = """
families = ["rex", "linear"]
baselines = ["constant"]
base_lr = {low = 0.1, high = 1.0, points = 2}
screen = {shapes = 2, seeds = 1}
rescore = {top = 1, seeds = 2}
tuning = {rounds = 1, base_lrs = 3, seeds = 1}
confirm = {seeds = 2}
[workload]
steps = 8
"""
CALLED = 'name = "function"\nfunction = "training:train"\n'
SPECS = {
    "inline": 'name = "linear-regression"\ndimension = 4\n',
    "called": CALLED,
    "isolated": f"{CALLED}isolated = true\n",
    "timeout": f"{CALLED}timeout = 5.0\n",
    "command": f'name = "command"\ncommand = ["{sys.executable}", "{{schedule}}", "{{metrics}}"]\n',
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs commands, in one process: exit code and errors of each."""
    path = tmp_path_factory.mktemp("windows")
    (path / "training.py").write_text(TRAINING)
    for name, workload in SPECS.items():
        (path / f"{name}.toml").write_text(SEARCH + workload)

    def run(*commands):
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_POSIX, json.dumps([command.split() for command in commands])],
            cwd=path,
            env={k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"},
            text=True,
            capture_output=True,
            check=True,
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        return [json.loads(line.removeprefix("RESULT ")) for line in lines]

    run.path = path
    return run


def test_an_inline_search_and_what_reads_it_work(run):
    results = run(
        "search inline.toml --out study --time-limit 5m",
        "report study",
        "best study",
        "export study --to torch",
        "trials study --to csv",
        "store verify study",
        "shapes show rex",
    )
    assert [code for code, *_ in results] == [0] * 7, results
    written = {path.name for path in (run.path / "study").iterdir()}
    assert {"report.html", "figures", "tables", "trials", "trials.csv"} <= written


def test_what_needs_process_groups_is_refused_in_one_line(run):
    results = run(
        "search isolated.toml --out none",
        "search timeout.toml --out none",
        "search command.toml --out none",
        "search called.toml --out none --executor processes",
    )
    for code, errors, _ in results:
        assert (code, errors.count("\n")) == (2, 1), errors
        assert ": this needs process groups" in errors
    assert not (run.path / "none").exists()


def test_a_command_that_is_called_is_refused_and_has_not_failed(monkeypatch):
    from lrshape.errors import InputError
    from lrshape.training.workloads.command import CommandWorkload

    workload = CommandWorkload(command=("python", "{schedule}", "{metrics}"), steps=2)
    monkeypatch.delattr(os, "killpg")
    with pytest.raises(InputError, match="needs process groups"):
        workload.call([0.1, 0.1], 0)


def test_a_folder_that_is_a_link_is_refused_without_descriptors(run):
    (run.path / "elsewhere").mkdir()
    (run.path / "other").mkdir()
    (run.path / "other" / "trials").symlink_to(run.path / "elsewhere")
    ((code, errors, _),) = run("search inline.toml --out other")
    assert (code, "trials is a link" in errors) == (2, True), errors
    assert not list((run.path / "elsewhere").iterdir())
