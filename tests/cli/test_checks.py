"""lrshape check as users run it: processes, exit codes, what is printed where."""

import json
import re
import signal
from typing import get_args

import pytest

from lrshape.analysis.paired import Verdict
from lrshape.checks.check import CHECKS
from lrshape.store import Store

LOCAL = ("check", "local", "study", "--points", "3", "--seeds", "6", "--confirm-seeds", "6")
SEEDS = ("check", "seeds", "study", "--max", "8", "--sample", "4", "--top", "3")


@pytest.mark.parametrize("name", ["local", "seeds"])
def test_the_options_are_the_checks_settings(folder, name):
    code, out, _ = folder.run("check", name, "--help")
    assert code == 0
    assert f"lrshape check {name} digits" in out
    for setting, field in CHECKS[name].model_fields.items():
        assert f"--{setting.replace('_', '-')}" in out
        assert field.description.split()[0].capitalize() in out


def test_the_group_lists_the_checks(folder):
    out = folder.run("check", "--help")[1]
    assert all(name in out for name in CHECKS)


def test_check_local_prints_and_writes_its_answer(folder, study):
    code, out, err = folder.run(*LOCAL)
    assert code == 0, err
    assert "at the speed of the search" in err
    least, most = map(int, re.match(r"(\d+) to (\d+) trials: ", err).groups())
    assert least <= len(Store(study / "local").trials(["local"])) <= most
    assert "improves the winner" in out or "the winner is not a local optimum" in out.lower()
    assert "report: study/local/report.html" in out
    code, out, err = folder.run(*LOCAL, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["settings"]["points"] == 3
    (shape,) = found["shapes"]
    assert shape["shape"] == json.loads(folder.run("best", "study", "--json")[1])["shape"]
    for row in shape["parameters"]:
        assert row["verdict"] in get_args(Verdict)
    for command in (("status",), ("best", "--json"), ("export", "--to", "json"), ("suggest",)):
        code, _, err = folder.run(*command, "study/local")
        assert (code, err.count("\n")) == (2, 1)
        assert "holds a check" in err
    code, _, err = folder.run(*LOCAL[:-1], "7")
    assert code == 2
    assert "changed: confirm_seeds: 6 -> 7" in err


def test_check_seeds_prints_and_writes_its_answer(folder, study):
    code, out, err = folder.run(*SEEDS)
    assert code == 0, err
    assert " trials, " in err
    assert "at the speed of the search" in err
    assert "Spearman" in out
    assert "this search used 2" in out
    code, out, err = folder.run(*SEEDS, "--json", "--margin", "0.5")
    assert code == 0
    found = json.loads(out)
    assert found["settings"]["margin"] == 0.5
    assert set(found["recommended"]) == {"screen", "rescore"}
    assert [row["seeds"] for row in found["groups"]["top"]["table"]] == [1, 2, 3, 4]


def test_ctrl_c_stops_and_the_same_command_resumes(folder, study):
    folder.pause(0.05)
    process = folder.start(*LOCAL)
    folder.wait(process, "study/local/trials/*.parquet", 3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "study/local: run the same command again to resume" in err
    kept = len(Store(study / "local").trials())
    assert kept > 0
    folder.pause(0.0)
    code, out, err = folder.run(*LOCAL)
    assert code == 0, err
    assert "resuming: " in err
    assert "report: " in out
    assert len(Store(study / "local").trials()) > kept


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", "local", "nowhere"), "nowhere"),
        (("check", "local", "study", "--top", "0"), "--top must be at least 1, got 0"),
        (("check", "local", "study", "--top", "999"), "top must be at most"),
        (("check", "local", "study", "--top", "1e3"), "top must be at most"),
        (("check", "local", "study", "--time-limit", "soon"), "--time-limit must be a positive time"),
        (("check", "seeds", "study", "--max", "2"), "--max must be at least 4, got 2"),
        (("check", "seeds", "study", "--certainty", "1"), "--certainty must be less than 1, got 1.0"),
        (("check", "seeds", "nowhere"), "nowhere"),
    ],
)
def test_wrong_input_is_one_clear_line(finished, arguments, message):
    code, _, err = finished.run(*arguments)
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1
    assert not (finished.path / "study" / arguments[1]).exists()


def test_more_trials_may_fail_where_it_is_said(folder, study):
    training = folder.path / "my_training.py"
    training.write_text("def train(lrs, seed):\n    raise RuntimeError('no data')\n")
    code, _, err = folder.run(*LOCAL)
    assert code == 2
    assert "more than max_failed_fraction = 0.5 allows, the first with: RuntimeError: no data" in err
    code, _, err = folder.run(*LOCAL, "--max-failed-fraction", "2")
    assert (code, err.splitlines()[-1]) == (2, "error: max_failed_fraction: must be at most 1, got 2.0")
    code, _, err = folder.run(*LOCAL, "--max-failed-fraction", "1")
    assert code == 0, err
