"""How each peer of peers.py searches a unit cube: all are told scores on the metric's scale, lower is better.

Every function takes an objective, a number of trials and a seed, spends the trials, and returns the points
that it holds for the best, best first.
"""
# pyright: reportMissingImports=false
# The peers are no dependencies of lrshape.

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import qmc

from lrshape.procedure.sampler import SAMPLERS, Bend, Points

Losses = np.ndarray
"""Scores on the metric's scale, (n,); +inf of trials that diverged."""

Objective = Callable[[Points, int], Losses]
"""Trains points, (n, dimensions), all with the same seed index."""

INITIAL = 16
"""Points of a Sobol' sequence with which a search by a model begins."""


class Peer(NamedTuple):
    """A library that searches.

    Attributes:
        label: in tables.
        search: ``search(objective, dimensions, trials, seed)`` returns points, best first.
        needs: modules that it imports.
    """

    label: str
    search: Callable[[Objective, int, int, int], Points]
    needs: Sequence[str]


SEED = 0
"""Seed index of all these trials: what a seed does to every schedule alike is then no noise to the model."""


def _by_model(
    propose: Callable[[Points, Losses], Points], objective: Objective, dimensions: int, trials: int, seed: int
) -> tuple[Points, Losses]:
    """Sobol' points, then one proposal after another; all points, and their losses as a model fits them.

    The worse half is moved nearer, and diverged ones count as the worst.
    """
    points = qmc.Sobol(dimensions, rng=seed).random(INITIAL)
    losses = objective(points, SEED)
    while len(points) < trials:
        new = propose(points, Bend.of(losses)(losses))
        losses = np.concatenate([losses, objective(new, SEED)])
        points = np.concatenate([points, new])
    return points, Bend.of(losses)(losses)


def _optuna(
    sampler: str, settings: Mapping[str, Any], objective: Objective, dimensions: int, trials: int, seed: int
) -> Points:
    """Search by a sampler of Optuna."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    unit = optuna.distributions.FloatDistribution(0.0, 1.0)
    space: dict[str, Any] = {f"x{i}": unit for i in range(dimensions)}
    made = getattr(optuna.samplers, sampler)(**settings, seed=seed)

    def propose(points: Points, losses: Losses) -> Points:
        study = optuna.create_study(sampler=made)
        for point, loss in zip(points.tolist(), losses.tolist(), strict=True):
            params = dict(zip(space, point, strict=True))
            study.add_trial(optuna.create_trial(params=params, distributions=space, value=loss))
        return np.array([list(study.ask(space).params.values())])

    points, losses = _by_model(propose, objective, dimensions, trials, seed)
    return points[np.argsort(losses, kind="stable")]


def _botorch(objective: Objective, dimensions: int, trials: int, seed: int) -> Points:
    """A Gaussian process with fitted noise and noisy expected improvement; the best by posterior mean."""
    import torch
    from botorch.acquisition import PosteriorMean, qLogNoisyExpectedImprovement
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from botorch.optim import optimize_acqf
    from botorch.sampling import SobolQMCNormalSampler
    from gpytorch.mlls import ExactMarginalLogLikelihood

    torch.manual_seed(seed)
    bounds = torch.tensor([[0.0], [1.0]], dtype=torch.float64).expand(2, dimensions)

    def fitted(points: Points, losses: Losses) -> Any:
        model = SingleTaskGP(torch.from_numpy(points), torch.from_numpy(-losses[:, None]))  # it maximises
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        return model

    def highest(acquisition: Any) -> Points:
        best, _ = optimize_acqf(acquisition, bounds, q=1, num_restarts=4, raw_samples=128)
        return best.numpy()

    def propose(points: Points, losses: Losses) -> Points:
        draws = SobolQMCNormalSampler(torch.Size([64]), seed=seed)
        model, known = fitted(points, losses), torch.from_numpy(points)
        return highest(qLogNoisyExpectedImprovement(model, known, draws, prune_baseline=True))

    points, losses = _by_model(propose, objective, dimensions, trials, seed)
    mean = PosteriorMean(fitted(points, losses))
    with torch.no_grad():
        order = np.argsort(-mean(torch.from_numpy(points[:, None])).numpy(), kind="stable")
    return np.concatenate([highest(mean), points[order]])


def _cmaes(objective: Objective, dimensions: int, trials: int, seed: int) -> Points:
    """CMA-ES, a seed a generation; the mean of its distribution, then the points with the lowest losses."""
    sampler = SAMPLERS["cmaes"]()
    state = sampler.init(dimensions, seed)
    while (left := trials - state["asked"]) > 0:
        asked = state["asked"]
        points, state = sampler.ask(state, min(sampler.batch, left))
        state = sampler.tell(state, points, objective(points, asked))
    return sampler.recommend(state, trials)


def _smac(objective: Objective, dimensions: int, trials: int, seed: int) -> Points:
    """SMAC3 with its own repetitions of what is promising; the incumbents, then the lowest mean costs."""
    import smac
    from ConfigSpace import ConfigurationSpace
    from smac.runhistory import TrialValue

    logging.getLogger("smac").setLevel(logging.ERROR)
    kind = smac.HyperparameterOptimizationFacade
    space = ConfigurationSpace({f"x{i}": (0.0, 1.0) for i in range(dimensions)}, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        scenario = smac.Scenario(
            space, deterministic=False, n_trials=trials, seed=seed, output_directory=Path(folder)
        )
        search = kind(
            scenario,
            lambda config, seed: 0.0,  # never called: the losses are told
            initial_design=kind.get_initial_design(scenario, n_configs=INITIAL, max_ratio=1.0),
            logging_level=False,
        )
        first = [search.ask() for _ in range(INITIAL)]
        points = np.array([list(trial.config.values()) for trial in first])
        losses = np.concatenate([objective(p[None], t.seed) for p, t in zip(points, first, strict=True)])
        bend, worst = Bend.of(losses), losses[np.isfinite(losses)].max()

        def tell(trial: Any, loss: float) -> None:
            cost = float(bend(np.array([min(loss, worst)]))[0])
            search.tell(trial, TrialValue(np.exp(cost)))  # this facade takes the logarithm of costs

        for trial, loss in zip(first, losses, strict=True):
            tell(trial, loss)
        for _ in range(trials - INITIAL):
            trial = search.ask()
            tell(trial, objective(np.array([list(trial.config.values())]), trial.seed)[0])
        history, best = search.runhistory, search.intensifier.get_incumbents()
        others = sorted(set(history.get_configs()) - set(best), key=history.average_cost)
    return np.array([list(config.values()) for config in [*best, *others]])


PEERS: Mapping[str, Peer] = {
    "tpe": Peer("TPE (Optuna)", partial(_optuna, "TPESampler", {"multivariate": True}), ["optuna"]),
    # Optuna's GP fits the noise: its deterministic_objective is False.
    "gp": Peer("GP (Optuna)", partial(_optuna, "GPSampler", {}), ["optuna", "torch"]),
    "botorch": Peer("BoTorch", _botorch, ["botorch"]),
    "smac": Peer("SMAC3, random forest", _smac, ["smac"]),
    "cmaes": Peer("CMA-ES", _cmaes, ["cmaes"]),
}
