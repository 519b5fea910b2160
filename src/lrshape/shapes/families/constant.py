"""The constant shape."""

from dataclasses import dataclass

from typing_extensions import override

from lrshape.shapes.family import FAMILIES, Numeric, WarmupFamily, namespace


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
