"""A study on disk."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lrshape.analysis.analysis import Analysis
from lrshape.analysis.design import Design
from lrshape.analysis.direction import as_losses, direction_of, measured
from lrshape.analysis.result import Result
from lrshape.analysis.scores import metric_values
from lrshape.errors import InputError, first_line, shown
from lrshape.procedure.choice import Choice
from lrshape.procedure.phases import is_confirmed
from lrshape.procedure.scheduled import schedule
from lrshape.procedure.trial import ShapeRecord
from lrshape.shapes.lengths import IN_STEPS
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.steps import StepRule, progress
from lrshape.store import PHASES, Location, Store, Url
from lrshape.study.plan import Plan
from lrshape.study.spec import MAX_CHUNK_SIZE, StudySpec


class Study:
    """A study in its directory: its spec, its trials, and what they say.

    Args:
        path: directory of an existing study, or its URL, such as ``s3://bucket/study``.

    Attributes:
        spec: what is searched, and how.
        chunk_size: trials in a chunk.
        store: the files.

    Raises:
        InputError: if there is none, this version cannot read it, or it was edited.
    """

    def __init__(self, path: str | Path):
        self.store = Store(path)
        document = self.store.spec
        try:
            self.spec = StudySpec.parse(document)
        except InputError as error:
            raise InputError(
                f"{self.path}/study.json holds a spec that cannot be read: {first_line(error)}"
            ) from None
        chunk_size = self.store.document.get("chunk_size")
        if type(chunk_size) is not int or not 1 <= chunk_size <= MAX_CHUNK_SIZE:
            raise InputError(
                f"{self.path}/study.json: chunk_size must be a whole number from 1 to {MAX_CHUNK_SIZE:,}, "
                f"got {shown(chunk_size)}"
            )
        self.chunk_size = chunk_size
        self._analysed: tuple[tuple[str, ...], Analysis] | None = None
        self._complete: list[str] = []

    @property
    def path(self) -> Location:
        """The study's directory, or its URL."""
        return self.store.path

    @property
    def directory(self) -> Path:
        """The study's directory, for what only works on a local disk.

        Raises:
            InputError: if the study is at a URL.
        """
        if isinstance(self.path, Url):
            raise InputError(
                f"this needs a study in a local directory, got {self.path}: copy it to one first"
            )
        return self.path

    @property
    def document(self) -> dict[str, Any]:
        """Content of ``study.json``: the spec, its hash, versions, device, git revision."""
        return self.store.document

    @property
    def metric(self) -> str:
        """The metric that decides."""
        return self.spec.metric

    @property
    def steps(self) -> int:
        """Training steps of the workload."""
        return self.spec.workload.steps

    @property
    def step_rule(self) -> StepRule:
        """Where in a step the shapes are read."""
        return self.spec.step_rule

    def trials(self) -> pd.DataFrame:
        """All stored trials, one row each; see docs/study.md for the columns."""
        return self.store.trials()

    def curves(self, phases: Collection[str] | None = None) -> pd.DataFrame:
        """The loss curves of the trials that have one: one row a point.

        Args:
            phases: those wanted; all if None.

        Returns:
            Columns ``phase, shape, base_lr, hyperparameters, seed``, which identify the trial and have the
            types that they have in `trials`; ``step``, how many steps were finished; ``lr``, the learning
            rate of the last of them, from the trial's schedule; ``train_loss`` and ``valid_loss``, float32,
            NaN where not measured. Sorted by trial, then by step; empty if there are no curves.
        """
        curves = self.store.curves(phases)
        lrs = np.empty(len(curves))
        if len(curves):
            t = progress(self.steps, self.step_rule)
            trials = self.store.trials(phases).drop_duplicates("shape").set_index("shape")
            last = np.clip(curves["step"].to_numpy() - 1, 0, self.steps - 1)
            for shape, rows in curves.groupby("shape", observed=True).indices.items():
                found = trials.loc[shape]
                record = ShapeRecord.read(str(shape), found["family"], found["params"])
                lrs[rows] = np.asarray(record.family(t[last[rows]]))
        lrs = np.maximum(lrs * curves["base_lr"].to_numpy(np.float64), self.spec.min_lr)
        curves.insert(list(curves).index("step") + 1, "lr", lrs)
        return curves

    def is_complete(self) -> bool:
        """Whether the confirm phase has trained all that it takes, and no chunk of any phase is missing."""
        names = self.store.chunks()
        if names and names == self._complete:  # asked again: to count the trials takes long
            return True
        choice = self.choice()
        for phase in PHASES:
            numbers = [int(name.rpartition("-")[2]) for name in names if name.startswith(f"{phase}-")]
            if numbers != list(range(len(numbers))):
                return False
        if choice is None:
            return False
        # Without a limit it does not matter how many trials came before, and there may be millions.
        spent = 0 if self.spec.max_trials is None else len(self.store.trials(PHASES[:-1]))
        if not is_confirmed(self.spec, choice, self.store.trials(PHASES[-1:]), spent):
            return False
        self._complete = names
        return True

    def choice(self) -> Choice | None:
        """What the study has chosen to confirm; None before it has."""
        document = self.store.read_choice()
        try:
            return None if document is None else Choice.read(document)
        except (KeyError, TypeError, ValueError, InputError):
            return None

    def require_complete(self) -> None:
        """Raise `InputError` unless the study is complete."""
        if not self.is_complete():
            raise InputError(f"{self.path}: the study is not complete; run its search again to resume it")

    def progress(self) -> dict[str, dict[str, Any]]:
        """What is stored, by phase: trials, shapes, diverged, failed, best metric, seconds."""
        trials = self.trials()
        if trials.empty:
            return {}
        losses = metric_values(as_losses(trials, self.metric, self.spec.direction), self.metric)
        return {
            phase: {
                "trials": len(rows),
                "shapes": len(set(rows["shape"])),
                "diverged": int(np.sum(rows["status"] == "diverged")),
                "failed": int(np.sum(rows["status"] == "failed")),
                "best": None
                if np.isinf(lowest := losses[trials["phase"] == phase].min())
                else measured(float(lowest), self.spec.direction),
                "seconds": float(np.sum(rows["wall_time"])),
            }
            for phase in PHASES
            if len(rows := trials[trials["phase"] == phase])
        }

    def failures(self) -> list[str]:
        """The messages of the trials that failed, in the order of `trials`."""
        trials = self.trials()
        return trials.loc[trials["status"] == "failed", "message"].tolist()

    def planned_trials(self) -> dict[str, int]:
        """How many trials each phase takes: exact for those that are over, at most for the others."""
        if not self.store.chunks():
            return dict(Plan(self.spec).trials)
        stored = self.analysis().trials["phase"]
        counts = {phase: int(np.sum(stored == phase)) for phase in PHASES}
        if self.is_complete():
            return counts
        begun = [place for place, phase in enumerate(PHASES) if counts[phase]]
        most = Plan(self.spec).trials
        return {
            phase: counts[phase] if place < max(begun, default=0) else most[phase]
            for place, phase in enumerate(PHASES)
        }

    def analysis(self, metric: str | None = None) -> Analysis:
        """The tables of the trials stored so far, the same object until more are stored.

        Args:
            metric: another stored metric to rank by, without training again.

        Raises:
            InputError: if no such metric is stored.
        """
        key = (self.metric if metric is None else metric, *self.store.chunks())
        analysed = self._analysed  # another thread may ask for another metric meanwhile
        if analysed is None or analysed[0] != key:
            choice = self.choice() if key[0] == self.metric else None
            design = choice.design(self.spec) if choice else Design(is_contest=self.spec.is_contest)
            direction = direction_of(key[0], self.metric, self.spec.direction)
            found = Analysis(self.trials(), key[0], design=design, direction=direction).led()
            self._analysed = analysed = key, found
        return analysed[1]

    def best(self, metric: str | None = None) -> Result:
        """The winner, confirmed on fresh seeds, and its lead over the baselines.

        Args:
            metric: another stored metric to rank by, without training again. If its winner is not what
                was confirmed, ``phase`` is ``rescore``: the numbers are from seeds that chose it.

        Raises:
            InputError: if the study is not complete, or no such metric is stored.
        """
        self.require_complete()
        return Result.of(self.analysis(metric), steps=self.steps, step_rule=self.step_rule)

    def winner(self, metric: str | None = None) -> Result:
        """What `best` gives, if its score is finite: otherwise nothing has won.

        Args:
            metric: as in `best`.

        Raises:
            InputError: as in `best`, and if no shape has a finite score.
        """
        best = self.best(metric)
        if best.score_median is None:
            raise InputError(f"{self.path}: no shape has a finite {best.metric}, so there is no winner")
        return best

    def schedule(self, steps: int | None = None, metric: str | None = None) -> Schedule:
        """The winner as a schedule, over ``steps`` steps if given, by another stored metric if given.

        Raises:
            InputError: if the study is not complete, or no shape in it has a finite score.
        """
        best = self.winner(metric)
        base_lr = max(best.base_lr, self.spec.min_lr)  # below it, all learning rates were min_lr
        trained = Schedule(best.family, best.params, base_lr, self.steps, self.step_rule)
        lengths = {n + IN_STEPS: length for n, length in self.spec.lengths.items() if n in best.params}
        kept = trained.replace(params=lengths, min_lr=self.spec.min_lr)
        return kept.replace(steps=steps)

    def schedules(self, steps: int | None = None, metric: str | None = None) -> dict[str, Schedule]:
        """The winner's schedules by name: ``lr``, and each hyperparameter that may have one.

        That of a hyperparameter gives its value at every step: its ``base_lr`` is the base value.
        ``lrshape.Schedules(study.schedules())`` exports them together.

        Args:
            steps: as in `schedule`.
            metric: as in `schedule`.

        Raises:
            InputError: as in `schedule`.
        """
        lr = self.schedule(steps, metric)
        best = self.best(metric)
        own = {
            name: schedule(name, value, lr, best.base_lr)
            for name, value in best.hyperparameters.items()
            if name in self.spec.scheduled
        }
        return {"lr": lr, **{_quantity(name): one for name, one in own.items()}}


def _quantity(name: str) -> str:
    """What a hyperparameter is called among schedules, which names a quantity and perhaps a group."""
    quantity, dot, group = name.removeprefix("optimizer.").partition(".")
    return quantity.replace("-", "_") + dot + group
