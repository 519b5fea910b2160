import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrshape.analysis.intervals import two_sided
from lrshape.analysis.result import best, best_per_family, confirmed, winner
from lrshape.errors import InputError

INF = math.inf
NOISE = np.random.default_rng(0).normal(0, 0.3, 20)


@pytest.fixture
def study():
    """Three families: rex-1 wins the rescore phase, although rex-2 does better before and after."""
    values = {}
    screen = {"rex-1": 1.2, "rex-2": 1.0, "wsd-0": 1.5, "sqrt-3": 3.0, "baseline-cosine": 2.0}
    for shape, value in screen.items():
        for lr, worse in ((0.1, 0.4), (0.2, 0.0), (0.4, INF)):
            values["screen", shape, lr] = [value + worse, value + worse + 0.1]
    for shape, value in {"rex-1": 1.0, "rex-2": 1.1, "wsd-0": 1.4}.items():
        values["rescore", shape, 0.2] = value + NOISE[:10]
    for shape, value in {"rex-1": 1.2, "rex-2": 1.1, "wsd-0": 1.4, "baseline-cosine": 2.0}.items():
        values["confirm", shape, 0.2] = value + NOISE
    values["confirm", "baseline-constant", 0.1] = [INF] * 15 + [3.0] * 5
    return values


def test_the_winner_is_chosen_by_the_rescore_phase(study, trials_of, metric):
    won = winner(trials_of(study), metric)
    assert [*won[["shape", "phase", "rank", "seeds"]]] == ["rex-1", "rescore", 1, 10]
    screened = {k: v for k, v in study.items() if k[0] == "screen"}
    won = winner(trials_of(screened), metric)
    assert [*won[["shape", "phase", "base_lr"]]] == ["rex-2", "screen", 0.2]


def test_a_baseline_never_wins(study, trials_of, metric):
    study["rescore", "baseline-cosine", 0.2] = [0.0] * 10
    won = winner(trials_of(study), metric)
    assert [*won[["shape", "rank"]]] == ["rex-1", 2]


def test_every_family_is_represented_by_its_best(study, trials_of, metric):
    table = best_per_family(trials_of(study), metric)
    assert table["shape"].tolist() == ["rex-1", "wsd-0", "sqrt-3"]
    assert table["phase"].tolist() == ["rescore", "rescore", "screen"]


def test_the_confirmed_table(study, trials_of, metric):
    table = confirmed(trials_of(study), metric)
    assert table.columns.tolist() == [
        "shape", "family", "params", "base_lr", "seeds", "score", "low", "high", "diverged", "failed", "rank",
        "difference", "difference_low", "difference_high", "p_value", "p_holm", "is_winner", "is_baseline",
    ]  # fmt: skip
    assert table["shape"].tolist() == ["rex-2", "rex-1", "wsd-0", "baseline-cosine", "baseline-constant"]
    assert table["rank"].tolist() == [1, 2, 3, 4, 5]
    assert table["is_winner"].tolist() == [False, True, False, False, False]
    assert table["is_baseline"].tolist() == [False, False, False, True, True]
    assert table["diverged"].tolist() == [0, 0, 0, 0, 15]
    np.testing.assert_allclose(table["difference"], [-0.1, 0, 0.2, 0.8, INF])
    np.testing.assert_allclose(table["difference_low"][:4], [-0.1, math.nan, 0.2, 0.8])  # noise cancels
    assert table["p_value"].isna().tolist() == [False, True, False, False, False]
    np.testing.assert_allclose(table["p_holm"][[0, 2, 3, 4]], 4 * two_sided(1 / 10_001, 20))


def test_differences_are_over_common_seeds(study, trials_of, metric):
    table = trials_of(study)
    lost = (table["shape"] == "baseline-cosine") & (table["seed"] < 2_000_006)
    result = confirmed(table[~lost], metric).set_index("shape").loc["baseline-cosine"]
    assert result["seeds"] == 14
    assert result["difference"] == pytest.approx(0.8)
    few = table[~((table["shape"] == "baseline-cosine") & (table["seed"] > 2_000_003))]
    result = confirmed(few, metric).set_index("shape").loc["baseline-cosine"]
    assert result["difference"] == pytest.approx(0.8)
    assert math.isnan(result["p_holm"])


def test_confirmed_without_a_winner_or_without_rows(study, trials_of, metric):
    without = trials_of({k: v for k, v in study.items() if k[0] != "confirm"})
    assert confirmed(without, metric).empty
    assert confirmed(without, metric).columns.tolist() == confirmed(trials_of(study), metric).columns.tolist()
    alone = confirmed(trials_of({k: v for k, v in study.items() if k[0] == "confirm"}), metric)
    assert len(alone) == 5
    assert alone["is_winner"].tolist() == [False] * 5
    assert np.isnan(alone[["difference", "p_value", "p_holm"]].to_numpy()).all()


def test_the_answer(study, trials_of, metric):
    answer = best(trials_of(study), metric, 300, "midpoint")
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert {k: v for k, v in answer.items() if k not in ("baselines", "families", "diverged_share")} == {
        "shape": "rex-1",
        "family": "rex",
        "params": {"warmup": 0.5},
        "base_lr": 0.2,
        "steps": 300,
        "step_rule": "midpoint",
        "metric": metric,
        "phase": "confirm",
        "score_median": pytest.approx(1.2 + np.median(NOISE)),
        "score_low": pytest.approx(1.2 + np.sort(NOISE)[5]),
        "score_high": pytest.approx(1.2 + np.sort(NOISE)[14]),
        "seeds": 20,
        "diverged": 0,
        "failed": 0,
        "trials": 160,
        "failed_share": 0.0,
        "base_lr_edge": "",
    }
    assert answer["diverged_share"] == 25 / 160
    cosine, constant = answer["baselines"]
    assert (cosine["name"], cosine["shape"], cosine["family"]) == ("cosine", "baseline-cosine", "cosine")
    assert cosine["difference"] == pytest.approx(0.8)
    assert cosine["difference_low"] == pytest.approx(0.8)
    assert cosine["p_value_holm"] == pytest.approx(4 * two_sided(1 / 10_001, 20))
    assert (constant["name"], constant["diverged"], constant["seeds"]) == ("constant", 15, 20)
    assert constant["score_median"] is None
    assert constant["difference"] is None
    wsd, sqrt = answer["families"]
    assert (wsd["name"], wsd["phase"]) == ("wsd-0", "confirm")
    assert wsd["difference"] == pytest.approx(0.2)
    assert (sqrt["name"], sqrt["phase"], sqrt["difference"]) == ("sqrt-3", "screen", None)
    assert sqrt["score_median"] == pytest.approx(3.05)


def test_an_unfinished_study_tests_only_what_it_reports(trials_of, metric):
    shapes = {f"rex-{i}": 1.0 + 0.1 * i for i in range(9)} | {"wsd-0": 2.0, "baseline-cosine": 3.0}
    study = {("screen", shape, 0.1): value + NOISE for shape, value in shapes.items()}
    answer = best(trials_of(study), metric, 10, "left")
    assert answer["baselines"][0]["p_value_holm"] == pytest.approx(2 * two_sided(1 / 10_001, 20))


@pytest.mark.parametrize("last", ["screen", "rescore"])
def test_the_answer_of_an_unfinished_study(study, trials_of, metric, last):
    phases = ("screen", "rescore")[: 1 + (last == "rescore")]
    answer = best(trials_of({k: v for k, v in study.items() if k[0] in phases}), metric, 10, "left")
    json.dumps(answer, allow_nan=False)
    assert answer["phase"] == last
    assert answer["shape"] == {"screen": "rex-2", "rescore": "rex-1"}[last]
    assert [b["name"] for b in answer["baselines"]] == {"screen": ["cosine"], "rescore": []}[last]
    assert [f["name"] for f in answer["families"]] == ["wsd-0", "sqrt-3"]


def test_the_edge_of_the_base_lrs(study, trials_of, metric):
    for lr in (0.1, 0.4):
        del study["screen", "rex-1", lr]
    assert best(trials_of(study), metric, 10, "left")["base_lr_edge"] == ""  # only one was tried
    study["screen", "rex-1", 0.1] = [2.0, 2.0]
    assert best(trials_of(study), metric, 10, "left")["base_lr_edge"] == "high"
    study["rescore", "rex-1", 0.3] = [2.0] * 10
    assert best(trials_of(study), metric, 10, "left")["base_lr_edge"] == ""
    del study["screen", "rex-1", 0.1]
    assert best(trials_of(study), metric, 10, "left")["base_lr_edge"] == "low"


def test_a_study_in_which_everything_diverged(study, trials_of, metric):
    table = trials_of({k: [INF] * len(v) for k, v in study.items()})
    won = winner(table, metric)
    assert [won["shape"], won["score"]] == ["rex-1", INF]
    answer = best(table, metric, 10, "midpoint")
    json.dumps(answer, allow_nan=False)
    assert answer["diverged_share"] == 1.0
    assert answer["score_median"] is None
    assert (answer["diverged"], answer["seeds"]) == (20, 20)
    assert {b["difference"] for b in answer["baselines"]} == {None}
    assert confirmed(table, metric)["rank"].tolist() == [1] * 5


def test_no_winner_yet(trials_of, metric):
    for values in ({}, {("screen", "baseline-cosine", 0.1): [1.0]}):
        table = trials_of(values)
        for call in (winner, lambda t, o: best(t, o, 10, "left")):
            with pytest.raises(InputError, match="a winner needs"):
                call(table, metric)
        assert best_per_family(table, metric).empty
        assert confirmed(table, metric).empty


keys = st.tuples(
    st.sampled_from(["screen", "rescore", "confirm"]),
    st.sampled_from(["rex-1", "rex-2", "baseline-cosine", "wsd-0"]),
    st.sampled_from([0.1, 0.2]),
)
values = st.lists(st.one_of(st.floats(0, 1e300), st.just(INF), st.just(1.0)), min_size=1, max_size=8)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(study=st.dictionaries(keys, values, max_size=12), seed=st.integers(0, 100))
def test_any_study_has_a_json_answer_whatever_the_order_of_rows(trials_of, metric, study, seed):
    table = trials_of(study)
    shuffled = table.sample(frac=1, random_state=seed)
    try:
        answer = best(table, metric, 10, "left")
    except InputError:
        assert not any(k[0] != "confirm" and not k[1].startswith("baseline-") for k in study)
        return
    assert json.dumps(best(shuffled, metric, 10, "left")) == json.dumps(answer, allow_nan=False)
    pd.testing.assert_frame_equal(confirmed(shuffled, metric), confirmed(table, metric), check_exact=True)
