"""What every sampler is: pure ask/tell on the unit cube.

A sampler holds its settings and nothing else. What it has done is its *state*, a JSON object that the caller
keeps: every method takes one and returns a new one, and a state that went through JSON works as before.
Samplers know nothing of parameters, trials or studies.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrshape.errors import InputError, PluginError, shown
from lrshape.registry import Registry
from lrshape.settings import Settings
from lrshape.values import whole_number

State: TypeAlias = dict[str, Any]
"""``sampler``, ``dimensions``, ``seed``, ``asked`` and ``told`` (numbers of points), ``best_point`` and
``best_score`` (null until there is a finite score), and under ``own`` what one sampler adds."""

Points: TypeAlias = NDArray[np.float64]
"""Points in the unit cube, of shape ``(n, dimensions)``."""


Among: TypeAlias = Callable[[Points], NDArray[np.bool_]]
"""Which of some points are meant: ``(n, dimensions)`` to ``(n,)``."""


Transform: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Scores as a model sees them, both of shape ``(n,)``; rising, +inf stays +inf."""


@dataclass(frozen=True)
class Belief:
    """Draws of what the scores, without noise, may be, on the scale of `Sampler.seeing`.

    Attributes:
        favourite: (n,), score of the point that the sampler takes for the best.
        minimum: (n,), lowest score of any point, in the same draws.
        noise: standard deviation of one score's own noise, on the same scale.
    """

    favourite: NDArray[np.float64]
    minimum: NDArray[np.float64]
    noise: float


class Sampler(Settings, ABC):
    """A way to choose points; lower scores are better.

    A subclass declares its settings as fields, and implements `start`, `propose` and `learn`; whether it
    wants scores between its points says ``batch``.

    Example:
        >>> from lrshape.procedure.sampler import SAMPLERS
        >>> sampler = SAMPLERS["sobol"]()
        >>> state = sampler.init(dimensions=2, seed=0)
        >>> points, state = sampler.ask(state, 4)
        >>> state = sampler.tell(state, points, ((points - 0.5) ** 2).sum(axis=1))
        >>> points.shape, state["asked"], state["told"]
        ((4, 2), 4, 4)
    """

    name: ClassVar[str]

    @property
    def batch(self) -> int | None:
        """Points that are best asked for at a time; None: its points do not depend on scores."""
        return None

    @final
    def init(self, dimensions: int, seed: int) -> State:
        """Return the state in which nothing has been asked.

        Args:
            dimensions: of the unit cube, at least 0; with 0 all points are the empty one.
            seed: at least 0; a sampler's points depend on its settings, the dimensions, the seed, how many
                points were asked for before, and (if it learns) what it was told.

        Raises:
            InputError: if an argument is out of range, or does not fit the settings.
        """
        dimensions = whole_number("dimensions", dimensions, 0)
        seed = whole_number("seed", seed, 0)
        own = self.start(dimensions, seed)
        return {
            "sampler": self.name,
            "dimensions": dimensions,
            "seed": seed,
            "asked": 0,
            "told": 0,
            "best_point": None,
            "best_score": None,
            "own": own,
        }

    @final
    def ask(self, state: Mapping[str, Any], n: int) -> tuple[Points, State]:
        """Return the next ``n`` points and the new state.

        Fewer points come back, down to none, when the sampler has no more.

        Raises:
            InputError: if ``n`` is negative, the state is another sampler's, or the subclass gives other
                points.
        """
        self._check(state)
        n = whole_number("the number of points", n, 0)
        points, own = self.propose(state, n)
        self._check_own(points, n, state["dimensions"])
        return points, {**state, "asked": state["asked"] + len(points), "own": own}

    @final
    def tell(self, state: Mapping[str, Any], points: ArrayLike, scores: ArrayLike) -> State:
        """Return the state that knows these scores.

        A score that is not finite (a diverged training) is learnt from as the sampler sees fit, but never
        becomes the best one, and never keeps a finite one from it. Of equal scores the first is the best.

        Args:
            state: the state so far.
            points: of shape ``(n, dimensions)``; not necessarily points that were asked for.
            scores: of shape ``(n,)``; lower is better.

        Raises:
            InputError: if shapes do not fit, a point leaves the cube, or the state is another sampler's.
        """
        self._check(state)
        p, s = np.asarray(points, np.float64), np.asarray(scores, np.float64)
        if p.ndim != 2 or p.shape[1] != state["dimensions"] or s.shape != p.shape[:1]:
            raise InputError(
                f"points and scores must have shapes (n, {state['dimensions']}) and (n,), "
                f"got {p.shape} and {s.shape}"
            )
        if not np.all((p >= 0) & (p <= 1)):
            raise InputError(f"points must lie in [0, 1], got {p[~((p >= 0) & (p <= 1))][0]}")
        new = {**state, "told": state["told"] + len(p), "own": self.learn(state, p, s)}
        score = np.where(np.isfinite(s), s, np.inf)
        known = math.inf if state["best_score"] is None else state["best_score"]
        if len(p) and score.min() < known:
            best = int(score.argmin())
            new |= {"best_point": p[best].tolist(), "best_score": float(score[best])}
        return new

    def seeing(self, features: Callable[[Points], Points], scale: Transform | None = None) -> "Sampler":
        """Return this sampler, for a caller who knows what the scores depend on, and how.

        Args:
            features: of points, (n, dimensions), what tells them apart, (n, features), in units of about the
                cube's side: points that make no difference to the scores have the same. Samplers that learn
                no model have no use for it.
            scale: of scores, (n,), all that were told, what a model learns, (n,): rising, and +inf for +inf.
                Default: their logarithms if all are positive, or else the scores.
        """
        return self

    @final
    def recommend(self, state: Mapping[str, Any], n: int, among: Among | None = None) -> Points:
        """Return up to ``n`` points that the sampler holds for the best by all it was told, best first.

        They need not have been asked for: scores are noisy, and a sampler that learns a model trusts that
        more than the one luckiest score.

        Args:
            state: the state so far.
            n: how many, at most.
            among: tells of points, (n, dimensions), which may be recommended, (n,); default: all.

        Raises:
            InputError: if the state is another sampler's, or the subclass gives other points.
        """
        self._check(state)
        if state["best_point"] is None:
            return np.zeros((0, state["dimensions"]))
        points = self.favourites(state, n, among or every)
        self._check_own(points, n, state["dimensions"])
        return points

    def favourites(self, state: Mapping[str, Any], n: int, among: Among) -> Points:
        """Return up to ``n`` points for `recommend`, which calls this once there is a finite score."""
        best = np.array([state["best_point"]], np.float64)
        return best[among(best)][:n]

    def belief(self, state: Mapping[str, Any], n: int) -> "Belief | None":
        """Return ``n`` draws of what the sampler believes the scores to be; None if it has no belief."""
        return None

    def _check(self, state: Mapping[str, Any]) -> None:
        if state.get("sampler") != self.name:
            raise InputError(f"the state must be one of sampler {self.name}, got {state.get('sampler')!r}")

    def _check_own(self, points: Any, n: int, dimensions: int) -> None:
        """Refuse what a subclass gives unless it is up to ``n`` points: with more a search would not end."""
        is_array = isinstance(points, np.ndarray)
        is_matrix = is_array and points.dtype == np.float64 and points.ndim == 2
        if not (is_matrix and len(points) <= n and points.shape[1] == dimensions):
            rule = f"points must be a float64 array of shape (at most {n}, {dimensions})"
            got = f"{points.dtype} of shape {points.shape}" if is_array else shown(points)
            raise PluginError(f"sampler {self.name}: {rule}, got {got}")
        inside = (points >= 0) & (points <= 1)
        if not inside.all():
            raise PluginError(f"sampler {self.name}: points must lie in [0, 1], got {points[~inside][0]}")

    @abstractmethod
    def start(self, dimensions: int, seed: int) -> Any:
        """Return the sampler's own part of a new state, a JSON value.

        Raises:
            InputError: if the settings do not fit the arguments.
        """

    @abstractmethod
    def propose(self, state: Mapping[str, Any], n: int) -> tuple[Points, Any]:
        """Return up to ``n`` points and the sampler's own part of the new state."""

    @abstractmethod
    def learn(self, state: Mapping[str, Any], points: Points, scores: NDArray[np.float64]) -> Any:
        """Return the sampler's own part of the state that knows these scores, which may be non-finite."""


@dataclass(frozen=True)
class History:
    """What a sampler was told.

    Attributes:
        points: (n, dimensions).
        scores: (n,); +inf where a score was not finite.
        batches: (n,), number of the `Sampler.tell` that brought it, from 0; -1 before the first ask.
    """

    points: Points
    scores: NDArray[np.float64]
    batches: NDArray[np.int64]


class LearningSampler(Sampler):
    """A sampler whose next points follow from all that it was told; that history is its own state.

    Points that are told before the first ask are a warm start.
    """

    @final
    def start(self, dimensions: int, seed: int) -> Any:
        """Begin an empty history."""
        return {"points": [], "scores": [], "batches": []}

    @final
    def learn(self, state: Mapping[str, Any], points: Points, scores: NDArray[np.float64]) -> Any:
        """Append to the history."""
        own = state["own"]
        batch = max(own["batches"], default=-1) + 1 if state["asked"] else -1
        own = own | {
            "points": own["points"] + points.tolist(),
            "scores": own["scores"] + [float(s) if math.isfinite(s) else None for s in scores],
            "batches": own["batches"] + [batch] * len(points),
        }
        return self.reflect({**state, "own": own})

    def reflect(self, state: Mapping[str, Any]) -> Any:
        """Return the sampler's own part of a state that has just learnt scores, and what follows."""
        return state["own"]

    @final
    def history(self, state: Mapping[str, Any]) -> History:
        """All that was told, in order."""
        own = state["own"]
        return History(
            np.array(own["points"], np.float64).reshape(len(own["points"]), state["dimensions"]),
            np.array([math.inf if s is None else s for s in own["scores"]], np.float64),
            np.array(own["batches"], np.int64),
        )

    @final
    def random(self, state: Mapping[str, Any], *index: int) -> np.random.Generator:
        """A generator that depends on the sampler's seed and an index alone."""
        return np.random.default_rng(np.random.SeedSequence(state["seed"], spawn_key=index))

    def favourites(self, state: Mapping[str, Any], n: int, among: Among) -> Points:
        """Return the points with the lowest scores."""
        told = self.history(state)
        finite = np.flatnonzero(np.isfinite(told.scores) & among(told.points))
        ordered = finite[np.argsort(told.scores[finite], kind="stable")]
        _, first = np.unique(told.points[ordered], axis=0, return_index=True)
        return told.points[ordered[np.sort(first)]][:n]


class SequenceSampler(Sampler):
    """A sampler whose points do not depend on scores: the i-th point is the same however points are asked."""

    def start(self, dimensions: int, seed: int) -> Any:
        """Keep nothing: the seed and the number of points asked for say all."""
        return None

    @final
    def propose(self, state: Mapping[str, Any], n: int) -> tuple[Points, Any]:
        """Return the next points of the sequence."""
        return self.sequence(state["dimensions"], state["seed"], state["asked"], n), state["own"]

    @final
    def learn(self, state: Mapping[str, Any], points: Points, scores: NDArray[np.float64]) -> Any:
        """Learn nothing."""
        return state["own"]

    @abstractmethod
    def sequence(self, dimensions: int, seed: int, start: int, count: int) -> Points:
        """Return points ``start`` to ``start + count`` (excluded) of the sequence, as far as it goes."""


def every(points: Points) -> NDArray[np.bool_]:
    """All points, (n,): the widest `Among`."""
    return np.ones(len(points), bool)


def worst_for_lost(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores with the worst finite one in place of those that are not finite; at least one must be."""
    finite = np.isfinite(scores)
    return np.where(finite, scores, scores[finite].max())


@dataclass(frozen=True)
class Bend:
    """Moves the worse half of some scores nearer, so that a smooth function can follow them.

    How bad a bad point is matters little.

    Attributes:
        middle: the scores' median; better ones stay as they are.
        unit: how far beyond it the bend begins to tell.
    """

    middle: float
    unit: float

    @classmethod
    def of(cls, scores: NDArray[np.float64]) -> "Bend":
        """The bend of scores, (n,), of which at least one is finite."""
        y = worst_for_lost(scores)
        middle = float(np.median(y))
        return cls(middle, 2 * max(float(y[y <= middle].std()), 1e-6 * max(1.0, abs(middle))))

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The scores moved, all finite: those that are not count as the worst of the others."""
        y = worst_for_lost(scores)
        return np.minimum(y, self.middle) + self.unit * np.log1p(np.maximum(y - self.middle, 0) / self.unit)

    def undo(self, moved: float) -> float:
        """The score that is moved there."""
        return min(moved, self.middle) + self.unit * math.expm1(max(0.0, moved - self.middle) / self.unit)

    def lead(self, moved: float, by: float) -> float:
        """The difference, as scores are given, between a moved score and one that lies ``by`` below it."""
        return self.undo(moved) - self.undo(moved - by)


SAMPLERS: Registry[Sampler] = Registry("sampler", "lrshape.procedure.samplers", "lrshape.samplers", Sampler)
"""The samplers by name."""
