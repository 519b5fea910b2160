import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lrshape.training.data.wikitext import cut


@given(st.integers(2, 200), st.integers(1, 50))
def test_every_token_but_the_first_is_a_target_once(count, length):
    tokens = np.arange(1, count + 1, dtype=np.uint16)
    rows = cut(tokens, length)
    targets = rows[:, 1:].ravel()
    assert targets[targets != 0].tolist() == tokens[1:].tolist()
    inside = rows[:, 1:] != 0
    np.testing.assert_array_equal(rows[:, :-1][inside], rows[:, 1:][inside] - 1)
    assert inside[:-1].all()
