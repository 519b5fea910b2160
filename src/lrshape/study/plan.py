"""What a search will take, from its spec alone: how many trials and bytes, and what each phase does."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lrshape.procedure.base_lr import GridLR, JointLR, PredictedLR
from lrshape.procedure.family_spec import FamilySpec
from lrshape.procedure.hyperparameters import EXTENSIONS
from lrshape.procedure.phases import rungs
from lrshape.procedure.screening import recommended
from lrshape.procedure.spec import FINALISTS
from lrshape.procedure.trial import FIRST_SEED, Trial
from lrshape.study.spec import StudySpec

CHUNK = 4_096
"""Bytes of a chunk's file besides its trials: Parquet's description of the columns."""

TRIAL = 60
"""Bytes of a trial besides its metrics: mostly the digits of its parameters."""

METRIC = 6
"""Bytes of a trial's metric, compressed."""

POINT = 4
"""Bytes of a point of a loss curve, compressed; 8 with a validation loss."""

CSV = 250
"""Bytes of a trial in the report's tables."""

REPORT = 4_000_000
"""Bytes of the report's page and figures."""


@dataclass(frozen=True)
class Plan:
    """How much a search takes at most. Ending early, races and base LRs that need no extension save trials.

    Attributes:
        spec: of the study.
    """

    spec: StudySpec

    @cached_property
    def trials(self) -> dict[str, int]:
        """Trials of each phase, at most."""
        spec, baselines = self.spec, len(self.spec.baselines)
        chosen = isinstance(spec.base_lr, JointLR)  # the sampler chooses a base LR for each of its shapes
        shapes = self._shapes + len(spec.initial_shapes)
        shapes += recommended(spec)
        extend = spec.base_lr.extend if spec.base_lr.most > 1 else 0
        kept = len(spec.kept_base_lrs)
        own = shapes if chosen else shapes * (max(1, spec.base_lr.most - spec.base_lr.extend) + extend)
        beside = spec.hyperparameters.sweep + (EXTENSIONS * len(spec.tune) if extend else 0)
        swept = spec.base_lr.sweeps(baselines - kept) + (baselines - kept) * (extend + beside)
        every_family = len(spec.families) if spec.confirm.families else 0
        around = 1 if spec.base_lr.ratio == 1 else spec.rescore.base_lrs
        rescored = min(spec.rescore.top, shapes) + max(0, every_family - 1)
        tuned = min(spec.finalists, shapes) + baselines - kept
        confirmed = baselines + (0 if spec.is_contest else 1)
        tuning = spec.tuning
        trials = {
            "screen": (own + swept + kept) * spec.screen.seeds,
            "rescore": rescored * around * spec.rescore.seeds,
            "tune": tuned * spec.tuning_points * tuning.seeds * tuning.rounds
            + kept * tuning.seeds * min(1, tuning.rounds),
            "confirm": confirmed * spec.confirm.most + max(0, every_family - 1) * spec.confirm.least,
        }
        if spec.max_trials is not None:
            trials = {phase: min(count, spec.max_trials) for phase, count in trials.items()}
        if spec.screen_limit is not None:
            trials["screen"] = min(trials["screen"], spec.screen_limit)
        return trials

    @property
    def total(self) -> int:
        """Trials in all, at most."""
        total = sum(self.trials.values())
        return total if self.spec.max_trials is None else min(total, self.spec.max_trials)

    @property
    def _shapes(self) -> int:
        return sum(map(self._shapes_of, self.spec.families))

    def _shapes_of(self, family: FamilySpec) -> int:
        is_alone = not (
            self.spec.screen.share_families or isinstance(self.spec.base_lr, JointLR) or self.spec.tune
        )
        return 1 if is_alone and not len(family.space()) else family.shapes or self.spec.screen.shapes

    def left(self, phase: str, trials: Sequence[Trial]) -> int | None:
        """How many trials may follow a round of a phase at most; None: that round does not tell."""
        if phase not in ("rescore", "confirm"):
            return None
        done = max(trial.seed for trial in trials) + 1 - FIRST_SEED[phase]
        if phase == "confirm":  # what a look has decided may come back at the next one
            return 0 if done == self.spec.confirm.most else None
        # What a race has dropped does not.
        return len({t.candidate for t in trials}) * (self.spec.rescore.seeds - done)

    def bytes(self, chunk_size: int, stored: int = 0) -> int:
        """About how many bytes a study has still to write, its report included.

        Args:
            chunk_size: trials in a chunk.
            stored: chunks that are there already.
        """
        chunks = sum(-(-count // chunk_size) for count in self.trials.values())
        trials = self.total
        workload = self.spec.workload
        size = TRIAL + METRIC * len(workload.metric_names()) + POINT * workload.curve_points
        left = max(0.0, 1 - stored / max(1, chunks))
        csv = CSV
        if self.spec.is_contest:  # rows of tables have their lists of learning rates, Parquet has each once
            lengths = [len(json.dumps(one.params)) for one in self.spec.baselines.values()]
            csv += sum(lengths) // len(lengths)
        return int(left * (chunks * CHUNK + trials * size) + trials * csv + REPORT)

    def describe(self, phase: str) -> str:
        """One line on what a phase does; empty for phases that are not a search's.

        Example:
            >>> plan = Plan(StudySpec.parse({"workload": "digits-mlp", "trials": 256}))
            >>> print(plan.describe("confirm"))
            the winner and 4 baselines on 10 to 20 fresh seeds, until each comparison is decided
        """
        lines = {
            "screen": self._screen,
            "rescore": self._rescore,
            "tune": self._tune,
            "confirm": self._confirm,
        }
        return lines[phase]() if phase in lines else ""

    def after(self, phase: str, done: int) -> int:
        """Trials that the phases after one take at most.

        Args:
            phase: of a search.
            done: trials of the phases before it.
        """
        names = list(self.trials)
        count = sum(self.trials[name] for name in names[names.index(phase) + 1 :])
        limit = self.spec.max_trials
        return count if limit is None else max(0, min(count, limit - done - self.trials[phase]))

    def announce(self) -> str:
        """How many trials each phase takes, in a line.

        Example:
            >>> print(Plan(StudySpec.parse({"workload": "digits-mlp", "trials": 256})).announce())
            at most 256 trials: screen up to 156, rescore up to 20, tune up to 60, confirm up to 100
        """
        parts = [f"{phase} up to {count:,}" for phase, count in self.trials.items() if count]
        return f"at most {self.total:,} trials: {', '.join(parts)}"

    def _screen(self) -> str:
        spec = self.spec
        if spec.is_contest:
            return f"the base LRs of {_baselines(spec)}, {_seeds(spec.screen.seeds)}; {self._base_lrs()}"
        names = ", ".join(family.name for family in spec.families)
        shared = "shapes from" if spec.screen.share_families else "shapes of"
        gain = spec.screen.stop_gain
        limit = "what the confirm phase can resolve" if gain == "auto" else f"{gain:g}"
        ends = f", fewer if the expected gain falls below {limit}" if gain else ""
        how = f"sampler {spec.sampler.name}, {self._base_lrs()}, {_seeds(spec.screen.seeds)}"
        return f"{self._shapes:,} {shared} {names}{ends}; {how}"

    def _base_lrs(self) -> str:
        strategy = self.spec.base_lr
        if isinstance(strategy, GridLR):
            return f"each at {strategy.points} base LRs"
        if isinstance(strategy, JointLR):
            return "which also chooses the base LRs"
        if not isinstance(strategy, PredictedLR):
            return f"base LRs by {strategy.name}"
        return f"each at {strategy.points} base LRs around the predicted one"

    def _rescore(self) -> str:
        rescored = self.spec.rescore
        if self.spec.is_contest:
            return ""
        rates = f" at {rescored.base_lrs} base LRs each" if rescored.base_lrs > 1 else ""
        how = _seeds(rescored.seeds)
        if rescored.top == 1 and not self.spec.confirm.families:
            return f"the best shape again{rates}, on {_seeds(rescored.seeds, 'fresh seed')}"
        if rescored.race:
            steps = ", ".join(str(rung) for rung in rungs(rescored.seeds))
            how = f"a race over {steps} seeds that drops shapes that can no longer win"
        return f"the best {rescored.top} shapes{rates}, fresh seeds: {how}"

    def _tune(self) -> str:
        spec, tuning = self.spec, self.spec.tuning
        if not tuning.rounds:
            return ""
        own = "the best shape of each family" if spec.confirm.families else f"the best {FINALISTS} shapes"
        tuned = [name if one.family is None else f"a schedule of {name}" for name, one in spec.tune.items()]
        beside = f" with {', '.join(tuned)}" if tuned else ""
        return (
            f"{self._with_baselines(own)}, each at {spec.tuning_points} base LRs{beside} on "
            f"{_seeds(tuning.seeds)} a round, until a better base LR can gain little"
        )

    def _confirm(self) -> str:
        spec, confirm = self.spec, self.spec.confirm
        every_family = confirm.families and len(spec.families) > 1
        first = self._with_baselines("the best shape of each family" if every_family else "the winner")
        if confirm.least == confirm.most:
            return f"{first} on {_seeds(confirm.most, 'fresh seed')}"
        if every_family:  # only the winner's comparisons with the baselines go on
            more = f"the winner and the undecided baselines on up to {confirm.most:,}"
            return f"{first} on {_seeds(confirm.least, 'fresh seed')}, then {more}"
        seeds = f"{confirm.least:,} to {_seeds(confirm.most, 'fresh seed')}"
        return f"{first} on {seeds}, until each comparison is decided"

    def _with_baselines(self, own: str) -> str:
        return _baselines(self.spec) if self.spec.is_contest else f"{own} and {_baselines(self.spec)}"


def _baselines(spec: StudySpec) -> str:
    count = len(spec.baselines)
    noun = "schedule" if spec.is_contest else "baseline"
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _seeds(count: int, noun: str = "seed") -> str:
    return f"1 {noun}" if count == 1 else f"{count:,} {noun}s"
