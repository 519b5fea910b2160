"""Parameter values for the tests of families."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from lrshape.shapes import Family

Strategy = st.SearchStrategy[dict[str, Any]]


@pytest.fixture(scope="session")
def legal_params() -> Callable[[type[Family]], Strategy]:
    """A family -> a strategy for all its parameters, ends of the ranges included."""

    def of(family: type[Family]) -> Strategy:
        def values(p):
            if p.scale == "choice":
                return st.sampled_from(p.choices)
            if p.scale == "list":
                tail = st.lists(st.floats(p.low, p.high), max_size=6)
                return tail.map(lambda rest: (1.0, *rest)).flatmap(lambda v: st.permutations(v).map(tuple))
            if p.scale == "integer":
                return st.integers(int(p.low), int(p.high))
            return st.one_of(st.sampled_from([p.low, p.high]), st.floats(p.low, p.high))

        return st.fixed_dictionaries({p.name: values(p) for p in family.parameters()})

    return of


@pytest.fixture(scope="session")
def columns() -> Callable[[type[Family]], dict[str, np.ndarray]]:
    """A family -> a batch of searched parameters: 60 random points and up to 64 corners of the cube."""

    def of(family: type[Family]) -> dict[str, np.ndarray]:
        space = family.space()
        rng = np.random.default_rng(7)
        corners = np.array(list(itertools.product([0.0, 1.0], repeat=len(space))))
        corners = corners[rng.permutation(len(corners))[:64]]
        return space.from_unit(np.concatenate([rng.random((60, len(space))), corners]))

    return of
