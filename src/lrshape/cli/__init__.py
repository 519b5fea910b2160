"""The ``lrshape`` command."""

import io
import os
import sys

from lrshape.cli import check as _check  # noqa: F401 - registers its commands
from lrshape.cli import compare as _compare  # noqa: F401
from lrshape.cli import contest as _contest  # noqa: F401
from lrshape.cli import export as _export  # noqa: F401
from lrshape.cli import optimum as _optimum  # noqa: F401
from lrshape.cli import reproduce as _reproduce  # noqa: F401
from lrshape.cli import shapes as _shapes  # noqa: F401
from lrshape.cli import store as _store  # noqa: F401
from lrshape.cli import study as _study  # noqa: F401
from lrshape.cli import suggest as _suggest  # noqa: F401
from lrshape.cli import sweep as _sweep  # noqa: F401
from lrshape.cli import trials as _trials  # noqa: F401
from lrshape.cli.app import INTERRUPTED, app
from lrshape.cli.stopping import stoppable


def main() -> None:
    """Run the command line."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed before the start; the file takes over the free descriptor
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - stays open
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # no character of a name or a message ends a command
    with stoppable(lambda: "interrupted", INTERRUPTED):
        app()


__all__ = ["app", "main"]
