"""What the base of all samplers refuses."""

import re

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.procedure.sampler import LearningSampler


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((3, 2)), "of shape (at most 2, 2), got float64 of shape (3, 2)"),
        (np.zeros((1, 3)), "of shape (at most 2, 2), got float64 of shape (1, 3)"),
        (np.zeros(2), "got float64 of shape (2,)"),
        (np.zeros((1, 2), np.float32), "points must be a float64 array"),
        ([[0.5, 0.5]], "got [[0.5, 0.5]]"),
        (np.array([[0.5, np.nan]]), "points must lie in [0, 1], got nan"),
        (np.array([[0.5, 1.5]]), "points must lie in [0, 1], got 1.5"),
    ],
)
def test_other_points_than_were_asked_for_are_refused(points, message):
    class Mistaken(LearningSampler):
        name = "mistaken"

        def propose(self, state, n):
            return points, state["own"]

        def favourites(self, state, n, among):
            return points

    sampler = Mistaken()
    state = sampler.tell(sampler.init(2, 0), [[0.5, 0.5]], [1.0])
    for call in (sampler.ask, sampler.recommend):
        with pytest.raises(InputError, match=f"^sampler mistaken: .*{re.escape(message)}"):
            call(state, 2)
