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

    SGD on a quadratic has s = 2 and a = 1; both are fitted, as F = c B and q = 1 + beta. With a constant LR
    the noise tends to a level proportional to :math:`\eta^p`, p = s - a. Priors are from fits to runs of a
    124M model (arXiv:2501.18965). Few runs say little of a, but it decides how much a late decay gains by
    its high LR: with a near 1 every law overstates that.
    """

    priors: ClassVar = {
        "floor": (0.88, 0.3),
        "log_progress": (-2.6, 0.4),
        "log_alpha": (-0.84, 0.2),
        "log_forcing": (-3.3, 0.6),
        "log_rate": (6.6, 1.0),
        "log_beta": (-0.9, 0.6),
        "clock": (0.5, 0.03),
        "level": (0.83, 0.12),
    }
    fixed: ClassVar = {"slowing": 0.0}
