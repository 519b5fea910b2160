"""Write the spec of a workload's contest: the schedules whose paired differences answer the questions.

python studies/contest_spec.py studies/digits-cnn [--trials 2000]

It reads the finished searches ``main``, ``no-warmup`` and ``main-10x`` (those that are there) and writes
``contest.toml``, whose schedules are

- ``best``: the winner of ``main``; ``best-of-FAMILY``: the best shapes of the other families;
- ``best-without-warmup``: the winner of ``no-warmup``; ``best-of-10x``: the winner of ``main-10x``;
- ``without-decay``: the winner up to its peak, and its peak from there on;
- ``best-to-zero``, ``best-to-10-percent``, ``best-to-30-percent``: the winner with its decay stretched to
  end there;
- ``constant``, ``linear``, ``cosine``, ``wsd``: the standard baselines.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lrshape.analysis.result import Contender, Result
from lrshape.files import write_file
from lrshape.procedure.spec import STANDARD_BASELINES
from lrshape.report.spec_text import spec_text
from lrshape.shapes import FAMILIES
from lrshape.store import Store
from lrshape.study.study import Study

POINTS = 201
"""Values of a changed shape, at even steps of progress."""
FLOORS = {"best-to-zero": 0.0, "best-to-10-percent": 0.1, "best-to-30-percent": 0.3}
KEPT = ("seed", "metric", "direction", "metric_scale", "step_rule", "min_lr", "tune", "workload")
"""Keys of a search's spec that its contest shares."""


def schedules(main: Result, without_warmup: Result | None, more_trials: Result | None) -> dict[str, Any]:
    """The schedules of the contest by name, as a spec has them."""
    found = {"best": _shape(main)}
    found |= {f"best-of-{one.family}": _shape(one) for one in main.families}
    if without_warmup is not None:
        found["best-without-warmup"] = _shape(without_warmup)
    if more_trials is not None:
        found["best-of-10x"] = _shape(more_trials)
    values = np.asarray(FAMILIES[main.family].from_params(main.params)(np.linspace(0, 1, POINTS)), np.float64)
    found["without-decay"] = _table(np.maximum.accumulate(values))
    if values[-1] < values.max():
        found |= {name: _table(decay_to(values, floor)) for name, floor in FLOORS.items()}
    baselines = {
        name: one.model_dump(include={"family", "params"}) for name, one in STANDARD_BASELINES.items()
    }
    return found | baselines


def decay_to(values: np.ndarray, floor: float) -> np.ndarray:
    """A shape, (points,), whose decay from its peak is stretched to end at ``floor``, never below 0."""
    peak = int(np.argmax(values))
    decayed = (values - values[-1]) / (values[peak] - values[-1])
    decayed = np.clip(floor + (1 - floor) * decayed, 0.0, 1.0) * values[peak]
    return np.where(np.arange(len(values)) < peak, values, decayed)


def _shape(one: Result | Contender) -> dict[str, Any]:
    return {"family": one.family, "params": one.params}


def _table(values: np.ndarray) -> dict[str, Any]:
    values = np.round(values / values.max(), 5)
    return {"family": "table", "params": {"values": values.tolist()}}


def _best(path: Path) -> Result | None:
    return Study(path).best() if Store.exists(path) else None


def contest_spec(directory: Path) -> Mapping[str, Any]:
    """The spec of the contest of a workload's directory."""
    main = Study(directory / "main")
    given = main.spec.document()
    return {
        "name": f"{directory.name}: contest",
        **{key: given[key] for key in KEPT if given[key] != {}},
        "base_lr": {end: given["base_lr"][end] for end in ("low", "high")},
        "schedules": schedules(main.best(), _best(directory / "no-warmup"), _best(directory / "main-10x")),
    }


def main() -> None:
    """Write ``contest.toml`` into a workload's directory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path)
    parser.add_argument("--trials", type=int, help="at most so many in all; default: until all is decided")
    options = parser.parse_args()
    spec = contest_spec(options.directory)
    if options.trials is not None:
        spec = {"trials": options.trials, **spec}
    place = f"studies/{options.directory.name}"
    head = (
        f"# Written by: python studies/contest_spec.py {place}\n"
        f"# lrshape contest {place}/contest.toml --out {place}/contest\n"
    )
    write_file(options.directory / "contest.toml", (head + spec_text(spec) + "\n").encode(), replace=True)


if __name__ == "__main__":
    main()
