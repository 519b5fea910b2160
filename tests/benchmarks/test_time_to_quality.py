"""The benchmark of time to quality: the rule of the ladder, and that an interrupted run goes on."""

import sys

import pytest


@pytest.fixture
def program(in_threads, monkeypatch):
    import _efficiency_run
    import time_to_quality as program
    from _quality import Found

    from lrshape.procedure.trial import ShapeRecord

    def trajectory(document, budgets, k):
        for budget in budgets:  # the loss is the base LR: 64 / budget, later for the second repetition
            trained = budget - 4  # it stopped early
            yield Found(ShapeRecord.of("one", "linear", {}), 64 * (k + 1) / budget, trained, budget / 10)

    monkeypatch.setattr(_efficiency_run, "truth", lambda task, shape, base_lr: [base_lr])
    monkeypatch.setattr(program, "reference", lambda name, k: {"k": k, "best": 0.1, "linear": 0.9})
    made = {
        "lrshape": program.Contender("ours", (64, 128, 256), trajectory),
        "tpe": program.Contender("theirs", (64, 128), trajectory),
    }
    monkeypatch.setattr(program, "CONTENDERS", made)
    return program


def run(program, monkeypatch, capsys, *options):
    monkeypatch.setattr(sys, "argv", ["time_to_quality.py", "--workloads", "digits-mlp", *options])
    program.main()
    return capsys.readouterr()


def test_the_first_budget_with_the_quality_counts(program, monkeypatch, capsys, tmp_path):
    first = run(program, monkeypatch, capsys, "--work", str(tmp_path), "--repetitions", "1")
    assert "digits-mlp-lrshape: 1 new, 0 taken" in first.err
    assert "Wanted: 0.3, 200.0% above it." in first.out
    assert "| ours | 1 of 1 | 252 | 26 (26 to 26) | 1.0 (1.0 to 1.0) |" in first.out
    again = run(program, monkeypatch, capsys, "--work", str(tmp_path), "--repetitions", "2")
    assert "digits-mlp-lrshape: 1 new, 1 taken" in again.err
    assert "| theirs | 0 of 2 |  | at least 13 (13 to 13) | at least 0.5 (0.5 to 0.5) |" in again.out
    assert again.out == run(program, monkeypatch, capsys, "--work", str(tmp_path), "--report").out


def test_giving_up_takes_at_least_the_limit(program, monkeypatch):
    monkeypatch.setattr(program, "LIMIT", 5.0)
    found = program.measured("digits-mlp", "lrshape", 0.3, 0)
    assert not found["reached"]
    assert [look["budget"] for look in found["looks"]] == [64]
    assert found["seconds"] == pytest.approx(6.4)
