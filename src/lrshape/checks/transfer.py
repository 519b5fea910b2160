"""How good are other settings' best shapes in a setting: trials after its search."""

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import Field
from typing_extensions import override

from lrshape.analysis.design import Scale
from lrshape.analysis.scores import best_base_lrs, metric_values, scores
from lrshape.analysis.tables import records, where
from lrshape.checks.check import FollowUp, best_stored
from lrshape.checks.transfer_statistics import At, BestShape
from lrshape.errors import InputError
from lrshape.procedure.base_lr import EXTREME
from lrshape.procedure.curve_model import CurveModel
from lrshape.procedure.resolution import scale_of
from lrshape.procedure.rounds import Phase
from lrshape.procedure.trial import Candidate, ShapeRecord
from lrshape.procedure.tried_base_lrs import tried_base_lrs
from lrshape.settings import Settings
from lrshape.store import NOTHING_TUNED, text_of
from lrshape.study.spec import StudySpec
from lrshape.study.study import Study

SCORE_AFTER = 500_000
"""Seeds of the phase before those that score: however many tune, they are never the same."""

HALVINGS = 2
"""Rounds of two more base LRs, one on either side of the best, each half as far from it as the last."""


class TransferSpec(Settings):
    """How shapes are tuned and scored in a setting that they were not found in."""

    tuning_seeds: int = Field(default=10, ge=1, le=10_000, description="seeds that choose the base LR")
    base_lrs: int = Field(
        default=3,
        ge=1,
        le=99,
        description="base LRs tried at first, half a grid step apart, around the best known",
    )
    extend: int = Field(
        default=4, ge=0, le=99, description="more base LRs where the best lies on the edge of those tried"
    )
    seeds: int = Field(
        default=20, ge=1, le=10_000, description="seeds that score; at least 6 for an interval"
    )

    def most(self, shapes: int, kept: int) -> int:
        """How many trials a transfer into one setting takes at most.

        Args:
            shapes: how many are tuned, and scored as tuned.
            kept: how many are scored at base LRs of other settings.
        """
        base_lrs = self.base_lrs + self.extend + 2 * HALVINGS
        return shapes * base_lrs * self.tuning_seeds + (shapes + kept) * self.seeds


class TransferredShape(Settings):
    """A shape that is tried in a setting.

    Attributes:
        id: its name, which has that of the setting that it comes from.
        family: its family.
        params: its parameters as JSON.
        around: the best base LR that is known for it in the setting, or of the setting's own best shape.
        hyperparameters: those of the setting's own best shape, as the column of a row has them.
        kept: base LRs, with hyperparameters, of the settings that it is the best of.
    """

    id: str
    family: str
    params: str
    around: float
    hyperparameters: str = NOTHING_TUNED
    kept: tuple[tuple[float, str], ...]

    @property
    def record(self) -> ShapeRecord:
        """The shape."""
        return ShapeRecord.read(self.id, self.family, self.params)


class Transfer(FollowUp, TransferSpec):
    """Tune every shape's base LR on some seeds; score it, and the kept base LRs, on others."""

    name: ClassVar[str] = "transfer"
    FIRST_SEED: ClassVar[int | None] = 5_000_000

    shapes: tuple[TransferredShape, ...]

    @override
    def phase(self, study: Study) -> Phase:
        return self.rounds(study.spec)

    @override
    def most_trials(self, study: Study) -> int:
        return self.most(len(self.shapes), sum(len(tried.kept) for tried in self.shapes))

    def rounds(self, spec: StudySpec) -> Phase:
        """Rounds of trials; returns the shapes at their tuned base LR."""
        step = spec.base_lr.ratio**0.5
        count = self.base_lrs if step > 1 else 1
        around = {
            tried.record: Candidate(tried.record, tried.around, tried.hyperparameters)
            for tried in self.shapes
        }

        def at(shape: ShapeRecord, index: int) -> Candidate:
            return around[shape]._replace(base_lr=around[shape].base_lr * step**index)

        span = dict.fromkeys(around, (-(count // 2), count - 1 - count // 2))
        candidates = [at(s, i) for s, (low, high) in span.items() for i in range(low, high + 1)]
        by_id = {shape.id: shape for shape in around}
        best = pd.DataFrame()
        while candidates:
            table = yield self.trials(candidates, self.tuning_seeds)
            best = best_base_lrs(scores(table, spec.metric))
            candidates = []
            for identifier, edge, tries in zip(best["shape"], best["edge"], best["tried"], strict=True):
                if edge and tries < count + self.extend:
                    shape = by_id[identifier]
                    low, high = span[shape]
                    index = low - 1 if edge == "low" else high + 1
                    if 1 / EXTREME < at(shape, index).base_lr < EXTREME:
                        span[shape] = (min(low, index), max(high, index))
                        candidates.append(at(shape, index))
        tuned = [Candidate.read(row) for row in records(best)]
        # Else a shape whose first base LR is its best has an advantage over one that starts beside it.
        for n in range(1, HALVINGS + 1) if step > 1 else ():
            finer = step ** (0.5**n)
            sides = [
                one._replace(base_lr=one.base_lr * factor) for one in tuned for factor in (1 / finer, finer)
            ]
            table = yield self.trials(sides, self.tuning_seeds)
            tuned = [Candidate.read(row) for row in records(best_base_lrs(scores(table, spec.metric)))]
        kept = [Candidate(tried.record, *one) for tried in self.shapes for one in tried.kept]
        yield self.trials(list(dict.fromkeys(tuned + kept)), self.seeds, SCORE_AFTER)
        return tuned


class BaseLRGains:
    """What better base LRs are expected to gain in a setting, by a model of its trials.

    Args:
        spec: of the setting's study.
        trials: of the study and of the transfer into the setting, with losses.
    """

    def __init__(self, spec: StudySpec, trials: pd.DataFrame):
        # The study and the transfer have names of their own for a shape.
        self._trials = trials.assign(shape=trials["family"].astype(str) + trials["params"].astype(str))
        self._spec = spec
        losses = metric_values(trials, spec.metric)
        self._scale: Scale = scale_of(spec, losses)
        # Of shares: the loss of an accuracy is its negative.
        self._lowest = -1.0 if losses[np.isfinite(losses)].min(initial=0.0) < 0 else 0.0
        self._model = CurveModel.of(self._trials, spec.metric, self._scale, spec.hyperparameters)
        self._known: dict[At, float] = {}

    def improved(self, at: At, losses: pd.Series) -> pd.Series | None:
        """Losses of a shape at a base LR as they may be at a better one; None if that is open."""
        if self._spec.base_lr.ratio == 1:  # there is no other one
            return losses
        if at not in self._known:
            self._known[at] = self._gain(*at)
        gain = self._known[at]
        if gain == math.inf:
            return None
        if self._scale == "log":
            return losses * math.exp(-gain)
        if self._scale == "linear":
            return losses - gain
        shares, ratio = losses - self._lowest, math.exp(-gain)
        better = shares * ratio / (1 - shares + shares * ratio) + self._lowest
        return better.where(np.isfinite(losses), losses)

    def _gain(self, family: str, params: str, base_lr: float, hyperparameters: str) -> float:
        """On the metric's scale; infinity where training diverges at this base LR, or nothing is known."""
        name = family + params
        tried = tried_base_lrs(self._trials, self._spec.metric, [name])[name]
        here = (tried["base_lr"] == base_lr) & (tried["hyperparameters"] == hyperparameters)
        if self._model is None or where(tried, here)["diverged"].to_numpy(bool).any():
            return math.inf
        random = np.random.default_rng(self._spec.seed)
        shape = ShapeRecord.read(name, family, params)
        return self._model.gain(shape, base_lr, hyperparameters, tried, random)


FIRST_SCORING_SEED = Transfer.first_seed() + SCORE_AFTER


def best_shape(slug: str, study: Study) -> BestShape | None:
    """The best shape of a complete study at its best base LR; None if its median is not finite.

    Raises:
        InputError: if the study is not complete.
    """
    best = study.best()
    if best.score_median is None:
        return None
    shape = ShapeRecord.of(slug, best.family, best.params)
    return BestShape(slug, shape.family.name, shape.params, best.base_lr, text_of(best.hyperparameters))


def transfer_into(study: Study, slug: str, best: Sequence[BestShape], how: TransferSpec) -> Transfer:
    """The transfer of all settings' best shapes into one setting.

    Args:
        study: of the setting.
        slug: the setting's name.
        best: the best shape of every setting.
        how: seeds and base LRs.

    Raises:
        InputError: if the setting has no best shape.
    """
    own = next((shape for shape in best if shape.setting == slug), None)
    if own is None:
        raise InputError(f"{study.path}: no shape has a finite {study.metric}, so none can be compared")
    searched = best_stored(study, ["screen", "rescore"])
    return Transfer(shapes=transferred_shapes(best, own, searched), **how.model_dump())


def transferred_shapes(
    best: Sequence[BestShape], own: BestShape, searched: pd.DataFrame
) -> tuple[TransferredShape, ...]:
    """The distinct shapes among the best ones, each once however many settings it is the best of.

    Args:
        best: the best of every setting.
        own: the best of the setting in which they are tried.
        searched: the setting's shapes at their best base LRs, as `best_base_lrs` gives them.
    """
    keys = zip(searched["family"], searched["params"], strict=True)
    known = {key: float(lr) for key, lr in zip(keys, searched["base_lr"], strict=True)}  # the last phase's
    kept: dict[tuple[str, str], dict[tuple[float, str], None]] = {}
    names: dict[tuple[str, str], str] = {}
    for one in best:
        kept.setdefault(one.shape, {})[one.base_lr, one.hyperparameters] = None
        names.setdefault(one.shape, f"best-{one.setting}")
    return tuple(
        TransferredShape(
            id=names[key],
            family=key[0],
            params=key[1],
            around=own.base_lr if key == own.shape else known.get(key, own.base_lr),
            hyperparameters=own.hyperparameters,
            kept=tuple(found),
        )
        for key, found in kept.items()
    )
