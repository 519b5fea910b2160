"""What a decay of the LR buys where weights are averaged, and the order of decays under AdamW and Muon.

LRSHAPE_DATA=FOLDER python studies/decay_and_averages.py [--only NAME ...]

trains what is missing. Every schedule is tuned twice by one rule, once for its last weights and once for its
best average (see `decay_trials.tune`), and then trained on fresh seeds. The trials are stored after each
chunk as ``studies/<workload>/decays-<optimizer>.parquet``. FOLDER has the binary version of CIFAR-10.
"""

import argparse
import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from decay_trials import OCTAVE, Arm, Setting, Trial, Trials, half_octave_cost, mean_log_score, tune
from effects import Effect, effect_of_logs
from numpy.typing import NDArray

from lrshape.analysis.intervals import Difference, holm, sign_interval, subtract
from lrshape.averages import STANDARD
from lrshape.shapes import FAMILIES, Family

WARMUP = 0.05
FIRST_SEED, FIRST_FINAL_SEED = 1_000_000, 2_000_000


def fast_slow(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Warm up, fall to a fifth as 1 - v^0.6 until 56% of training, then on a line to 0.

    The form of https://github.com/KellerJordan/modded-nanogpt/pull/351, less its short plateau.
    """
    middle, floor = 0.56, 0.2
    fast = 1 - (1 - floor) * np.clip((t - WARMUP) / (middle - WARMUP), 0, 1) ** 0.6
    slow = floor * (1 - t) / (1 - middle)
    return np.where(t < WARMUP, t / WARMUP, np.where(t < middle, fast, slow))


def wsd(decay: float, exponent: float = 1.0) -> Family:
    """A decay over the last share of training: 1 - v^exponent of its progress v."""
    return FAMILIES["wsd"].from_params({"warmup": WARMUP, "decay": decay, "exponent": exponent})


SHAPES = {
    **{name: FAMILIES[name].from_params({"warmup": WARMUP}) for name in ("constant", "linear", "cosine")},
    "1 - sqrt": wsd(1.0, 0.5),
    "1 - v^0.4": wsd(1.0, 0.4),
    "fast, then slow": fast_slow,
    "1 - sqrt, last 40%": wsd(0.4, 0.5),
    "1 - sqrt, last 20%": wsd(0.2, 0.5),
    "1 - sqrt, last 10%": wsd(0.1, 0.5),
    "linear, last 20%": wsd(0.2),
}
"""The constant first. The decays of the whole training begin after the warmup."""
FIRST_DECAY = 1

OVER_ALL = ("linear", "1 - sqrt", "1 - v^0.4", "fast, then slow")
"""Those whose order is asked for, the first as reference."""

DIGITS = {
    "name": "digits-cnn",
    "steps": 300,
    "batch_size": 32,
    "filters": (4, 8),
    "optimizer": {"name": "adam"},
    "averages": STANDARD,
}
CHARS = {
    "name": "chars-transformer",
    "steps": 1000,
    "batch_size": 4,
    "length": 32,
    "max_len": 32,
    "embed": 32,
    "mlp": 128,
    "train_sequences": 16,
    "valid_sequences": 256,
}
ADAMW = {**CHARS, "optimizer": {"name": "adamw"}, "averages": ("ema-0.03", "ema-0.1")}
MUON = {**CHARS, "optimizer": {"name": "muon"}}
CIFAR = {
    "name": "cifar10-cnn",
    "steps": 150,
    "batch_size": 16,
    "train_images": 400,
    "test_images": 800,
    "optimizer": {"name": "adam"},
    "averages": ("ema-0.03", "ema-0.1"),
}
LATE = "1 - sqrt, last 40%"
SOME = {name: SHAPES[name] for name in ("constant", *OVER_ALL, LATE)}
FEW = {name: SHAPES[name] for name in ("constant", "linear", LATE)}

SETTINGS = {
    "digits-cnn": Setting(DIGITS, "test_loss", SHAPES, -5 * OCTAVE, 16, 100, 600, 128),
    "chars-transformer": Setting(ADAMW, "valid_loss", SOME, -9 * OCTAVE, 2, 20, 20, 20),
    "chars-transformer-muon": Setting(MUON, "valid_loss", SOME, -9 * OCTAVE, 2, 20, 20, 20),
    "cifar10-cnn": Setting(CIFAR, "test_loss", FEW, -9 * OCTAVE, 2, 12, 12, 8),
}


class Score(NamedTuple):
    """A schedule with an average of the weights, ``""`` for the last ones, tuned for it.

    Attributes:
        average: of the weights.
        base_lr: the best one.
        loss: median over the fresh seeds.
        effect: how far it is above that of a constant LR with its best average; None for that one itself.
    """

    average: str
    base_lr: float
    loss: float
    effect: Effect | None


class Row(NamedTuple):
    """A schedule by its last weights and by its best average."""

    schedule: str
    last: Score
    averaged: Score | None


class Decay(NamedTuple):
    """The best decay of the LR by its last weights or by its best average, on seeds that did not choose it.

    Attributes:
        schedule: its name.
        effect: how far its loss is above that of a constant LR with its best average.
    """

    schedule: str
    effect: Effect


class Decays:
    """The tuned schedules of a setting, and what their trials say.

    Args:
        setting: what was trained.
        can_train: whether to train what is missing.
    """

    def __init__(self, setting: Setting, can_train: bool = False):
        self.setting, self._trials = setting, Trials(setting, can_train)
        self._seeds = range(FIRST_SEED, FIRST_SEED + setting.seeds)
        self._final_seeds = range(FIRST_FINAL_SEED, FIRST_FINAL_SEED + setting.final)
        arms = tune(self._trials, setting)
        self._last = {arm.schedule: arm for arm in arms if not arm.average}
        self._averaged = {arm.schedule: arm for arm in arms if arm.average}
        self._reference = (self._averaged or self._last)["constant"]
        self._train(arms, self._seeds)
        best = self._best(self._last)
        self.best = best.schedule
        """Name of the best schedule by its last weights."""
        self._decay = self._best(self._last, FIRST_DECAY)
        self._train([best], self._final_seeds)
        if self._averaged:
            self._averaged_decay = self._best(self._averaged, FIRST_DECAY)
            self._train([self._reference, self._decay, self._averaged_decay], self._final_seeds)

    @property
    def decay(self) -> Decay:
        """The best one by its last weights."""
        return self._beside_reference(self._decay)

    @property
    def averaged_decay(self) -> Decay:
        """The best one by its best average."""
        return self._beside_reference(self._averaged_decay)

    @property
    def over_all(self) -> list[str]:
        """The decays over all of training."""
        return [name for name in OVER_ALL if name in self._last]

    @property
    def rows(self) -> list[Row]:
        """All schedules, the constant one first."""
        averaged = {name: self._score(arm) for name, arm in self._averaged.items()}
        return [Row(name, self._score(arm), averaged.get(name)) for name, arm in self._last.items()]

    def beside(self, schedule: str, other: str) -> Effect:
        """How far the loss of a schedule is above that of another one, by their last weights."""
        return effect_of_logs(*self._difference(self._last[schedule], self._last[other], self._seeds)[:3])

    @property
    def over_constant(self) -> list[float]:
        """How far each decay over all of training is above a constant LR, as a share."""
        return [self.beside(name, "constant").value for name in self.over_all]

    @functools.cached_property
    def half_octave_costs(self) -> dict[str, float]:
        """How far each schedule's tuning score is higher half an octave off its best base LR, by name."""
        return {name: half_octave_cost(self._trials, arm, self.setting) for name, arm in self._last.items()}

    def order(self) -> dict[str, tuple[Effect, float]]:
        """How far each decay over all of training is above the first of them, and the p-value (Holm)."""
        first, *others = self.over_all
        found = {name: self._difference(self._last[name], self._last[first], self._seeds) for name in others}
        p_values = holm([difference.p_value for difference in found.values()])
        return {
            name: (effect_of_logs(*one[:3]), float(p))
            for (name, one), p in zip(found.items(), p_values, strict=True)
        }

    def best_beside(self, other: "Decays") -> Effect:
        """How far the best schedule is above that of a setting with the same batches, by the last weights."""
        logs = [one._log_losses(one._last[one.best], one._final_seeds) for one in (self, other)]
        return effect_of_logs(*sign_interval(subtract(*logs))[:3])

    def _best(self, arms: Mapping[str, Arm], first: int = 0) -> Arm:
        """The best of the arms from the first one, by other seeds than the final ones."""
        return min(
            list(arms.values())[first:], key=lambda arm: mean_log_score(self._trials, arm, self._seeds)
        )

    def _beside_reference(self, arm: Arm) -> Decay:
        return Decay(
            arm.schedule, effect_of_logs(*self._difference(arm, self._reference, self._final_seeds)[:3])
        )

    def _score(self, arm: Arm) -> Score:
        loss = float(np.median(self._trials.scores(arm, self._seeds)))
        difference = self._difference(arm, self._reference, self._seeds)
        effect = None if arm == self._reference else effect_of_logs(*difference[:3])
        return Score(arm.average, 2 ** (arm.k / OCTAVE), loss, effect)

    def _train(self, arms: Sequence[Arm], seeds: range) -> None:
        self._trials.train([Trial(arm.schedule, arm.k, seed) for arm in arms for seed in seeds])

    def _log_losses(self, arm: Arm, seeds: range) -> NDArray[np.float64]:
        return np.log(self._trials.scores(arm, seeds))

    def _difference(self, own: Arm, other: Arm, seeds: range) -> Difference:
        """By how much the own log loss is higher."""
        return sign_interval(subtract(self._log_losses(own, seeds), self._log_losses(other, seeds)))


def findings() -> Mapping[str, Mapping[str, Decays]]:
    """What the sections show: the settings with averages by workload, and one workload by optimizer."""
    stored = {name: Decays(one) for name, one in SETTINGS.items() if one.file.exists()}
    averaged = {name: one for name, one in stored.items() if one.setting.averages}
    adamw, muon = stored["chars-transformer"], stored["chars-transformer-muon"]
    return {"averaged": averaged, "optimizers": {"adamw": adamw, "muon": muon}}


def main() -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=SETTINGS, default=list(SETTINGS), metavar="NAME")
    for name in parser.parse_args().only:
        Decays(SETTINGS[name], can_train=True)


if __name__ == "__main__":
    main()
