"""Optuna tuning a shape and its base LR, each trial a PyTorch training: a contender of time_to_quality.py.

Two processes with one thread each share a study, as on a machine with two cores. All trials have the same
seed, so that what a seed does to every schedule alike is no noise. Of a budget of trials a quarter is kept
to confirm the best: successive halving on fresh seeds.
"""
# pyright: reportMissingImports=false
# Optuna and PyTorch are no dependencies of lrshape.

import math
import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _efficiency_contenders import FAMILY, Document
from _peer_race import SEARCHING, TOP, race
from _quality import Found

from lrshape.procedure.trial import ShapeRecord, multipliers
from lrshape.workers.places import core_count

PROCESSES = core_count()

Point = Mapping[str, float]
"""The parameters of a shape of `FAMILY`, and ``base_lr``."""


class Problem(NamedTuple):
    """What is searched: a workload as in a spec, its steps, and the bounds of each dimension."""

    workload: Mapping[str, Any]
    steps: int
    step_rule: Any
    bounds: Mapping[str, tuple[float, float]]

    @classmethod
    def of(cls, document: Document) -> "Problem":
        """The problem of a spec that has the workload and the metric."""
        from lrshape.study.spec import StudySpec

        spec = StudySpec.parse({**document, "families": [FAMILY]})
        bounds = {one.name: (one.low, one.high) for one in spec.families[0].space().dimensions}
        bounds["base_lr"] = (spec.base_lr.low, spec.base_lr.high)
        return cls(document["workload"], spec.workload.steps, spec.step_rule, bounds)

    def schedule(self, point: Point) -> tuple[ShapeRecord, float]:
        """The shape and the base LR of a point."""
        params = {name: value for name, value in point.items() if name != "base_lr"}
        return ShapeRecord.of("point", FAMILY, params), point["base_lr"]

    def loss(self, point: Point, seed: int) -> float:
        """Train once."""
        from _torch_trainings import train

        shape, base_lr = self.schedule(point)
        lrs = base_lr * multipliers([shape.family], self.steps, self.step_rule)[0]
        return train(self.workload, lrs, seed)


def trajectory(
    sampler: str, limit: float, document: Document, budgets: Sequence[int], k: int
) -> Iterator[Found]:
    """One search, and what it has found at each budget; it gives up after ``limit`` seconds.

    The clock stands still while the caller has a result, and confirming at one budget does not count at the
    next.
    """
    problem = Problem.of(document)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        journal = str(Path(folder) / "journal")
        began, spent = time.perf_counter(), 0.0
        with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=_one_thread) as pool:
            for budget in budgets:
                job = partial(_search, problem, journal, sampler, round(SEARCHING * budget), limit - spent, k)
                trials, ranked = list(pool.map(job, range(PROCESSES)))[-1]
                spent += time.perf_counter() - began
                if trials < round(SEARCHING * budget):
                    return
                began = time.perf_counter()
                best = ranked[:TOP]
                raced = budget - round(SEARCHING * budget)
                winner = race(len(best), raced, partial(_losses, pool, problem, best))
                seconds = spent + time.perf_counter() - began
                yield Found(*problem.schedule(best[winner]), trials + raced, seconds)
                began = time.perf_counter()


def _one_thread() -> None:
    from _torch_trainings import one_thread

    one_thread()


def _losses(
    pool: ProcessPoolExecutor, problem: Problem, points: Sequence[Point], chosen: Any, seed: int
) -> Any:
    return np.log(list(pool.map(partial(problem.loss, seed=seed), [points[i] for i in chosen])))


def _search(
    problem: Problem, journal: str, sampler: str, trials: int, seconds: float, k: int, process: int
) -> tuple[int, list[Point]]:
    """Take part in the study until it has so many trials; their number, and their points, best first."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    seed = 1000 * k + PROCESSES * trials + process
    make = {
        "tpe": lambda: optuna.samplers.TPESampler(multivariate=True, seed=seed),
        "gp": lambda: optuna.samplers.GPSampler(seed=seed),
    }
    study = optuna.create_study(
        study_name="shape",
        storage=JournalStorage(JournalFileBackend(journal)),
        sampler=make[sampler](),
        load_if_exists=True,
    )

    def objective(trial: Any) -> float:
        point = {
            name: trial.suggest_float(name, low, high, log=name == "base_lr")
            for name, (low, high) in problem.bounds.items()
        }
        return math.log(min(problem.loss(point, seed=k), 1e30))

    enough = optuna.study.MaxTrialsCallback(trials)
    study.optimize(objective, timeout=max(0.0, seconds), callbacks=[enough])
    done = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
    return len(done), [trial.params for trial in sorted(done, key=lambda trial: trial.values)]
