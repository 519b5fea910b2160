"""What every tracker is: a callback that logs a study. A search goes on without a tracker that fails."""

import abc
import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
from pydantic import Field, PrivateAttr

from lrshape.errors import InputError, located, one_line, shown
from lrshape.files import StoreError
from lrshape.registry import Registry
from lrshape.settings import Settings
from lrshape.shapes.schedule import Schedule
from lrshape.study.callback import Callback, Status

if TYPE_CHECKING:
    from lrshape.analysis.result import Result
    from lrshape.study.study import Study

_log = logging.getLogger(__name__)

SECONDS = 1.0
"""Least time between two entries of a phase, but for its last."""

CURVE_POINTS = 1000
"""Steps at which the winner's learning rate is logged, at most."""


class Tracker(Settings, Callback, abc.ABC):
    """Logs, by phase, how many trials are done and have diverged, the best metric, and the winner.

    A subclass is registered by name and says what its ``target`` is; it may have more settings, which
    ``TRACKERS.build`` takes. Packages that only it needs are imported in `begin`.

    Attributes:
        name: the registered name.
        offline: environment variables that keep it from the network, for tests.
    """

    name: ClassVar[str]
    offline: ClassVar[Mapping[str, str]] = {}

    target: str = Field(min_length=1, description="where the log goes")
    _last: float = PrivateAttr(-math.inf)
    _works: bool = PrivateAttr(False)

    @final
    def started(self, directory: str, stored: int) -> None:
        """Begin a log.

        Raises:
            InputError: if the tracker cannot be started.
        """
        try:
            self.begin(directory)
        except (InputError, StoreError):
            raise
        except OSError as error:
            reason = f"{self.target}: {error.strerror or error}"
            raise InputError(f"the tracker {self.name} cannot start: {reason}") from None
        except Exception as error:  # whatever a package of others raises
            raise InputError(f"the tracker {self.name} cannot start: {located(error):.300}") from None
        self._works = True

    @final
    def progress(self, status: Status) -> None:
        """Log where a phase is, at most once a second."""
        if time.monotonic() - self._last >= SECONDS:
            self._entry(status)

    @final
    def phase_done(self, status: Status) -> None:
        """Log how a phase ended."""
        self._entry(status)

    @final
    def finished(self, study: "Study") -> None:
        """Log the winner, if any shape has a finite score."""
        best = study.best()
        if best.score_median is not None:
            self._try(self.result, study, best)
        self.close()

    @final
    def close(self) -> None:
        """End the log; what comes afterwards is not logged."""
        self._try(self.end)
        self._works = False

    def _entry(self, status: Status) -> None:
        self._last = time.monotonic()
        counts = {"done": status.done, "planned": status.planned, "diverged": status.diverged}
        values = {name: float(count) for name, count in counts.items()}
        if status.best is not None and math.isfinite(status.best):
            values["best"] = status.best
        if status.rate is not None:
            values["trials_per_second"] = status.rate
        self._try(self.write, status.phase, values, status.done)

    def _try(self, call: Callable[..., None], *arguments: Any) -> None:
        if not self._works:
            return
        try:
            call(*arguments)
        except Exception as error:  # whatever a tracker raises, the trials matter more
            self._works = False
            _log.warning("%s: logging stopped, the search continues: %.200s", self.name, one_line(error))

    @abc.abstractmethod
    def begin(self, directory: str) -> None:
        """Begin a log of the study in a directory; whatever it raises ends the search before a trial.

        An `InputError` reaches the user as it is, and any other error in one line.
        """

    @abc.abstractmethod
    def write(self, phase: str, values: Mapping[str, float], step: int) -> None:
        """Log numbers of a phase after ``step`` of its trials."""

    @abc.abstractmethod
    def result(self, study: "Study", best: "Result") -> None:
        """Log the winner of a complete study, as `Study.best` gives it."""

    @abc.abstractmethod
    def end(self) -> None:
        """Write what is not written yet."""


TRACKERS: Registry[Tracker] = Registry("tracker", "lrshape.trackers", "lrshape.trackers", Tracker)
"""The trackers by name."""


def tracker(target: str, prefix: str = "tracker") -> Tracker:
    """Return a callback that logs a study; to be given to `lrshape.search` as ``callback``.

    Args:
        target: ``NAME:TARGET``, e.g. ``tensorboard:DIR`` or ``wandb:PROJECT``.
        prefix: what messages call it, e.g. ``--log-to``.

    Raises:
        InputError: if there is no such tracker.
    """
    name, colon, where = target.partition(":")
    if not colon or not where:
        names = ", ".join(TRACKERS)
        raise InputError(f"{prefix}: must be NAME:TARGET with a name of {names}, got {shown(target)}")
    return TRACKERS.build({"name": name, "target": where}, prefix)


def curve(schedule: Schedule) -> list[tuple[int, float]]:
    """Steps and learning rates of a schedule, at most `CURVE_POINTS`, the first and the last among them."""
    steps = np.unique(np.linspace(0, schedule.steps - 1, min(schedule.steps, CURVE_POINTS)).astype(int))
    return list(zip(steps.tolist(), schedule(steps).tolist(), strict=True))


def described(best: "Result") -> str:
    """The winner as JSON text, without the shapes that it was compared with."""
    return json.dumps(
        {k: v for k, v in best.to_dict().items() if k not in ("families", "baselines")}, indent=2
    )
