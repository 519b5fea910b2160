"""What a decay of the LR buys where weights are averaged, and the order of decays under AdamW and Muon.

    LRSHAPE_DATA=FOLDER python benchmarks/decay_and_averages.py --out DIR [--only NAME ...]

Every schedule is tuned twice by one rule, once for its last weights and once for its best average (see
`_decay_trials.tune`), and then trained on fresh seeds. DIR keeps all trials: run it again to go on after an
interruption, or to print the tables only. FOLDER has the binary version of CIFAR-10.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from _decay_trials import OCTAVE, Arm, Setting, Trial, Trials, mean_log_score, tune
from _measure import machine, table
from numpy.typing import NDArray

from lrshape.analysis.intervals import Difference, holm, sign_interval, subtract
from lrshape.averages import STANDARD
from lrshape.shapes import FAMILIES

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


SHAPES = {
    "constant": FAMILIES["constant"](warmup=WARMUP),
    "linear": FAMILIES["linear"](warmup=WARMUP),
    "cosine": FAMILIES["cosine"](warmup=WARMUP),
    "1 - sqrt": FAMILIES["wsd"](warmup=WARMUP, decay=1.0, exponent=0.5),
    "1 - v^0.4": FAMILIES["wsd"](warmup=WARMUP, decay=1.0, exponent=0.4),
    "fast, then slow": fast_slow,
    "1 - sqrt, last 40%": FAMILIES["wsd"](warmup=WARMUP, decay=0.4, exponent=0.5),
    "1 - sqrt, last 20%": FAMILIES["wsd"](warmup=WARMUP, decay=0.2, exponent=0.5),
    "1 - sqrt, last 10%": FAMILIES["wsd"](warmup=WARMUP, decay=0.1, exponent=0.5),
    "linear, last 20%": FAMILIES["wsd"](warmup=WARMUP, decay=0.2),
}
"""The constant first. The decays of the whole training begin after the warmup."""
FIRST_DECAY = 1

OVER_ALL = ("linear", "1 - sqrt", "1 - v^0.4", "fast, then slow")
"""Those whose order is asked for, the first as reference."""

DIGITS = {"name": "digits-cnn", "filters": (4, 8), "averages": STANDARD}
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
ADAMW = {**CHARS, "averages": ("ema-0.03", "ema-0.1")}
MUON = {**CHARS, "optimizer": {"name": "muon"}}
CIFAR = {
    "name": "cifar10-cnn",
    "steps": 150,
    "batch_size": 16,
    "train_images": 400,
    "test_images": 800,
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


def main() -> None:
    """Train what is missing, and print."""
    parser = argparse.ArgumentParser(description="Compare decays and averages.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    trained = {name: Trained(given.out / f"{name}.jsonl", SETTINGS[name]) for name in given.only}
    parts = []
    for name, one in trained.items():
        parts += [f"### {name}", one.schedules()]
        parts += [one.decay()] if SETTINGS[name].averages else []
        parts += [one.order()] if name.startswith("chars") else []
    if trained.keys() >= {"chars-transformer", "chars-transformer-muon"}:
        muon, adamw = trained["chars-transformer-muon"], trained["chars-transformer"]
        parts.append(f"Best of Muon / best of AdamW: {muon.beside(adamw)}")
    print("\n\n".join([*parts, f"{machine()}."]))


class Trained:
    """The tuned schedules of a setting, and what their trials say. Effects are medians of paired log ratios.

    Args:
        file: of the trials; what is missing is trained.
        setting: what to train.
    """

    def __init__(self, file: Path, setting: Setting):
        self._setting, self._trials = setting, Trials(file, setting)
        self._seeds = range(FIRST_SEED, FIRST_SEED + setting.seeds)
        self._final_seeds = range(FIRST_FINAL_SEED, FIRST_FINAL_SEED + setting.final)
        arms = tune(self._trials, setting)
        self._last = {arm.schedule: arm for arm in arms if not arm.average}
        self._averaged = {arm.schedule: arm for arm in arms if arm.average}
        self._reference = (self._averaged or self._last)["constant"]
        self._train(arms, self._seeds)

    def schedules(self) -> str:
        """Every schedule by its last weights and by its best average, beside the constant LR."""
        headings = ["schedule", "base LR", "last weights", "beside constant"]
        if self._averaged:
            beside = "beside constant, averaged"
            headings = [*headings[:3], beside, "average", "base LR", "averaged", beside]
        rows = []
        for name, last in self._last.items():
            row = [name, *self._cells(last)]
            if self._averaged:
                row += [self._averaged[name].average, *self._cells(self._averaged[name])]
            rows.append(row)
        return f"Medians over {len(self._seeds)} seeds:\n\n{table(headings, rows)}"

    def decay(self) -> str:
        """The best decays with and without average beside the averaged constant LR."""
        last, averaged = (self._best(arms, FIRST_DECAY) for arms in (self._last, self._averaged))
        seeds = self._final_seeds
        self._train([self._reference, last, averaged], seeds)
        pairs = [(last, self._reference), (averaged, self._reference), (averaged, last)]
        rows = [
            [_words(own), _words(other), _percent(self._difference(own, other, seeds))]
            for own, other in pairs
        ]
        rows = [[*row, str(len(seeds))] for row in rows]
        plain = self._last["constant"]
        effect = _percent(self._difference(last, plain, self._seeds))
        rows.append([_words(last), _words(plain), effect, str(len(self._seeds))])
        return table(["loss of", "beside that of", "effect (95%)", "seeds"], rows)

    def order(self) -> str:
        """The decays over all of training beside the first of them, by the last weights."""
        reference = self._last[OVER_ALL[0]]
        found = {name: self._difference(self._last[name], reference, self._seeds) for name in OVER_ALL[1:]}
        p_values = holm([difference.p_value for difference in found.values()])
        rows = [
            [name, _percent(difference), f"{p:.2g}"]
            for (name, difference), p in zip(found.items(), p_values, strict=True)
        ]
        return table(["decay", f"loss beside {OVER_ALL[0]} (95%)", "p (Holm)"], rows)

    def beside(self, other: "Trained") -> str:
        """The best schedules of two settings by their last weights; a seed has the same batches in both."""
        logs, seeds = [], self._final_seeds
        for one in (self, other):
            best = one._best(one._last)
            one._train([best], seeds)
            logs.append(np.log(one._trials.scores(best, seeds)))
        words = " / ".join(_words(one._best(one._last)) for one in (self, other))
        return f"{words}: {_percent(sign_interval(subtract(*logs)))} over {len(seeds)} seeds."

    def _best(self, arms: Mapping[str, Arm], first: int = 0) -> Arm:
        """The best of the arms from the first one, by other seeds than the final ones."""
        return min(
            list(arms.values())[first:], key=lambda arm: mean_log_score(self._trials, arm, self._seeds)
        )

    def _cells(self, arm: Arm) -> list[str]:
        """Its base LR, median loss, and the effect beside the constant LR."""
        median = np.median(self._trials.scores(arm, self._seeds))
        effect = _percent(self._difference(arm, self._reference, self._seeds))
        return [f"{_base_lr(arm):.2g}", f"{median:.4g}", "" if arm == self._reference else effect]

    def _train(self, arms: Sequence[Arm], seeds: range) -> None:
        self._trials.train([Trial(arm.schedule, arm.k, seed) for arm in arms for seed in seeds])

    def _difference(self, own: Arm, other: Arm, seeds: range) -> Difference:
        """By how much the own log loss is higher."""
        return sign_interval(subtract(*(np.log(self._trials.scores(arm, seeds)) for arm in (own, other))))


def _percent(difference: Difference) -> str:
    """How much higher the loss is, with its interval."""
    middle, low, high = (100 * np.expm1(x) for x in difference[:3])
    return f"{middle:+.2f}% ({low:+.2f} to {high:+.2f})"


def _base_lr(arm: Arm) -> float:
    return 2 ** (arm.k / OCTAVE)


def _words(arm: Arm) -> str:
    return f"{arm.schedule}, {arm.average or 'last weights'}"


if __name__ == "__main__":
    main()
