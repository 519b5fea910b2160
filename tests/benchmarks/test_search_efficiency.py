"""The search benchmark, on a regression so small that it runs in seconds."""

import json
import sys

import pytest

OPTIMUM = 0.00010395
"""The lowest final loss of the regression: `lrshape optimum`."""


@pytest.fixture
def benchmark(in_threads, monkeypatch):
    import _efficiency_workloads as workloads
    import search_efficiency as program

    document = {"workload": {"name": "linear-regression", "steps": 20, "dimension": 10}}
    tiny = workloads.Task("tiny", document, members=64, truth_seeds=1, optimum=OPTIMUM)
    monkeypatch.setitem(workloads.TASKS, "tiny", tiny)
    return program


def run(program, monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["search_efficiency.py", "--tasks", "tiny", *arguments])
    program.main()
    return capsys.readouterr()


def test_it_searches_goes_on_and_tells(benchmark, monkeypatch, capsys, tmp_path):
    options = ("--work", str(tmp_path), "--image", str(tmp_path / "curve.svg"), "--budgets", "64")
    first = run(
        benchmark, monkeypatch, capsys, *options, "--contenders", "sobol,default", "--repetitions", "1"
    )
    assert first.err.count(": 1 new, 0 taken from ") == 2
    result = json.loads((tmp_path / "tiny" / "default-64.jsonl").read_text())
    assert 48 <= result["trials"] <= 80
    assert OPTIMUM * 0.999 < result["scores"][0] < 2 * OPTIMUM
    again = run(
        benchmark, monkeypatch, capsys, *options, "--contenders", "sobol,default", "--repetitions", "2"
    )
    assert again.err.count(": 1 new, 1 taken from ") == 2
    assert "| lrshape's default, one family |" in again.out
    assert (tmp_path / "curve.svg").stat().st_size > 0


def test_optuna_alone_spends_what_it_is_given(benchmark, monkeypatch, tmp_path):
    pytest.importorskip("optuna")
    from _efficiency_run import searched

    result = searched("tiny", "naive", 12, 0)
    assert result["trials"] == 12
    assert result["family"] == "two_point_spline"


def test_an_unknown_name_is_refused(benchmark, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(benchmark, monkeypatch, capsys, "--contenders", "best")
    assert "best is none of default" in capsys.readouterr().err
