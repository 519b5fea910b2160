"""lrshape as a contender of time_to_quality.py, with its own search and with the paper's."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from _efficiency_contenders import CONTENDERS, FAMILY, Document
from _quality import Found

from lrshape.procedure.budget import LEAST
from lrshape.procedure.trial import ShapeRecord

PROGRAM = "import json, sys, lrshape; lrshape.search(json.loads(sys.argv[1]), out=sys.argv[2])"

Specified = Callable[[Document, int], Document]
"""Completes a spec that has the workload and the metric, for so many trials."""


def one_family(document: Document, trials: int) -> Document:
    """What the other contenders search."""
    return {**document, "families": [FAMILY], "trials": trials}


def all_families(document: Document, trials: int) -> Document:
    """What a spec searches that says nothing about it."""
    return {**document, "trials": trials}


def paper(document: Document, trials: int) -> Document:
    """Random shapes x 10 base LRs, the top 12 on 10 seeds, the winner and a baseline on 40."""
    make = CONTENDERS["paper"].spec
    assert make is not None
    return {**make(document, trials), "baselines": ["linear"], "confirm": {"seeds": 40}}


def trajectory(
    document: Document, specified: Specified, compiled: bool, budgets: Sequence[int], k: int
) -> Iterator[Found]:
    """A search for each budget, in a process of its own, to the end of its report.

    Args:
        document: a spec with the workload and the metric.
        specified: completes it.
        compiled: whether a search has run before, so that its programs are in the cache.
        budgets: of trials.
        k: the seed.
    """
    from lrshape.study.study import Study

    with tempfile.TemporaryDirectory() as cache:
        if compiled:
            _run(one_family(document, LEAST), cache)
        for budget in budgets:
            with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as folder:
                began = time.perf_counter()
                out = _run({**specified(document, budget), "seed": k}, cache if compiled else empty, folder)
                seconds = time.perf_counter() - began
                best = Study(out).best()
            shape = ShapeRecord.of("best", best.family, best.params)
            yield Found(shape, best.base_lr, best.trials, seconds)


def _run(spec: Document, cache: str, folder: str | None = None) -> str:
    """Search in a new process; the study's directory."""
    out = str(Path(folder or cache) / "study")
    environment = os.environ | {"XDG_CACHE_HOME": cache}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    subprocess.run([sys.executable, "-c", PROGRAM, json.dumps(spec), out], check=True, env=environment)
    return out
