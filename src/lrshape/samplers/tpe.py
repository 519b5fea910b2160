"""The tree-structured Parzen estimator, by Optuna."""

from dataclasses import dataclass
from typing import Any

from lrshape.samplers._optuna import OptunaSampler
from lrshape.samplers.registry import SAMPLERS


@SAMPLERS.register("tpe")
@dataclass(frozen=True)
class TPE(OptunaSampler):
    """Draws from where good scores are denser than bad ones. It needs the extra ``lrshape[optuna]``.

    Source: Bergstra et al., "Algorithms for hyper-parameter optimization" (2011), as ``TPESampler`` of Optuna
    does it, multivariate, with a constant liar.
    """

    def optuna_sampler(self, seed: int) -> Any:
        """Optuna's ``TPESampler``."""
        from optuna.samplers import TPESampler

        return TPESampler(seed=seed, multivariate=True, constant_liar=True)
