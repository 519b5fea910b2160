"""Bayesian optimisation with a Gaussian process, by Optuna."""

from dataclasses import dataclass
from typing import Any

from lrshape.samplers._optuna import OptunaSampler
from lrshape.samplers.registry import SAMPLERS


@SAMPLERS.register("gp")
@dataclass(frozen=True)
class GP(OptunaSampler):
    """Expected improvement under a Gaussian process. It needs the extras ``lrshape[optuna]`` and PyTorch.

    Source: ``GPSampler`` of Optuna.
    """

    def optuna_sampler(self, seed: int) -> Any:
        """Optuna's ``GPSampler``."""
        from optuna.samplers import GPSampler

        return GPSampler(seed=seed)
