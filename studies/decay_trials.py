"""Trials of given schedules in a file, and the base LR and the average of weights that suit each schedule."""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from stored import STUDIES

from lrshape.errors import InputError
from lrshape.files import write_file
from lrshape.shapes.steps import progress
from lrshape.training.evaluation import evaluate
from lrshape.training.workload import WORKLOADS

Shape = Callable[[NDArray[np.float64]], NDArray[np.float64]]

OCTAVE = 4
"""Base LRs are 2^(k / OCTAVE) for whole numbers k."""

AROUND = (-OCTAVE, -OCTAVE // 2, 0, OCTAVE // 2, OCTAVE)
"""What is tried around the best k of every schedule and metric."""


@dataclass(frozen=True)
class Setting:
    """One workload and what is trained on it.

    Attributes:
        workload: as a spec has it; without ``averages`` the last weights alone are tuned and scored.
        score: what schedules are judged by, e.g. ``test_loss``.
        shapes: by name.
        centre: the base LR, as k, around which tuning begins.
        tuning: seeds of each base LR while tuning.
        seeds: fresh seeds of every tuned schedule.
        final: more fresh seeds, for those that are best by the former.
        members: trained in one program.
    """

    workload: Mapping[str, Any]
    score: str
    shapes: Mapping[str, Shape]
    centre: int
    tuning: int
    seeds: int
    final: int
    members: int

    @property
    def file(self) -> Path:
        """Where its trials are stored."""
        return STUDIES / self.workload["name"] / f"decays-{self.optimizer}.parquet"

    @property
    def optimizer(self) -> str:
        """Its name."""
        return self.workload["optimizer"]["name"]

    @property
    def averages(self) -> Sequence[str]:
        """Of the weights, by name."""
        return self.workload.get("averages", ())

    @property
    def metrics(self) -> dict[str, str]:
        """Name of the metric of the last weights, ``""``, and of each average."""
        plain = f"final/{self.score}"
        return {"": plain} | {average: f"{plain}@{average}" for average in self.averages}


class Trial(NamedTuple):
    """A schedule by name, its base LR as k, and a seed."""

    schedule: str
    k: int
    seed: int


class Arm(NamedTuple):
    """A schedule at a base LR as k, with an average of the weights, or ``""`` for the last ones."""

    schedule: str
    average: str
    k: int


class Trials:
    """The trials of a setting.

    Args:
        setting: what to train; trials that its file has are not trained again.
        can_train: whether to train what is missing.
    """

    def __init__(self, setting: Setting, can_train: bool = False):
        self._setting, self._can_train = setting, can_train
        self._found: dict[Trial, dict[str, float]] = {}
        if setting.file.exists():
            self._add(pd.read_parquet(setting.file))

    def train(self, wanted: Sequence[Trial]) -> None:
        """Train what is missing, one seed after another.

        Raises:
            InputError: if it may not be trained.
        """
        missing = sorted(set(wanted) - self._found.keys(), key=lambda trial: trial.seed)
        if not missing:
            return
        if not self._can_train:
            lacks = f"{self._setting.file} lacks {len(missing):,} trials"
            raise InputError(f"{lacks}: run python studies/decay_and_averages.py to train them")
        workload = WORKLOADS.build(self._setting.workload)
        t = progress(workload.steps)
        multipliers = {name: shape(t) for name, shape in self._setting.shapes.items()}
        for begin in range(0, len(missing), self._setting.members):
            chunk = missing[begin : begin + self._setting.members]
            lrs = np.array([multipliers[trial.schedule] * 2 ** (trial.k / OCTAVE) for trial in chunk])
            seeds = np.array([trial.seed for trial in chunk])
            outcome = evaluate(workload, lrs, seeds, members=self._setting.members)
            scores = {metric: outcome[metric] for metric in self._setting.metrics.values()}
            self._add(pd.DataFrame(chunk).assign(**scores))
            self._write()
            sys.stderr.write(f"{self._setting.file}: {begin + len(chunk)} of {len(missing)}\n")

    def has(self, arm: Arm, seeds: Sequence[int]) -> bool:
        """Whether an arm was trained on these seeds."""
        return all(Trial(arm.schedule, arm.k, seed) in self._found for seed in seeds)

    def scores(self, arm: Arm, seeds: Sequence[int]) -> NDArray[np.float64]:
        """Scores of trained trials, (seeds,); infinite where one diverged."""
        return np.array([self._found[Trial(arm.schedule, arm.k, seed)][arm.average] for seed in seeds])

    def _add(self, table: pd.DataFrame) -> None:
        metrics = self._setting.metrics
        for row in table.to_dict("records"):
            scores = {average: row[metric] for average, metric in metrics.items()}
            self._found[Trial(*(row[name] for name in Trial._fields))] = scores

    def _write(self) -> None:
        metrics = self._setting.metrics
        rows = [
            {**trial._asdict(), **{metrics[average]: score for average, score in scores.items()}}
            for trial, scores in sorted(self._found.items())
        ]
        table = pd.DataFrame(rows).astype(dict.fromkeys(metrics.values(), np.float32))
        write_file(self._setting.file, table.to_parquet(compression="zstd", index=False))


def tune(trials: Trials, setting: Setting) -> list[Arm]:
    """The best base LR of each schedule by its last weights, and that by its best average.

    Base LRs are tried until both are among them with neighbours half an octave and an octave away. The best
    one is then the vertex of the parabola through these five mean log scores.
    """
    seeds = range(setting.tuning)
    wanted = {name: {setting.centre + octave * OCTAVE for octave in (-1, 0, 1)} for name in setting.shapes}
    while True:
        new = [Trial(name, k, seed) for name, ks in wanted.items() for k in ks for seed in seeds]
        trials.train(new)
        arms = [
            _best(trials, name, averages, wanted[name], seeds)
            for name in setting.shapes
            for averages in ([""], setting.averages)
            if averages
        ]
        before = {name: set(ks) for name, ks in wanted.items()}
        for arm in arms:
            wanted[arm.schedule] |= {arm.k + offset for offset in AROUND}
        if wanted == before:
            return [_refined(trials, arm, seeds) for arm in arms]


def mean_log_score(trials: Trials, arm: Arm, seeds: Sequence[int]) -> float:
    """Mean log score; infinite if a trial diverged."""
    return float(np.log(trials.scores(arm, seeds)).mean())


def half_octave_cost(trials: Trials, arm: Arm, setting: Setting) -> float:
    """How far the tuning score is higher half an octave off the best base LR tried, at most, as a share."""
    seeds = range(setting.tuning)
    near = [arm._replace(k=arm.k + offset) for offset in range(-OCTAVE, OCTAVE + 1)]
    scores = {one.k: mean_log_score(trials, one, seeds) for one in near if trials.has(one, seeds)}
    best = min(scores, key=lambda k: scores[k])
    beside = [scores[k] for k in (best - OCTAVE // 2, best + OCTAVE // 2) if k in scores]
    return math.expm1(max(beside) - scores[best])


def _best(trials: Trials, schedule: str, averages: Sequence[str], ks: set[int], seeds: Sequence[int]) -> Arm:
    arms = [Arm(schedule, average, k) for average in averages for k in sorted(ks)]
    return min(arms, key=lambda arm: mean_log_score(trials, arm, seeds))


def _refined(trials: Trials, arm: Arm, seeds: Sequence[int]) -> Arm:
    scores = [mean_log_score(trials, arm._replace(k=arm.k + offset), seeds) for offset in AROUND]
    if not all(map(math.isfinite, scores)):
        return arm
    curvature, slope, _ = np.polyfit(AROUND, scores, 2)
    if curvature <= 0:
        return arm
    reach = OCTAVE // 2
    return arm._replace(k=arm.k + round(float(np.clip(-slope / (2 * curvature), -reach, reach))))
