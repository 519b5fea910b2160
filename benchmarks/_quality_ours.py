"""lrshape as a contender of time_to_quality.py, with its own search and with the paper's."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence

from _efficiency_contenders import CONTENDERS, FAMILY, Document
from _quality import Found

from lrshape.procedure.trial import ShapeRecord

PROGRAM = "import json, sys, lrshape; lrshape.search(json.loads(sys.argv[1]), out=sys.argv[2])"

Specified = Callable[[Document, int], Document]
"""Completes a spec that has the workload and the metric, for so many trials."""


def one_family(document: Document, trials: int) -> Document:
    """What the other contenders search."""
    return {**document, "families": [FAMILY], "trials": trials}


def paper(document: Document, trials: int) -> Document:
    """Random shapes x 10 base LRs, the top 12 on 10 seeds, the winner and a baseline on 40."""
    make = CONTENDERS["paper"].spec
    assert make is not None
    return {**make(document, trials), "baselines": ["linear"], "confirm": {"seeds": 40}}


def trajectory(specified: Specified, document: Document, budgets: Sequence[int], k: int) -> Iterator[Found]:
    """A search for each budget, in a process of its own, without compiled programs, to the end of its report.

    Args:
        specified: completes the document.
        document: a spec with the workload and the metric.
        budgets: of trials.
        k: the seed.
    """
    from lrshape.study.study import Study

    for budget in budgets:
        spec = json.dumps({**specified(document, budget), "seed": k})
        with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"XDG_CACHE_HOME": cache}
            environment.pop("JAX_COMPILATION_CACHE_DIR", None)
            out = f"{folder}/study"
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", PROGRAM, spec, out], check=True, env=environment)
            seconds = time.perf_counter() - began
            best = Study(out).best()
        shape = ShapeRecord.of("best", best.family, best.params)
        yield Found(shape, best.base_lr, best.trials, seconds)
