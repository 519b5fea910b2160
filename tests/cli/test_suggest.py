"""The command suggest, on logs as people have them."""

import json

import numpy as np
import pytest

from lrshape import Schedule

STEPS = 2000
PROGRESS = (np.arange(STEPS) + 0.5) / STEPS
SHAPE = np.minimum(1, np.minimum((np.arange(STEPS) + 1) / 100, (1 - PROGRESS) / 0.2))
FINAL = {3e-4: 3.09, 1e-3: 3.02, 3e-3: 3.05}


@pytest.fixture
def logs(folder):
    """Three CSV logs of an LR sweep, as step, lr and val_loss every 50 steps."""
    paths = []
    for base_lr, final in FINAL.items():
        lines = ["step,lr,val_loss"]
        for step in range(0, STEPS + 1, 50):
            loss = final + 2 * (max(step, 50) ** -0.5 - STEPS**-0.5)
            lines.append(f"{step},{base_lr * SHAPE[min(step, STEPS - 1)]:.6g},{loss:.5f}")
        paths.append(folder.path / f"lr{base_lr:g}.csv")
        paths[-1].write_text("\n".join(lines) + "\n")
    return paths


def test_three_runs_lead_to_schedules_that_export_reads(folder, logs):
    code, out, err = folder.run("suggest", *logs, "--steps", "4e3", "--out", "next")
    assert (code, err) == (0, "")
    assert out.startswith(("Try ", "Run ", "Keep "))
    assert "next 1: " in out
    assert "doubt: No finished run has 4,000 steps" in out
    assert "wrote next/next-1.json" in out
    for name in ("suggestion.html", "suggestion.json", "figures/schedules.svg", "figures/curves.png"):
        assert (folder.path / "next" / name).is_file()
    code, out, err = folder.run("export", "next/next-1.json", "--to", "csv")
    assert code == 0, err
    rates = (folder.path / out.split()[-1]).read_text().splitlines()
    assert len(rates) == 1 + 4000


def test_json_is_one_document(folder, logs):
    code, out, _ = folder.run("suggest", *logs, "--json", "--out", "next")
    assert code == 0
    document = json.loads(out)
    assert document == json.loads((folder.path / "next" / "suggestion.json").read_text())
    assert document["today"] == "lr0.001"
    assert document["steps"] == STEPS
    first = document["candidates"][0]
    assert first["low"] <= first["difference"] <= first["high"]
    assert document["next_runs"][0]["schedule"]["base_lr"] == first["base_lr"]


def test_links_in_the_folder_lead_to_no_other_file(folder, logs):
    other = folder.path / "other"
    other.write_text("mine")
    out = folder.path / "next"
    out.mkdir()
    (out / "next-1.json").symlink_to(other)
    assert folder.run("suggest", *logs, "--out", "next")[0] == 0
    assert other.read_text() == "mine"
    assert not (out / "next-1.json").is_symlink()


def test_a_live_run_goes_on_and_its_rest_is_exported(folder, logs):
    arguments = ("--from-step", "1200", "--steps", "3000", "--out", "next")
    code, out, err = folder.run("suggest", logs[1], *arguments)
    assert (code, err) == (0, "")
    assert "next 1: " in out
    assert "base LR" not in out
    code, out, err = folder.run("export", "next/next-1.json", "--to", "csv", "--from-step", "1200")
    assert code == 0, err
    rest = np.loadtxt(folder.path / "next" / "schedule.csv", delimiter=",", skiprows=1)
    assert rest.shape == (1800, 2)
    assert rest[0] == pytest.approx([0, 1e-3])


def test_no_runs_and_one(folder, logs):
    code, out, _ = folder.run("suggest", "--steps", "1000")
    assert code == 0
    assert "ranks shapes only" in out
    code, out, _ = folder.run("suggest", logs[0], "--families", "linear,wsd")
    assert code == 0
    assert "three finished, stable runs to know it, and has 1." in out
    assert "cosine" not in out
    (folder.path / "mine.json").write_text(
        '{"format": 1, "family": "cosine", "params": {}, "base_lr": 0.001, "steps": 500,'
        ' "step_rule": "midpoint", "batch_sizes": null}'
    )
    code, out, _ = folder.run("suggest", "--like", "mine.json", "--json")
    assert code == 0
    assert json.loads(out)["next_runs"]


def test_headings_schedules_and_parents_are_named(folder, logs):
    whole = [line.split(",") for line in logs[0].read_text().splitlines()[1:]]
    for name, rows in (("first", whole[:25]), ("second", whole[25:])):  # a run, and its resumption
        lines = [f"{step},{loss}" for step, _, loss in rows]
        (folder.path / f"{name}.csv").write_text("\n".join(["update,nll", *lines]) + "\n")
    (folder.path / "mine.json").write_text(
        '{"format": 1, "family": "linear", "params": {"floor": 0.5}, "base_lr": 0.0003, "steps": 2000,'
        ' "step_rule": "midpoint", "batch_sizes": null}'
    )
    code, out, _ = folder.run(
        "suggest", "first.csv", "second.csv", "--parent", "second=first", "--steps", STEPS,
        *("--schedule", "first=mine.json", "--schedule", "second=mine.json"),
        *("--columns", "step=update", "--columns", "loss=nll", "--json"),
    )  # fmt: skip
    assert code == 0
    (found,) = json.loads(out)["runs"]
    assert (found["name"], found["steps"], found["final_loss"]) == ("second", 2000, FINAL[3e-4])
    assert found["base_lr"] == pytest.approx(3e-4, rel=1e-3)


def test_names_of_runs_and_files_may_have_an_equals_sign(folder, logs):
    heading, *rows = logs[1].read_text().splitlines()
    for name, part in (("lr=1-a", rows[:21]), ("lr=1-b", rows[20:])):  # a run, and its resumption
        (folder.path / f"{name}.csv").write_text("\n".join([heading, *part]) + "\n")
    (folder.path / "lr=2.csv").write_text("step,val_loss\n2000,3.01\n")
    (folder.path / "a=b.json").write_text(Schedule("linear", {}, 0.002, STEPS).to_json())
    code, out, err = folder.run(
        "suggest", "lr=1-a.csv", "lr=1-b.csv", "lr=2.csv", "--json",
        "--parent", "lr=1-b=lr=1-a", "--schedule", "lr=2=a=b.json",
    )  # fmt: skip
    assert code == 0, err
    assert {"lr=1-b", "lr=2"} <= {run["name"] for run in json.loads(out)["runs"]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([""], "must have a name, got ''"),
        (["none.csv"], "none.csv: there is no such file or folder"),
        ([], "steps are needed"),
        (["{log}", "--steps", "0"], "steps must be"),
        (["{log}", "--steps", "1e9"], "at most 10,000,000, got 1,000,000,000"),
        (["{log}", "--steps", "1e3,many"], "--steps must be whole numbers, separated by commas"),
        (["{log}", "--steps", "4e3", "--from-step", "3e3"], "one logging interval after the end of the log"),
        (["{log}", "--from-step", "5", "--cost-limit", "1"], "(--cost-limit) cannot be combined with"),
        (["{log}", "--cost-limit", "0"], "cost_limit, in full runs, must be a finite number above 0, got 0"),
        (["{log}", "--families", "cosin"], "did you mean 'cosine'?"),
        (["{log}", "--columns", "step"], "--columns must be ROLE=HEADING, got 'step'"),
        (["{log}", "--schedule", "lr0.001"], "--schedule must be RUN=FILE, got 'lr0.001'"),
        (["{log}", "--metric", "accuracy"], "accuracy"),
        (["{log}", "--like", "none.json"], "none.json"),
        (["{log}", "--out", "{log}"], "lr0.001.csv: must be a directory, got a file"),
    ],
)
def test_bad_input_gets_one_line(folder, logs, arguments, message):
    code, out, err = folder.run("suggest", *(text.format(log=logs[1]) for text in arguments))
    assert code == 2
    assert message in err
    assert err.count("\n") == 1
    assert out == ""
