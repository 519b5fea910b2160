"""Any sampler of Optuna: a study in memory, built anew from the history."""

import importlib.util
import inspect
import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field, field_validator

from lrshape.errors import InputError, did_you_mean, needs, one_line, shown
from lrshape.procedure.sampler import SAMPLERS, LearningSampler, Points
from lrshape.process_wide import quiet_optuna

OPTIONS = {"TPESampler": {"multivariate": True, "constant_liar": True}}
"""Arguments that differ from Optuna's defaults."""

UNFIT = ("BruteForceSampler", "QMCSampler")
"""The first takes no real numbers; the second repeats itself in a study that is built anew."""


@SAMPLERS.register("optuna")
class Optuna(LearningSampler):
    """A sampler of Optuna. It needs ``pip install optuna``; ``GPSampler`` also needs PyTorch.

    The points per batch know each other as running trials. A score that is not finite is told as the worst
    finite one.

    Without Optuna the name of its sampler is checked only when points are asked for, so that a study can be
    read where Optuna is not installed.
    """

    sampler: str = Field(
        default="TPESampler", description="a class of optuna.samplers, e.g. GPSampler or CmaEsSampler"
    )
    batch_size: int = Field(default=16, ge=1, description="points per batch")

    @field_validator("sampler")
    @classmethod
    def _usable(cls, value: str) -> str:
        if importlib.util.find_spec("optuna"):
            _class(value)
        return value

    @property
    def batch(self) -> int:
        """A batch; Optuna's samplers would take single points."""
        return self.batch_size

    def propose(self, state: Mapping[str, Any], n: int) -> tuple[Points, Any]:
        """Ask Optuna, one point after another."""
        optuna, own = _optuna(), state["own"]
        dimensions = state["dimensions"]
        names = [f"x{i}" for i in range(dimensions)]
        unit = {name: optuna.distributions.FloatDistribution(0.0, 1.0) for name in names}
        told = self.history(state)
        finite = told.scores[np.isfinite(told.scores)]
        worst = float(finite.max()) if len(finite) else math.inf
        # Some samplers, CMA-ES among them, keep what they have learnt in attributes of their trials.
        attributes = {tuple(point): kept for point, kept in own.get("attributes", [])}
        points = np.empty((n, dimensions))
        with quiet_optuna():
            study = optuna.create_study(sampler=self._sampler(0))
        if math.isfinite(worst):
            for point, score in zip(told.points.tolist(), told.scores.tolist(), strict=True):
                study.add_trial(
                    optuna.trial.create_trial(
                        params=dict(zip(names, point, strict=True)),
                        distributions=unit,
                        value=score if math.isfinite(score) else worst,
                        system_attrs=attributes.get(tuple(point)),
                    )
                )
        try:
            for i in range(n):
                # Each point has a seed of its own, so that it does not depend on how many are asked for.
                study.sampler = self._sampler(int(self.random(state, state["asked"] + i).integers(2**32)))
                trial = study.ask(unit)
                points[i] = [trial.params[name] for name in names]
        except ImportError as error:
            raise InputError(
                f"Optuna's {self.sampler} needs another package: {one_line(error):.200}"
            ) from None
        asked = study.get_trials(deepcopy=False)[-n:] if n else []
        kept = [[p, t.system_attrs] for p, t in zip(points.tolist(), asked, strict=True) if t.system_attrs]
        return points, own | {"attributes": own.get("attributes", []) + kept}

    def _sampler(self, seed: int) -> Any:
        """An instance whose random numbers have a seed in [0, 2**32)."""
        return _class(self.sampler)(seed=seed, **OPTIONS.get(self.sampler, {}))


def _class(name: object) -> type:
    """Find a sampler of Optuna, among those that a seed is enough for."""
    samplers = _optuna().samplers
    classes = {n: kind for n in samplers.__all__ if inspect.isclass(kind := getattr(samplers, n))}
    usable = sorted(n for n, kind in classes.items() if n not in UNFIT and _takes_a_seed(kind))
    if name not in usable:
        rule = f"sampler must be one of Optuna's {', '.join(usable)}"
        raise InputError(f"{rule}, got {shown(name)}{did_you_mean(name, usable, cutoff=0.4)}")
    return classes[str(name)]


def _takes_a_seed(kind: type) -> bool:
    parameters = inspect.signature(kind).parameters
    return "seed" in parameters and all(p.default is not p.empty for p in parameters.values())


def _optuna() -> Any:
    with needs("the sampler optuna", "optuna"):
        import optuna
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna
