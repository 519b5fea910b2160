import math

import numpy as np
import pytest

from lrshape.analysis.analysis import Analysis
from lrshape.report.findings import Findings
from lrshape.report.headline import headline, relative

METRIC = "final/train_loss"


def collect(trials):
    return Findings(Analysis(trials, METRIC), 300, "midpoint")


def changed(found, family, verdict):
    """The findings with another verdict on a family."""
    found.__dict__["leaders"] = [
        {**row, "verdict": verdict} if row["label"] == family else row for row in found.leaders
    ]
    return found


def say(trials):
    title, sentences = headline(collect(trials))
    return title, " ".join(sentences)


def test_relative_is_the_share_of_the_rows_own_median():
    assert relative({"score": 0.012, "difference": 0.004}) == pytest.approx(1 / 3)
    assert math.isnan(relative({"score": math.inf, "difference": 0.004}))
    assert math.isnan(relative({"score": 0.0, "difference": 0.004}))


def test_a_clear_winner_is_said_to_win_over_the_best_baseline(studies):
    title, text = say(studies())
    assert title == "generalized_cosine wins"
    assert "median final/train_loss 0.006" in text
    assert "95% interval" in text
    assert "lower than the linear baseline, the best of the baselines" in text


def test_a_difference_around_zero_is_not_called_a_win(studies):
    trials = studies(families=("rex",))
    rex, linear = (
        (trials["shape"] == shape) & (trials["phase"] == "confirm")
        for shape in ("rex-0000", "baseline-linear")
    )
    closely = np.where(np.arange(16) % 2, 1.01, 0.98)
    trials.loc[rex, METRIC] = trials[linear][METRIC].to_numpy() * closely
    title, text = say(trials)
    assert title == "rex cannot be told apart from the linear baseline"
    assert "includes 0" in text
    assert "wins" not in title + text


def test_a_baseline_that_is_better_is_said_to_be_better(studies):
    title, text = say(studies(best=0.03))
    assert title == "No searched shape beats the linear baseline"
    assert "0.0112" in text
    assert "difference −0.0" in text


def test_families_that_cannot_be_told_apart_from_the_winner_are_named(studies):
    found = collect(studies())
    assert not any("rex" in sentence for sentence in headline(found)[1])
    text = " ".join(headline(changed(found, "rex", "same"))[1])
    assert "cannot be told apart from the best shape of rex." in text


def test_another_family_that_did_better_in_the_confirm_phase_is_named(studies):
    text = " ".join(headline(changed(collect(studies()), "rex", "worse"))[1])
    assert "The best of rex did better here" in text


def test_nothing_but_divergence_is_said_plainly(studies):
    title, text = say(studies(status="diverged"))
    assert title == "Every trial diverged"
    assert "no schedule shape can be recommended" in text

    title, text = say(studies(status="failed"))
    assert title == "Every trial failed"
    assert "messages" in text


def test_a_winner_that_diverges_when_confirmed_is_no_winner(studies):
    trials = studies()
    lost = (trials["phase"] == "confirm") & (trials["shape"] == "generalized_cosine-0000")
    trials.loc[lost, METRIC] = math.inf
    trials.loc[lost, "status"] = "diverged"
    title, text = say(trials)
    assert title == "No usable winner"
    assert "16 trials of its 16 in the confirm phase diverged or failed" in text


def test_baselines_that_all_diverge(studies):
    trials = studies()
    lost = trials["shape"].str.startswith("baseline-")
    trials.loc[lost, METRIC] = math.inf
    trials.loc[lost, "status"] = "diverged"
    title, text = say(trials)
    assert title == "generalized_cosine wins"
    assert "every baseline diverged or failed" in text


def test_unconfirmed_results_are_preliminary(studies):
    title, text = say(studies(phases=("screen",)))
    assert title == "So far: generalized_cosine leads"
    assert "with 2 seeds there is no interval, which needs at least 6" in text
    rescored = studies(phases=("screen", "rescore"), seeds=(2, 12, 16))
    assert say(rescored)[0] == "So far: generalized_cosine wins"


def test_studies_without_baselines_and_without_searched_shapes(studies):
    title, text = say(studies(baselines=()))
    assert title == "generalized_cosine is the best searched family"
    assert "no baseline was trained" in text
    assert "generalized_cosine" not in text
    title, _ = say(studies(families=(), phases=("screen",)))
    assert title == "No searched shape has been trained yet"
