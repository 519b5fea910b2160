"""Users' code through the command line: commands, scripts in worker processes, and broken code."""

import json
import re
import subprocess
import sys

import pytest

SPEC = """
families = ["rex", "linear"]
baselines = ["constant"]
base_lr = {low = 0.01, high = 1.0, points = 3}
screen = {shapes = 2, seeds = 1}
rescore = {top = 1, seeds = 2}
tuning = {rounds = 1, base_lrs = 3, seeds = 1}
confirm = {seeds = 2}
"""

PROGRAM = """
import argparse, csv, json, random, sys
parser = argparse.ArgumentParser()
parser.add_argument("--lrs"), parser.add_argument("--seed", type=int), parser.add_argument("--metrics")
options = parser.parse_args()
with open(options.lrs) as file:
    lrs = [float(row["lr"]) for row in csv.DictReader(file)]
rng, x = random.Random(options.seed), 1.0
for lr in lrs:
    x -= lr * (x + 0.1 * rng.gauss(0, 1))
print("x" * 100_000)
with open(options.metrics, "w") as file:
    json.dump({"loss": x * x / 2}, file)
"""

COMMAND = f"""
[workload]
name = "command"
command = [{json.dumps(sys.executable)}, "program.py", "--lrs", "{{schedule}}", "--seed", "{{seed}}",
           "--metrics", "{{metrics}}"]
steps = 10
metrics = ["loss"]
"""

SCRIPT = """
import os, lrshape

def train(lrs, seed):
    if seed % 5 == 0:
        os._exit(7)
    return float(lrs.mean()) + os.getpid() * 0

GUARD
    study = lrshape.search(train=train, steps=4, out="mine", isolated=True, families=["rex"], baselines=[],
                           base_lr={"low": 0.1, "high": 1.0, "points": 2}, screen={"shapes": 3, "seeds": 4},
                           rescore={"top": 1, "seeds": 2}, confirm={"seeds": 2},
                           tuning={"rounds": 1, "base_lrs": 3, "seeds": 1})
    print(sorted(set(study.trials()["message"])))
"""


@pytest.mark.report
def test_a_command_is_searched_over_to_a_report(folder, caplog):
    (folder.path / "program.py").write_text(PROGRAM)
    (folder.path / "command.toml").write_text(SPEC + COMMAND)
    code, out, err = folder.run("search", "command.toml", "--out", "study")
    assert code == 0, err
    assert "final/loss, medians over seeds" in out
    assert (folder.path / "study" / "report.html").is_file()
    code, out, _ = folder.run("best", "study", "--json")
    assert 0 < json.loads(out)["score_median"] < 0.5
    (folder.path / "program.py").write_text(PROGRAM + "\n# edited")
    code, _, _ = folder.run("search", "command.toml", "--out", "study")
    assert code == 0
    assert "program.py --lrs {schedule} --seed {seed} --metrics {metrics}, or a value" in caplog.text
    assert "has changed since the study began" in caplog.text


def test_a_broken_command_ends_the_study_in_one_line(folder):
    (folder.path / "program.py").write_text("raise RuntimeError('no data set')")
    (folder.path / "command.toml").write_text(SPEC + COMMAND)
    code, _, err = folder.run("search", "command.toml", "--out", "study")
    assert code == 2
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert (
        "more than max_failed_fraction = 0.5 allows, the first with: the training process ended" in lines[0]
    )
    assert "RuntimeError: no data set" in lines[0]
    assert "Traceback (most recent call last)\n" not in err
    assert "was moved" not in err
    assert "not complete" in folder.run("status", "study")[1]


def script(folder, guard):
    (folder.path / "script.py").write_text(SCRIPT.replace("GUARD", guard))
    return subprocess.run(
        [sys.executable, "script.py"], cwd=folder.path, env=folder.environment, text=True, check=False,
        capture_output=True, timeout=200,
    )  # fmt: skip


def test_a_script_trains_in_a_worker_process(folder):
    done = script(folder, "if __name__ == '__main__':")
    assert done.returncode == 0, done.stderr
    assert "the training process ended with exit code 7" in done.stdout


def test_a_script_without_a_guard_is_told_to_have_one(folder):
    done = script(folder, "if True:")
    assert done.returncode == 1
    assert "start the search below `if __name__ == '__main__':`" in done.stderr


def test_trials_are_written_for_other_tools(finished, tmp_path):
    for target, name in (("csv", "t.csv"), ("parquet", "t.parquet"), ("optuna", "t.log")):
        code, out, err = finished.run("trials", "study", "--to", target, "--out", tmp_path / name)
        assert code == 0, err
        assert out == f"wrote {tmp_path / name}\n"
        assert (tmp_path / name).stat().st_size > 1000
    code, _, err = finished.run("trials", "study", "--to", "xlsx")
    assert code == 2
    assert err == "error: --to must be one of csv, parquet, optuna, got 'xlsx'\n"


BROKEN = {
    "syntax": ("x = 1\ndef train(lrs, seed):\n    return 1.0 +\n", r"line 3: SyntaxError: invalid syntax"),
    "name": ("import math\nmodel = Net()\n", r"line 2: NameError: name 'Net' is not defined"),
    "package": ("import no_such_package\n", r"line 1: ModuleNotFoundError: .* 'no_such_package'"),
    "file": ("from pathlib import Path\n\nPath('train.bin').read_bytes()\n", r"line 3: FileNotFoundError"),
    "arguments": ("import argparse\np = argparse.ArgumentParser()\np.parse_args(['--data'])\n",
                  r"line 3: SystemExit: 2; do under `if __name__ == '__main__':` what only a script does"),
    "leave": ("import sys\nsys.exit('no GPU')\n", r"line 2: SystemExit: no GPU; do under"),
    "deep": ("import broken_syntax\n", r"broken_syntax.py, line 3: SyntaxError"),
    "none": ("def fit(lrs, seed):\n    return 1.0\n", r"broken_none.py\) has no 'train'"),
    "number": ("train = 5\n", r"broken_number:train must be a function, got 5"),
    "signature": ("\ndef train(lrs):\n    return 1.0\n",
                  r"line 2: broken_signature:train must take \(lrs, seed\), got .*: too many positional"),
    "more": ("def train(lrs, seed, model):\n    return 1.0\n", r"must take \(lrs, seed\), got .*'model'"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_wrong_with_a_module_is_one_line_with_its_place(folder, kind):
    for name, (code, _) in BROKEN.items():
        (folder.path / f"broken_{name}.py").write_text(code)
    table = f'[workload]\nname = "function"\nfunction = "broken_{kind}:train"\nsteps = 10\n'
    (folder.path / "broken.toml").write_text(SPEC + table)
    for executor in ("inline", "processes"):
        code, out, err = folder.run("search", "broken.toml", "--out", "study", "--executor", executor)
        assert code == 2
        assert out == ""
        (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
        assert f"broken_{kind}" in line
        assert re.search(BROKEN[kind][1], line), line
    assert not (folder.path / "study").exists()


def test_a_file_in_place_of_a_module_is_told_how_to_name_it(folder):
    table = '[workload]\nname = "function"\nfunction = "my_training.py:train"\nsteps = 10\n'
    (folder.path / "file.toml").write_text(SPEC + table)
    code, _, err = folder.run("search", "file.toml", "--out", "study")
    assert code == 2
    assert "workload.function: names a module and no file, e.g. 'train:run' for run in train.py" in err


def test_what_a_training_prints_does_not_come_between_the_results(folder):
    text = "import ctypes, os\nprint('loading')\ndef train(lrs, seed):\n    print('training')\n"
    text += "    os.system('echo a program')\n    ctypes.CDLL(None).puts(b'code in C')\n"
    (folder.path / "loud.py").write_text(text + "    return abs(lrs.mean() - 0.1) + seed % 7\n")
    schedules = '[schedules]\na = "cosine"\nb = "linear"\n[base_lr]\nlow = 0.01\nhigh = 1.0\n'
    table = '[workload]\nname = "function"\nfunction = "loud:train"\nsteps = 10\n'
    (folder.path / "loud.toml").write_text("trials = 40\n" + schedules + table)
    for more in ([], ["--executor", "processes", "--workers", "1"]):
        code, out, err = folder.run_apart(
            "contest", "loud.toml", "--out", f"study{len(more)}", "--json", *more
        )
        assert code == 0, err
        assert all(words in err for words in ("training", "a program", "code in C"))
        json.loads(out)
