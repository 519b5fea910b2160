"""Exponential decay."""

from dataclasses import dataclass

from typing_extensions import override

from lrshape.shapes.family import FAMILIES, Numeric, WarmupFamily, namespace, parameter


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
