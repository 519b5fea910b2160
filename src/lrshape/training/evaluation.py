"""The one entry point: learning rates and seeds in, metrics out."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from lrshape.errors import InputError
from lrshape.training import called_workload
from lrshape.training.called_workload import CalledWorkload
from lrshape.training.outcome import Outcome, Progress
from lrshape.training.workload import PopulationWorkload, Workload


def evaluate(
    workload: Workload,
    lrs: ArrayLike,
    seeds: ArrayLike,
    *,
    base_lrs: ArrayLike | None = None,
    hyperparameters: Mapping[str, ArrayLike] | None = None,
    members: int | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Train one member for each row of ``lrs`` and return its metrics.

    Args:
        workload: what to train.
        lrs: learning rate of every step, shape (members, steps), finite and not negative.
        seeds: shape (members,), integers in [0, 2**64). Members with one seed share initial weights and
            batches.
        base_lrs: base learning rates, shape (members,); needed only where weight decay is coupled to the
            schedule. Default: each row's largest learning rate.
        hyperparameters: values by name, shape (members,) each: keywords of a train function, or what stands
            in braces in a command.
        members: how many to train in one program, halved where memory does not suffice; default: all.
        report: called with a `Progress` between blocks of steps.

    Returns:
        ``{metric: values (members,)}`` with +inf where a trial diverged or failed.

    Raises:
        InputError: if the shapes or values do not fit, or one trial alone does not fit into memory.

    Example:
        >>> from lrshape.training.workloads.linear_regression import LinearRegression
        >>> workload = LinearRegression(steps=50, dimension=20)
        >>> outcome = evaluate(workload, np.full((2, 50), [[0.1], [1.0]]), seeds=[0, 0])
        >>> sorted(outcome), outcome["final/train_loss"].shape
        (['final/train_loss'], (2,))
    """
    rates = np.asarray(lrs)
    rates = rates if rates.dtype.kind == "f" else rates.astype(np.float64)
    indices = np.asarray(seeds)
    if rates.ndim != 2 or rates.shape[1] != workload.steps or len(rates) == 0:
        raise InputError(f"lrs must have shape (members, {workload.steps}), got {rates.shape}")
    if indices.shape != (len(rates),) or indices.dtype.kind not in "iu" or indices.min() < 0:
        raise InputError(f"seeds must be {len(rates)} integers of at least 0, got {indices!r:.80}")
    largest = rates.max(axis=1)  # NaN if any is
    if not (np.isfinite(largest).all() and rates.min() >= 0):
        raise InputError(f"lrs must be finite and not negative, got {rates.min()} to {rates.max()}")
    if members is not None and members < 1:
        raise InputError(f"members must be at least 1, got {members}")
    bases = np.where(largest > 0, largest, 1.0) if base_lrs is None else np.asarray(base_lrs, np.float64)
    if bases.shape != (len(rates),):
        raise InputError(f"base_lrs must have shape ({len(rates)},), got {bases.shape}")
    if not (np.isfinite(bases).all() and (bases > 0).all()):
        raise InputError(f"base_lrs must be finite and positive, got {bases.min()} to {bases.max()}")
    named = {name: np.asarray(values) for name, values in (hyperparameters or {}).items()}
    for name, values in named.items():
        if values.shape != (len(rates),):
            raise InputError(f"hyperparameter {name} must have shape ({len(rates)},), got {values.shape}")
    if isinstance(workload, CalledWorkload):
        return called_workload.train(workload, rates, indices, named, report)
    if not isinstance(workload, PopulationWorkload):
        raise TypeError(f"{type(workload).__name__} is neither a population workload nor one that is called")
    if named:
        raise InputError(f"the workload {workload.name} takes no hyperparameters, got {', '.join(named)}")
    from lrshape.training import population  # JAX, which called workloads do without
    from lrshape.training.memory import halving

    outcomes, start, size = [], 0, members or len(rates)
    while start < len(rates):

        def train(size: int, start: int = start) -> Outcome:
            part = slice(start, start + size)
            return population.train(workload, rates[part], indices[part], bases[part], size, report)

        outcomes.append(halving(train, size))
        trained = len(outcomes[-1].status)
        start, size = start + trained, min(size, trained)
    return _joined(outcomes)


def _joined(parts: list[Outcome]) -> Outcome:
    if len(parts) == 1:
        return parts[0]
    return Outcome(
        {name: np.concatenate([p[name] for p in parts]) for name in parts[0]},
        np.concatenate([p.status for p in parts]),
        np.concatenate([p.first_bad_step for p in parts]),
        [message for p in parts for message in p.message],
        [curve for p in parts for curve in p.curves],
    )
