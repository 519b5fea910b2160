"""The forcing-memory law: a power of progress, plus the noise of every step that is not forgotten yet."""

from typing import ClassVar

from lrshape.predict.curve_law import CurveLaw
from lrshape.predict.law import LAWS


@LAWS.register("forcing_memory")
class ForcingMemory(CurveLaw):
    r"""Every step adds noise, which is forgotten as a power of the clock since.

    .. math::
        L(t) = L_0 + A\,T^{-\alpha} + F \sum_{k \le t} \eta_k^{s}\,(1 + c\,(T(t) - T(k)))^{-q},
        \qquad T(t) = \sum_{k \le t} \eta_k^a

    SGD on a quadratic has s = 2 and a = 1; both are fitted. With a constant LR the noise tends to a level
    proportional to :math:`\eta^p`, p = s - a; runs of a 124M model have p about 0.6, and p = 1 doubles the
    errors of differences there. Fitted as F = c B and q = 1 + beta. Priors are from fits to those runs.
    """

    priors: ClassVar = {
        "floor": (0.88, 0.3),
        "log_progress": (-2.9, 0.6),
        "log_alpha": (-0.7, 0.2),
        "log_forcing": (-2.6, 0.8),
        "log_rate": (5.6, 1.0),
        "log_beta": (-0.3, 0.6),
        "clock": (0.5, 0.03),
        "level": (0.6, 0.15),
    }
    fixed: ClassVar = {"slowing": 0.0}
