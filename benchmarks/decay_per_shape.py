"""Does weight decay still move the best shape when every shape has its own decay?

    python benchmarks/decay_per_shape.py --out DIR [--only TASK ...]

Contests of common shapes with a small, a strong, and a tuned weight decay, each shape at its own best base
LR. A study that DIR already holds is resumed. Printed are the losses of the shapes in each, how far each is
above the best, and what tuned decay gains over each fixed one, on the same seeds. "worse" is significant,
"open" is not, after correction for all pairs.
"""

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _measure import machine, table

import lrshape
from lrshape.analysis.intervals import sign_interval
from lrshape.analysis.result import Contender, Result

SHAPES = {
    "constant": {"family": "constant", "params": {"warmup": 0.05}},
    "wsd": {"family": "wsd", "params": {"warmup": 0.05, "decay": 0.2}},
    "root": {"family": "power", "params": {"warmup": 0.05, "exponent": 0.5}},
    "linear": {"family": "linear", "params": {"warmup": 0.05}},
    "cosine": {"family": "cosine", "params": {"warmup": 0.05}},
}


class Task(NamedTuple):
    """A training, its fixed decays by name, the smallest first, and the confirming seeds.

    The tuned decay has their range at first.
    """

    label: str
    workload: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    metric: str
    decays: Mapping[str, float]
    seeds: int
    tuning: Mapping[str, Any] = {}

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the contests: one for each fixed decay, and ``tuned``."""
        return *self.decays, "tuned"

    def study(self, arm: str, out: Path) -> lrshape.Study:
        """The contest of an arm, trained as far as it is not stored."""
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
        tune = {"weight_decay": (low, high, "log")} if arm == "tuned" else None
        return lrshape.compare(spec, schedules=SHAPES, tune=tune, out=out)


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
    "digits-train": Task("digits-mlp, training loss", DIGITS, CONSTANT, "final/train_loss", DECAYS, 40),
    "digits-test": Task("digits-mlp, test loss", DIGITS, CONSTANT, "final/test_loss", DECAYS, 40),
    "chars": Task(
        "chars-transformer, validation loss",
        CHARS,
        {"name": "adamw"},
        "final/valid_loss",
        {"small": 0.01, "strong": 1.0},
        20,
        {"rounds": 2},
    ),
}


def main() -> None:
    """Train what is missing, and print the section."""
    parser = argparse.ArgumentParser(description="Fixed against tuned weight decay.")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS), metavar="TASK")
    given = parser.parse_args()
    parts = ["## Weight decay, tuned for each shape", f"{machine()}."]
    for name in given.only:
        task = TASKS[name]
        studies = {arm: task.study(arm, given.out / name / arm) for arm in task.arms}
        parts += [f"### {task.label}", *_section(task, studies)]
    print("\n\n".join(parts))


def _section(task: Task, studies: Mapping[str, lrshape.Study]) -> list[str]:
    results = {arm: study.best() for arm, study in studies.items()}
    rows = []
    for name in SHAPES:
        row = [name]
        for result in results.values():
            one = _entry(result, name)
            row += [f"{_loss(one)} at {one.base_lr:.2g}", _regret(one)]
        rows.append([*row, _decay(_entry(results["tuned"], name))])
    headings = ["shape"]
    for arm in task.arms:
        headings += [f"{arm}: median loss, base LR", "above the best"]
    edges = [
        f"{arm}: {one.name} {one.base_lr_edge} {one.edges or ''}"
        for arm, result in results.items()
        for one in (result, *result.baselines)
        if one.base_lr_edge or one.edges
    ]
    fixed = ", ".join(f"{arm} {decay:g}" for arm, decay in task.decays.items())
    trials = sum(result.trials for result in results.values())
    tuned = studies["tuned"], results["tuned"]
    gains = [f"{arm}: {_interval(_against(studies[arm], results[arm], *tuned))}" for arm in task.decays]
    return [
        f"Weight decay: {fixed}. {task.seeds} seeds; {trials:,} trials.",
        table([*headings, "tuned decay (as good)"], rows),
        f"The best shape of a fixed decay above the best of the tuned one: {'; '.join(gains)}.",
        f"At an edge: {'; '.join(edges) or 'none'}.",
    ]


def _entry(result: Result, name: str) -> Result | Contender:
    return next(one for one in (result, *result.baselines) if one.name == name)


def _loss(one: Result | Contender) -> str:
    return "diverged" if one.score_median is None else f"{one.score_median:.4g}"


def _regret(one: Result | Contender) -> str:
    if isinstance(one, Result):
        return "best"
    low, middle, high = (math.nan if x is None else x for x in (one.effect_low, one.effect, one.effect_high))
    verdict = "worse" if one.verdict == "better" else one.verdict  # verdicts are those of the best one
    return f"{_interval((middle, low, high))}, {verdict}"


def _decay(one: Result | Contender) -> str:
    """The best decay, and those that lose less than the seeds can resolve."""
    best = f"{one.hyperparameters['weight_decay']:.2g}"
    if one.sensitivity is None:
        return best
    low, high = one.sensitivity.flat["weight_decay"]
    return f"{best} ({low:.2g} to {high:.2g})"


def _against(
    study: lrshape.Study, result: Result, other: lrshape.Study, best: Result
) -> tuple[float, float, float]:
    """Log ratio of the loss of one study's best shape to that of another's: median and interval."""
    own, theirs = (_by_seed(*pair) for pair in ((study, result), (other, best)))
    seeds = sorted(own.keys() & theirs.keys())
    found = sign_interval(np.log([own[s] / theirs[s] for s in seeds]))
    return found.estimate, found.low, found.high


def _by_seed(study: lrshape.Study, result: Result) -> dict[int, float]:
    trials = study.trials()
    rows = trials[(trials["phase"] == "confirm") & (trials["shape"] == result.shape)]
    return dict(zip(rows["seed"], rows[result.metric], strict=True))


def _interval(logs: Sequence[float]) -> str:
    """A median log ratio and its interval as percent."""
    middle, low, high = (f"{100 * math.expm1(x):.3g}%" for x in logs)
    return f"{middle} ({low} to {high})"


if __name__ == "__main__":
    main()
