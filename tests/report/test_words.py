import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrshape.report.words import (
    Precision,
    correlation,
    counted,
    duration,
    interval,
    listing,
    number,
    percent,
    printable,
    probability,
    rate,
)

finite = st.floats(-1e12, 1e12).filter(lambda v: v == 0 or abs(v) > 1e-12)


def read(text):
    return float(text.replace("−", "-"))


@given(finite, st.integers(2, 6))
def test_a_number_keeps_its_significant_digits(value, digits):
    assert read(number(value, digits)) == pytest.approx(value, rel=0.5 * 10.0 ** (1 - digits) * 1.0001, abs=0)


@given(finite)
def test_a_rate_keeps_three_significant_digits(value):
    assert read(rate(value)) == pytest.approx(value, rel=5.1e-3, abs=0)


def test_only_a_correlation_of_1_looks_like_1():
    values = (0.994, -0.997, 0.9996, -0.9996, -1.0, math.nan)
    assert [correlation(v) for v in values] == ["0.99", "−0.997", "> 0.999", "< −0.999", "−1", "–"]


@pytest.mark.parametrize(("value", "text"), [(math.inf, "∞"), (-math.inf, "−∞"), (math.nan, "–")])
def test_numbers_that_are_not_finite_have_signs_of_their_own(value, text):
    assert number(value) == text


@given(st.floats(1e-4, 1e5), st.lists(st.floats(-10, 10), max_size=4))
def test_numbers_that_belong_together_have_the_same_decimals(lead, factors):
    texts = [Precision(lead).text(value) for value in (lead, *(f * lead for f in factors))]
    assert len({len(text.partition(".")[2]) for text in texts}) == 1
    for text, factor in zip(texts[1:], factors, strict=True):
        assert read(text) == pytest.approx(factor * lead, abs=0.0051 * lead)


def test_other_scales_and_infinities_have_their_own_format():
    assert [Precision(0.00517).text(v) for v in (0.00517, 2.3, math.inf)] == ["0.00517", "2.30", "∞"]
    assert [Precision(None).text(v) for v in (math.inf, math.nan)] == ["∞", "–"]


@pytest.mark.parametrize("lead", [5000.123, 5.000123e7, 5.000123e-9, -0.78])
def test_a_difference_shows_however_large_the_scores_are(lead):
    step = 3e-5 * abs(lead)
    precise = Precision(lead, step=step)
    assert read(precise.text(lead + step)) - read(precise.text(lead)) == pytest.approx(step, rel=0.2)
    assert len(Precision(lead, step=1e-30).text(lead)) < 25


def test_an_interval_is_empty_where_it_is_undefined():
    assert interval(math.nan, math.nan) == ""
    assert interval(0.0039, math.inf) == "0.00390 to ∞"
    assert interval(-0.00012, 0.00131, lead=0.0115) == "−0.0001 to 0.0013"
    assert interval(0.2, 0.2) == "0.200 to 0.200"
    assert interval(0.0, 0.0) == "0 to 0"
    assert interval(0.1, math.inf, lead=math.inf) == "0.100 to ∞"  # half of the seeds diverged


@pytest.mark.parametrize(
    ("fraction", "text"), [(0.384, "38%"), (0.9999, "100%"), (1.5, "150%"), (0, "0%"), (math.inf, "∞")]
)
def test_percentages(fraction, text):
    assert percent(fraction) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (9.96, "10 s"),
        (59.7, "1 min 0 s"),
        (119.9, "2 min 0 s"),
        (7199.9, "2 h 0 min"),
        (1e6, "11 d 14 h"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_small_words():
    assert probability(0.0002) == "< 0.001"
    assert probability(0.0402) == "0.040"
    assert probability(math.nan) == "–"
    assert listing([]) == ""
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert counted(1, "trial") == "1 trial"
    assert counted(2500, "trial") == "2,500 trials"


@given(st.text(), st.integers(1, 40))
def test_printable_text_is_one_short_line_that_utf8_holds(text, limit):
    line = printable(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    line.encode("utf-8")
    assert "\x00" not in line


def test_printable_keeps_ordinary_text():
    assert printable("final/train_loss – 学习率") == "final/train_loss – 学习率"
    assert printable("a\ud800b") == "a�b"
