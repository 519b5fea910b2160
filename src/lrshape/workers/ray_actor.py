"""What runs inside an actor of Ray."""

import os
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lrshape.workers.places import xla_flags
from lrshape.workers.worker import attempt, refusal


class Trainer:
    """Runs a task on items.

    Args:
        path: ``sys.path`` of the driver; what is missing here is added.
        directory: the driver's current one, entered if this machine has it.
        cores: that JAX may use; Ray itself pins nothing.
    """

    def __init__(self, path: Sequence[str], directory: str, cores: int):
        os.environ["XLA_FLAGS"] = xla_flags(cores)
        sys.path += [entry for entry in path if entry not in sys.path]
        if Path(directory).is_dir():
            os.chdir(directory)
        self._key = b""
        self._task: Any = None

    def where(self) -> tuple[str, str]:
        """The node, and the version of lrshape on it."""
        import ray

        from lrshape._version import __version__

        return ray.get_runtime_context().get_node_id(), __version__

    def run(self, key: bytes, task: bytes, item: bytes) -> tuple[str, Any]:
        """Run one item: ``("done", result)``, ``("raised", (error, text))`` or ``("refused", text)``.

        Args:
            key: identifies the task.
            task: pickled.
            item: pickled.
        """
        try:
            if key != self._key:
                self._task, self._key = pickle.loads(task), key
        except (Exception, SystemExit) as error:
            return "refused", refusal(error)
        return attempt(self._task, item, _silent)


def _silent(news: Any) -> None:
    """Progress inside a chunk is not sent over the network."""
