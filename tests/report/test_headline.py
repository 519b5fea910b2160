import math

import pytest

from lrshape.report.claims import Claims
from lrshape.report.headline import headline, notices, tiles

METRIC = "final/train_loss"


def judged(studies, *, margin=0.0198, scale="log", **verdicts):
    """The findings of a study, with verdicts on its baselines and families made by hand.

    A verdict is a word, or a word and what else is different about the row.
    """
    found = studies.findings(studies(families=("generalized_cosine", "rex"), shapes=2, base_lrs=3))
    known = {"edge": "", "octaves": 0.1, "cost": 0.001, "pairs": 20}
    rows = []
    for row in found.leaders:
        case = verdicts.get(row["label"].removesuffix(" baseline"), "better")
        verdict, changes = (case, {}) if isinstance(case, str) else case
        sign = {"worse": -1, "better": 1}.get(verdict, 0.2)
        effect = {"effect": 0.1 * sign, "effect_low": 0.1 * sign - 0.05, "effect_high": 0.1 * sign + 0.05}
        verdict = "winner" if row["is_winner"] else verdict
        rows.append({**row, **known, **effect, "verdict": verdict, **changes})
    found.__dict__["leaders"] = rows
    found.__dict__["claims"] = Claims(rows, scale, margin)
    return found


def told(found):
    title, sentences = headline(found)
    return title, " ".join(sentences)


def test_what_is_better_than_every_baseline_wins(studies):
    title, text = told(judged(studies))
    assert title == "generalized_cosine wins"
    assert "median final/train_loss 0.006" in text
    better = "better than the linear, cosine, wsd and constant baselines: 9.5% lower than linear"
    assert f"{better} in the median over 20 seeds (95% interval 4.9% to 14%)." in text
    title, _ = told(judged(studies, constant="diverged"))
    assert title == "generalized_cosine wins"


def test_what_is_open_is_no_win(studies):
    title, text = told(judged(studies, linear="open", wsd="equal"))
    assert title == (
        "generalized_cosine is better than the cosine and constant baselines; it equals the wsd baseline; "
        "it cannot be told apart from the linear baseline"
    )
    undecided = "linear baseline: 2.0% lower in the median over 20 seeds (95% interval −3.0% to 6.8%); about"
    assert undecided in text
    assert "seeds would probably decide" in text
    assert "It equals the wsd baseline within 2.0% (0.00014), the smallest difference that matters." in text
    only = dict.fromkeys(("linear", "cosine", "wsd", "constant"), "open")
    assert told(judged(studies, **only))[0] == (
        "generalized_cosine cannot be told apart from the linear, cosine, wsd and constant baselines"
    )


def test_a_baseline_that_is_better_is_said_to_be_better(studies):
    title, text = told(judged(studies, linear="worse", wsd="open"))
    assert title == "No searched shape beats the linear baseline"
    assert "The linear baseline is better: the searched shape is 11% higher in the median" in text


@pytest.mark.parametrize(
    ("verdict", "changes", "sentence"),
    [
        ("open", {"effect_low": -0.01}, "It cannot be told apart from {}."),
        ("open", {}, "It cannot be told apart from {}: an interval that excludes 0, but"),
        ("open", {"effect_low": 0.0, "effect_high": 0.0}, "from {}: equal scores on most of the seeds."),
        ("untuned", {"edge": "high"}, "No verdict against {}: base LR at the edge."),
        ("unknown", {}, "No verdict against {}: too few seeds for an interval."),
    ],
)
def test_of_many_baselines_a_few_are_named(studies, verdict, changes, sentence):
    found = judged(studies)
    rows = [row for row in found.leaders if not row["is_baseline"]]
    rows += [
        {**found.baselines[0], "label": f"s{i} baseline", "verdict": verdict, **changes} for i in range(19)
    ]
    found.__dict__["leaders"] = rows
    title, text = told(found)
    names = "the s0, s1, s2 and 16 other baselines"
    assert len(title) < 100
    assert sentence.format(names) in text
    assert "s3" not in title + text


def test_there_is_no_verdict_against_a_baseline_that_is_not_tuned(studies):
    at_edge = ("untuned", {"edge": "high"})
    found = judged(studies, linear=at_edge)
    title, text = told(found)
    assert title.endswith("; no verdict against the linear baseline")
    assert (
        "No verdict against the linear baseline: its best base LR lies at the edge of those tried (the "
        "highest)."
    ) in text
    assert "Base LR on the edge" in [notice.title for notice in notices(found)]
    equal = judged(studies, linear=("untuned", {"edge": "high", "effect": 0.0}))
    assert "no difference" in [tile.value for tile in tiles(equal)]
    others = dict.fromkeys(("linear", "cosine", "wsd", "constant"), at_edge)
    assert told(judged(studies, **others))[0].startswith("No verdict against the linear, cosine")


def test_percents_are_for_ratios_only(studies):
    _, text = told(judged(studies, scale="linear", margin=math.nan))
    assert "0.10000 lower than linear in the median" in text
    assert "%" not in text.replace("95%", "")


def test_equal_scores_over_seeds_are_told(studies):
    trials = studies()
    trials[METRIC] = trials.groupby("shape")[METRIC].transform("median")
    assert "Equal scores over seeds" in [notice.title for notice in notices(studies.findings(trials))]


def test_families_that_cannot_be_told_apart_from_the_winner_or_did_better_are_named(studies):
    assert "rex" not in told(judged(studies))[1]
    assert "cannot be told apart from the best shape of rex." in told(judged(studies, rex="open"))[1]
    apart = judged(studies, rex=("open", {"effect": 0.1, "effect_low": 0.05}))
    assert "of rex; its interval excludes 0, but not after correction for comparisons" in told(apart)[1]
    assert "It equals the best shape of rex within 2.0%" in told(judged(studies, rex="equal"))[1]
    assert "The best of rex did better here" in told(judged(studies, rex="worse"))[1]


@pytest.mark.parametrize(
    ("effect", "sentence"),
    [
        (0.1, "on all, or most, seeds: it is 9.5% lower than rex."),
        (0.0, "It has the same score as the best shape of rex."),
    ],
)
def test_differences_between_families_need_no_test_where_the_seed_changes_nothing(studies, effect, sentence):
    found = judged(studies, rex=("open", {"effect": effect}))

    def text(width):
        rows = [
            {**row, "low": row["score"], "high": row["score"]}
            | {"effect_low": row["effect"], "effect_high": row["effect"] + width}
            for row in found.leaders
        ]
        found.__dict__["claims"] = Claims(rows, "log", 0.0198)
        return told(found)[1]

    assert sentence in text(0.0)
    assert "told apart" not in text(0.0)
    # each schedule scores the same on most of its seeds, but not on the same seeds as the winner
    assert sentence not in text(0.2)
    assert "told apart" in text(0.2)


def test_nothing_but_divergence_is_said_plainly(studies):
    title, text = told(studies.findings(studies(status="diverged")))
    assert title == "Every trial diverged"
    assert "no schedule shape can be recommended" in text

    title, text = told(studies.findings(studies(status="failed")))
    assert title == "Every trial failed"
    assert "messages" in text


def test_a_winner_that_diverges_when_confirmed_is_no_winner(studies):
    trials = studies()
    lost = (trials["phase"] == "confirm") & (trials["shape"] == "generalized_cosine-0000")
    trials.loc[lost, METRIC] = math.inf
    trials.loc[lost, "status"] = "diverged"
    title, text = told(studies.findings(trials))
    assert title == "No usable winner"
    assert "16 trials of its 16 in the confirm phase diverged or failed" in text


def test_baselines_that_all_diverge(studies):
    trials = studies()
    lost = trials["shape"].str.startswith("baseline-")
    trials.loc[lost, METRIC] = math.inf
    trials.loc[lost, "status"] = "diverged"
    title, text = told(studies.findings(trials))
    assert title == "generalized_cosine wins"
    assert "baselines diverged or failed on at least half of their seeds" in text


def test_unconfirmed_results_are_preliminary(studies):
    title, text = told(studies.findings(studies(phases=("screen",))))
    assert title == "So far: generalized_cosine leads"
    assert "over 2 seeds: too few seeds for an interval, which needs at least 6" in text
    assert all(f"than {name} in the median" in text for name in ("constant", "linear", "cosine", "wsd"))
    rescored = studies(phases=("screen", "rescore"), seeds=(2, 12, 16))
    assert told(studies.findings(rescored))[0] == "So far: generalized_cosine wins"


def test_studies_without_baselines_and_without_searched_shapes(studies):
    title, text = told(studies.findings(studies(baselines=())))
    assert title == "generalized_cosine is the best searched family"
    assert "No baseline was trained" in text
    found = studies.findings(studies(families=(), phases=("screen",)))
    assert "winner" not in "".join(notice.text for notice in notices(found))
    title, _ = told(found)
    assert title == "No searched shape has been trained yet"
