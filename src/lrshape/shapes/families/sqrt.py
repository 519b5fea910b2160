"""A power of a quarter circle."""

from dataclasses import dataclass

from typing_extensions import override

from lrshape.shapes.family import FAMILIES, Numeric, WarmupFamily, parameter, power


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
