import pandas as pd
import pytest

import lrshape
from lrshape.analysis.scores import best_base_lrs, scores
from lrshape.checks.seeds import SeedsCheck

SETTINGS = {"max": 8, "top": 3, "sample": 6}
CHECK = SeedsCheck(**SETTINGS)


def test_the_plan_is_even_over_the_ranks_and_best_first(searched):
    plan = CHECK.plan(searched)
    trials = searched.trials()
    screened = best_base_lrs(scores(trials, searched.metric))
    screened = screened[(screened["phase"] == "screen") & ~screened["shape"].str.startswith("baseline")]
    ranks = {name: place for place, name in enumerate(screened["shape"])}
    places = [ranks[one.shape.id] for one in plan.screened]
    assert len(ranks) == 12
    assert places == sorted(set(places))
    assert [place // 2 for place in places] == [0, 1, 2, 3, 4, 5]  # one of each two
    assert plan.top[0].shape.id == searched.best().shape
    assert plan.top[0].base_lr == pytest.approx(searched.best().base_lr)
    assert len(plan.top) == 3
    assert plan.keep == round(3 / 12 * 6)
    everything = SeedsCheck(max=8, top=999, sample=999).plan(searched)
    assert {one.shape.id for one in everything.screened} == set(ranks)
    assert {one.shape.id for one in everything.top} == set(ranks)


def test_seeds_from_beginning_to_end(searched, training):
    result = CHECK.run(searched)
    table = lrshape.store.Store(searched.path / "seeds").trials()
    shapes = len(CHECK.plan(searched).candidates)
    assert CHECK.cost(searched) == shapes * 8
    assert len(table) == result.data["trials"] == len(training.calls) == shapes * 8
    assert set(table["seed"]) == {SeedsCheck.first_seed() + i for i in range(8)}
    assert result.data["used"] == {"screen": 2, "rescore": 6}
    assert {name: group["shapes"] for name, group in result.data["groups"].items()} == {
        "screened": 6,
        "top": 3,
    }
    for name in ("agreement", "cross", "scores", "trials"):
        assert (searched.path / "seeds" / "tables" / f"{name}.csv").is_file()
    text = (searched.path / "seeds" / "report.html").read_text()
    assert "within 5% of the best one" in text
    assert text.count("<svg") == 2
    training.calls.clear()
    other = SeedsCheck(**SETTINGS, margin=0.2, certainty=0.5).run(searched)
    assert training.calls == []
    assert (other.tables["agreement"]["certain"] >= result.tables["agreement"]["certain"]).all()
    with pytest.raises(lrshape.InputError, match="changed: max: 8 -> 9"):
        SeedsCheck(max=9, top=3, sample=6).run(searched)
    table["shape"] = table["shape"].astype(str)  # a study's texts are categories
    values = table.pivot(index="shape", columns="seed", values="final/score")
    frame = result.tables["scores"].astype({"shape": str}).set_index("shape")
    pd.testing.assert_series_equal(frame["few"], values.iloc[:, :4].median(axis=1), check_names=False)
    pd.testing.assert_series_equal(frame["reference"], values.iloc[:, 4:].median(axis=1), check_names=False)
