"""Straight and polynomial decay to a floor."""

from dataclasses import dataclass

from typing_extensions import override

from lrshape.shapes.family import FAMILIES, Numeric, WarmupFamily, parameter, power


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
