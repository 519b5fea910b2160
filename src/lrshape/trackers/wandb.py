"""A study as a run of Weights & Biases."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from lrshape.errors import needs
from lrshape.files import inside
from lrshape.store import PHASES, Store, Url
from lrshape.study.trial_files import flat
from lrshape.trackers.tracker import TRACKERS, Tracker, curve, described

if TYPE_CHECKING:
    from lrshape.analysis.result import Result
    from lrshape.study.study import Study

MAX_ROWS = 10_000
"""Trials of the table, at most: as many as Weights & Biases takes."""


@TRACKERS.register("wandb")
class WeightsAndBiases(Tracker):
    """One run a study: its spec as config, ``<phase>/best`` etc., a table of the trials, the winner.

    What the environment says holds: ``WANDB_MODE=offline`` writes files alone, into the study's directory.
    A study that is resumed goes on with its run.
    """

    offline: ClassVar[Mapping[str, str]] = {"WANDB_MODE": "offline"}

    target: str = Field(min_length=1, description="the project's name")
    _run: Any = PrivateAttr(None)

    def begin(self, directory: str) -> None:
        """Start a run."""
        with needs("the tracker wandb", "wandb"):
            import wandb  # pyright: ignore[reportMissingImports] - an extra
        store = Store(directory)
        document, place = store.document, Path(directory)
        where = store.path if isinstance(store.path, Url) else store.path.absolute()
        if place.is_dir():
            inside(place, "wandb")  # where it writes its own files
        identity = hashlib.sha256(f"{document['hash']} {where}".encode()).hexdigest()[:16]
        self._run = wandb.init(
            project=self.target,
            name=str(document.get("name", "study")),
            id=identity,
            resume="allow",
            config={"spec": document["spec"], "device": document.get("device")},
            dir=str(place) if place.is_dir() else None,
            settings=wandb.Settings(silent=True, console="off"),
        )
        self._run.define_metric("winner/lr", step_metric="winner/step")
        for phase in PHASES:
            self._run.define_metric(f"{phase}/*", step_metric=f"{phase}/done")

    def write(self, phase: str, values: Mapping[str, float], step: int) -> None:
        """Log numbers."""
        self._run.log({f"{phase}/{name}": value for name, value in values.items()})

    def result(self, study: "Study", best: "Result") -> None:
        """Log the winner's learning rates, its numbers as summary, and the table of trials."""
        import wandb  # pyright: ignore[reportMissingImports] - an extra

        for step, lr in curve(study.schedule()):
            self._run.log({"winner/step": step, "winner/lr": lr})
        self._run.summary.update(
            {"median": best.score_median, "family": best.family, "winner": described(best)}
        )
        trials = flat(study.trials()).head(MAX_ROWS)
        self._run.log({"trials": wandb.Table(dataframe=trials)})

    def end(self) -> None:
        """End the run."""
        self._run.finish()
