"""A study in TensorBoard, through the files that tensorboardX writes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr

from lrshape.errors import needs
from lrshape.store import locate
from lrshape.trackers.tracker import TRACKERS, Tracker, curve, described

if TYPE_CHECKING:
    from lrshape.analysis.result import Result
    from lrshape.study.study import Study


@TRACKERS.register("tensorboard")
class TensorBoard(Tracker):
    """Scalars ``<phase>/best`` etc. over the trials of the phase, ``winner/lr`` over training steps."""

    target: str = Field(
        min_length=1, description="directory or URL of the event files; a resumed study adds one"
    )
    _writer: Any = PrivateAttr(None)

    def begin(self, directory: str) -> None:
        """Make the directory and an event file in it."""
        with needs("the tracker tensorboard", "tensorboardX"):
            from tensorboardX import SummaryWriter  # pyright: ignore[reportMissingImports] - an extra
        self._writer = SummaryWriter(str(locate(self.target)))

    def write(self, phase: str, values: Mapping[str, float], step: int) -> None:
        """Log numbers, at once: a search may be killed."""
        for name, value in values.items():
            self._writer.add_scalar(f"{phase}/{name}", value, step)
        self._writer.flush()

    def result(self, study: "Study", best: "Result") -> None:
        """Log the winner's learning rates, and what `lrshape best` says of it as text."""
        for step, lr in curve(study.schedule()):
            self._writer.add_scalar("winner/lr", lr, step)
        lines = described(best).splitlines()
        self._writer.add_text("winner", "\n".join(f"    {line}" for line in lines))  # as code, in Markdown

    def end(self) -> None:
        """Close the event file."""
        self._writer.close()
