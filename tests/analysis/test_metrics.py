import numpy as np
import pandas as pd
import pytest

from lrshape.analysis.analysis import Analysis
from lrshape.analysis.design import Design
from lrshape.analysis.result import Result, winners_by_metric
from lrshape.errors import InputError

OTHER = "final/test_error"


@pytest.fixture
def table(trials_of, metric):
    """rex-0 wins by the metric and is confirmed; by the other metric rex-0 wins at another base LR."""
    values = {
        ("screen", "rex-0", 0.1): [1.0, 1.1],
        ("rescore", "rex-0", 0.1): np.linspace(0.9, 1.1, 10),
        ("rescore", "rex-0", 0.2): np.linspace(1.9, 2.1, 10),
        ("rescore", "wsd-0", 0.1): np.linspace(1.4, 1.6, 10),
        ("confirm", "rex-0", 0.1): np.linspace(1.0, 1.2, 20),
        ("confirm", "wsd-0", 0.1): np.linspace(1.4, 1.6, 20),
    }
    trials = trials_of(values)
    at_high = trials["base_lr"] == 0.2
    return trials.assign(**{OTHER: np.where(at_high, 0.1, trials[metric])})


def test_each_metric_has_its_winner_and_its_phase(table, metric):
    assert Analysis(table, metric).measuring_phase == "confirm"
    other = Analysis(table, OTHER)
    assert (other.winner["shape"], other.winner["base_lr"]) == ("rex-0", 0.2)
    assert other.measuring_phase == "rescore"


def test_a_winner_that_was_not_confirmed_is_reported_from_its_rescore_seeds(table):
    found = Result.of(Analysis(table, OTHER), steps=10, step_rule="left")
    assert (found.phase, found.base_lr, found.seeds) == ("rescore", 0.2, 10)
    assert found.score_median == 0.1
    assert {row.phase for row in found.families} == {"rescore"}


def test_the_winners_are_measured_by_all_metrics(table, metric):
    rows = winners_by_metric(Analysis(table, metric))
    assert list(dict.fromkeys(zip(rows["base_lr"], rows["chosen_by"], rows["phase"], strict=True))) == [
        (0.1, (metric,), "confirm"),
        (0.1, (metric,), "rescore"),
        (0.1, (metric,), "screen"),
        (0.2, (OTHER,), "rescore"),
    ]
    assert set(rows["metric"]) == {metric, OTHER}
    of_other = rows[(rows["base_lr"] == 0.2) & (rows["metric"] == metric)].iloc[0]
    assert of_other["score"] == pytest.approx(2.0)
    with pytest.raises(InputError, match="stored metrics"):
        Analysis(table, "final/nothing")


@pytest.mark.parametrize("confirmed", [0.1, np.nextafter(0.1, 1)])
def test_metrics_that_agree_share_a_winner_though_its_base_lr_is_rounded_otherwise(table, metric, confirmed):
    base_lr = table["base_lr"].mask(table["phase"] == "confirm", confirmed)
    table = table.assign(base_lr=base_lr, **{OTHER: table[metric] / 2})
    assert Analysis(table, OTHER).measuring_phase == "confirm"
    rows = winners_by_metric(Analysis(table, metric, design=Design(winner=("rex-0", confirmed, "{}"))))
    assert set(rows["chosen_by"]) == {(metric, OTHER)}
    assert len(set(zip(rows["shape"], rows["base_lr"], rows["hyperparameters"], strict=True))) == 1
    assert set(rows["phase"]) == {"screen", "rescore", "confirm"}


@pytest.mark.parametrize(("won", "metrics"), [("wsd-0", 2), ("rex-0", 1)])
def test_of_equals_the_studys_winner_wins(table, metric, won, metrics):
    tied = table["shape"].isin([won, "aaa-0"])
    other = table[table["shape"] == "wsd-0"].assign(shape="aaa-0", family="aaa")
    table = pd.concat([table.assign(**{OTHER: np.where(tied, 0.0, 1.0)}), other.assign(**{OTHER: 0.0})])
    rows = winners_by_metric(Analysis(table, metric, design=Design(winner=("wsd-0", 0.1, "{}"))))
    assert rows["chosen_by"].iloc[0] == (metric, OTHER)[:metrics]
    assert dict(zip(rows["metric"], rows["ties"], strict=True))[OTHER] == 2


def test_shapes_do_not_tie_for_the_best_score_where_another_is_better(table, metric):
    own = table[table["shape"] == "wsd-0"].replace({"phase": {"rescore": "screen"}})
    even = own.assign(shape="aaa-0", family="aaa")
    better = own.assign(shape="bbb-0", family="bbb", **{metric: own[metric] / 2})
    design = Design(winner=("wsd-0", 0.1, "{}"))
    for others, ties in (([even], 2), ([even, better], 0)):
        rows = winners_by_metric(Analysis(pd.concat([own, *others]), metric, design=design))
        assert set(rows["ties"][rows["metric"] == metric]) == {ties}


def test_a_metric_by_which_all_diverged_has_no_winner(table, metric):
    rows = winners_by_metric(Analysis(table.assign(**{OTHER: np.inf}), metric))
    assert set(rows["chosen_by"]) == {(metric,)}
