import json

import numpy as np
import pandas as pd
import pytest

from lrshape.checks.local_statistics import (
    best_points,
    confirm_points,
    largest_gain,
    origin,
    point_id,
    score_points,
)

METRIC = "final/loss"
OWN = {"beta": 0.5, "warmup": 0.1}


def trials(quality, seeds, noise=0.02, first=0, random=0):
    """Trials of ``{(point, parameter, value, base LR): median}``, with seed noise that all share."""
    rng = np.random.default_rng(random)
    shared = rng.normal(size=seeds)
    rows = []
    for (point, parameter, value, base_lr), median in quality.items():
        own = rng.normal(size=seeds)
        for i in range(seeds):
            loss = median * np.exp(5 * noise * shared[i] + noise * own[i])
            rows.append(
                ("local", point, "rex", json.dumps(OWN | ({parameter: value} if parameter else {})),
                 base_lr, "{}", first + i, loss, "ok" if np.isfinite(loss) else "diverged")
            )  # fmt: skip
    columns = ["phase", "shape", "family", "params", "base_lr", "hyperparameters", "seed", METRIC, "status"]
    return pd.DataFrame(rows, columns=columns)


def test_a_parameter_that_a_row_leaves_out_has_its_default():
    table = trials({("g-0001", None, None, 0.1): 1.0, ("g-0001:floor:00", None, None, 0.1): 1.1}, 6)
    params = table["shape"].map({"g-0001": '{"floor": 0.3}', "g-0001:floor:00": "{}"})
    points = score_points(table.assign(family="generalized_cosine", params=params), METRIC)
    assert set(points["value"]) == {0.0, 0.3}


QUALITY = {
    ("rex-0001", None, None, 0.1): 1.0,
    ("rex-0001", None, None, 0.2): 1.5,
    ("rex-0001:beta:00", "beta", 0.01, 0.1): 2.0,
    ("rex-0001:beta:00", "beta", 0.01, 0.2): 1.6,
    ("rex-0001:beta:01", "beta", 1.0, 0.1): 0.8,
    ("rex-0001:beta:01", "beta", 1.0, 0.2): 1.6,
    ("rex-0001:warmup:00", "warmup", 0.0, 0.1): 1.3,
    ("rex-0001:warmup:01", "warmup", 0.3, 0.1): np.inf,
}


def test_names_of_points():
    assert point_id("rex-0007", "beta", 3) == "rex-0007:beta:03"
    assert origin(point_id("a:b", "c_d", 123)) == ("a:b", "c_d")
    assert origin("baseline-cosine") == ("baseline-cosine", None)


def test_points_are_judged_at_their_own_best_base_lr():
    points = score_points(trials(QUALITY, 10), METRIC)
    assert list(zip(points["parameter"], points["value"], points["own"], strict=True)) == [
        ("beta", 0.01, False),
        ("beta", 0.5, True),
        ("beta", 1.0, False),
        ("warmup", 0.0, False),
        ("warmup", 0.1, True),
        ("warmup", 0.3, False),
    ]
    assert points["base_lr"].tolist() == [0.2, 0.1, 0.1, 0.1, 0.1, 0.1]
    table = trials(QUALITY, 10)
    for row in points.to_dict("records"):
        sample = table[(table["shape"] == row["point"]) & (table["base_lr"] == row["base_lr"])][METRIC]
        assert row["score"] == pytest.approx(np.median(sample))
        assert row["low"] <= row["score"] <= row["high"]
        own = table[(table["shape"] == "rex-0001") & (table["base_lr"] == 0.1)][METRIC]
        assert row["gain"] == pytest.approx(np.median(own.to_numpy() - sample.to_numpy()))
    assert (points["gain_low"][2] > 0.1) & (points["gain_high"][2] < 0.3)
    assert np.isinf(points["score"].iloc[5])


def test_the_best_point_is_never_the_own_value():
    points = score_points(trials(QUALITY, 10), METRIC)
    assert best_points(points)["point"].tolist() == ["rex-0001:beta:01", "rex-0001:warmup:00"]
    assert best_points(points)["own"].tolist() == [False, False]


def confirm(medians, seeds=30):
    points = score_points(trials(QUALITY, 10), METRIC)
    names = (
        ("rex-0001", None, None),
        ("rex-0001:beta:01", "beta", 1.0),
        ("rex-0001:warmup:00", "warmup", 0.0),
    )
    quality = {(*name, 0.1): median for name, median in zip(names, medians, strict=True)}
    return confirm_points(trials(quality, seeds, first=1000, random=1), points, METRIC)


def test_the_verdict_comes_from_the_confirming_seeds_alone():
    rows = confirm([1.0, 1.1, 0.9])  # beta = 1 was better when chosen, and warmup = 0 worse
    assert rows["verdict"].tolist() == ["worse", "better"]
    assert rows["biased_gain"].tolist()[0] > 0.1
    assert rows["gain"].tolist() == pytest.approx([-0.1, 0.1], abs=0.05)
    assert (rows["own_value"].tolist(), rows["value"].tolist()) == ([0.5, 0.1], [1.0, 0.0])
    assert (rows["p_holm"] >= rows["p_value"]).all()
    assert rows["seeds"].tolist() == [30, 30]
    assert largest_gain(rows) == rows["gain_high"].max() > 0.05


def test_what_cannot_be_told_apart():
    rows = confirm([1.0, 1.0, 1.0])
    assert rows["verdict"].tolist() == ["open", "open"]
    assert (rows["gain_low"] <= 0.01).all()
    assert 0 < largest_gain(rows) < 0.05


def test_few_seeds_and_diverged_points():
    rows = confirm([1.0, 0.5, np.inf], seeds=5)
    assert rows["verdict"].tolist() == ["unknown", "unknown"]
    assert np.isnan(largest_gain(rows))
    rows = confirm([1.0, np.inf, np.inf])
    assert rows["verdict"].tolist() == ["diverged", "diverged"]
    assert largest_gain(rows) == -np.inf


def test_a_point_that_diverges_on_half_of_the_seeds_and_gains_on_the_others_is_open_and_bounds_nothing():
    both = trials({("rex-0001", None, None, 0.1): 1.0, ("rex-0001:beta:01", "beta", 1.0, 0.1): 0.5}, 20)
    both.loc[(both["shape"] != "rex-0001") & (both["seed"] % 2 == 0), METRIC] = np.inf
    rows = confirm_points(both, score_points(both, METRIC), METRIC)
    assert rows["verdict"].tolist() == ["open"]
    assert largest_gain(rows) > 0.4


def test_a_share_is_that_of_each_seed_so_that_it_stays_below_all_of_the_loss():
    both = trials({("rex-0001", None, None, 0.1): 1.0, ("rex-0001:beta:01", "beta", 1.0, 0.1): 0.9}, 20)
    both.loc[(both["shape"] == "rex-0001") & (both["seed"] % 3 == 0), METRIC] *= 100
    row = confirm_points(both, score_points(both, METRIC), METRIC).iloc[0]
    assert row["gain_high"] > 10
    assert row["gain_relative"] == pytest.approx(0.1, abs=0.03)
    assert 0.9 < row["gain_relative_high"] < 1


def test_where_values_have_no_sign_a_share_is_that_of_the_median():
    both = trials({("rex-0001", None, None, 0.1): 1.0, ("rex-0001:beta:01", "beta", 1.0, 0.1): 0.9}, 20)
    both.loc[both["seed"] == 0, METRIC] = 0.0
    row = confirm_points(both, score_points(both, METRIC), METRIC).iloc[0]
    for end in ("", "_low", "_high"):
        assert row[f"gain_relative{end}"] == row[f"gain{end}"] / row["own_score"]


def test_confirming_removes_the_bias_of_the_best_of_many():
    """All values are equally good: the best of twenty seems better when it is chosen, and is not."""
    biased, confirmed = [], []
    for repeat in range(40):
        names = [("rex-0001", None, None)] + [
            (f"rex-0001:beta:{i:02d}", "beta", 0.01 * (i + 1)) for i in range(20)
        ]
        quality = {(*name, 0.1): 1.0 for name in names}
        points = score_points(trials(quality, 7, noise=0.05, random=repeat), METRIC)
        again = trials(quality, 7, noise=0.05, first=1000, random=1000 + repeat)
        row = confirm_points(again, points, METRIC).iloc[0]
        biased.append(row["biased_gain"])
        confirmed.append(row["gain"])
    error = np.std(confirmed) / np.sqrt(len(confirmed))
    assert np.mean(biased) > 0.01  # less than what all share of the noise, which pairing removes
    assert abs(np.mean(confirmed)) < 2 * error < 0.015
