"""One search of search_efficiency.py, driven in memory through the study's own phases, and what it reached.

Baselines and the confirm phase are left out: they cost the same whatever the search.
"""

import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import _repetitions
import numpy as np
import pandas as pd
from _efficiency_contenders import CONTENDERS, FAMILY, Contender
from _efficiency_workloads import TASKS, Task

from lrshape.procedure.phases import PHASES
from lrshape.procedure.trial import FIRST_SEED, Candidate, ShapeRecord, Trial
from lrshape.study.chunk import Chunk, TrainChunk
from lrshape.study.drive import Source, drive_phase
from lrshape.study.spec import StudySpec

TRUTH = 10**6  # the study seed of the trials that tell how good a recommendation is; no search has it
ROUND = 10**6  # trials that are asked for at once are trained at once
Result = dict[str, Any]


def specified(task: Task, contender: Contender, budget: int, seed: int) -> StudySpec:
    """The spec of a search."""
    assert contender.spec is not None
    document = contender.spec(dict(task.document), budget)
    document |= {"seed": seed, "baselines": {}}
    if task.is_exact:
        document["screen"]["stop_gain"] = 0.0  # search on: 0.5% is more than what is to be told apart
    return StudySpec.parse(document)


def searched(name: str, by: str, budget: int, k: int) -> Result:
    """The ``k``-th search of a task by a contender: what was recommended, what it cost and how good it is."""
    task, contender, seed = TASKS[name], CONTENDERS[by], 1 + k
    began = time.perf_counter()
    if contender.spec is None:
        shape, base_lr, spent = alone(task, budget, seed)
    else:
        spec = specified(task, contender, budget, seed)
        (shape, base_lr, _), spent = found(
            spec, lambda chunks: [trained(spec, [run for one in chunks for run in one.trials], task.members)]
        )
    seconds = time.perf_counter() - began
    return {
        "k": k,
        "trials": spent,
        "family": shape.family.name,
        "params": shape.family.params,
        "base_lr": base_lr,
        "scores": truth(task, shape, base_lr),
        "seconds": seconds,
    }


def truth(task: Task, shape: ShapeRecord, base_lr: float) -> list[float]:
    """The recommended schedule's scores on fresh seeds, the same for all recommendations."""
    spec = StudySpec.parse({**task.document, "seed": TRUTH, "families": [FAMILY]})
    first = FIRST_SEED["confirm"]
    runs = [
        Trial("confirm", Candidate(shape, base_lr), seed) for seed in range(first, first + task.truth_seeds)
    ]
    return trained(spec, runs, task.members)[spec.metric].tolist()


def alone(task: Task, budget: int, seed: int) -> tuple[ShapeRecord, float, int]:
    """Optuna as it is mostly used: a seed a trial, the loss as told, the best trial taken."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    spec = StudySpec.parse({**task.document, "seed": seed, "families": [FAMILY]})
    space = spec.families[0].space()
    low, high = spec.base_lr.low, spec.base_lr.high
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    for number in range(budget):
        trial = study.ask()
        params = {d.name: trial.suggest_float(d.name, d.low, d.high) for d in space.dimensions}
        base_lr = trial.suggest_float("base_lr", low, high, log=True)
        shape = ShapeRecord.of("trial", FAMILY, params)
        rows = trained(spec, [Trial("screen", Candidate(shape, base_lr), number)], 1)
        study.tell(trial, min(rows[spec.metric].to_numpy(np.float64)[0], 1e30))
    best = dict(study.best_params)
    base_lr = best.pop("base_lr")
    return ShapeRecord.of("best", FAMILY, best), base_lr, budget


def found(spec: StudySpec, source: Source) -> tuple[Candidate, int]:
    """Run all phases but confirm; the winner, and the number of trials."""
    chosen: Any = []
    tables: list[pd.DataFrame] = []
    for name in ("screen", "rescore", "tune"):
        history = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
        phase = PHASES[name](spec, chosen, history)
        driven = drive_phase(spec, name, phase, ROUND, source)
        chosen = driven.chosen
        tables.append(driven.table)
    return chosen.winner.candidate, sum(map(len, tables))


def trained(spec: StudySpec, runs: Sequence[Trial], members: int) -> pd.DataFrame:
    """Train; the rows as a study stores them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # overflow in trials that diverge
        return TrainChunk(spec, members)(Chunk("search", tuple(runs)), lambda news: None)


def read(work: Path) -> pd.DataFrame:
    """All results there are: task, contender, budget, trials, score."""
    rows = []
    for name in TASKS:
        for file in sorted((work / name).glob("*.jsonl")):
            contender, budget = file.stem.rsplit("-", 1)
            rows += [
                {
                    "task": name,
                    "contender": contender,
                    "budget": int(budget),
                    "trials": one["trials"],
                    "score": float(np.median(one["scores"])),
                }
                for one in _repetitions.read(file)
            ]
    return pd.DataFrame(rows)
