import csv
import math

import numpy as np
import pandas as pd
import pytest

from lrshape.analysis.analysis import Analysis
from lrshape.analysis.tables import write_csv


def cells(file):
    with file.open(newline="") as f:
        return list(csv.reader(f))


@pytest.fixture
def table(trials_of):
    study = {("screen", "rex-1", lr): [1 / 3, math.inf, 1e-17] for lr in (0.1, 1 / 3)}
    study["confirm", "rex-1", 0.1] = np.random.default_rng(0).normal(size=8).tolist()
    study["confirm", "baseline-cosine", 0.1] = np.random.default_rng(1).normal(size=8).tolist()
    return trials_of(study)


def test_the_files_hold_the_tables_digit_for_digit(table, metric, tmp_path):
    files = write_csv(Analysis(table, metric).tables(), tmp_path / "new" / "tables")
    names = ["trials", "scores", "shapes", "confirmed", "families", "near_optimal"]
    assert [f.name for f in files] == [f"{name}.csv" for name in names]
    assert sorted(files) == sorted((tmp_path / "new" / "tables").iterdir())
    rows = cells(files[0])
    assert rows[0] == [c for c in table.columns if c != "wall_time"]
    for column in ("phase", "shape", "family", "params", "status", "message"):
        assert [row[rows[0].index(column)] for row in rows[1:]] == table[column].tolist()
    for column in ("base_lr", "seed", metric, "first_bad_step"):
        assert [float(row[rows[0].index(column)]) for row in rows[1:]] == table[column].tolist()
    assert [len(pd.read_csv(f)) for f in files] == [22, 4, 3, 2, 0, 0]
    assert pd.read_csv(files[2])["rank"].tolist() == [1, 1, 2]
    assert pd.read_csv(files[3])["is_winner"].dtype == bool


def test_the_wall_time_changes_nothing(table, metric, tmp_path):
    first = write_csv(Analysis(table, metric).tables(), tmp_path / "1")
    second = write_csv(Analysis(table.assign(wall_time=9.0), metric).tables(), tmp_path / "2")
    assert [f.read_bytes() for f in first] == [f.read_bytes() for f in second]


def test_no_cell_is_a_formula(table, metric, tmp_path):
    table["message"] = [
        "=cmd()",
        "+1",
        "-1",
        "@x",
        "\tx",
        "\rx",
        "\n=x",
        "a=1",
        "",
        'say "=1", ok',
        "1\r2\r\n3",
    ] * 2
    table = table.rename(columns={metric: "=loss"})
    table["=loss"] = -table["=loss"]
    files = write_csv(Analysis(table, "=loss").tables(), tmp_path)
    rows = cells(files[0])
    column = rows[0].index("'=loss")
    assert [float(row[column]) for row in rows[1:]] == table["=loss"].tolist()  # numbers stay numbers
    assert [row[rows[0].index("message")] for row in rows[1:12]] == [
        "'=cmd()", "'+1", "'-1", "'@x", "'\tx", "'\nx", "'\n=x", "a=1", "", 'say "=1", ok', "1\n2\n3",
    ]  # fmt: skip
    for file in files:
        assert not {cell[:1] for row in cells(file) for cell in row} & set("=+@\t\r\n")


def test_earlier_files_are_replaced(table, metric, tmp_path):
    (tmp_path / "scores.csv").write_text("old")
    write_csv(Analysis(table, metric).tables(), tmp_path)
    assert len(list(tmp_path.iterdir())) == 6
    assert len(pd.read_csv(tmp_path / "scores.csv")) == 4


def test_a_study_without_trials(table, metric, tmp_path):
    files = write_csv(Analysis(table[:0], metric).tables(), tmp_path)
    assert [len(pd.read_csv(f)) for f in files] == [0] * 6
