"""Does weight decay still move the best shape when every shape has its own decay? Contests of common shapes.

python studies/decay_per_shape.py [--only TASK ...]

trains what is missing of the contests with fixed weight decays and with tuned ones, each shape at its own
best base LR, and stores them in ``studies/<workload>/``.
"""

import argparse
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from effects import Effect, effect_of_logs
from stored import STUDIES

import lrshape
from lrshape.analysis.intervals import sign_interval
from lrshape.analysis.result import Contender, Result
from lrshape.report.words import number

SHAPES = {
    "constant": {"family": "constant", "params": {"warmup": 0.05}},
    "wsd": {"family": "wsd", "params": {"warmup": 0.05, "decay": 0.2}},
    "root": {"family": "power", "params": {"warmup": 0.05, "exponent": 0.5}},
    "linear": {"family": "linear", "params": {"warmup": 0.05}},
    "cosine": {"family": "cosine", "params": {"warmup": 0.05}},
}
TUNED = "tuned"


class Task(NamedTuple):
    """A training, its fixed decays by name, the smallest first, and the confirming seeds.

    The tuned decay has their range at first.
    """

    label: str
    folder: str
    workload: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    metric: str
    decays: Mapping[str, float]
    seeds: int
    tuning: Mapping[str, Any] = {}

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the contests: one for each fixed decay, and ``tuned``."""
        return *self.decays, TUNED

    def path(self, arm: str) -> Path:
        """Where the contest of an arm is stored."""
        return STUDIES / self.folder / arm

    def train(self, arm: str) -> None:
        """Train the contest of an arm as far as it is not stored."""
        low, *_, high = self.decays.values()
        spec = {
            "name": f"{self.label}, {arm} decay",
            "workload": {
                **self.workload,
                "optimizer": {**self.optimizer, "weight_decay": self.decays.get(arm, low)},
            },
            "metric": self.metric,
            "confirm": {"seeds": self.seeds},
            "tuning": dict(self.tuning),
        }
        tune = {"weight_decay": (low, high, "log")} if arm == TUNED else None
        lrshape.compare(spec, schedules=SHAPES, tune=tune, out=self.path(arm))


DIGITS = {"name": "digits-mlp", "steps": 200}
CONSTANT = {"name": "adam", "coupling": "constant"}
CHARS = {
    "name": "chars-transformer",
    "steps": 200,
    "layers": 1,
    "embed": 32,
    "mlp": 128,
    "heads": 2,
    "length": 32,
    "max_len": 32,
    "train_sequences": 64,
    "valid_sequences": 256,
}

DECAYS = {"small": 5e-4, "moderate": 5e-3, "strong": 5e-2}

TASKS = {
    "digits_train": Task(
        "digits-mlp, training loss",
        "digits-mlp/decay-by-train-loss",
        DIGITS,
        CONSTANT,
        "final/train_loss",
        DECAYS,
        40,
    ),
    "digits_test": Task(
        "digits-mlp, test loss",
        "digits-mlp/decay-by-test-loss",
        DIGITS,
        CONSTANT,
        "final/test_loss",
        DECAYS,
        40,
    ),
    "chars": Task(
        "chars-transformer, validation loss",
        "chars-transformer/decay-by-valid-loss",
        CHARS,
        {"name": "adamw"},
        "final/valid_loss",
        {"small": 0.01, "strong": 1.0},
        20,
        {"rounds": 2},
    ),
}


class Cell(NamedTuple):
    """A shape in a contest.

    Attributes:
        loss: median; None if it diverged.
        effect: how far the loss is above that of the best shape; None for the best.
        verdict: of the best shape beside it.
    """

    loss: float | None
    effect: Effect | None
    verdict: str

    @property
    def text(self) -> str:
        """E.g. ``0.135; +73% (46 to 116)``, with a star if not significant."""
        loss = "diverged" if self.loss is None else number(self.loss)
        if self.effect is None:
            return f"**{loss}; best**"
        note = {"better": "", "worse": "", "untuned": ", not judged"}.get(self.verdict, "\\*")
        return f"{loss}; {self.effect.text}{note}"


class TunedDecay(NamedTuple):
    """The best weight decay of a shape, and the range of those that lose less than the seeds can resolve."""

    best: float
    low: float
    high: float


class Contests:
    """What the contests of a task say.

    Attributes:
        task: the task.
        cells: by arm, then by shape.
        best: name of the best shape, by arm.
        above_tuned: how far the best shape's loss with each fixed decay is above that of tuned decay.
        tuned: the best weight decay by shape.
    """

    def __init__(self, task: Task):
        self.task = task
        studies = {arm: lrshape.Study(task.path(arm)) for arm in task.arms}
        results = {arm: study.best() for arm, study in studies.items()}
        self.best = {arm: result.name for arm, result in results.items()}
        self.cells = {arm: _cells(result) for arm, result in results.items()}
        logs = {arm: _log_losses(studies[arm], result) for arm, result in results.items()}
        self.above_tuned = {arm: _ratio(logs[arm], logs[TUNED]) for arm in task.decays}
        tuned = results[TUNED]
        by_name = {one.name: one for one in (tuned, *tuned.baselines)}
        self.tuned = {name: _tuned_decay(by_name[name]) for name in SHAPES}

    @property
    def largest(self) -> float:
        """The largest of the best weight decays."""
        return max(one.best for one in self.tuned.values())

    @property
    def widths(self) -> list[float]:
        """Orders of magnitude that the best decays may lie in, ascending."""
        return sorted(math.log10(one.high / one.low) for one in self.tuned.values())


def _cells(result: Result) -> dict[str, Cell]:
    others = {one.name: Cell(one.score_median, _effect(one), one.verdict) for one in result.baselines}
    return {result.name: Cell(result.score_median, None, ""), **others}


def _effect(one: Contender) -> Effect:
    low, middle, high = (
        math.nan if end is None else end for end in (one.effect_low, one.effect, one.effect_high)
    )
    return effect_of_logs(middle, low, high)


def _tuned_decay(one: Result | Contender) -> TunedDecay:
    flat = (math.nan, math.nan) if one.sensitivity is None else one.sensitivity.flat["weight_decay"]
    return TunedDecay(one.hyperparameters["weight_decay"], *flat)


def _log_losses(study: lrshape.Study, result: Result) -> dict[int, float]:
    """Of the confirm phase, by seed."""
    trials = study.trials()
    rows = trials[(trials["phase"] == "confirm") & (trials["shape"] == result.shape)]
    return dict(zip(rows["seed"], np.log(rows[result.metric]), strict=True))


def _ratio(own: Mapping[int, float], other: Mapping[int, float]) -> Effect:
    """By how much the losses are above the other ones on the same seeds."""
    found = sign_interval([own[seed] - other[seed] for seed in sorted(own.keys() & other.keys())])
    return effect_of_logs(found.estimate, found.low, found.high)


def findings() -> Mapping[str, Contests]:
    """What the section shows, by task."""
    return {name: Contests(task) for name, task in TASKS.items()}


def main() -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS), metavar="TASK")
    for name in parser.parse_args().only:
        for arm in TASKS[name].arms:
            TASKS[name].train(arm)


if __name__ == "__main__":
    main()
