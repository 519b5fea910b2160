"""What every sampler promises."""

import json
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from lrshape.procedure.sampler import SAMPLERS, Sampler, State
from lrshape.testing.contract import check, require, require_described_settings, require_refusal

CASES = ((0, 0, (1, 2)), (1, 2**63, (3, 0, 9)), (2, 7, (1, 1, 1, 1)), (5, 123, (9, 8)), (8, 1, (4, 4)))
"""Dimensions, seed, and how many points are asked for each time."""


def check_sampler(sampler: Sampler) -> None:
    """Require that a sampler, an instance, keeps the contract.

    Raises:
        AssertionError: at the first rule that it breaks.
    """
    check(RULES, sampler)


def through_json(state: Mapping[str, Any]) -> State:
    """Return the state as it comes back from JSON."""
    again = json.loads(json.dumps(state, allow_nan=False))
    require(again == state, f"the state must survive JSON, got {state!r:.200}")
    return again


def has_described_settings(sampler: Sampler) -> None:
    """Every field has a description; name and settings build the sampler again."""
    require_described_settings(type(sampler))
    again = type(sampler).model_validate(sampler.model_dump())
    require(SAMPLERS.document(again) == SAMPLERS.document(sampler), "must be built again from its settings")


def gives_points_of_the_cube(sampler: Sampler) -> None:
    """Asking, which refuses all other points, has no side effect; states survive JSON."""
    for dimensions, seed, counts in CASES:
        state = through_json(sampler.init(dimensions, seed))
        for n in counts:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                points, new = sampler.ask(state, n)
            repeated, _ = sampler.ask(state, n)
            np.testing.assert_array_equal(points, repeated)
            require(new["asked"] == state["asked"] + len(points), "asked must count the points")
            state = through_json(sampler.tell(through_json(new), points, points.sum(axis=1)))
        require(state["told"] == state["asked"], "told must count the points")


def gives_the_same_however_it_is_asked(sampler: Sampler) -> None:
    """While nothing was told, 3 and 5 points are the same as 8, all different."""
    whole, _ = sampler.ask(sampler.init(3, 5), 8)
    first, state = sampler.ask(sampler.init(3, 5), 3)
    second, _ = sampler.ask(through_json(state), 5)
    np.testing.assert_array_equal(np.concatenate([first, second]), whole)
    require(len(np.unique(whole, axis=0)) == len(whole) == 8, "points must differ")


def keeps_the_best_score(sampler: Sampler) -> None:
    """Of equal scores the first; None before there is any."""
    state = sampler.init(2, 0)
    require_best(state, None, None)
    state = sampler.tell(state, [[0.1, 0.2], [0.3, 0.4]], [2.0, 1.0])
    require_best(state, [0.3, 0.4], 1.0)
    worse = sampler.tell(state, [[0.5, 0.6], [0.7, 0.8]], [1.0, 3.0])
    require_best(worse, [0.3, 0.4], 1.0)
    require_best(sampler.tell(worse, [[0.5, 0.6]], [-1.0]), [0.5, 0.6], -1.0)


def require_best(state: State, point: Any, score: float | None) -> None:
    """Require it of a state."""
    found = (state["best_point"], state["best_score"])
    require(found == (point, score), f"the best must be {(point, score)}, got {found}")


def is_not_misled_by_scores_that_are_not_finite(sampler: Sampler) -> None:
    """They never win, and never hide another; asking goes on."""
    for bad in (np.nan, np.inf, -np.inf):
        state = sampler.tell(sampler.init(1, 0), [[0.1], [0.2]], [bad, bad])
        require_best(state, None, None)
        for scores in ([bad, 7.0, bad], [bad, 7.0, 9.0], [9.0, 7.0, bad]):
            told = through_json(sampler.tell(state, [[0.1], [0.2], [0.3]], scores))
            require_best(told, [0.2], 7.0)
            require_best(sampler.tell(told, [[0.9]], [bad]), [0.2], 7.0)
        points, _ = sampler.ask(told, 4)
        require(points.shape == (4, 1), "asking must go on")


def works_without_dimensions(sampler: Sampler) -> None:
    """All points are then the empty one."""
    points, state = sampler.ask(sampler.init(0, 0), 1)
    require(points.shape == (1, 0), f"the point must be empty, got {points}")
    require_best(through_json(sampler.tell(state, points, [0.5])), [], 0.5)


def refuses_bad_calls(sampler: Sampler) -> None:
    """With one line that has the rule and the value."""
    for dimensions, seed in ((-1, 0), (2, -1), (1.5, 0), (True, 0), (2, None), ("2", 0)):
        require_refusal(
            lambda d=dimensions, s=seed: sampler.init(d, s),  # pyright: ignore[reportArgumentType]
            "must be a whole number from 0, got",
        )
    state = sampler.init(2, 0)
    for n in (-1, 1.5, None, True):
        require_refusal(lambda n=n: sampler.ask(state, n), "number of points must be")  # pyright: ignore[reportArgumentType]
    for points, scores in (
        ([[0.1]], [1.0]),
        ([[0.1, 0.2]], [1.0, 2.0]),
        ([0.1, 0.2], [1.0]),
        ([[0.1, 0.2]], 1.0),
    ):
        require_refusal(
            lambda p=points, s=scores: sampler.tell(state, p, s), "points and scores must have shapes"
        )
    for value in (1.5, -0.1, float("nan")):
        require_refusal(
            lambda v=value: sampler.tell(state, [[0.5, v]], [1.0]), "points must lie in [0, 1], got"
        )
    for other in ({**state, "sampler": "another"}, {}):
        require_refusal(lambda o=other: sampler.ask(o, 1), f"must be one of sampler {sampler.name}, got")


RULES = (
    has_described_settings,
    gives_points_of_the_cube,
    gives_the_same_however_it_is_asked,
    keeps_the_best_score,
    is_not_misled_by_scores_that_are_not_finite,
    works_without_dimensions,
    refuses_bad_calls,
)
