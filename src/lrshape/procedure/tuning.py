"""The tune phase: base LRs of all schedules that will be confirmed, baselines included, by one rule.

All get trials at base LRs around their best one, on the same fresh seeds, until a better base LR is expected
to gain little beside what the confirm phase can resolve. Only then is a comparison one of shapes.
Hyperparameters are tuned with them: as many trials more for each, where draws from the model have their best.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lrshape.analysis.design import Scale, Sensitivity, Tuning
from lrshape.analysis.scores import metric_values
from lrshape.procedure.choice import Choice, Tuned
from lrshape.procedure.curve_model import CurveModel, Profile
from lrshape.procedure.resolution import scale_of, standard_error, unit_on_scale
from lrshape.procedure.rounds import Rounds
from lrshape.procedure.screening import name_of
from lrshape.procedure.spec import SearchSpec
from lrshape.procedure.trial import Candidate, ShapeRecord, trials
from lrshape.procedure.tried_base_lrs import tried_base_lrs

NARROWEST, WIDEST = 0.25, 1.0
"""How far from the best the base LRs of a round reach, in octaves."""

UNTRIED = 0.5
"""Octaves below the base LRs of the screen that may be confirmed where no round tunes.

None above them: trials may diverge there.
"""


def tune(spec: SearchSpec, rescored: Sequence[Candidate], history: pd.DataFrame) -> Rounds[Choice]:
    """Tune the finalists and the baselines, and choose the winner by all that is known.

    Args:
        spec: of the search.
        rescored: what the rescore phase returns.
        history: the trials of the phases before.
    """
    tuner = _Tuner(spec, history)
    finalists = tuner.finalists(rescored)
    for number in range(spec.tuning.rounds):
        profiles = tuner.profiles(finalists)
        wanting = [s for s in finalists if number == 0 or not tuner.is_tuned(profiles[s])]
        cost = len(wanting) * spec.tuning_points * spec.tuning.seeds
        if not wanting or (number and not tuner.can_afford(cost)):
            break
        around = [candidate for s in wanting for candidate in tuner.around(profiles[s], s)]
        table = yield trials("tune", around, spec.tuning.seeds, skip=number * spec.tuning.seeds)
        tuner.learn(table)
    return tuner.choose(finalists)


class _Tuner:
    def __init__(self, spec: SearchSpec, history: pd.DataFrame):
        self._spec = spec
        self._history = history
        self._known = history
        self._learn()

    def learn(self, table: pd.DataFrame) -> None:
        """Take the phase's own trials in."""
        self._known = pd.concat([self._history, table], ignore_index=True)
        self._learn()

    def _learn(self) -> None:
        metric = self._spec.metric
        self._scale: Scale = scale_of(self._spec, metric_values(self._known, metric))
        self._model = CurveModel.of(self._known, metric, self._scale, self._spec.hyperparameters)

    def finalists(self, rescored: Sequence[Candidate]) -> list[ShapeRecord]:
        """The best shape of each family, or the best two of all, and the baselines."""
        shapes = list(dict.fromkeys(candidate.shape for candidate in rescored))
        own = [shape for shape in shapes if not shape.is_baseline]
        baselines = [shape for shape in shapes if shape.is_baseline]
        profiles = self.profiles(own)
        own.sort(key=lambda shape: profiles[shape].score)  # stable: of equals the better rescored one
        if not self._spec.confirm.families:
            return [*own[: self._spec.finalists], *baselines]
        firsts: dict[str, ShapeRecord] = {}
        for shape in own:
            firsts.setdefault(shape.family.name, shape)
        return [*firsts.values(), *baselines]

    def profiles(self, shapes: Sequence[ShapeRecord]) -> dict[ShapeRecord, Profile]:
        """What is known of each shape's base LRs."""
        tried = self._tried(shapes)
        random = np.random.default_rng(self._spec.seed)
        found = {shape: self._profile(shape, tried[shape.id], random) for shape in shapes}
        for shape, profile in found.items():
            if kept := self._kept(shape):
                exact = Tuning(octaves=math.nan, cost=0.0)
                found[shape] = dataclasses.replace(profile, base_lr=kept, tuning=exact)
        return found

    def _tried(self, shapes: Sequence[ShapeRecord]) -> dict[str, pd.DataFrame]:
        return tried_base_lrs(self._known, self._spec.metric, [shape.id for shape in shapes])

    def _profile(self, shape: ShapeRecord, tried: pd.DataFrame, random: np.random.Generator) -> Profile:
        if self._model is None:
            return Profile.of_diverged(tried)
        reach = 0.0 if self._spec.tuning.rounds else UNTRIED
        return self._model.profile(shape, tried, random, reach, self._tolerance(self._model))

    def around(self, profile: Profile, shape: ShapeRecord) -> list[Candidate]:
        """What a round trains: the base LR that is kept, or some around the best, and rivals."""
        if kept := self._kept(shape):
            return [Candidate(shape, kept)]
        rates = _around(profile, self._spec.tuning.base_lrs)
        own = [Candidate(shape, base_lr, profile.hyperparameters) for base_lr in rates]
        rivals = profile.rivals[: self._spec.tuning_points - len(own)]
        return list(dict.fromkeys(own + [Candidate(shape, *rival) for rival in rivals]))

    def _kept(self, shape: ShapeRecord) -> float | None:
        """The base LR that the spec gives a baseline, if it is not to be tuned."""
        return self._spec.kept_base_lrs.get(name_of(shape)) if shape.is_baseline else None

    def is_tuned(self, profile: Profile) -> bool:
        """Whether a better base LR would gain little beside what the confirm phase can resolve."""
        if self._model is None or profile.tuning.is_at_edge:
            return False
        return profile.tuning.cost < self._tolerance(self._model)

    def _tolerance(self, model: CurveModel) -> float:
        """What a better base LR may gain."""
        return self._spec.tuning.share * self._half_width(model)

    def _half_width(self, model: CurveModel) -> float:
        """Of an interval of the confirm phase, on the metric's scale."""
        return 1.96 * standard_error(model.noise, self._spec.confirm.most)

    def can_afford(self, trials: int) -> bool:
        """Whether the confirm phase could still have its first look after so many more."""
        most = self._spec.max_trials
        return most is None or len(self._known) + trials + self._spec.first_look <= most

    def choose(self, shapes: Sequence[ShapeRecord]) -> Choice:
        """The searched shapes, or those of a contest, best first, and the baselines, at their base LRs."""
        found = self.profiles(shapes)
        own = [shape for shape in found if self._spec.is_contest or not shape.is_baseline]
        own.sort(key=lambda shape: found[shape].score)
        if not self._spec.confirm.families:
            own = own[:1]
        chosen = [*own, *(shape for shape in found if shape.is_baseline and shape not in own)]
        profiles = {shape: found[shape] for shape in chosen}
        sensitivity = self._sensitivities(profiles)
        return Choice(
            [
                Tuned(
                    Candidate(shape, one.base_lr, one.hyperparameters),
                    dataclasses.replace(
                        one.tuning,
                        cost=self._in_effects(one, self._cost(shape, one)),
                        sensitivity=sensitivity.get(shape),
                    ),
                )
                for shape, one in profiles.items()
            ],
            self._scale,
        )

    def _cost(self, shape: ShapeRecord, profile: Profile) -> float:
        """What a better base LR may gain, on the metric's scale; nothing where the spec keeps it."""
        return 0.0 if self._kept(shape) else max(profile.tuning.cost, profile.grid_cost)

    def _sensitivities(self, profiles: Mapping[ShapeRecord, Profile]) -> dict[ShapeRecord, Sensitivity]:
        """Of the schedules of which something is known, if hyperparameters are tuned."""
        model = self._model
        if model is None or not self._spec.tune:
            return {}
        known = {shape: one for shape, one in profiles.items() if math.isfinite(one.score)}
        fixed = {shape: model.fixed_score(shape, one) for shape, one in known.items()}
        ranks = {shape: i for i, shape in enumerate(sorted(known, key=lambda s: known[s].score), 1)}
        fixed_ranks = {shape: i for i, shape in enumerate(sorted(known, key=lambda s: fixed[s]), 1)}
        tried, most = self._tried([*known]), self._half_width(model)
        return {
            shape: Sensitivity(
                flat=model.flat(shape, one, tried[shape.id], most),
                rank=ranks[shape],
                fixed_rank=fixed_ranks[shape],
                fixed_cost=self._in_effects(one, max(0.0, fixed[shape] - one.score)),
            )
            for shape, one in known.items()
        }

    def _in_effects(self, profile: Profile, cost: float) -> float:
        """A cost on the metric's scale in the unit of effects: that of the metric for shares."""
        return cost / unit_on_scale(profile.score, self._scale) if self._scale == "logit" else cost


def _around(profile: Profile, count: int) -> list[float]:
    """Base LRs of a round: as far around the best as it is unsure, below what diverges."""
    reach = min(max(2 * profile.tuning.octaves, NARROWEST), WIDEST)
    centre = math.log2(profile.favourite)
    top = min(centre + reach, math.log2(profile.limit) - NARROWEST / 4)
    return [float(2**x) for x in np.linspace(min(centre, top) - reach, top, count)]
