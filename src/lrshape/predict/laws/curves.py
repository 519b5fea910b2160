"""The laws of loss curves."""

from lrshape.predict.curve_law import CurveLaw

FORCING_MEMORY = CurveLaw(
    "forcing_memory",
    priors={
        "floor": (0.88, 0.3),
        "log_progress": (-2.6, 0.4),
        "log_alpha": (-0.84, 0.2),
        "log_forcing": (-3.3, 0.6),
        "log_rate": (6.6, 1.0),
        "log_beta": (-0.9, 0.6),
        "clock": (0.5, 0.03),
        "level": (0.83, 0.12),
    },
    fixed={"slowing": 0.0},
)
r"""A power of progress, plus the noise of every step, which is forgotten as a power of the clock since.

.. math::
    L(t) = L_0 + A\,T^{-\alpha} + F \sum_{k \le t} \eta_k^{s}\,(1 + c\,(T(t) - T(k)))^{-q},
    \qquad T(t) = \sum_{k \le t} \eta_k^a

SGD on a quadratic has s = 2 and a = 1; both are fitted, as F = c B and q = 1 + beta. With a constant LR
the noise tends to a level proportional to :math:`\eta^p`, p = s - a. Priors are from fits to runs of a
124M model (arXiv:2501.18965). Few runs say little of a, but it decides how much a late decay gains by
its high LR: with a near 1 every law overstates that.
"""

MULTI_POWER = CurveLaw(
    "multi_power",
    priors={
        "floor": (0.88, 0.3),
        "log_progress": (-2.7, 0.6),
        "log_alpha": (-0.8, 0.2),
        "log_forcing": (-3.8, 0.5),
        "log_rate": (6.5, 1.0),
        "log_beta": (-1.2, 0.6),
        "clock": (0.6, 0.03),
        "slowing": (0.8, 0.4),
    },
    fixed={"level": 1.0},
)
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

CURVE_LAWS = {law.name: law for law in (FORCING_MEMORY, MULTI_POWER)}
