"""Families that fall from 1 along one curve."""

from dataclasses import dataclass

from typing_extensions import override

from lrshape.shapes.family import FAMILIES, Numeric, WarmupFamily, namespace, parameter, power


@FAMILIES.register("linear")
@dataclass(frozen=True, kw_only=True)
class Linear(WarmupFamily):
    """A straight line to a floor: m = floor + (1 - floor)(1 - u).

    Parameters:
        warmup: fraction of training, in [0, 0.3].
        floor: final value, in [0, 0.5].

    Source: Defazio et al., "When, why and how much? Adaptive learning rate scheduling by refinement"
    (arXiv:2310.07831), who recommend it as the default.

    Example:
        >>> Linear(warmup=0.2)([0.1, 0.2, 0.6, 1.0]).round(6).tolist()
        [0.5, 1.0, 0.5, 0.0]
    """

    formula = "floor + (1 - floor)(1 - u)"
    floor: Numeric = parameter(0.0, 0.0, 0.5)

    @override
    def after_warmup(self, u: Numeric) -> Numeric:
        return self.floor + (1.0 - self.floor) * (1.0 - u)


@FAMILIES.register("power")
@dataclass(frozen=True, kw_only=True)
class Power(WarmupFamily):
    """Polynomial decay to a floor: m = floor + (1 - floor)(1 - u)^exponent.

    Parameters:
        warmup: fraction of training, in [0, 0.3].
        exponent: in [0.3, 8], log scale; 1 is `Linear`, less holds the LR high for longer.
        floor: final value, in [0, 0.5].

    Source: known as "poly"; with exponent 0.9 in Chen et al., "DeepLab" (arXiv:1606.00915).

    Example:
        >>> Power(exponent=2.0)([0.0, 0.5, 1.0]).round(6).tolist()
        [1.0, 0.25, 0.0]
    """

    formula = "floor + (1 - floor)(1 - u)^exponent"
    exponent: Numeric = parameter(2.0, 0.3, 8.0, scale="log")
    floor: Numeric = parameter(0.0, 0.0, 0.5)

    @override
    def after_warmup(self, u: Numeric) -> Numeric:
        return self.floor + (1.0 - self.floor) * power(1.0 - u, self.exponent)


@FAMILIES.register("exponential")
@dataclass(frozen=True, kw_only=True)
class Exponential(WarmupFamily):
    """Decay by the same factor every step: m = final^u.

    Parameters:
        warmup: fraction of training, in [0, 0.3].
        final: value at the end, in [0.0001, 1], log scale; 1 is constant.

    Source: common practice.

    Example:
        >>> Exponential(final=0.01)([0.0, 0.5, 1.0]).round(6).tolist()
        [1.0, 0.1, 0.01]
    """

    formula = "final^u"
    final: Numeric = parameter(0.01, 1e-4, 1.0, scale="log")

    @override
    def after_warmup(self, u: Numeric) -> Numeric:
        xp = namespace(u, self.final)
        return xp.exp(u * xp.log(self.final))


@FAMILIES.register("inverse_sqrt")
@dataclass(frozen=True, kw_only=True)
class InverseSqrt(WarmupFamily):
    """Inverse square root of the time since warmup: m = 1/sqrt(1 + (t - warmup)/timescale).

    Parameters:
        warmup: fraction of training, in [0, 0.3].
        timescale: fraction of training after which the LR has fallen to 1/sqrt(2), in [0.001, 1], log scale.

    Source: Vaswani et al., "Attention is all you need" (arXiv:1706.03762): theirs is timescale = warmup.

    Example:
        >>> InverseSqrt(warmup=0.25, timescale=0.25)([0.125, 0.25, 1.0]).round(6).tolist()
        [0.5, 1.0, 0.5]
    """

    formula = "1/sqrt(1 + (t - warmup)/timescale)"
    timescale: Numeric = parameter(0.1, 0.001, 1.0, scale="log")

    @override
    def after_warmup(self, u: Numeric) -> Numeric:
        return 1.0 / namespace(u).sqrt(1.0 + u * ((1.0 - self.warmup) / self.timescale))


@FAMILIES.register("rex")
@dataclass(frozen=True, kw_only=True)
class Rex(WarmupFamily):
    """A hyperbola from 1 to 0: m = (1 - u)/(1 - (1 - beta) u).

    Parameters:
        warmup: fraction of training, in [0, 0.3].
        beta: in [0.01, 10], log scale; below 1 the LR falls late, 1 is linear, above 1 it falls early.

    Source: Chen, Wolfe & Kyrillidis, "REX: revisiting budgeted training with an improved schedule"
    (arXiv:2107.04197), where beta = 1/2 (the default); with beta free in arXiv:2603.10301.

    Example:
        >>> Rex(beta=0.5)([0.0, 0.5, 1.0]).round(6).tolist()
        [1.0, 0.666667, 0.0]
    """

    formula = "(1 - u)/(1 - (1 - beta) u)"
    beta: Numeric = parameter(0.5, 0.01, 10.0, scale="log")

    @override
    def after_warmup(self, u: Numeric) -> Numeric:
        rest = 1.0 - u
        return rest / (rest + self.beta * u)


@FAMILIES.register("sqrt")
@dataclass(frozen=True, kw_only=True)
class Sqrt(WarmupFamily):
    """A power of a quarter circle: m = (1 - u^2)^(alpha/2).

    Parameters:
        warmup: fraction of training, in [0, 0.3].
        alpha: in [0, 1]; 1 is the quarter circle, 0 is 1 until the very end, where every alpha gives 0.

    Source: arXiv:2603.10301, whose own code peaks a little below 1; here the peak is 1.

    Example:
        >>> Sqrt(alpha=1.0)([0.0, 0.6, 1.0]).round(6).tolist()
        [1.0, 0.8, 0.0]
    """

    formula = "(1 - u^2)^(alpha/2)"
    alpha: Numeric = parameter(1.0, 0.0, 1.0)

    @override
    def after_warmup(self, u: Numeric) -> Numeric:
        return power((1.0 - u) * (1.0 + u), 0.5 * self.alpha)
