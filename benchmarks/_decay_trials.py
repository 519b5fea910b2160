"""Trials of given schedules in a file, and the base LR and the average of weights that suit each schedule."""

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    """All trials of a setting; those that the file has are not trained again.

    Args:
        file: of JSON lines, one a chunk; made if there is none. A last line that was cut short is dropped.
        setting: what to train.
    """

    def __init__(self, file: Path, setting: Setting):
        self._file, self._setting = file, setting
        self._workload = WORKLOADS.build(setting.workload)
        self._found: dict[Trial, dict[str, float]] = {}
        for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
            try:
                self._add(json.loads(line))
            except json.JSONDecodeError:
                continue

    def train(self, wanted: Sequence[Trial]) -> None:
        """Train what is missing, one seed after another."""
        missing = sorted(set(wanted) - self._found.keys(), key=lambda trial: trial.seed)
        t = progress(self._workload.steps)
        multipliers = {name: shape(t) for name, shape in self._setting.shapes.items()}
        for begin in range(0, len(missing), self._setting.members):
            chunk = missing[begin : begin + self._setting.members]
            lrs = np.array([multipliers[trial.schedule] * 2 ** (trial.k / OCTAVE) for trial in chunk])
            seeds = np.array([trial.seed for trial in chunk])
            outcome = evaluate(self._workload, lrs, seeds, members=self._setting.members)
            scores = {name: outcome[metric].tolist() for name, metric in self._setting.metrics.items()}
            document = {"trials": chunk, "scores": scores}
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(document)}\n")
            self._add(document)
            sys.stderr.write(f"{self._file.stem}: {begin + len(chunk)} of {len(missing)}\n")

    def scores(self, arm: Arm, seeds: Sequence[int]) -> NDArray[np.float64]:
        """Scores of trained trials, (seeds,); infinite where one diverged."""
        return np.array([self._found[Trial(arm.schedule, arm.k, seed)][arm.average] for seed in seeds])

    def tried(self, schedule: str) -> list[int]:
        """The base LRs of a schedule, as k in order."""
        return sorted({trial.k for trial in self._found if trial.schedule == schedule})

    def _add(self, document: Mapping[str, Any]) -> None:
        for i, trial in enumerate(document["trials"]):
            self._found[Trial(*trial)] = {name: values[i] for name, values in document["scores"].items()}


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
