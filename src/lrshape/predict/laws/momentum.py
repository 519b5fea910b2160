"""The momentum law: a power of progress, less an exponentially delayed sum of what the LR fell."""

from typing import ClassVar

from lrshape.predict.changes import Form
from lrshape.predict.curve_law import CurveLaw
from lrshape.predict.law import LAWS


@LAWS.register("momentum")
class Momentum(CurveLaw):
    r"""Progress in the sum of LRs, less the annealing momentum of the LR's falls.

    .. math::
        L(t) = L_0 + A\,S_1^{-\alpha} - C\,S_2, \qquad S_1 = \sum_{i \le t} \eta_i, \qquad
        S_2 = \sum_{i \le t} \sum_{k \le i} (\eta_{k-1} - \eta_k)\,\lambda^{i - k}

    Source: Tissue et al., "Scaling Law with Learning Rate Annealing", arXiv:2408.11029, equation 1. The
    decay :math:`\lambda`, fixed in the paper at about 0.999, is fitted: log_rate is the logarithm of
    :math:`-\log \lambda` times the longest run's steps. Priors are from fits to runs of a 124M model.
    """

    form: ClassVar = Form(exponential=True, steps_memory=True)
    priors: ClassVar = {
        "floor": (0.88, 0.3),
        "log_progress": (-2.8, 0.6),
        "log_alpha": (-0.75, 0.2),
        "log_forcing": (-2.6, 0.7),
        "log_rate": (5.0, 1.0),
    }
    fixed: ClassVar = {"clock": 1.0, "level": 1.0, "slowing": 0.0}
