"""The command optimum as users run it, right and wrong."""

import json
import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SMALL = ["--set", "workload.steps=20", "--set", "workload.dimension=15", "--starts", "2", "--seeds", "10"]


def test_it_prints_the_gap_table_and_writes_the_result(folder):
    spec = EXAMPLES / "linear-regression.toml"
    code, out, err = folder.run("optimum", spec, "--out", "found", "--families", "cosine, power", *SMALL)
    assert code == 0, err
    assert "of the optimum" in out
    assert "report: found/optimum.html" in out
    intervals = re.findall(r"(0\.\d+) \((0\.\d+) to (0\.\d+)\)", out)  # of the mean of simulated SGD
    assert len(intervals) == 3
    assert all(float(low) < float(mean) < float(high) for mean, low, high in intervals)
    assert all(len(low) == len(mean) == len(high) for mean, low, high in intervals)
    assert "family 1 of 2: cosine" in err
    found = json.loads((folder.path / "found" / "optimum.json").read_text())
    assert {f["family"] for f in found["families"]} == {"cosine", "power"}
    assert found["workload"]["steps"] == 20
    assert (folder.path / "found" / "optimum.html").is_file()
    only = ["--set", 'families={name="wsd",fixed={decay=0.5}}', "--families", "wsd"]  # a table by itself
    assert folder.run("optimum", spec, "--out", "wsd", *only, *SMALL)[0] == 0
    (wsd,) = json.loads((folder.path / "wsd" / "optimum.json").read_text())["families"]
    assert wsd["schedule"]["params"]["decay"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", 'workload={name = "digits-mlp"}'], "workload must be 'linear-regression'"),
        (["--families", "cosin"], "did you mean 'cosine'"),
        (["--families", ","], "families: must have 1 entries or more, got []"),
        (["--seeds", "1"], "seeds must be at least 2, got 1"),
        (["--starts", "0e0"], "got 0"),
        (["--eigenbasis", "-1"], "eigenbasis must be at least 0, got -1"),
        (["--set", "workload.batch_size=900"], "batch_size must be at most"),
        (["--set", "families=3"], "families"),
        (
            ["--set", "workload.dimension=10", "--set", "workload.batch_size=10"],
            "steps must be fewer than the 10 different eigenvalues where batches hold all data",
        ),
    ],
)
def test_wrong_input_ends_in_one_line_and_code_2(folder, arguments, message):
    folder.refuses(message, "optimum", EXAMPLES / "linear-regression.toml", "--out", "found", *arguments)


def test_what_a_spec_says_of_its_search_makes_no_difference(folder):
    spec, options = EXAMPLES / "linear-regression.toml", ["--families", "wsd", *SMALL]
    for out, more in (("all", []), ("few", ["--set", "trials=30"]), ("steps", ["--set", "warmup_steps=5"])):
        assert folder.run("optimum", spec, "--out", out, *options, *more)[0] == 0
    found = [json.loads((folder.path / out / "optimum.json").read_text()) for out in ("all", "few", "steps")]
    assert found[0] == found[1] != found[2]
    assert "linear-regression" in (folder.path / "few" / "optimum.html").read_text()
    contest = EXAMPLES / "contest.toml"
    folder.refuses("workload must be 'linear-regression'", "optimum", contest, "--out", "other")


def test_a_directory_with_something_else_is_left_alone(folder):
    (folder.path / "mine").mkdir()
    (folder.path / "mine" / "thesis.tex").write_text("x")
    folder.refuses("thesis.tex", "optimum", EXAMPLES / "linear-regression.toml", "--out", "mine")


@pytest.mark.parametrize(
    "name", ["linear-regression", "linear-regression-flat", "linear-regression-large-batch"]
)
def test_examples_are_specs(name):
    from lrshape.paper.run import all_families, linear_regression
    from lrshape.study.spec import StudySpec, read_spec

    document = read_spec(EXAMPLES / f"{name}.toml")
    workload = linear_regression(StudySpec.parse({**document, "families": all_families()}))
    assert (workload.dimension, workload.steps) == (200, 300)
