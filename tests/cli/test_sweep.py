"""The commands sweep and reproduce, as users run them."""

import json
import os
import signal

import pytest

FUNCTIONS = ("--over", "workload.steps=10,20")


def test_a_sweep_prints_an_answer_and_can_be_asked_again_as_json(folder):
    command = ("sweep", "spec.toml", *FUNCTIONS, "--out", "s", "--seeds", 6, "--tuning-seeds", 2)
    code, out, err = folder.run(*command)
    assert code == 0, err
    assert "depend" in out
    assert "best shape of" in out
    assert "regret (95% interval)" in out
    announced, _, _ = err.partition("study in")
    most = 2 * (2 * 11 * 2 + 4 * 6)  # in each of two settings: two shapes tuned at 11 base LRs, four scored
    assert f"then at most {most} trials of their best shapes in every setting" in announced
    assert "report: s/report.html" in out
    code, out, err = folder.run(*command, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["axes"] == {"workload.steps": [10, 20]}
    assert len(found["regrets"]) == 8
    assert {row["verdict"] for row in found["regrets"]} <= {"own", "costs", "within", "undecided"}
    assert found["answers"]["re-tuned"]["pairs"] == 2
    # every other command works on its studies
    assert folder.run("best", "s/studies/steps-10", "--json")[0] == 0
    folder.refuses("changed: seed: None -> 4", *command, "--set", "seed=4")
    folder.refuses("changed: axes.", "sweep", "spec.toml", "--over", "seed=1,2", "--out", "s")


def test_stopped_it_says_how_to_go_on(folder):
    folder.pause(0.05)
    process = folder.start("sweep", "spec.toml", *FUNCTIONS, "--out", "s")
    folder.wait(process, "s/studies/*/trials/*.parquet", 2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "finished trials are stored in s: run the same command again to resume" in err
    code, _, err = folder.run("sweep", "spec.toml", *FUNCTIONS, "--out", "s", "--time-limit", "1s")
    assert code == 130
    assert "time limit reached" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sweep", "spec.toml", "--out", "x"), "at least one --over"),
        (("sweep", "spec.toml", "--out", "x", "--over", "workload.steps"), "--over takes key=value,value"),
        (("sweep", "spec.toml", "--out", "x", "--over", "workload.step=1,2"), "did you mean 'steps'?"),
        (("sweep", "spec.toml", "--out", "x", "--preset", "beta3"), "--preset must be one of"),
        (("sweep", "spec.toml", "--out", "x", "--preset", "beta1"), "unknown key 'optimizer'"),
        (("sweep", "spec.toml", "--out", "x", *FUNCTIONS, "--margin", "-1"), "--margin must be"),
        (("sweep", "spec.toml", "--out", "x", *FUNCTIONS, "--seeds", "0"), "--seeds must be at least"),
        (("sweep", "spec.toml", "--out", "x", *FUNCTIONS, "--seeds", "0e1"), "--seeds must be at least"),
        (("sweep", "spec.toml", "--out", "x", *FUNCTIONS, "--tuning-seeds", "0e1"), "seeds must be at least"),
        (("sweep", "spec.toml", "--out", "file://x", *FUNCTIONS), "is a path on this machine"),
        (("sweep", "spec.toml", "--out", "x", *FUNCTIONS, *FUNCTIONS), "workload.steps is given twice"),
        (("sweep", "spec.toml", "--out", ".", *FUNCTIONS), "holds no sweep"),
        (("reproduce", "cifar", "--out", "x"), "the experiment must be one of"),
        (("reproduce", "families"), "needs --out DIR"),
        (("reproduce", "--scale", "large"), "--scale must be one of smoke, cpu, gpu"),
        (("reproduce", "families", "--out", "x", "--time-limit", "soon"), "--time-limit must be a positive"),
    ],
)
def test_wrong_input_is_one_clear_line(folder, arguments, message):
    folder.refuses(message, *arguments)
    assert not (folder.path / "x").exists()


def test_reproduce_lists_experiments_and_their_costs(folder):
    code, out, _ = folder.run("reproduce", "--json")
    assert code == 0
    listed = {row["name"]: row for row in json.loads(out)}
    assert {"cifar10", "wikitext", "schedule-descent", "horizon", "weight-decay-constant"} <= set(listed)
    assert listed["horizon"]["cost"]["cpu"]["trials"] > 1000
    assert listed["horizon"]["commands"] == ["lrshape sweep DIR/spec.toml --preset horizon --out DIR/sweep"]
    assert "cifar10" in folder.run("reproduce")[1]


@pytest.mark.report
def test_reproduce_runs_a_chain_and_keeps_its_spec(folder):
    code, _, err = folder.run("reproduce", "linear-regression", "--out", "lr", "--time-limit", "0.01s")
    assert code == 130, err
    assert "time limit reached; " in err
    assert not (folder.path / "lr" / "study" / "report.html").exists()
    code, out, err = folder.run("reproduce", "linear-regression", "--out", "lr", "--time-limit", "1h")
    assert code == 0, err
    assert "[1 of 1] lrshape search lr/spec.toml --out lr/study" in out
    assert (folder.path / "lr" / "study" / "report.html").is_file()
    assert (
        (folder.path / "lr" / "spec.toml").read_text().startswith("# Settings of lrshape, not of the paper.")
    )
    other = ("reproduce", "linear-regression", "--scale", "cpu", "--out", "lr")
    folder.refuses("lr/spec.toml belongs to another experiment", *other)


def test_reproduce_reads_a_spec_that_is_there_with_care(folder):
    (folder.path / "lr").mkdir()
    file = folder.path / "lr" / "spec.toml"
    file.write_bytes(b"\xff\xfe")
    folder.refuses("lr/spec.toml: must be UTF-8 text", "reproduce", "linear-regression", "--out", "lr")
    file.unlink()
    os.mkfifo(file)
    folder.refuses("must be a file, got a named pipe", "reproduce", "linear-regression", "--out", "lr")


def test_a_missing_data_set_is_one_line(folder, monkeypatch):
    monkeypatch.setenv("LRSHAPE_DATA", str(folder.path / "nowhere"))
    (folder.path / "text.toml").write_text('families = ["rex"]\nworkload = "wikitext-transformer"\n')
    arguments = ("text.toml", "--over", "workload.steps=2,3", "--out", "x")
    folder.refuses("nowhere", "sweep", *arguments)
