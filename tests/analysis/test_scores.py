import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrshape.analysis.intervals import median_interval
from lrshape.analysis.scores import best_base_lrs, judge, scores, values_by_seed
from lrshape.errors import InputError

INF = math.inf


def test_scores_by_hand(trials_of, metric):
    table = trials_of(
        {
            ("rescore", "rex-1", 0.1): [3, 1, INF],
            ("screen", "rex-1", 0.2): [5, INF, INF, 4],
            ("screen", "rex-1", 0.1): [1, 2, 3, 4, 5, 6],
            ("screen", "cosine-0", 0.1): [2, 1],
        }
    )
    table.loc[table["phase"] == "rescore", "status"] = ["ok", "ok", "failed"]
    result = scores(table, metric)
    assert result.columns.tolist() == [
        "phase", "shape", "family", "params", "base_lr", "hyperparameters", "seeds", "score", "low", "high",
        "diverged", "failed",
    ]  # fmt: skip
    assert result["phase"].tolist() == ["screen"] * 3 + ["rescore"]
    assert result["shape"].tolist() == ["cosine-0", "rex-1", "rex-1", "rex-1"]
    assert result["family"].tolist() == ["cosine", "rex", "rex", "rex"]
    assert result["base_lr"].tolist() == [0.1, 0.1, 0.2, 0.1]
    assert result["seeds"].tolist() == [2, 6, 4, 3]
    assert result["score"].tolist() == [1.5, 3.5, INF, 3]
    np.testing.assert_array_equal(result["low"], [math.nan, 1, math.nan, math.nan])
    np.testing.assert_array_equal(result["high"], [math.nan, 6, math.nan, math.nan])
    assert result["diverged"].tolist() == [0, 0, 2, 0]
    assert result["failed"].tolist() == [0, 0, 0, 1]
    assert result["params"].tolist()[1] == '{"warmup": 0.5}'


def test_a_trial_that_a_screen_has_trained_twice_counts_once_in_a_pairing(trials_of, metric):
    table = trials_of({("screen", "rex-1", 0.1): [3, 1], ("screen", "cosine-0", 0.1): [2, 1]})
    twice = pd.concat([table, table.head(2)], ignore_index=True)
    pd.testing.assert_series_equal(values_by_seed(twice, metric), values_by_seed(table, metric))


def test_what_did_not_end_well_counts_as_infinite(trials_of, metric):
    table = trials_of({("screen", "rex-1", 0.1): [1, 2, 3, 4, 5]})
    table[metric] = [-INF, math.nan, 3.0, 4.0, 0.5]
    table["status"] = ["ok", "ok", "ok", "ok", "failed"]
    assert scores(table, metric)["score"].tolist() == [INF]


def test_each_metric_is_judged_by_itself(trials_of, metric):
    table = trials_of({("screen", "rex-1", 0.1): [1, math.nan, 3, 4]})
    table["final/auc"] = [math.nan, 0.5, math.nan, 0.6]
    table["status"] = ["ok", "diverged", "ok", "failed"]
    assert judge(table, metric)["status"].tolist() == ["ok", "diverged", "ok", "failed"]
    assert judge(table, "final/auc")["status"].tolist() == ["diverged", "ok", "diverged", "failed"]
    assert scores(table, "final/auc")[["diverged", "failed"]].to_numpy().tolist() == [[2, 1]]


@pytest.mark.parametrize("name", ["final/loss", "seed", "wall_time", "", "base_lr"])
def test_the_metric_must_be_a_stored_metric(trials_of, name):
    table = trials_of({("screen", "rex-1", 0.1): [1]})
    with pytest.raises(InputError, match="metric must be one of the stored metrics final/train_loss"):
        scores(table, name)
    with pytest.raises(InputError, match="no trial is stored yet"):
        scores(table.drop(columns="final/train_loss"), name)


keys = st.tuples(
    st.sampled_from(["screen", "rescore", "confirm"]),
    st.sampled_from(["rex-1", "rex-2", "baseline-cosine", "wsd-0"]),
    st.sampled_from([0.1, 0.2, 0.4]),
)
values = st.lists(st.one_of(st.floats(0, 1e6), st.just(INF), st.just(1.0)), min_size=1, max_size=9)
studies = st.dictionaries(keys, values, max_size=10)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(study=studies, seed=st.integers(0, 1000))
def test_scores_are_medians_whatever_the_order(trials_of, metric, study, seed):
    table = trials_of(study)
    result = scores(table, metric)
    assert len(result) == len(study)
    for row in result.to_dict("records"):
        sample = study[(row["phase"], row["shape"], row["base_lr"])]
        found = [row["score"], row["low"], row["high"]]
        np.testing.assert_array_equal(found, median_interval(sample), strict=True)
    shuffled = table.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(scores(shuffled, metric), result)
    best = best_base_lrs(result)
    pd.testing.assert_frame_equal(best_base_lrs(result.sample(frac=1, random_state=seed)), best)
    for row in best.to_dict("records"):
        raced = row["phase"] == "rescore"  # there, who has fewer seeds has lost
        tried = {
            lr: (-len(v) if raced else 0, np.median(v))
            for (p, s, lr), v in study.items()
            if (p, s) == (row["phase"], row["shape"])
        }
        own = min(tried.values())
        assert row["score"] == pytest.approx(own[1])
        assert row["tried"] == len(tried)
        others = best[best["phase"] == row["phase"]]
        places = [(-n if raced else 0, s) for n, s in zip(others["seeds"], others["score"], strict=True)]
        assert row["rank"] == 1 + sum(place < own for place in places)
    assert len(best) == len({(p, s) for p, s, _ in study})


def test_the_best_base_lr_and_its_edge(trials_of, metric):
    lrs = (0.1, 0.2, 0.4)
    shapes = {
        "a-low": [1, 2, 3],
        "b-middle": [3, 1, 2],
        "c-high": [3, 2, 1.5],
        "d-tie": [2, 1, 1],
        "e-all": [INF, INF, INF],
        "f-rest": [INF, 7, INF],
        "h-all": [INF, INF, INF],
    }
    study = {("screen", s, lr): [v] for s, vs in shapes.items() for lr, v in zip(lrs, vs, strict=True)}
    study["screen", "g-single", 0.3] = [0.5]
    study["rescore", "c-high", 0.4] = [9]
    best = best_base_lrs(scores(trials_of(study), metric))
    assert best["shape"].tolist() == [
        "g-single", "a-low", "b-middle", "d-tie", "c-high", "f-rest", "e-all", "h-all", "c-high",
    ]  # fmt: skip
    assert best["rank"].tolist() == [1, 2, 2, 2, 5, 6, 7, 7, 1]
    assert best["base_lr"].tolist() == [0.3, 0.1, 0.2, 0.2, 0.4, 0.2, 0.1, 0.1, 0.4]
    assert best["edge"].tolist() == ["", "low", "", "", "high", "", "low", "low", ""]
    assert best["tried"].tolist() == [1, 3, 3, 3, 3, 3, 3, 3, 1]
    assert best["phase"].tolist() == ["screen"] * 8 + ["rescore"]


def test_an_edge_is_one_of_base_lrs_whatever_hyperparameters_were_tried(trials_of, metric):
    trials = trials_of({("tune", name, lr): [1.0, 1.0, 2.0] for name in ("a", "b") for lr in (0.1, 0.2)})
    trials["hyperparameters"] = trials["seed"].map('{{"wd": {}}}'.format)
    trials["seed"] = 0
    trials.loc[trials["base_lr"] == 0.2, metric] = 3.0
    best = best_base_lrs(scores(trials[(trials["shape"] == "a") | (trials["base_lr"] == 0.1)], metric))
    assert dict(zip(best["shape"], best["edge"], strict=True)) == {"a": "low", "b": ""}


def test_no_trials_give_empty_tables(trials_of, metric):
    one = trials_of({("screen", "rex-1", 0.1): [1]})
    empty, full = scores(one[:0], metric), scores(one, metric)
    pd.testing.assert_series_equal(empty.dtypes, full.dtypes)
    pd.testing.assert_series_equal(best_base_lrs(empty).dtypes, best_base_lrs(full).dtypes)
    assert len(best_base_lrs(empty)) == 0
