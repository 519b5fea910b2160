import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lrshape.analysis.scale import choose_scale, on_scale
from lrshape.errors import InputError

INF = math.inf


@pytest.mark.parametrize(
    ("name", "losses", "given", "expected"),
    [
        ("final/train_loss", [0.1, 3.0, INF], None, "log"),
        ("final/train_loss", [0.0, 3.0], None, "linear"),
        ("final/train_error", [0.0, 1.0, INF], None, "logit"),
        ("accuracy", [-0.9, 0.0], None, "logit"),
        ("final/train_error", [0.1, 1.5], None, "log"),
        ("final/log_likelihood", [-3.0, 2.0], None, "linear"),
        ("error_count", [0.1, 0.2], None, "log"),
        ("final/train_loss", [0.1, 0.2], "linear", "linear"),
        ("final/train_loss", [0.1, 0.2], "logit", "logit"),
        ("final/train_loss", [-0.1, 0.2], "log", "linear"),
        ("final/train_loss", [INF, math.nan], None, "linear"),
        ("final/train_loss", [], "log", "log"),
    ],
)
def test_the_scale_follows_from_name_and_values(name, losses, given, expected):
    assert choose_scale(name, losses, given) == expected


def test_zeros_and_ones_are_clamped_by_the_others():
    error = on_scale([0.0, 0.1, 0.8, 1.0, INF], "logit")
    np.testing.assert_allclose(error[:4], np.log([0.05 / 0.95, 0.1 / 0.9, 4.0, 0.9 / 0.1]))
    assert error[4] == INF
    np.testing.assert_allclose(on_scale([-1.0, -0.9, -0.2, 0.0], "logit"), error[:4])
    nothing_between = on_scale([[0.0, 1.0]], "logit")
    assert nothing_between.shape == (1, 2)
    assert nothing_between[0, 0] == -nothing_between[0, 1] < 0


@given(st.lists(st.floats(0, 1), max_size=8), st.sampled_from(["linear", "log", "logit"]))
@example([1.0, 1 - 2**-53], "logit")
@example([0.0, 5e-324], "logit")
def test_better_stays_lower(losses, scale):
    losses = [loss for loss in losses if scale != "log" or loss > 0]
    moved = on_scale([*losses, INF], scale)
    assert np.isfinite(moved[:-1]).all()
    assert moved[-1] == INF
    assert (np.diff(moved[np.argsort([*losses, INF], kind="stable")]) >= 0).all()


@pytest.mark.parametrize(("losses", "scale"), [([0.0, 1.0], "log"), ([0.5, 1.5], "logit")])
def test_a_scale_has_a_range(losses, scale):
    with pytest.raises(InputError, match=f"scale {scale} all losses must be"):
        on_scale(losses, scale)
