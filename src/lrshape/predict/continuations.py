"""Ways to go on with a run: hold its LR until a step, then decay it until the end."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SHARES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Of the steps that are left, over which the LR decays."""
USUAL_SHARE = 0.2
"""Of all steps: the decay that people use, to which others are compared where the user has no plan."""

_SHAPES: Mapping[str, Callable[[Array], Array]] = {
    "linear": lambda u: 1 - u,
    "1-sqrt": lambda u: 1 - np.sqrt(u),
    "cosine": lambda u: (1 + np.cos(np.pi * u)) / 2,
    "power 2": lambda u: (1 - u) ** 2,
}
WAYS = (*(f"{shape} to 0" for shape in _SHAPES), "linear to 10%", "cosine to 10%")
"""How the LR decays: the shape, and the last LR relative to the one that is held."""


class Continuation(NamedTuple):
    """A way to go on.

    Attributes:
        way: a shape and the last LR, such as those in `WAYS`.
        start: the step from which the LR decays.
        steps: the step at which it ends.
        then: steps after that, at the last LR.
    """

    way: str
    start: int
    steps: int
    then: int = 0

    @property
    def name(self) -> str:
        """What tables call it."""
        until = f" to {self.steps:,}" if self.then else ""
        return f"{self.way} from step {self.start:,}{until}"

    def lrs(self, prefix: Array) -> Array:
        """Return the LR of every step of a run that began with these, ``(steps + then,)``."""
        shape, last = self.way.split(" to ")
        floor = float(last.rstrip("%")) / 100
        length = self.steps - self.start
        multipliers = _SHAPES[shape]((np.arange(length) + 0.5) / length)
        decay = floor + (1 - floor) * multipliers
        held, then = np.ones(self.start - len(prefix)), np.full(self.then, floor)
        return np.concatenate([prefix, prefix[-1] * np.concatenate([held, decay, then])])


def continuations(way: str, from_step: int, steps: int) -> list[Continuation]:
    """Return the decays of one way, by rising starts, each once."""
    rest = steps - from_step
    starts = sorted({steps - max(round(share * rest), 1) for share in SHARES})
    return [Continuation(way, start, steps) for start in starts]


def usual(from_step: int, steps: int) -> Continuation:
    """Return what people do: a linear decay to 0 over the last fifth of all steps, or of what is left."""
    return Continuation("linear to 0", max(from_step, steps - max(round(USUAL_SHARE * steps), 1)), steps)
