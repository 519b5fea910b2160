"""Where commands run: a terminal or pipe of any encoding, a home directory, an odd import path."""

import subprocess
import sys
from pathlib import Path

import pytest

import lrshape

UNKNOWN = ("status", "ünbekannt–\udcff")
COMMANDS = [
    ("shapes", "show", "cosine"),
    ("shapes", "list"),
    ("compare", "study", "--families", "cosine,rex"),
    ("status", "study"),
    ("best", "study"),
    ("search", "spec.toml", "--out", "study"),
    UNKNOWN,
    ("check", "seeds", "study", "--help"),
    ("--help",),
]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8:strict"])
def test_every_command_prints_in_any_encoding(finished, encoding):
    script = (
        "import sys; from lrshape.cli import main\n"
        f"for command in {COMMANDS!r}:\n"
        "    sys.argv = ['lrshape', *command]\n"
        "    try: main()\n"
        f"    except SystemExit as end: assert end.code == 2 * (command == {UNKNOWN!r}), (command, end)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=finished.path, capture_output=True, check=False, timeout=200,
        env={**finished.environment, "PYTHONIOENCODING": encoding},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode("latin-1")
    shown = done.stdout.decode(encoding.partition(":")[0])
    assert ("│█" in shown) == encoding.startswith("utf")
    assert ("|#" in shown) != encoding.startswith("utf")


def test_sentences_and_tables_wrap_in_a_narrow_terminal_only(finished, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    piped = finished.run("best", "study")[1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert finished.run("best", "study")[1] == piped
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    shown = finished.run("best", "study")[1]
    assert max(map(len, piped.splitlines())) > 80 >= max(map(len, shown.splitlines()))
    assert sorted(shown.split()) == sorted(piped.split())  # no word is broken


def test_a_home_directory_is_expanded_wherever_a_path_is_taken(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(finished.path))
    for arguments in (
        ("status", "~/study"),
        ("best", "~/study", "--json"),
        ("export", "~/study", "--to", "json", "--out=~/home/schedule.json"),
        ("shapes", "show", "~/home/schedule.json", "--svg=~/home/shape.svg"),
        ("shapes", "fit", "~/home/schedule.json", "--family", "linear", "--out=~/home/fit.json"),
        ("compare", "~/study", "~/home/schedule.json", "--png=~/home/both.png"),
        ("trials", "~/study", "--to", "csv", "--out=~/home/trials.csv"),
        ("init", "function", "--out=~/home/function.toml"),
        ("store", "merge", "~/home/merged", "~/study"),
        ("search", "~/spec.toml", "--out=~/study", "--log-to", "tensorboard:~/home/log"),
        ("reproduce", "families", "--out=~/home/families"),
    ):
        monkeypatch.chdir(tmp_path)
        code, _, err = finished.run(*arguments)
        assert code == 0, (arguments, err)
    made = {path.name for path in (finished.path / "home").iterdir()}
    assert made >= {
        "schedule.json",
        "shape.svg",
        "fit.json",
        "both.png",
        "trials.csv",
        "function.toml",
        "merged",
    }
    assert {"log", "families"} <= made
    assert not (finished.path / "~").exists()


def train(lrs, seed):
    return abs(float(lrs.mean()) - 0.1) + seed % 7 * 1e-3


@pytest.mark.parametrize("how", [{"executor": {"name": "processes", "workers": 1}}, {"isolated": True}])
def test_what_python_ignores_in_the_import_path_workers_ignore(tmp_path, monkeypatch, how):
    monkeypatch.setattr(sys, "path", [*sys.path, Path.cwd(), None, b"bytes", 5])
    study = lrshape.search(
        train=train, steps=10, families="rex", trials=24, base_lr={"low": 0.01, "high": 1.0},
        out=tmp_path / "study", **how,
    )  # fmt: skip
    assert not study.failures()


def test_options_take_numbers_as_people_type_them(finished):
    for arguments in (
        ("shapes", "show", "cosine", "-p", "warmup=.1", "--steps", "1e2"),
        ("shapes", "show", "cosine", "-p", "warmup=+0.1", "--steps", " 1_00 "),
        ("shapes", "show", "cosine", "-p", "warmup=1E-1", "--steps", "100."),
    ):
        code, out, err = finished.run(*arguments)
        assert code == 0, err
        assert "cosine: warmup=0.1" in out
    code, _, err = finished.run("shapes", "show", "cosine", "--steps", "1.5")
    assert code == 2
    assert "must be a whole number, got '1.5'" in err


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_obstacle(finished, closed):
    command = f"{sys.executable} -m lrshape search spec.toml --out study {closed}"
    done = subprocess.run(
        ["sh", "-c", command], cwd=finished.path, env=finished.environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", ["--version", "--help", "best study --json"])
def test_a_result_that_cannot_be_printed_is_one_line(finished, arguments):
    command = f"{sys.executable} -m lrshape {arguments} > /dev/full"
    done = subprocess.run(
        ["sh", "-c", command], cwd=finished.path, env=finished.environment, capture_output=True, check=False
    )
    error = "error: [Errno 28] No space left on device\n"
    assert (done.returncode, done.stderr.decode()) == (1, error)


def test_nothing_is_written_to_a_closed_standard_output(finished):
    command = f"{sys.executable} -m lrshape trials study --to csv --out - >&-"
    done = subprocess.run(
        ["sh", "-c", command], cwd=finished.path, env=finished.environment, capture_output=True, check=False
    )
    error = "error: the standard output is closed: nothing can be written to -\n"
    assert (done.returncode, done.stderr.decode()) == (2, error)
