"""Every example runs as its users run it, in an empty directory, and prints what it promises."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def run(name, folder):
    environment = {**os.environ, "KERAS_BACKEND": "jax", "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"], cwd=folder, env=environment, check=True,
        capture_output=True, text=True, timeout=300,
    ).stdout  # fmt: skip


def numbers(pattern, printed):
    found = re.search(pattern, printed)
    assert found, printed
    return [float(number) for number in found.groups()]


def test_optax(tmp_path):
    """The framework's own schedule gives the score that the search's list of rates gives."""
    printed = run("with_optax", tmp_path)
    exported, searched = numbers(r"loss with the .+ ([\d.]+), with the same rates by hand ([\d.]+)", printed)
    assert exported == pytest.approx(searched, rel=1e-3)
    assert exported < 1.5  # from 2.3: it has learned
    assert (tmp_path / "with-optax" / "report.html").is_file()


@pytest.mark.parametrize("name", ["with_torch", "with_keras"])
def test_a_search_and_its_winner_exported(name, tmp_path):
    """On new seeds, the framework's own schedule gives a score within the interval that the search found."""
    printed = run(name, tmp_path)
    exported, low, high = numbers(
        r"new seeds ([\d.]+); the search's 95% interval is ([\d.]+) to ([\d.]+)", printed
    )
    assert low <= exported <= high < 1.5  # from 2.3: it has learned
    assert (tmp_path / name.replace("_", "-") / "report.html").is_file()
    if name == "with_keras":
        steps, last = numbers(r"loaded at step (\d+), last learning rate ([\d.]+)", printed)
        assert steps == 40
        assert 0 < last < 0.1


def test_lightning(tmp_path):
    accuracy, steps, last = numbers(
        r"accuracy ([\d.]+) after (\d+) steps, last learning rate ([\d.]+)", run("with_lightning", tmp_path)
    )
    assert accuracy > 0.8
    assert steps == 90
    assert 0 < last < 0.002


def test_transformers(tmp_path):
    loss, steps, last = numbers(
        r"training loss ([\d.]+) over (\d+) steps, last learning rate ([\d.]+)",
        run("with_transformers", tmp_path),
    )
    assert loss < 2.5
    assert steps == 40
    assert 0 < last < 0.001


def test_all_are_tested():
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    assert names == {"with_torch", "with_optax", "with_keras", "with_lightning", "with_transformers"}
