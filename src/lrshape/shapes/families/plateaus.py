"""Families that hold a learning rate: for good, until a decay, or between drops."""

from dataclasses import dataclass

from typing_extensions import override

from lrshape.shapes.family import FAMILIES, NARROW, Numeric, WarmupFamily, namespace, parameter, power

ROUNDING = 1e-9
"""How far before a milestone rounding may put the step that lies on it, in units of their distance."""


@FAMILIES.register("constant")
@dataclass(frozen=True, kw_only=True)
class Constant(WarmupFamily):
    """Hold the base LR after warmup: m = 1.

    Parameters:
        warmup: fraction of training, in [0, 0.3].

    Source: the gradual warmup is that of Goyal et al., "Accurate, large minibatch SGD" (arXiv:1706.02677).

    Example:
        >>> Constant(warmup=0.2)([0.0, 0.1, 0.5, 1.0]).tolist()
        [0.0, 0.5, 1.0, 1.0]
    """

    formula = "1"

    @override
    def after_warmup(self, u: Numeric) -> Numeric:
        return namespace(u).ones_like(u)


@FAMILIES.register("wsd")
@dataclass(frozen=True, kw_only=True)
class Wsd(WarmupFamily):
    """Hold, then decay over the last part of training: m = floor + (1 - floor)(1 - v^exponent).

    v is progress through the decay, which starts at max(warmup, 1 - decay) and ends with training; before it
    v = 0 and m = 1.

    Parameters:
        warmup: fraction of training, in [0, 0.3].
        decay: fraction of the whole training, in [0, 1]; at 0 the LR drops at the very end.
        exponent: in [0.25, 4], log scale; 1 (default) is a line, 1/2 is 1 - sqrt, above 1 the LR falls late.
        floor: final value, in [0, 0.5].

    Source: Hu et al., "MiniCPM" (arXiv:2404.06395); the 1 - sqrt decay is that of Hägele et al., "Scaling
    laws and compute-optimal training beyond fixed training durations" (arXiv:2405.18392).

    Example:
        >>> Wsd(decay=0.5, exponent=0.5)([0.2, 0.5, 0.625, 1.0]).round(6).tolist()
        [1.0, 1.0, 0.5, 0.0]
    """

    formula = "1, then floor + (1 - floor)(1 - v^exponent) over the last `decay` of training"
    decay: Numeric = parameter(0.2, 0.0, 1.0, share=True)
    exponent: Numeric = parameter(1.0, 0.25, 4.0, scale="log")
    floor: Numeric = parameter(0.0, 0.0, 0.5)

    @override
    def after_warmup(self, u: Numeric) -> Numeric:
        xp = namespace(u, self.warmup, self.decay)
        length = xp.clip(self.decay / (1.0 - self.warmup), NARROW, 1.0)  # of the decay, in units of u
        v = xp.clip(1.0 - (1.0 - u) / length, 0.0, 1.0)
        return 1.0 - (1.0 - self.floor) * power(v, self.exponent)


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
        passed = xp.floor((u - self.first) * pace + ROUNDING)
        reached = xp.clip(passed + 1.0, 0.0, self.drops)
        return xp.exp(reached * xp.log(self.factor))
