"""Synthetic workloads of known truth: the score of every schedule without noise, and the noise of its seeds.

A trial costs microseconds: its score is a closed form of its learning rates, times or plus noise that is
hashed from its seed and its learning rates.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrik, ndtri

from lrshape.shapes import FAMILIES
from lrshape.shapes.steps import progress

Floats = NDArray[np.float64]

STEPS = 100
SCORE, ERROR = "final/score", "final/error"
IMAGES = 1000
"""Test images whose errors the world ``accuracy`` counts."""

DIVERGED = 80.0
"""Log of the score above which a trial has diverged: about where float32 ends."""

QUADRATIC_BEST = 2.7040371269e-5
"""The lowest score in the world ``quad``: ``lrshape optimum`` of linear-regression with steps = 100,
dimension = 20, batch_size = 2, exponent = 1."""


@dataclass(frozen=True)
class World:
    """A workload with a known truth; every ``world(name, k)`` has its best base LR elsewhere.

    Attributes:
        name: as in `WORLDS`.
        steps: of a schedule.
        true: the score without noise, ``true(lrs (n, steps)) -> (n,)``, +inf where training diverges.
        loss: the scores of trials, ``loss(lrs (n, steps), seeds (n,)) -> (n,)``; one row of ``lrs`` goes with
            any number of seeds. It depends on the learning rates and the seed alone.
        best: the lowest score without noise that any schedule has.
        spec: what a search of it needs to be told: metric and range of base LRs.
        scale: ``log`` if scores are compared by their ratio, ``linear`` if by their difference.
    """

    name: str
    steps: int
    true: Callable[[Floats], Floats]
    loss: Callable[[Floats, NDArray[np.int64]], Floats]
    best: float
    spec: Mapping[str, Any]
    scale: Literal["log", "linear"] = "log"

    @property
    def metric(self) -> str:
        """The metric that decides, lower is better."""
        return self.spec["metric"]

    def gap(self, score: float, reference: float) -> float:
        """How much worse a score is than another one: log ratio or difference, by the world's scale."""
        return float(np.log(score / reference)) if self.scale == "log" else score - reference


@dataclass(frozen=True)
class Noise:
    """Sum of an effect of the seed, which all schedules share, and one of the seed and the schedule.

    Attributes:
        seed: standard deviation of the effect of the seed, normal.
        own: scale of the other one.
        kind: its distribution: normal, Student's t with 2 degrees of freedom, or exponential; median 0.
    """

    seed: float = 0.15
    own: float = 0.10
    kind: Literal["normal", "t2", "skewed"] = "normal"

    def draw(self, lrs: Floats, seeds: NDArray[np.int64]) -> Floats:
        """The noise of trials, (n,)."""
        own = uniform(seeds, _fingerprint(lrs))
        if self.kind == "normal":
            z = ndtri(own)
        elif self.kind == "t2":
            z = (2 * own - 1) / np.sqrt(2 * own * (1 - own))
        else:
            z = -np.log(own) - np.log(2)
        return self.seed * ndtri(uniform(seeds)) + self.own * z


def uniform(*keys: NDArray[Any]) -> Floats:
    """Uniform random numbers in (0, 1) that depend on integer keys alone, one for each of their rows.

    Source: the finaliser of SplitMix64: Steele, Lea & Flood, "Fast splittable pseudorandom number generators"
    (2014).
    """
    state = np.zeros(1, np.uint64)
    for key in keys:
        state = _mixed(state + np.asarray(key).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15))
    return ((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


_WEIGHTS = np.random.default_rng(0).integers(0, 2**64, STEPS, np.uint64) | np.uint64(1)


def _fingerprint(lrs: Floats) -> NDArray[np.uint64]:
    """A hash of each row of learning rates."""
    bits = np.ascontiguousarray(lrs, np.float64).view(np.uint64)
    return (_mixed(bits) * _WEIGHTS).sum(axis=1, dtype=np.uint64)


@dataclass(frozen=True)
class Valley:
    """Log of a score that grows with the distance from an ideal schedule, between square roots of LRs.

    Attributes:
        family: of the ideal shape.
        params: of the ideal shape.
        lr: its best base LR.
        depth: what a distance of 1 in the root mean square costs.
        lowest: log of the ideal schedule's score.
        cap: trials with an LR above this multiple of ``lr`` diverge.
    """

    family: str
    params: Mapping[str, float]
    lr: float
    depth: float = 6.0
    lowest: float = float(np.log(0.01))
    cap: float = np.inf
    roots: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        shape = FAMILIES[self.family].from_params(self.params)
        object.__setattr__(self, "roots", np.sqrt(shape(progress(STEPS))))

    def __call__(self, lrs: Floats) -> Floats:
        """Log scores, (n,)."""
        distance = np.mean((np.sqrt(lrs / self.lr) - self.roots) ** 2, axis=1)
        log = self.lowest + self.depth * distance
        return np.where((log > DIVERGED) | (lrs.max(axis=1) > self.cap * self.lr), np.inf, log)


def quadratic(lrs: Floats) -> Floats:
    """Log risk of SGD on noisy linear regression, 20 dimensions, spectrum 1/i, batches of 2; (n,).

    Its recursion is the one of `lrshape.paper.dynamics`.
    """
    spectrum = 1 / np.arange(1, 21)
    spectrum /= spectrum.sum()
    moments = np.tile(spectrum, (len(lrs), 1))
    with np.errstate(all="ignore"):
        for lr in lrs.T[:, :, None]:
            x = lr * spectrum
            moments = (1 - x) ** 2 * moments + x**2 * (1 / 2 - 1 / 20) * moments.sum(axis=1, keepdims=True)
        risk = np.log(moments.sum(axis=1) / 40)
    return np.where(risk < 3, risk, np.inf)  # false for NaN


LINEAR = ("linear", {"warmup": 0.05})
REX = ("rex", {"beta": 0.3, "warmup": 0.1})
WSD = ("wsd", {"warmup": 0.02, "decay": 0.4, "floor": 0.0, "exponent": 0.5})
SPLINE = (
    "two_point_spline",
    {"y1": 0.6, "delta_x1": 0.25, "delta_x2": 0.5, "delta_y2": 0.3, "warmup": 0.15},
)

Ideal = tuple[str, Mapping[str, float]]
"""A family and its parameters."""

Maker = Callable[[str, float], World]
"""Makes the world of a name with a best base LR."""

BASE_LRS = {"low": 1e-3, "high": 10.0}


def _world(
    name: str, true: Callable[[Floats], Floats], loss: Callable[..., Floats], best: float, **other: Any
) -> World:
    spec = {"metric": other.pop("metric", SCORE), "base_lr": other.pop("base_lr", BASE_LRS)}
    return World(name, STEPS, true, loss, best, spec, **other)


def log_scale(ideal: Ideal, noise: Noise, depth: float = 6.0, cap: float = np.inf) -> Maker:
    """Worlds whose scores noise multiplies; 0.01 is the best one."""

    def make(name: str, lr: float) -> World:
        log = Valley(*ideal, lr, depth, cap=cap)
        return _world(
            name,
            lambda lrs: np.exp(log(lrs)),
            lambda lrs, seeds: np.exp(log(lrs) + noise.draw(lrs, seeds)),
            float(np.exp(log.lowest)),
        )

    return make


def linear_scale(ideal: tuple[str, Mapping[str, float]], lowest: float, noise: Noise, depth: float) -> Maker:
    """Worlds to whose scores noise is added; ``lowest`` is the best one, and may be negative."""

    def make(name: str, lr: float) -> World:
        true = Valley(*ideal, lr, depth, lowest)
        loss = lambda lrs, seeds: true(lrs) + noise.draw(lrs, seeds)  # noqa: E731
        return _world(name, true, loss, lowest, scale="linear")

    return make


def _language_model(name: str, lr: float) -> World:
    """A loss of 3.2 nats at best, of which 2.6 are the floor; seeds differ by little."""
    log, noise = Valley(*WSD, lr, 1.0, 0.0), Noise(0.006, 0.003)

    def true(lrs: Floats) -> Floats:
        return 2.6 + 0.6 * np.exp(log(lrs))

    return _world(name, true, lambda lrs, seeds: true(lrs) + noise.draw(lrs, seeds), 3.2)


def _accuracy(name: str, lr: float) -> World:
    """The share of wrong ones among `IMAGES` images, 8% at best."""
    log, noise = Valley(*WSD, lr, 4.0, float(np.log(0.08))), Noise(0.05, 0.03)

    def loss(lrs: Floats, seeds: NDArray[np.int64]) -> Floats:
        chance = np.minimum(np.exp(log(lrs) + noise.draw(lrs, seeds)), 0.9)
        counted = uniform(seeds, _fingerprint(lrs), np.ones(1))
        return np.ceil(bdtrik(counted, IMAGES, chance)) / IMAGES

    return _world(name, lambda lrs: np.minimum(np.exp(log(lrs)), 0.9), loss, 0.08, metric=ERROR)


def _quadratic(name: str, lr: float) -> World:
    """Its best base LR is that of SGD, whatever ``lr`` is."""
    noise = Noise(0.12, 0.10)
    return _world(
        name,
        lambda lrs: np.exp(quadratic(lrs)),
        lambda lrs, seeds: np.exp(quadratic(lrs) + noise.draw(lrs, seeds)),
        QUADRATIC_BEST,
        base_lr={"low": 0.03, "high": 30.0},
    )


WORLDS: Mapping[str, Maker] = {
    "linear": log_scale(LINEAR, Noise()),
    "sharp": log_scale(LINEAR, Noise(0.10, 0.05), depth=20.0),
    "flat": log_scale(LINEAR, Noise(), depth=0.3),
    "spline": log_scale(SPLINE, Noise()),
    "heavy": log_scale(LINEAR, Noise(0.10, 0.10, "t2")),
    "skew": log_scale(LINEAR, Noise(0.10, 0.30, "skewed")),
    "noisy": log_scale(REX, Noise(0.30, 0.50)),
    "accuracy": _accuracy,
    "negative": linear_scale(REX, -0.3, Noise(0.05, 0.03), depth=2.0),
    "lm": _language_model,
    "cap": log_scale(LINEAR, Noise(), cap=1.05),
    "quad": _quadratic,
}
"""What is trained, by name; each takes its name and its best base LR."""


def world(name: str, k: int) -> World:
    """The ``k``-th world of a name: its best base LR is random, between 0.02 and 2.

    Raises:
        KeyError: if there is no such world.
    """
    random = np.random.default_rng([zlib.crc32(name.encode()), k])
    return WORLDS[name](name, float(10 ** random.uniform(-1.7, 0.3)))
