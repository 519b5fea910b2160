"""Inverse square root of time."""

from dataclasses import dataclass

from typing_extensions import override

from lrshape.shapes.family import FAMILIES, Numeric, WarmupFamily, namespace, parameter


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
