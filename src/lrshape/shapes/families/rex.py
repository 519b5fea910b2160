"""The reflected exponential."""

from dataclasses import dataclass

from typing_extensions import override

from lrshape.shapes.family import FAMILIES, Numeric, WarmupFamily, parameter


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
