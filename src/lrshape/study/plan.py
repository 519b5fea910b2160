"""What a search will take, from its spec alone: how many trials and bytes, and what each phase does."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lrshape.procedure.base_lr import GridLR, JointLR, PredictedLR
from lrshape.procedure.phases import rungs
from lrshape.procedure.screening import FAVOURITES
from lrshape.procedure.spec import FamilySpec
from lrshape.procedure.trial import FIRST_SEED, Trial
from lrshape.study.spec import StudySpec

CHUNK = 4_096
"""Bytes of a chunk's file besides its trials: Parquet's description of the columns."""

TRIAL = 60
"""Bytes of a trial besides its metrics: mostly the digits of its parameters."""

METRIC = 6
"""Bytes of a trial's metric, compressed."""

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
        """Trials of each phase, at most; those of the confirm phase are exact."""
        spec, baselines = self.spec, len(self.spec.baselines)
        chosen = isinstance(spec.base_lr, JointLR)  # the sampler chooses a base LR for each of its shapes
        shapes = self._shapes + len(spec.initial_shapes)
        if spec.sampler.batch is not None:
            shapes += FAVOURITES * len(spec.families)
        own = shapes * (1 if chosen else spec.base_lr.most)
        finalists = min(spec.rescore.top, shapes) + len(spec.families) - 1 + baselines
        around = 1 if spec.base_lr.ratio == 1 else spec.rescore.base_lrs
        return {
            "screen": (own + baselines * spec.base_lr.most) * spec.screen.seeds,
            "rescore": finalists * around * spec.rescore.seeds,
            "confirm": (len(spec.families) + baselines) * spec.confirm.seeds,
        }

    @property
    def _shapes(self) -> int:
        return sum(map(self._shapes_of, self.spec.families))

    def _shapes_of(self, family: FamilySpec) -> int:
        is_alone = not self.spec.screen.share_families and not isinstance(self.spec.base_lr, JointLR)
        return 1 if is_alone and not len(family.space()) else family.shapes or self.spec.screen.shapes

    def left(self, phase: str, trials: Sequence[Trial]) -> int | None:
        """How many trials may follow a round of a phase at most; None: that round does not tell."""
        if phase == "rescore":  # what a race has dropped does not come back
            done = max(trial.seed for trial in trials) + 1 - FIRST_SEED[phase]
            return len({(t.shape, t.base_lr) for t in trials}) * (self.spec.rescore.seeds - done)
        return 0 if phase == "confirm" else None

    def bytes(self, chunk_size: int, stored: int = 0) -> int:
        """About how many bytes a study has still to write, its report included.

        Args:
            chunk_size: trials in a chunk.
            stored: chunks that are there already.
        """
        chunks = sum(-(-count // chunk_size) for count in self.trials.values())
        trials = sum(self.trials.values())
        size = TRIAL + METRIC * len(self.spec.workload.metric_names())
        left = max(0.0, 1 - stored / max(1, chunks))
        return int(left * (chunks * CHUNK + trials * size) + trials * CSV + REPORT)

    def seconds(self, steps_per_second: float) -> float:
        """How long the training takes at most.

        Args:
            steps_per_second: training steps of all trials together.
        """
        return sum(self.trials.values()) * self.spec.workload.steps / steps_per_second

    def describe(self, phase: str) -> str:
        """One line on what a phase does; empty for phases that are not a search's.

        Example:
            >>> plan = Plan(StudySpec.parse({"workload": "digits-mlp", "families": ["rex"]}))
            >>> print(plan.describe("confirm"))
            the best shape of each family and 4 baselines on 20 fresh seeds
        """
        lines = {"screen": self._screen, "rescore": self._rescore, "confirm": self._confirm}
        return lines[phase]() if phase in lines else ""

    def _screen(self) -> str:
        spec = self.spec
        names = ", ".join(family.name for family in spec.families)
        shared = "shapes from" if spec.screen.share_families else "shapes of"
        gain = spec.screen.stop_gain
        ends = f", fewer if the expected gain falls below {gain:.1%}" if gain else ""
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
        rates = f" at {rescored.base_lrs} base LRs each" if rescored.base_lrs > 1 else ""
        how = _seeds(rescored.seeds)
        if rescored.race:
            steps = ", ".join(str(rung) for rung in rungs(rescored.seeds))
            how = f"a race over {steps} seeds that drops shapes that can no longer win"
        return f"the best {rescored.top} shapes{rates}, fresh seeds: {how}"

    def _confirm(self) -> str:
        spec = self.spec
        return (
            f"the best shape of each family and {len(spec.baselines)} baselines "
            f"on {spec.confirm.seeds:,} fresh {'seed' if spec.confirm.seeds == 1 else 'seeds'}"
        )


def _seeds(count: int) -> str:
    return "1 seed" if count == 1 else f"{count:,} seeds"
