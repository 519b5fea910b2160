"""The commands as users run them: exit codes, what is printed where."""

import csv
import errno
import itertools
import json
import tomllib

import numpy as np
import pytest
from typer.core import TyperGroup
from typer.main import get_command

import lrshape
from lrshape.cli import app
from lrshape.errors import InputError
from lrshape.store import Store, StoreError
from lrshape.study.plan import Plan
from lrshape.study.spec import StudySpec

COMMANDS = get_command(app).commands
GROUPS = {name: command.commands for name, command in COMMANDS.items() if isinstance(command, TyperGroup)}


@pytest.mark.parametrize(("group", "commands"), [((), COMMANDS), *(((g,), GROUPS[g]) for g in GROUPS)])
def test_help_lists_every_command_and_at_the_top_the_exit_codes(folder, group, commands):
    code, out, _ = folder.run(*group, "--help")
    assert code == 0
    assert {line.split()[1] for line in out.splitlines() if line.startswith("│ ")} >= set(commands)
    assert group or "130" in out


@pytest.mark.parametrize(
    "command", [*sorted(set(COMMANDS) - set(GROUPS)), *(f"{g} {c}" for g in GROUPS for c in GROUPS[g])]
)
def test_each_command_has_examples(folder, command):
    code, out, _ = folder.run(*command.split(), "--help")
    assert code == 0
    assert f"lrshape {command}" in out.partition("Examples")[2]


def test_search_prints_the_winner_and_where_the_report_is(finished):
    assert "best shape:" in finished.output
    assert "report: study/report.html" in finished.output
    assert (finished.path / "study" / "report.html").is_file()
    for phase in ("screen", "rescore", "tune", "confirm"):
        assert f"{phase}: " in finished.errors


def test_best_json_has_what_programs_need(finished):
    code, out, _ = finished.run("best", "study", "--json")
    found = json.loads(out)
    assert code == 0
    keys = {"family", "params", "base_lr", "steps", "metric", "score_median", "score_low", "score_high"}
    assert keys | {"seeds", "baselines"} <= set(found)
    lead = {
        "name",
        "score_median",
        "score_low",
        "score_high",
        "difference",
        "difference_low",
        "difference_high",
    }
    assert [row["name"] for row in found["baselines"]]
    assert all(lead <= set(row) for row in found["baselines"])
    assert "best shape:" in finished.run("best", "study")[1]


def test_search_again_changes_nothing(finished):
    before = finished.run("best", "study", "--json")[1]
    code, _, err = finished.run("search", "spec.toml", "--out", "study")
    assert code == 0
    assert "resuming" in err
    assert finished.run("best", "study", "--json")[1] == before


def test_status(finished):
    code, out, _ = finished.run("status", "study", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["complete"] is True
    assert found["phases"]["confirm"]["trials"] == 32
    assert found["planned"] == Plan(lrshape.Study(finished.path / "study").spec).total
    assert "complete" in finished.run("status", "study")[1]


@pytest.mark.parametrize("steps", [10, 37])
def test_export(finished, tmp_path, steps):
    expected = lrshape.Study(finished.path / "study").schedule(steps)
    for kind in ("json", "csv", "npy"):
        file = tmp_path / f"schedule.{kind}"
        code, out, err = finished.run("export", "study", "--to", kind, "--steps", steps, "--out", file)
        assert (code, out) == (0, f"wrote {file}\n"), err
    assert lrshape.Schedule.from_json((tmp_path / "schedule.json").read_text()) == expected
    np.testing.assert_array_equal(np.load(tmp_path / "schedule.npy", allow_pickle=False), expected.values())
    with (tmp_path / "schedule.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["lr"]) for row in rows] == expected.values().tolist()
    assert [int(row["step"]) for row in rows] == list(range(steps))


def test_report_can_be_written_again(finished):
    (finished.path / "study" / "report.html").unlink()
    code, out, _ = finished.run("report", "study")
    assert code == 0
    assert (finished.path / "study" / "report.html").is_file()
    assert "report.html" in out


def test_another_metric_is_refused_by_name_and_a_report_by_it_does_not_replace_the_studys(finished):
    writing = [
        ("export", "study", "--to", "json"),
        ("trials", "study", "--to", "optuna", "--out", "none.log"),
    ]
    for command, name in itertools.product(
        (("best", "study"), ("report", "study"), *writing), ("final/x", "")
    ):
        message = f"metric must be one of the stored metrics final/score, got {name!r}"
        finished.refuses(message, *command, "--metric", name)
    code, out, _ = finished.run("report", "study", "--metric", "final/score")  # the study's own
    assert (code, out) == (0, "report: study/report.html\n")
    assert not list((finished.path / "study").glob("report-*"))


@pytest.mark.report
def test_ranking_by_another_metric(folder):
    training = (folder.path / "my_training.py").read_text()
    text = training.replace("return 0.5 * x * x", "return {'score': 0.5 * x * x, 'size': 1 / (0.1 + abs(x))}")
    (folder.path / "my_training.py").write_text(text)
    metrics = ("--set", 'workload.metrics=["score", "size"]', "--set", "rescore.seeds=3")
    code, _, err = folder.run("search", "spec.toml", "--out", "study", *metrics)
    assert code == 0, err
    own = (folder.path / "study" / "report.html").read_bytes()
    code, out, err = folder.run("report", "study", "--metric", "final/size")
    assert (code, out) == (0, "report: study/report-final-size.html\n"), err
    assert (folder.path / "study" / "report.html").read_bytes() == own
    assert (folder.path / "study" / "tables-final-size" / "confirmed.csv").is_file()
    found = json.loads(folder.run("best", "study", "--metric", "final/size", "--json")[1])
    assert found["metric"] == "final/size"
    printed = folder.run("best", "study", "--metric", "final/size")[1]
    assert ("not confirmed" in printed) == (found["phase"] != "confirm")
    assert ("too few seeds for intervals" in printed) == (found["score_low"] is None)
    assert "[-, -]" not in printed
    code, _, err = folder.run("export", "study", "--to", "json", "--metric", "final/size", "--out", "s.json")
    assert code == 0, err
    assert json.loads((folder.path / "s.json").read_text())["base_lr"] == found["base_lr"]


def test_shapes_list_has_the_name_formula_and_parameters_of_each_family(folder):
    code, out, _ = folder.run("shapes", "list", "--json")
    listed = json.loads(out)
    assert code == 0
    assert {"name", "formula", "parameters"} <= set(listed[0])
    assert len(listed) >= 19
    assert "two_point_spline" in folder.run("shapes", "list")[1]


def test_shapes_show_draws_in_the_terminal_and_to_a_file_and_prints_json(folder):
    code, out, _ = folder.run("shapes", "show", "rex", "-p", "beta=0.5", "-p", "warmup=0.1")
    assert code == 0
    assert "█" in out
    shown = json.loads(
        folder.run("shapes", "show", "linear", "--steps", 4, "--step-rule", "left", "--json")[1]
    )
    np.testing.assert_allclose(shown["multipliers"], lrshape.Schedule("linear", {}, 1.0, 4, "left").values())
    assert folder.run("shapes", "show", "wsd", "--png", "wsd.png")[0] == 0
    assert (folder.path / "wsd.png").read_bytes().startswith(b"\x89PNG")


def test_init_gives_a_spec_that_parses(folder):
    code, out, _ = folder.run("init", "digits-mlp")
    assert code == 0
    assert tomllib.loads(out)["workload"]["name"] == "digits-mlp"
    assert folder.run("init", "digits-mlp", "--out", "new.toml")[0] == 0
    assert (folder.path / "new.toml").read_text() == out
    folder.refuses("new.toml: cannot be written: File exists", "init", "digits-mlp", "--out", "new.toml")


def test_set_replaces_settings(folder):
    arguments = ("--set", "families=['linear']", "--set", "screen.shapes=1", "--set", "baselines=[]")
    code, _, err = folder.run("search", "spec.toml", "--out", "small", *arguments)
    assert code == 0, err
    assert lrshape.Study(folder.path / "small").document["spec"]["screen"]["shapes"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("search", "none.toml", "--out", "x"), "none.toml: cannot be read: No such file"),
        (("search", "spec.toml"), "Missing option '--out'"),
        (("search", "spec.toml", "--out", "x", "--set", "screen.seed=3"), "did you mean 'seeds'?"),
        (("search", "spec.toml", "--out", "x", "--set", "screen"), "--set takes key=value"),
        (
            ("search", "spec.toml", "--out", "x", "--time-limit", "soon"),
            "--time-limit must be a positive time",
        ),
        (("search", "spec.toml", "--out", "x", "--time-limit", "0"), "--time-limit must be a positive time"),
        (("search", "spec.toml", "--out", "."), "is not empty and holds no study"),
        (("search", "spec.toml", "--out", "spec.toml"), "spec.toml"),
        (("search", "spec.toml", "--out", "/proc/nothing"), "cannot write"),
        (("shapes", "show", "rex", "-p", "beta=99"), "beta must be a number in [0.01, 10], got 99"),
        (("shapes", "show", "rex", "-p", "beta"), "-p takes name=value"),
        (("shapes", "show", "rexx"), "did you mean 'rex'?"),
        (("shapes", "show", "rex", "--steps", "0"), "steps must be"),
        (("shapes", "show", "rex", "--step-rule", "centre"), "centre"),
        (("shapes", "show", "rex", "--png", "/proc/x/place.png"), "cannot be written"),
        (("init", "digits"), "workload must be one of"),
        (("status", "nowhere"), "nowhere"),
        (("best", "."), "no study"),
        (("report", "nowhere"), "nowhere"),
        (("export", "nowhere", "--to", "json"), "nowhere"),
        (("famlies",), "No such command"),
    ],
)
def test_wrong_input_is_one_clear_line(folder, arguments, message):
    folder.refuses(message, *arguments)
    assert not (folder.path / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("suggest", "--cost-limit", "x"), "--cost-limit must be a number, got 'x'"),
        (("search", "a", "--out", "x", "--workers", "0"), "--workers must be at least 1, got '0'"),
        (("search", "a", "--out", "x", "--trials", "abc"), "--trials must be a whole number, got 'abc'"),
        (("check", "local", "a", "--points", "1.5"), "--points must be a whole number, got '1.5'"),
        (
            ("shapes", "show", "rex", "--step-rule", "mid"),
            "--step-rule: 'mid' is not one of 'midpoint', 'left', 'right'",
        ),
        (
            ("trials", "a", "--to", "csv", "--metric", "final/score"),
            "--metric goes with --to optuna, whose trials are judged by it, got --to csv",
        ),
        (("export", "a"), "Missing option '--to'; see `lrshape export -h`"),
        (("famlies",), "No such command 'famlies'; see `lrshape -h`"),
        (("--of",), "No such option: --of; see `lrshape -h`"),
    ],
)
def test_a_wrong_option_is_one_line_with_the_value(folder, arguments, line):
    code, out, err = folder.run(*arguments)
    assert (code, out, err) == (2, "", f"error: {line}\n")


def test_a_disk_that_refuses_the_report_is_one_line(folder, study):
    (study / "report.html").unlink()
    (study / "report.html").mkdir()
    code, _, err = folder.run("report", "study")
    assert code == 1
    assert "report.html" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("kind", [StoreError, OSError])
def test_a_full_disk_ends_a_search_in_one_line_that_says_how_to_resume(folder, monkeypatch, kind):
    def full(store, name, table):
        raise kind(errno.ENOSPC, "No space left on device", f"study/trials/{name}.parquet")

    monkeypatch.setattr(Store, "write", full)
    code, _, err = folder.run("search", "spec.toml", "--out", "study")
    assert code == 1
    line = err.splitlines()[-1]
    assert line.startswith("error: ")
    assert "No space left on device" in line
    assert line.endswith("finished trials are safe: run the same command again to resume")


def test_the_demo_is_a_legal_search_of_at_most_900_trials(folder, monkeypatch):
    asked = []

    def search(document, **settings):
        asked.append(document)
        raise InputError("not now")

    monkeypatch.setattr("lrshape.api.search", search)
    folder.refuses("not now", "demo")
    (document,) = asked
    assert Plan(StudySpec.parse(document)).total <= 900


def test_an_executor_is_set_by_options(folder):
    processes = ("--executor", "processes", "--workers", 1, "--executor-set", "threads=1")
    code, _, err = folder.run("search", "spec.toml", "--out", "study", *processes)
    assert code == 0, err
    again = ("search", "spec.toml", "--out", "study")
    folder.refuses("--executor names the executor", *again, "--executor-set", "name=inline")
    folder.refuses("the executor inline has no workers, got 2", *again, "--workers", 2)
    folder.refuses("did you mean 'threads'?", *again, *processes[:2], "--executor-set", "thread=1")


def test_the_version_is_that_of_the_package(folder):
    assert folder.run("--version") == (0, f"lrshape {lrshape.__version__}\n", "")


def test_a_changed_spec_is_refused(finished):
    finished.refuses("changed: seed: 0 -> 5", "search", "spec.toml", "--out", "study", "--set", "seed=5")


@pytest.mark.report
def test_all_failed_is_said_plainly_and_has_a_report(folder):
    (folder.path / "my_training.py").write_text("def train(lrs, seed):\n    raise RuntimeError('no data')\n")
    folder.refuses("the first with: RuntimeError: no data", "search", "spec.toml", "--out", "study")
    code, out, _ = folder.run("search", "spec.toml", "--out", "study", "--set", "max_failed_fraction=1.0")
    assert code == 0
    assert "no trial reached a finite final/score: 0% diverged, 100% failed" in out
    assert "the first one with: RuntimeError: no data" in out
    assert "best shape" not in out
    folder.refuses("there is no winner", "export", "study", "--to", "csv")
    folder.refuses("there is no winner", "best", "study", "--json")
    assert (folder.path / "study" / "report.html").is_file()
