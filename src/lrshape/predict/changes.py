"""The formula that the laws of curves share: progress in a clock, and what each change of the LR leaves."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrshape.predict.compressed import Stretches

Floats: TypeAlias = NDArray[np.float64]


def losses_and_gradients(
    values: Mapping[str, float], wanted: Sequence[str], schedule: Stretches, times: Floats
) -> tuple[Floats, Floats]:
    r"""Return losses at some times and their derivatives by parameters, ``(k,)`` and ``(k, wanted)``.

    With the clock :math:`T(t) = \sum_{s \le t} \eta_s^a`, and stretch k, which starts at :math:`T_k`:

    .. math::
        L(t) = L_0 + A\,T^{-\alpha}
        + B \sum_k (\eta_k^p - \eta_{k-1}^p)\,\phi(c\,\eta_k^{-\gamma}\,(T - T_k)),
        \qquad \phi(x) = \frac{1 - (1 + x)^{-\beta}}{\beta}

    The sum begins at the LR's rise from 0. By parts, with :math:`\gamma = 0`, it is the forcing
    :math:`c B \sum_s \eta_s^{p + a} (1 + c\,(T - T_s))^{-(1 + \beta)}` of every step s up to t.

    Args:
        values: ``floor`` is L_0, ``clock`` a, ``level`` p and ``slowing`` gamma; as logarithms
            ``log_progress`` A, ``log_alpha``, ``log_forcing`` B, ``log_rate`` c, and ``log_beta``.
        wanted: parameters of which derivatives are wanted.
        schedule: the schedule, in any units of time and of LR.
        times: after the start, ``(k,)``.
    """
    a, p, gamma = values["clock"], values["level"], values["slowing"]
    lr = np.maximum(schedule.lr, 1e-9)  # 0 to a power
    log_lr = np.log(lr)
    started, now = schedule.clock(lr**a, times)
    age = now[:, None] - started
    past = age > 0
    age = np.where(past, age, 0.0)
    rate = np.exp(values["log_rate"] - gamma * log_lr)
    x = rate * age
    beta, log1p = np.exp(values["log_beta"]), np.log1p(x)
    power = np.exp(-beta * log1p)
    forgot = -np.expm1(-beta * log1p) / beta
    slope = np.where(past, power / (1 + x), 0.0)
    change = np.diff(lr**p, prepend=0.0)
    B, alpha = np.exp(values["log_forcing"]), np.exp(values["log_alpha"])
    progress = np.exp(values["log_progress"] - alpha * np.log(now))
    forcing = B * (forgot @ change)

    def by_clock() -> Floats:
        started_by, now_by = schedule.clock(lr**a * log_lr, times)
        moved = -alpha * progress / now * now_by
        return moved + B * ((slope * rate * (now_by[:, None] - started_by)) @ change)

    gradients = {
        "floor": lambda: np.ones_like(now),
        "log_progress": lambda: progress,
        "log_alpha": lambda: -alpha * np.log(now) * progress,
        "log_forcing": lambda: forcing,
        "log_rate": lambda: B * ((slope * x) @ change),
        "log_beta": lambda: B * ((power * log1p - forgot) @ change),
        "slowing": lambda: -B * ((slope * x) @ (change * log_lr)),
        "level": lambda: B * (forgot @ np.diff(lr**p * log_lr, prepend=0.0)),
        "clock": by_clock,
    }
    columns = [gradients[name]() for name in wanted]
    return values["floor"] + progress + forcing, np.array(columns).reshape(len(columns), len(times)).T
