"""The one entry point: learning rates and seeds in, metrics out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrshape.errors import InputError, shown
from lrshape.shapes.schedules import GROUP_LR
from lrshape.training import called_workload
from lrshape.training.called_workload import CalledWorkload
from lrshape.training.outcome import Outcome, Progress
from lrshape.training.parts import Part, divided, numbers
from lrshape.training.workload import PopulationWorkload, Workload


def evaluate(
    workload: Workload,
    lrs: ArrayLike,
    seeds: ArrayLike,
    *,
    base_lrs: ArrayLike | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
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
            schedule. Default: each row's largest learning rate, which is also that of a group.
        hyperparameters: values of settings of a population workload, shape (members,), by the names that
            `lrshape.training.hyperparameters.find_setting` knows. An optimizer's numbers and ``lr.NAME``, the
            learning rate of a group, may also be schedules, (members, steps); members that differ in them are
            trained in one program. Members that differ in another setting are trained in a program for each
            of its values, one after the other. Of a workload that is called, numbers or texts, (members,), or
            schedules: a function's keywords, or what stands in braces in a command.
        members: how many to train in one program, halved where memory does not suffice; default: all.
        report: called with a `Progress` of all members between blocks of steps.

    Returns:
        ``{metric: values (members,)}`` with +inf where a trial diverged or failed.

    Raises:
        InputError: if the shapes or values do not fit, a hyperparameter is no setting of the workload, or one
            trial alone does not fit into memory.

    Example:
        >>> from lrshape.training.workloads.linear_regression import LinearRegression
        >>> workload = LinearRegression(steps=50, dimension=20)
        >>> outcome = evaluate(workload, np.full((2, 50), [[0.1], [1.0]]), seeds=[0, 0])
        >>> sorted(outcome), outcome["final/train_loss"].shape
        (['final/train_loss'], (2,))
    """
    rates = numbers("lrs", lrs)
    rates = rates if rates.dtype.kind == "f" else numbers("lrs", lrs, np.float64)
    indices = numbers("seeds", seeds)
    if rates.ndim != 2 or rates.shape[1] != workload.steps or len(rates) == 0:
        raise InputError(f"lrs must have shape (members, {workload.steps}), got {rates.shape}")
    if indices.shape != (len(rates),) or indices.dtype.kind not in "iu" or indices.min() < 0:
        raise InputError(f"seeds must be {len(rates)} integers of at least 0, got {shown(indices.tolist())}")
    if not (np.isfinite(rates.max()) and rates.min() >= 0):  # both NaN if any is
        raise InputError(f"lrs must be finite and not negative, got {rates.min()} to {rates.max()}")
    if members is not None and members < 1:
        raise InputError(f"members must be at least 1, got {members}")
    bases = _largest(rates) if base_lrs is None else numbers("base_lrs", base_lrs, np.float64)
    if bases.shape != (len(rates),):
        raise InputError(f"base_lrs must have shape ({len(rates)},), got {bases.shape}")
    if not (np.isfinite(bases).all() and (bases > 0).all()):
        raise InputError(f"base_lrs must be finite and positive, got {bases.min()} to {bases.max()}")
    if isinstance(workload, CalledWorkload):
        return called_workload.train(workload, rates, indices, hyperparameters or {}, report)
    if not isinstance(workload, PopulationWorkload):
        raise TypeError(f"{type(workload).__name__} is neither a population workload nor one that is called")
    from lrshape.training import population  # JAX, which called workloads do without
    from lrshape.training.memory import halving

    traced, parts = divided(workload, hyperparameters or {}, len(rates))
    schedules = {"lr": rates, **traced}
    group_lrs = {name: _largest(values) for name, values in traced.items() if name.startswith(GROUP_LR)}
    all_base_lrs = {"lr": bases, **group_lrs}
    outcomes: list[Outcome] = []
    for part in parts:
        left, size = part.members, members or len(part.members)
        while len(left):

            def train(size: int, part: Part = part, left: NDArray[np.intp] = left) -> Outcome:
                rows = left[:size]
                return population.train(
                    part.workload,
                    {name: values[rows] for name, values in schedules.items()},
                    indices[rows],
                    {name: values[rows] for name, values in all_base_lrs.items()},
                    size,
                    report and _of_all(report, outcomes, len(rows), len(rates)),
                )

            outcomes.append(halving(train, size))
            trained = len(outcomes[-1].status)
            left, size = left[trained:], min(size, trained)
    return _joined(outcomes, np.concatenate([part.members for part in parts]))


def _largest(rates: NDArray[np.floating]) -> NDArray[np.floating]:
    """Each row's largest learning rate, 1 where all are 0; NaN if any is."""
    largest = rates.max(axis=1)
    return np.where(largest == 0, 1.0, largest)


def _of_all(
    report: Callable[[Progress], None], done: Sequence[Outcome], count: int, members: int
) -> Callable[[Progress], None]:
    """Turn the progress of ``count`` members into that of all, after those that are done."""
    status = np.concatenate([outcome.status for outcome in done]) if done else np.array([], str)
    bad = int((status != "ok").sum())

    def heard(progress: Progress) -> None:
        report(Progress((len(status) + progress.done * count) / members, bad + progress.diverged))

    return heard


def _joined(parts: list[Outcome], members: NDArray[np.intp]) -> Outcome:
    """All outcomes in the order of the members."""
    if len(parts) == 1:
        return parts[0]
    order = np.argsort(members)
    messages = [message for p in parts for message in p.message]
    curves = [curve for p in parts for curve in p.curves]
    return Outcome(
        {name: np.concatenate([p[name] for p in parts])[order] for name in parts[0]},
        np.concatenate([p.status for p in parts])[order],
        np.concatenate([p.first_bad_step for p in parts])[order],
        [messages[i] for i in order],
        [curves[i] for i in order],
    )
