"""An installed package adds a plug-in of each kind, and nothing of lrshape knows of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lrshape

PACKAGE = Path(__file__).parent / "plugins" / "lrshape_example"
SOURCE = Path(lrshape.__file__).parents[1]
PLUGINS = {
    "half_sine": "family",
    "kronecker": "sampler",
    "parabola": "workload",
    "lines": "tracker",
    "yaml": "exporter",
    "losses": "reader",
    "repeat": "check",
}
SPEC = """
families = ["half_sine"]
sampler = "kronecker"
workload = "parabola"
baselines = ["constant"]
[screen]
shapes = 3
[rescore]
top = 1
seeds = 2
[tuning]
rounds = 1
base_lrs = 3
seeds = 1
[confirm]
seeds = 2
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Of a process that has lrshape and the package."""
    folder = tmp_path_factory.mktemp("installed")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    copy = folder / "source"  # pip builds inside of it
    subprocess.run(["cp", "-r", PACKAGE, copy], check=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", folder / "site", copy], check=True
    )
    path = os.pathsep.join([str(folder / "site"), str(SOURCE)])
    plain = {key: value for key, value in os.environ.items() if key != "PYTHONWARNINGS"}
    return {**plain, "PYTHONPATH": path}


def run(environment, folder, *arguments):
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )


def test_its_plugins_keep_the_contracts(environment, tmp_path):
    done = run(environment, tmp_path, "-m", "lrshape.testing", *PLUGINS)
    assert done.returncode == 0, done.stdout + done.stderr
    results = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert {what.split()[1]: what.split()[0] for what in results} == PLUGINS
    assert all(result.startswith("ok (") for result in results.values()), results


def test_the_command_line_uses_them(environment, tmp_path):
    (tmp_path / "spec.toml").write_text(SPEC)
    for command in (
        ("search", "spec.toml", "--out", "study", "--log-to", "lines:log"),
        ("export", "study", "--to", "yaml"),
        ("check", "repeat", "study", "--seeds", "3"),
    ):
        done = run(environment, tmp_path, "-c", "from lrshape.cli import main; main()", *command)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "The winner scores" in done.stdout
    assert (tmp_path / "study" / "schedule.yaml").read_text().startswith("- 0.")
    assert (tmp_path / "study" / "repeat" / "report.html").is_file()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert {line["phase"] for line in lines[:-1]} == {"screen", "rescore", "tune", "confirm"}
    assert lines[-1]["winner"] in ("half_sine", "constant")
