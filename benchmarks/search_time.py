"""Where the seconds of a search go: training, compiling, the model, the report, and the rest.

    python benchmarks/search_time.py [--workloads NAME,...]

Each search runs in a process of its own, as `lrshape search` does, from its start to the end of its report.
Its programs are in the cache, as from the second study of a workload on.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any

import _search_clock
from _efficiency_workloads import TASKS
from _measure import machine, spread, table
from _quality_ours import one_family
from _repetitions import names

PARTS = (*_search_clock.PARTS, "rest")
SEARCHES = 3
TRIALS = {"digits-mlp": (256, 1024), "digits-cnn": (256,), "cifar10-cnn": (256,)}
"""Of the searches of each workload."""


def search(document: Mapping[str, Any], cache: str) -> dict[str, float]:
    """Search in a new process, and tell the seconds of each part."""
    environment = os.environ | {"XDG_CACHE_HOME": cache}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    command = [sys.executable, _search_clock.__file__, json.dumps(document)]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    total = time.perf_counter() - began
    spent = json.loads(done.stdout)
    return spent | {"rest": total - sum(spent.values())}


def row(name: str, trials: int) -> list[str]:
    """A row of the table; the first search compiles, and does not count."""
    document = one_family(dict(TASKS[name].document), trials)
    with tempfile.TemporaryDirectory() as cache:
        _, *found = [search({**document, "seed": seed}, cache) for seed in range(SEARCHES + 1)]
    totals = [sum(one.values()) for one in found]
    shares = [[100 * one[part] / total for one, total in zip(found, totals, strict=True)] for part in PARTS]
    return [TASKS[name].label, f"{trials:,}", spread(totals, 1), *(f"{spread(share)}%" for share in shares)]


def main() -> None:
    """Print the section."""
    given = _arguments()
    rows = [row(name, trials) for name in given.workloads for trials in TRIALS[name]]
    about = f"""\
`lrshape.search` over `two_point_spline` in a process of its own, from its start to the end of its report:
median (range) of {SEARCHES} searches with different seeds. Their programs are in the cache, as from
the second study of a workload on. "Training" includes scoring, "compiling" is tracing and loading from the
cache, "model" is all that decides what to train next, "rest" is starting Python, imports and storage."""
    sys.stdout.write(f"## Where the seconds of a search go\n\n{machine()}.\n\n{about}\n\n")
    sys.stdout.write(table(["workload", "trials", "seconds", *PARTS], rows) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Tell where the seconds of a search go.")
    parser.add_argument("--workloads", type=names([*TRIALS]), default=[*TRIALS], help=", ".join(TRIALS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
