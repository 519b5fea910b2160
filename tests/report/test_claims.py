"""What a comparison claims, on rows made by hand."""

import math

import pytest

from lrshape.report.claims import Claims, base_lr, hyperparameters

NAN = math.nan


def row(label, score, effect=(NAN, NAN, NAN), verdict="better", **changes):
    middle, low, high = effect
    return {
        "label": label,
        "score": score,
        "low": 0.98 * score,
        "high": 1.03 * score,
        "base_lr": 0.024,
        "edge": "",
        "octaves": 0.12,
        "cost": 0.002,
        "pairs": 20,
        "seeds": 20,
        "diverged": 0,
        "failed": 0,
        "effect": middle,
        "effect_low": low,
        "effect_high": high,
        "difference": middle * score,
        "difference_low": low * score,
        "difference_high": high * score,
        "verdict": verdict,
        "is_winner": verdict == "winner",
        **changes,
    }


WINNER = row("rex", 0.00861, verdict="winner")


def claims(*rows, scale="log", margin=NAN, sign=1):
    return Claims([WINNER, *rows], scale, margin, sign)


def test_log_ratios_are_told_in_percent_of_the_other_score():
    linear = row("linear", 0.01, (-math.log(0.87), -math.log(0.9), -math.log(0.84)))
    assert claims().amount(linear) == "13% lower"
    assert claims().spread(linear) == "10% to 16%"
    assert claims().gain(linear) == ("13%", "10% to 16%")
    worse = row("wsd", 0.008, (-math.log(1.05), -math.log(1.07), -math.log(1.02)))
    assert claims().amount(worse) == "5.0% higher"
    assert claims().spread(worse) == "2.0% to 7.0%"
    assert claims().gain(worse) == ("−5.0%", "−7.0% to −2.0%")
    vague = row("wsd", 0.008, (-0.1, -9.0, 2.0))
    assert claims().gain(vague) == ("−11%", "under −1000% to 86%")
    assert claims().spread(vague) == "−86% to over 1000%"


def test_a_table_in_a_terminal_has_whole_cells_whatever_their_width(capsys, monkeypatch):
    from lrshape.cli import verdicts

    monkeypatch.setenv("COLUMNS", "40")
    long = row("a-contender", 0.01, (-0.14, -0.17, -0.11), "open", hyperparameters={"x" * 150: 0.1})
    verdicts._print_comparison(Claims([WINNER, long], "log", NAN, 1))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("a-contender ")]
    assert "x" * 150 in line
    assert "..." not in line
    assert "not told apart" in line


def test_a_terminal_tells_edges_and_lost_trials_of_a_schedule(capsys):
    from lrshape.cli import verdicts

    lost = row("linear", 0.01, (0.1, 0.05, 0.2), diverged=2, failed=1, edge="low", base_lr=0.1)
    verdicts._print_comparison(claims(lost))
    told = capsys.readouterr().out.splitlines()
    assert "linear: best base LR is the lowest of those tried" in told
    assert "linear: 3 of 20 trials diverged or failed and count as worst" in told


def test_other_scales_are_told_in_the_units_of_the_metric():
    winner = row("rex", -0.801, verdict="winner", low=-0.81, high=-0.79)
    linear = row("linear", -0.78, (0.021, 0.012, 0.033))
    found = Claims([winner, linear], "linear", 0.004)
    assert found.amount(linear) == "0.021 lower"
    assert found.spread(linear) == "0.012 to 0.033"
    assert found.margin_text() == "0.004"
    assert Claims([winner, linear], "linear", 4.2e-6).margin_text() == "4.2e-6"
    assert found.score({**winner, "low": -0.8011, "high": -0.8009}) == ("−0.801", "−0.801 to −0.801")
    assert claims(linear, scale="linear").amount({**linear, "effect": 0.0}) == "equal"


def test_where_higher_is_better_the_winner_is_higher():
    accuracy = row("linear", 0.9, (0.021, 0.012, 0.033))
    winner = row("rex", 0.92, verdict="winner")
    assert Claims([winner, accuracy], "linear", NAN, -1).amount(accuracy) == "0.021 higher"
    reward = row("linear", -1.1, (math.log(1.1), math.log(1.05), math.log(1.2)))  # the winner's is -1
    assert claims(sign=-1).amount(reward) == "9.1% higher"
    assert claims(sign=-1).spread(reward) == "4.8% to 17%"


def test_scores_have_the_decimals_that_their_differences_need():
    winner = row("rex", 5000.123, verdict="winner", low=4995.2, high=5005.1)
    far = row("linear", 5000.3, difference=0.177, difference_low=0.104, difference_high=0.281)
    found = Claims([winner, far], "linear", NAN)
    assert found.score(winner)[0] == "5000.12"
    assert found.score(far)[0] == "5000.30"
    assert found.score(row("wsd", math.inf, diverged=6, failed=5)) == ("diverged", "")
    assert found.score(row("wsd", math.inf, diverged=5, failed=6)) == ("failed", "")


@pytest.mark.parametrize(
    ("effect", "margin", "pairs", "seeds"),
    [
        ((0.05, -0.05, 0.15), NAN, 20, 200),  # twice as narrow: 4 times 20 seeds, and twice that for power
        ((0.0, -0.1, 0.1), 0.1, 20, 50),  # it is equality that may be shown
        ((0.1, -0.001, 0.2), NAN, 40, 90),
        ((0.0, -0.1, 0.1), NAN, 20, None),
        ((0.1, -math.inf, math.inf), NAN, 10, None),
        ((1e-9, -0.1, 0.1), NAN, 20, None),
    ],
)
def test_the_seeds_that_would_decide(effect, margin, pairs, seeds):
    undecided = row("linear", 0.01, effect, "open", pairs=pairs)
    assert claims(undecided, margin=margin).seeds_to_decide(undecided) == seeds
    told = claims(undecided, margin=margin).reason(undecided)
    assert told == (f"needs about {seeds} seeds" if seeds else "")


def test_equal_scores_need_no_more_seeds():
    tied = row("linear", 0.01, (0.0, 0.0, 0.0), "open")
    assert claims(tied, margin=0.1).reason(tied) == "ties on most seeds"
    assert not claims(tied).is_noiseless
    still = [{**one, "low": one["score"], "high": one["score"]} for one in (WINNER, tied)]
    assert Claims(still, "log", NAN).is_noiseless
    assert not Claims([still[0], {**still[1], "effect_high": 0.02}], "log", NAN).is_noiseless


def test_a_row_without_a_tuned_base_lr_is_not_judged_and_says_why():
    edge = row("linear", 0.01, (0.1, 0.05, 0.2), "untuned", edge="high")
    assert base_lr(edge) == "0.024, at the edge"
    assert base_lr(WINNER) == "0.024, ±0.1 octaves"
    assert claims(edge).verdict(edge) == "not judged"
    assert claims(edge).reason(edge) == "base LR at the edge"
    assert claims().tuning_fault(edge) == "its best base LR lies at the edge of those tried (the highest)"
    coarse = row("linear", 0.01, verdict="untuned", octaves=0.5)
    assert claims().tuning_fault(coarse) == (
        "the best base LRs are not known well enough (±0.5 and ±0.1 octaves)"
    )
    of_winner = Claims([{**WINNER, "edge": "low"}], "log", NAN)
    assert of_winner.reason(coarse) == "the winner’s base LR at the edge"
    assert of_winner.tuning_fault(coarse).startswith("the winner’s best base LR lies at the edge")


def test_hyperparameters_keep_long_names():
    """Other parts of the page look values up by these names."""
    name = "a" * 61
    found = hyperparameters({"hyperparameters": f'{{"{name}": 0.5}}', "edges": "{}", "edge": ""})
    assert found == {name: "0.5"}


def test_the_margin_is_told_in_percent_and_in_units_of_the_metric():
    equal = row("linear", 0.0087, (0.01, -0.01, 0.02), "equal")
    assert claims(equal, margin=math.log(1.024)).reason(equal) == "within 2.4% (0.00021)"
    assert claims().margin_text() == ""
    assert claims(margin=1.2e-7).margin_text() == "1.2e-5% (1.0e-9)"
