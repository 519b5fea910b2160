"""The command import."""

import json

from typer.testing import CliRunner

from lrshape.cli import app

FOREIGN = """name,peak,rex_beta,val_loss
a,0.05,0.5,0.9
b,0.3,2.0,0.1
c,0.3,2.0,0.3
d,0.3,-1,0.0
e,,1.0,0.0
"""


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_a_table_of_other_peoples_runs_becomes_starts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs.csv").write_text(FOREIGN)
    command = ("import", "runs.csv", "--family", "rex")
    code, _, errors = run(*command)
    assert code == 2
    assert errors == (
        "error: runs.csv: which column is the score? Say it with --column score=COLUMN; "
        "there are 'name', 'peak', 'rex_beta', 'val_loss'\n"
    )
    columns = ["base_lr=peak", "score=val_loss", "beta=rex_beta"]
    options = [option for column in columns for option in ("--column", column)]
    code, out, errors = run(*command, *options, "--out", "starts.json")
    assert code == 0, errors
    assert out.splitlines()[-3:] == [
        "rex(warmup=0, warmup_shape=linear, beta=2), base LR 0.3, score 0.2",
        "rex(warmup=0, warmup_shape=linear, beta=0.5), base LR 0.05, score 0.9",
        "wrote starts.json",
    ]
    assert "left out, 1 of 5 rows: beta must be a number in [0.01, 10], got -1.0" in out
    assert "left out, 1 of 5 rows: base_lr must be a number above 0 and below 1e30" in out
    written = json.loads((tmp_path / "starts.json").read_text())["starts"]
    assert [start["params"]["beta"] for start in written] == [2.0, 0.5]
    assert [start["base_lr"] for start in written] == [0.3, 0.05]
    code, out, _ = run("import", "starts.json", "--json")
    assert json.loads(out) == [{**start, "score": None} for start in written]
    for options in (
        ("--column", "beta"),
        ("--column", "gamma=peak"),
        ("--family", "rexx"),
        ("--out", "x.toml"),
    ):
        code, _, errors = run(*command, *options)
        assert (code, errors.count("\n")) == (2, 1), errors
