"""A file with a line of JSON for each entry."""

import json
from pathlib import Path

from pydantic import Field

from lrshape.trackers import TRACKERS, Tracker


@TRACKERS.register("lines")
class Lines(Tracker):
    """Append lines of JSON to a file."""

    target: str = Field(min_length=1, description="the file")

    def begin(self, directory):
        """Make sure that the file can be written."""
        Path(self.target).touch()

    def write(self, phase, values, step):
        """Append a line."""
        self._append({"phase": phase, "step": step, **values})

    def result(self, study, best):
        """Append the winner."""
        self._append({"winner": best.family})

    def end(self):
        """Nothing is open."""

    def _append(self, entry):
        with Path(self.target).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
