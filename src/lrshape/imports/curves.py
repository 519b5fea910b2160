"""Logged learning rates, one curve or several, as members of families."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.export.read import every_step
from lrshape.imports.files import numbers
from lrshape.imports.runs import ROLES
from lrshape.optimum.fit import Fit, fit
from lrshape.schedule import Sampling

STEPS = ("step", "_step", "steps", "global_step", "trainer/global_step", "iteration")
RATES = ("lr", "learning_rate", "learning rate", "learning-rate")
_SPREAD = ("__MIN", "__MAX")
"""Endings of columns that Weights & Biases adds to each curve of an exported chart."""

Curves = dict[str, NDArray[np.float64]]


def curves_of(table: pd.DataFrame) -> Curves:
    """The learning rates of every step, by the name of their column; empty if the table is no log of them.

    A log has a column of steps that rise, and no column of scores. Gaps are filled by straight lines.

    Args:
        table: with one row a logged step, e.g. a chart of learning rates as Weights & Biases exports it.

    Raises:
        InputError: if a curve is longer than a schedule may be.
    """
    steps = next((name for name in table.columns if name.strip().lower() in STEPS), None)
    results = {*ROLES["family"], *ROLES["score"]} & {name.lower() for name in table.columns}
    if steps is None or results:
        return {}
    place = numbers(table[steps])
    if not (np.isfinite(place).all() and (np.diff(place) > 0).all()):
        return {}
    found: Curves = {}
    for name in table.columns:
        if name == steps or name.endswith(_SPREAD) or not any(word in name.lower() for word in RATES):
            continue
        rates = numbers(table[name])
        logged = ~np.isnan(rates)
        if logged.sum() > 1:
            found[name] = every_step(place[logged], rates[logged])
    return found


def fitted(
    curves: Mapping[str, NDArray[np.float64]], families: Sequence[str], sampling: Sampling
) -> list[Fit]:
    """The nearest member of any of the families for each curve, see `lrshape.optimum.fit.fit`.

    Raises:
        InputError: if a curve is no schedule, or no family can be fitted.
    """
    found = []
    for name, lrs in curves.items():
        try:
            found.append(min((fit(lrs, family, sampling=sampling) for family in families), key=_error))
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
    return found


def _error(one: Fit) -> float:
    return one.error
