from collections import Counter

import numpy as np
import pytest

from lrshape.analysis import analysis, paired
from lrshape.analysis.analysis import Analysis
from lrshape.analysis.result import Result
from lrshape.analysis.tables import write_csv
from lrshape.report import page
from lrshape.report.findings import Findings

METRIC = "final/train_loss"


def test_leaders_are_each_familys_best_and_the_baselines_as_confirmed(studies):
    trials = studies()
    found = studies.findings(trials)
    assert found.is_confirmed
    assert found.missing == []
    assert found.winner["shape"] == "generalized_cosine-0000"
    assert [row["label"] for row in found.leaders] == [
        "generalized_cosine",
        "rex",
        "two_point_spline",
        "linear baseline",
        "cosine baseline",
        "wsd baseline",
        "constant baseline",
    ]
    confirm = trials[trials["phase"] == "confirm"]
    for row in found.leaders:
        values = confirm[confirm["shape"] == row["shape"]][METRIC]
        assert row["score"] == np.median(values)
        assert row["low"] <= row["score"] <= row["high"]


def test_phases_count_what_was_trained(studies):
    trials = studies(shapes=4, base_lrs=5)
    screen, rescore, confirm = studies.findings(trials).phases
    expected = {"phase": "screen", "shapes": 3 * 4 + 4, "base_lrs": 5, "seeds": 2, "trials": 16 * 5 * 2}
    assert expected.items() <= screen.items()
    assert screen["diverged"] == (trials[trials["phase"] == "screen"]["status"] == "diverged").sum() > 0
    assert {"shapes": 7, "seeds": 16, "trials": 7 * 16}.items() <= confirm.items()
    assert rescore["seconds"] == pytest.approx(0.01 * rescore["trials"])


def test_a_study_without_confirmation_reports_its_last_phase(studies):
    found = studies.findings(studies(phases=("screen", "rescore")))
    assert not found.is_confirmed
    assert found.missing == ["tune", "confirm"]
    assert {row["phase"] for row in found.leaders} == {"rescore"}
    assert found.has_intervals

    found = studies.findings(studies(phases=("screen",)))
    assert found.missing == ["rescore", "tune", "confirm"]
    assert {row["phase"] for row in found.leaders} == {"screen"}
    assert not found.has_intervals


def test_a_confirm_phase_that_has_not_reached_the_winner_does_not_count_yet(studies):
    trials = studies()
    started = (trials["phase"] != "confirm") | (trials["shape"] == "baseline-cosine")
    found = studies.findings(trials[started])
    assert {row["phase"] for row in found.leaders} == {"rescore"}
    assert found.winner is not None


def test_planned_trials_tell_an_unfinished_phase(studies):
    trials = studies()
    assert studies.findings(trials, planned={"confirm": 7 * 16}).missing == []
    found = studies.findings(trials, planned={"confirm": 7 * 20})
    assert found.missing == ["confirm"]


def test_edges_are_those_of_the_base_lrs_tried_before_the_confirm_phase(studies):
    trials = studies()
    grid = sorted(trials["base_lr"].unique())
    used = {row["shape"]: row for row in studies.findings(trials).leaders}["rex-0000"]
    assert used["edge"] == ""
    below = trials[(trials["base_lr"] <= used["base_lr"]) | (trials["family"] != "rex")]
    edges = {row["shape"]: row["edge"] for row in studies.findings(below).leaders}
    assert edges.pop("rex-0000") == "high"
    assert set(edges.values()) == {""}
    above = trials[(trials["base_lr"] >= used["base_lr"]) | (trials["family"] != "rex")]
    assert {row["shape"]: row["edge"] for row in studies.findings(above).leaders}["rex-0000"] == "low"
    single = trials[trials["base_lr"] == grid[3]]
    assert {row["edge"] for row in studies.findings(single).leaders} == {""}


def test_messages_are_counted(studies):
    trials = studies(status="failed")
    found = studies.findings(trials)
    assert found.messages == [(len(trials), "failed", "ValueError: no such file")]
    assert found.statuses == {"failed": len(trials)}


def test_a_report_computes_each_table_once(studies, document, monkeypatch, tmp_path):
    counts = Counter()

    def count(module, name):
        original = getattr(module, name)

        def counted(*arguments):
            counts[name, *(a.tobytes() if isinstance(a, np.ndarray) else str(a) for a in arguments)] += 1
            return original(*arguments)

        monkeypatch.setattr(module, name, counted)

    count(analysis, "scores")
    count(paired, "paired_difference")
    monkeypatch.setattr(page, "draw_all", lambda figures, findings, *_: findings.near and {})
    found = Analysis(studies(), METRIC)
    write_csv(found.tables(), tmp_path)
    page.write_study_page(Findings(found, 300, "midpoint"), document, tmp_path)
    Result.of(found, steps=300, step_rule="midpoint")
    assert len(counts) > 10
    assert set(counts.values()) == {1}
    assert sum(name == "scores" for name, *_ in counts) == 2  # one for each metric
