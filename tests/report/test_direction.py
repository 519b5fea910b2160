"""A metric that is maximised: the same study as that of the turned metric, told in its own sign."""

import math

import numpy as np
import pytest

from lrshape.analysis.analysis import Analysis
from lrshape.analysis.result import Result
from lrshape.report.figures import FIGURES
from lrshape.report.findings import Findings
from lrshape.report.headline import headline, tiles

LOSS, REWARD = "final/train_loss", "final/reward"


@pytest.fixture(params=["grid", "guided"])
def both(studies, request):
    """Analyses of a study by a loss, minimised, and by its negative, maximised."""
    trials = studies() if request.param == "grid" else studies.guided()
    lost = trials["shape"] == "baseline-constant"
    trials.loc[lost, [LOSS, "status"]] = [np.inf, "diverged"]
    # As a training returns it: what diverged has no number.
    reward = np.where(trials["status"] == "ok", 1 - trials[LOSS], np.inf)
    turned = trials.drop(columns=[LOSS, "final/test_error"]).assign(**{REWARD: reward})
    return Analysis(trials.assign(**{LOSS: trials[LOSS] - 1}), LOSS), Analysis(turned, REWARD, "maximize")


def test_the_result_is_the_same_but_for_the_sign(both):
    lower, higher = (Result.of(one, steps=10, step_rule="midpoint") for one in both)
    assert (lower.direction, higher.direction) == ("minimize", "maximize")
    assert higher.shape == lower.shape
    assert higher.score_median == pytest.approx(-lower.score_median)
    assert (higher.score_low, higher.score_high) == pytest.approx((-lower.score_high, -lower.score_low))
    for ours, theirs in zip(higher.baselines, lower.baselines, strict=True):
        assert ours.name == theirs.name
        assert ours.verdict == theirs.verdict
        assert ours.effect == theirs.effect
        assert ours.difference == theirs.difference
    assert higher.baselines[-1].verdict == "diverged"
    assert higher.baselines[-1].score_median is None


def test_the_report_says_higher_and_shows_the_metrics_own_values(both):
    found = Findings(both[1], 300, "midpoint")
    title, sentences = headline(found)
    assert title == "generalized_cosine wins"
    text = " ".join(sentences)
    assert "median final/reward 0.99" in text
    assert "higher than linear" in text
    assert "lower" not in text
    assert all(row["low"] <= row["score"] <= row["high"] for row in found.leaders[:-1])
    assert math.isinf(found.leaders[-1]["score"])
    assert tiles(found)[1].value.endswith("higher")
    figures = {drawing.name: drawing.draw(found) for drawing in FIGURES}
    drawn = figures["scores"].axes[0].get_lines()
    assert any(np.isclose(line.get_xdata(), found.winner["score"]).all() for line in drawn)
    if found.is_guided:
        best = next(x for x in figures["course"].axes[0].get_lines() if x.get_label() == "highest so far")
        assert (np.diff(best.get_ydata()) >= 0).all()
    else:
        for line in figures["best_of"].axes[0].get_lines():
            assert (np.diff(line.get_ydata()) >= 0).all()


def test_tables_are_in_the_metrics_own_sign(both):
    lower, higher = (one.tables()["confirmed"] for one in both)
    finite = np.isfinite(lower["score"])
    np.testing.assert_allclose(higher["score"][finite], -lower["score"][finite])
    np.testing.assert_allclose(higher["low"][finite], -lower["high"][finite])
    assert np.isposinf(higher["score"][~finite]).all()
