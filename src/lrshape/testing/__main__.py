"""``python -m lrshape.testing [NAME...]``: check all registered plug-ins, or those of these names."""

import contextlib
import inspect
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from lrshape import testing
from lrshape.checks.check import CHECKS
from lrshape.errors import InputError, one_line
from lrshape.frameworks import EXPORTERS
from lrshape.predict.reader import READERS
from lrshape.procedure.base_lr import STRATEGIES
from lrshape.procedure.sampler import SAMPLERS
from lrshape.registry import Registry
from lrshape.shapes.family import FAMILIES
from lrshape.testing.contract import require_described_settings
from lrshape.trackers.tracker import TRACKERS
from lrshape.training.optimizers import OPTIMIZERS
from lrshape.training.workload import WORKLOADS
from lrshape.workers.executor import EXECUTORS

_QUICK_CHECK = {"top": 2, "points": 2, "seeds": 2, "confirm_seeds": 2, "max": 4, "sample": 4}

KINDS: tuple[tuple[Registry[Any], Callable[[Any], None], dict[str, Any] | None], ...] = (
    (FAMILIES, testing.check_family, None),
    (SAMPLERS, testing.check_sampler, {}),
    (WORKLOADS, testing.check_workload, {"steps": 8}),
    (EXECUTORS, testing.check_executor, {"workers": 2}),
    (TRACKERS, testing.check_tracker, {"target": "log"}),
    (EXPORTERS, testing.check_exporter, None),
    (READERS, testing.check_reader, None),
    (CHECKS, testing.check_check, _QUICK_CHECK),
    (STRATEGIES, require_described_settings, None),
    (OPTIMIZERS, require_described_settings, None),
)
"""Registries, what checks their entries, and settings that these get where they have such; None: classes."""


def run(names: list[str]) -> Iterator[tuple[str, str]]:
    """Give each plug-in and its result: ``ok``, ``skipped: why`` or ``FAILED: which rule``.

    Raises:
        InputError: if there is no plug-in of a name.
    """
    known = {name for registry, _, _ in KINDS for name in registry}
    for name in names:
        if name not in known:
            raise InputError(f"NAME must be one of {', '.join(sorted(known))}, got {name!r}")
    for registry, check, settings in KINDS:
        for name in registry:
            if not names or name in names:
                began = time.monotonic()
                result = _result(registry, name, check, settings)
                yield f"{registry.kind} {name}", f"{result} ({time.monotonic() - began:.1f} s)"


def _result(
    registry: Registry[Any], name: str, check: Callable[[Any], None], settings: dict[str, Any] | None
) -> str:
    try:
        cls = registry[name]
        if settings is None:
            check(cls)
        else:
            own = {key: value for key, value in settings.items() if key in cls.model_fields}
            check(registry.build({"name": name, **own}))
    except InputError as error:
        function = check.__name__
        return f"skipped: {one_line(error)}; see lrshape.testing.{function}"
    except AssertionError as error:
        return f"FAILED: {one_line(error)}"
    return "ok"


def main(names: list[str]) -> int:
    """Print a line for each plug-in; 1 if any has failed."""
    failed = False
    try:
        for what, result in run(names):
            failed |= result.startswith("FAILED")
            sys.stdout.write(f"{what}: {result}\n")
            sys.stdout.flush()
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return int(failed)


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        sys.stdout.write(f"{inspect.getdoc(sys.modules['__main__'])}\n")
        sys.exit()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # trackers log here
        code = main(sys.argv[1:])
    sys.exit(code)
