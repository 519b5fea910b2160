"""Warmup, stable, decay."""

from dataclasses import dataclass

from typing_extensions import override

from lrshape.shapes.family import FAMILIES, NARROW, Numeric, WarmupFamily, namespace, parameter, power


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
    decay: Numeric = parameter(0.2, 0.0, 1.0)
    exponent: Numeric = parameter(1.0, 0.25, 4.0, scale="log")
    floor: Numeric = parameter(0.0, 0.0, 0.5)

    @override
    def after_warmup(self, u: Numeric) -> Numeric:
        xp = namespace(u, self.warmup, self.decay)
        length = xp.clip(self.decay / (1.0 - self.warmup), NARROW, 1.0)  # of the decay, in units of u
        v = xp.clip(1.0 - (1.0 - u) / length, 0.0, 1.0)
        return 1.0 - (1.0 - self.floor) * power(v, self.exponent)
