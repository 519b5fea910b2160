"""What the samplers of Optuna share: a study in memory, built anew from the history."""

import abc
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrshape.errors import InputError
from lrshape.samplers.base import LearningSampler, Points, require_whole


@dataclass(frozen=True)
class OptunaSampler(LearningSampler):
    """A sampler of Optuna. It needs the extra ``lrshape[optuna]``.

    Points of a batch know of each other as trials that run. A score that is not finite is told as the worst
    finite one.

    Args:
        population: points of a batch, at least 1.

    Raises:
        InputError: if a setting is out of range.
    """

    population: int = 16

    def __post_init__(self) -> None:
        require_whole("population", self.population, 1)

    @property
    def batch(self) -> int:
        """A batch; Optuna's samplers would take single points."""
        return self.population

    @abc.abstractmethod
    def optuna_sampler(self, seed: int) -> Any:
        """The sampler of Optuna.

        Args:
            seed: of its random numbers, in [0, 2**32).
        """

    def propose(self, state: Mapping[str, Any], n: int) -> tuple[Points, Any]:
        """Ask Optuna, one point after another."""
        optuna = _optuna()
        dimensions = state["dimensions"]
        names = [f"x{i}" for i in range(dimensions)]
        unit = {name: optuna.distributions.FloatDistribution(0.0, 1.0) for name in names}
        told = self.history(state)
        finite = told.scores[np.isfinite(told.scores)]
        worst = float(finite.max()) if len(finite) else math.inf
        points = np.empty((n, dimensions))
        study = optuna.create_study(sampler=self.optuna_sampler(0))
        if math.isfinite(worst):
            for point, score in zip(told.points.tolist(), told.scores.tolist(), strict=True):
                params = dict(zip(names, point, strict=True))
                value = score if math.isfinite(score) else worst
                study.add_trial(optuna.trial.create_trial(params=params, distributions=unit, value=value))
        for i in range(n):
            # Each point has a seed of its own, so that it does not depend on how many are asked at a time.
            study.sampler = self.optuna_sampler(int(self.random(state, state["asked"] + i).integers(2**32)))
            trial = study.ask(unit)
            points[i] = [trial.params[name] for name in names]
        return points, state["own"]


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise InputError("the samplers tpe and gp need Optuna: pip install 'lrshape[optuna]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna
