"""The whole computation on small problems, and what it writes."""

import json

import numpy as np
import pandas as pd
import pytest

from lrshape.errors import InputError
from lrshape.paper.output import claim, document, write
from lrshape.paper.page import gaps_table, summary, warnings, write_page
from lrshape.paper.run import OPTIMUM, find_optimum
from lrshape.study.spec import StudySpec


def spec(batch_size, families=("cosine", "power", "two_point_spline"), **workload):
    settings = {
        "name": "linear-regression",
        "steps": 60,
        "dimension": 40,
        "batch_size": batch_size,
        **workload,
    }
    return StudySpec.parse({"workload": settings, "families": list(families)})


@pytest.fixture(scope="module")
def smooth():
    return find_optimum(spec(1), starts_count=4, seeds=60)


@pytest.fixture(scope="module")
def jagged():
    return find_optimum(spec(20, ("cosine", "power")), starts_count=3, seeds=20)


def test_where_noise_dominates_the_optimum_is_smooth_and_a_spline_is_near_it(smooth):
    gaps = {f.family: smooth.gap(f) for f in smooth.families}
    assert 0 <= gaps["two_point_spline"] < 0.005
    assert gaps["two_point_spline"] < gaps["power"] < gaps["cosine"]
    assert gaps["cosine"] > 0.05
    assert smooth.certificate.holds
    assert smooth.spread < 1e-8
    assert not smooth.jaggedness.jagged
    for name, gap in gaps.items():
        assert smooth.exact_gap(name) == pytest.approx(gap, abs=0.02 + 0.2 * gap)


def test_with_little_noise_the_optimum_is_jagged_and_said_to_be(jagged):
    assert jagged.jaggedness.jagged
    assert min(jagged.gap(f) for f in jagged.families) > 0.02
    assert "Jagged" in [notice.title for notice in warnings(jagged)]


def test_the_result_is_written_and_agrees_with_itself(smooth, tmp_path):
    claim(tmp_path)
    write(smooth, tmp_path)
    page = write_page(smooth, tmp_path).read_text()
    found = json.loads((tmp_path / "optimum.json").read_text())
    assert found["optimum"]["certificate"]["local_minimum"] is True
    assert len(found["optimum"]["lrs"]) == 60
    gaps = pd.read_csv(tmp_path / "tables" / "gaps.csv")
    assert (
        list(gaps["family"])
        == [f["family"] for f in found["families"]]
        == [f.family for f in smooth.families]
    )
    np.testing.assert_allclose(gaps["loss"], [f["loss"] for f in found["families"]])
    schedules = pd.read_csv(tmp_path / "tables" / "schedules.csv")
    np.testing.assert_allclose(schedules[OPTIMUM], found["optimum"]["lrs"])
    assert len(pd.read_csv(tmp_path / "tables" / "descents.csv")) == 4
    for name in ("optimum", "families"):
        assert (tmp_path / "figures" / f"{name}.png").stat().st_size > 5000
        assert f'id="figure-{name}"' in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    for family in smooth.families:
        assert family.family in page
        assert family.family in [name for (name, _), *_ in gaps_table(smooth).rows]
    assert "strict local minimum" in summary(smooth)
    claim(tmp_path)  # the same command may replace its own result


def test_what_is_infinite_is_null_in_json(smooth):
    json.dumps(document(smooth), allow_nan=False)
    assert document(smooth)["optimum"]["certificate"]["smallest_multiplier"] is None


def test_the_exact_dynamics_of_an_eigenbasis_can_be_minimised(smooth):
    found = find_optimum(spec(1, ("power",), steps=30), starts_count=2, seeds=200, eigenbasis=3)
    assert found.certificate is None
    optimum = found.checks[OPTIMUM]
    assert optimum.loss == pytest.approx(optimum.exact, rel=1e-9)
    assert found.gap(found.families[0]) > 0
    recursion = find_optimum(spec(1, ("power",), steps=30), starts_count=1, seeds=2)
    from lrshape.paper.dynamics import SecondMoments, random_basis

    workload = found.spec.workload
    exact = SecondMoments(workload.spectrum(), 1, random_basis(3, 40))
    assert optimum.loss < exact.losses(recursion.best.lrs)[0]


def test_other_workloads_and_bad_numbers_are_refused(tmp_path):
    other = StudySpec.parse({"workload": "digits-mlp", "families": ["rex"]})
    with pytest.raises(InputError, match=r"workload must be 'linear-regression'.* got 'digits-mlp'"):
        find_optimum(other)
    with pytest.raises(InputError, match="seeds must be at least 2, got 1"):
        find_optimum(spec(1), seeds=1)
    with pytest.raises(InputError, match="starts must be at least 1, got 0"):
        find_optimum(spec(1), starts_count=0)
    with pytest.raises(InputError, match="table is a list of values"):
        find_optimum(spec(1, ("table",)))


def test_a_directory_with_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match=r"holds no optimum.json: it has thesis.tex"):
        claim(tmp_path)
    with pytest.raises(InputError, match="must be a directory"):
        claim(tmp_path / "thesis.tex")
