"""The batch entry beyond what the contract tests cover."""

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.shapes import FAMILIES, evaluate
from lrshape.shapes import batch as _batch
from lrshape.shapes.steps import progress

T = progress(7)


def test_defaults_and_single_values_are_broadcast():
    assert evaluate(FAMILIES["cosine"], {}, T).shape == (1, 7)
    m = evaluate(
        FAMILIES["wsd"], {"exponent": np.array([1.0, 2.0, 4.0]), "floor": 0.5, "warmup": np.array(0.1)}, T
    )
    for q, row in zip([1.0, 2.0, 4.0], m, strict=True):
        np.testing.assert_array_equal(row, FAMILIES["wsd"](exponent=q, floor=0.5, warmup=0.1)(T))
    assert evaluate(FAMILIES["table"], {"values": [0.5, 1.0]}, T).shape == (1, 7)


def test_lists_and_no_shapes_at_all():
    assert evaluate(FAMILIES["rex"], {"beta": [0.1, 1, 10]}, list(T)).shape == (3, 7)
    assert evaluate(FAMILIES["rex"], {"beta": []}, T).shape == (0, 7)
    assert evaluate(FAMILIES["rex"], {"beta": [0.1, 1, 10]}, []).shape == (3, 0)
    assert evaluate(FAMILIES["rex"], {"beta": [], "warmup_shape": []}, T).shape == (0, 7)


def test_chunks_do_not_show(monkeypatch):
    beta = np.geomspace(0.01, 10, 50)
    whole = evaluate(FAMILIES["rex"], {"beta": beta}, T)
    monkeypatch.setattr(_batch, "CHUNK_BYTES", 8 * 7 * 3)
    np.testing.assert_array_equal(evaluate(FAMILIES["rex"], {"beta": beta}, T), whole)


def test_choices_may_differ_between_rows():
    shapes = ["cosine", "linear", "polynomial", "linear"]
    m = evaluate(FAMILIES["power"], {"warmup": 0.3, "warmup_shape": shapes, "exponent": [1, 2, 3, 4]}, T)
    for row, shape, exponent in zip(m, shapes, [1, 2, 3, 4], strict=True):
        own = FAMILIES["power"](warmup=0.3, warmup_shape=shape, exponent=exponent)
        np.testing.assert_array_equal(row, own(T))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"beta": [0.1, 1], "warmup": [0.1, 0.1, 0.1]}, "one length"),
        ({"beta": [0.1, 11.0]}, r"beta must be a number in \[0.01, 10\], got 11.0"),
        ({"bta": [0.1]}, "did you mean 'beta'"),
        ({"beta": [[0.1]]}, r"beta must be one value or have shape \(n,\)"),
        ({"beta": ["a"]}, "beta must be a number"),
        ({"warmup_shape": ["linear", "bent"]}, "warmup_shape must be one of"),
    ],
)
def test_bad_batches_are_input_errors(params, message):
    with pytest.raises(InputError, match=message):
        evaluate(FAMILIES["rex"], params, T)


def test_progress_must_be_one_row():
    with pytest.raises(InputError, match=r"progress must have shape \(steps,\)"):
        evaluate(FAMILIES["rex"], {}, T[None])
