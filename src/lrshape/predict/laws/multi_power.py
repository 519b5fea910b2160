"""The multi-power law: a power of progress, less what each fall of the LR has set free by now."""

from typing import ClassVar

from lrshape.predict.curve_law import CurveLaw
from lrshape.predict.law import LAWS


@LAWS.register("multi_power")
class MultiPower(CurveLaw):
    r"""Progress in a clock, less what each change of the LR sets free, the slower the higher the LR.

    .. math::
        L(t) = L_0 + A\,T^{-\alpha} - \frac{B}{\beta} \sum_{k \le t} (\eta_{k-1} - \eta_k)
        \left[1 - (C\,\eta_k^{-\gamma}\,(T(t) - T(k)) + 1)^{-\beta}\right],
        \qquad T(t) = \sum_{s \le t} \eta_s^a

    Source: Luo et al., "A Multi-Power Law for Loss Curve Prediction Across Learning Rate Schedules",
    arXiv:2503.12811, equations 1 and 2, where a = 1 and the sum begins after the warmup; here it begins at
    the LR's rise from 0, and B is relative to :math:`\beta`. The exponent a is ours: on runs of a 124M model
    (arXiv:2501.18965), fits to which give the priors, about 0.6 predicts differences of schedules better.
    """

    priors: ClassVar = {
        "floor": (0.88, 0.3),
        "log_progress": (-2.7, 0.6),
        "log_alpha": (-0.8, 0.2),
        "log_forcing": (-3.8, 0.5),
        "log_rate": (6.5, 1.0),
        "log_beta": (-1.2, 0.6),
        "clock": (0.6, 0.03),
        "slowing": (0.8, 0.4),
    }
    fixed: ClassVar = {"level": 1.0}
