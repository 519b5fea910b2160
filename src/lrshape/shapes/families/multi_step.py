"""A staircase."""

from dataclasses import dataclass

from typing_extensions import override

from lrshape.shapes.family import FAMILIES, NARROW, Numeric, WarmupFamily, namespace, parameter


@FAMILIES.register("multi_step")
@dataclass(frozen=True, kw_only=True)
class MultiStep(WarmupFamily):
    """A staircase: m = factor^k, k the number of milestones reached.

    The milestones are equally spaced: first + (1 - first) j/drops in u, for j = 0 .. drops - 1.

    Parameters:
        warmup: fraction of training, in [0, 0.3].
        first: decay progress at the first drop, in [0.05, 1]; not from 0, where the shape would start below 1
            and only repeat one with fewer drops at another base LR.
        drops: number of drops, a whole number in [1, 5].
        factor: by which each drop multiplies, in [0.01, 1], log scale.

    Source: common practice; e.g. factor 0.1 at one half and three quarters of training (first 0.5, drops 2)
    in He et al., "Deep residual learning for image recognition" (arXiv:1512.03385).

    Example:
        >>> MultiStep(first=0.5, drops=2, factor=0.1)([0.4, 0.5, 0.8]).round(6).tolist()
        [1.0, 0.1, 0.01]
    """

    formula = "factor^(milestones reached), milestones at u = first + (1 - first) j/drops, j < drops"
    first: Numeric = parameter(0.5, 0.05, 1.0)
    drops: Numeric = parameter(2, 1, 5, scale="integer")
    factor: Numeric = parameter(0.1, 0.01, 1.0, scale="log")

    @override
    def after_warmup(self, u: Numeric) -> Numeric:
        xp = namespace(u, self.first, self.drops, self.factor)
        pace = self.drops / xp.maximum(1.0 - self.first, NARROW)
        reached = xp.clip(xp.floor((u - self.first) * pace) + 1.0, 0.0, self.drops)
        return xp.exp(reached * xp.log(self.factor))
