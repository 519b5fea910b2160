"""Make the stored studies: the evidence behind docs/findings.md.

    python studies/run.py WORKLOAD [PART ...] [--out DIR]

Every part of a workload is a study, a contest, a sweep or a check in ``DIR/WORKLOAD/PART``, by default below
this folder; its ``study.json`` or ``sweep.json`` holds the complete spec. Run the same command again to
resume. Without a part all of the workload's are run, in their order: the contest needs the winners of
the searches before it, and checks need ``main``. Most stored sweeps, and the searches without warmup of
CIFAR-10 and WikiText-2, are of earlier versions, which tried fewer base LRs of transferred shapes and
proposed more trials at a time: run these into another DIR.
CIFAR-10 and WikiText-2 are read from ``$LRSHAPE_DATA``.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import default_schedule
import numpy as np
from exact import shape
from stored import FEWER, STUDIES, TEN_TIMES, UNWARMED, WorkloadStudies
from transfers import CONTESTED, contest_place, given, schedule_name

import lrshape
from lrshape.analysis.tables import records
from lrshape.checks.axes import settings
from lrshape.checks.local import LocalCheck
from lrshape.checks.seeds import SeedsCheck
from lrshape.checks.settings import Sweep, run_sweep
from lrshape.errors import InputError
from lrshape.shapes.steps import progress
from lrshape.training.workload import WORKLOADS as REGISTERED

SEARCHED = (
    "generalized_cosine",
    "cosine_floor",
    "sqrt",
    "rex",
    "two_point_linear",
    "two_point_spline",
    "two_point_spline_floor",
    "smooth_nonmonotonic",
    "wsd",
    "power",
    "linear",
)
"""The paper's eight families, and three that practitioners use."""

REGRESSION = {"name": "linear-regression", "steps": 300, "dimension": 200}
ADAMW = {"name": "adamw", "weight_decay": 0.0}
WORKLOADS: dict[str, dict[str, Any]] = {
    "cifar10-cnn": {
        "name": "cifar10-cnn",
        "steps": 1563,  # one epoch
        "batch_size": 32,
        "train_images": 4000,
        "optimizer": ADAMW,
    },
    "wikitext-transformer": {
        "name": "wikitext-transformer",
        "steps": 2000,
        "vocabulary": 1024,
        "length": 64,
        "max_len": 64,
        "embed": 64,
        "mlp": 256,
        "train_sequences": 1000,
        "valid_sequences": 2000,
        "optimizer": ADAMW,
    },
    "digits-cnn": {"name": "digits-cnn", "optimizer": ADAMW},
    "digits-mlp": {"name": "digits-mlp", "optimizer": ADAMW},
    "chars-transformer": {"name": "chars-transformer", "optimizer": ADAMW},
    "linear-regression": {**REGRESSION, "batch_size": 1, "exponent": 1.0},
    "linear-regression-flat": {**REGRESSION, "batch_size": 2, "exponent": 0.5},
    "linear-regression-large-batch": {**REGRESSION, "batch_size": 10, "exponent": 1.0},
}
SEARCHED_LONGER = "digits-cnn", *(name for name in WORKLOADS if name.startswith("linear-regression"))
"""Workloads whose trials are so cheap that a search takes ten times as many, too; the contest judges it."""


class Size(NamedTuple):
    """How many trials the parts of a workload take.

    Attributes:
        main: trials of the search.
        unwarmed: trials of the search without warmup.
        sweep: settings of each setting's search in a sweep.
        decays: constant weight decays times steps: by how many e-folds they shrink the weights in all.
        families: how many families' best shapes enter the contest, the best first.
        contest: settings of the contest.
        repeats: whether the contest has the schedules that the searches have confirmed, too.
        transfer: seeds of a sweep's transferred shapes.
        local: settings of the local check.
        seeds: settings of the seeds check.
    """

    main: int
    unwarmed: int
    sweep: dict[str, Any]
    decays: tuple[float, ...]
    families: int
    contest: dict[str, Any]
    repeats: bool
    transfer: dict[str, int]
    local: dict[str, int]
    seeds: dict[str, int]


SMALL = Size(
    main=1200,
    unwarmed=800,
    sweep={"trials": 400},
    decays=(0.0, 0.1, 0.5, 2.0),
    families=5,
    contest={},
    repeats=True,
    transfer={},
    local={},
    seeds={},
)
MEDIUM = SMALL._replace(
    sweep={"trials": 192},
    # digits-cnn is noisy and cheap: so many seeds show effects of 2%, the margin, of a loss of 0.001.
    contest={
        "chunk_size": 256,
        "tuning": {"seeds": 4, "rounds": 6},
        "confirm": {"most": 10240, "margin": 2e-5},
    },
    transfer={"tuning_seeds": 16, "seeds": 64},  # with 3 and 16 two sweeps of digits-cnn were open
    local={"points": 4, "seeds": 4, "confirm_seeds": 20},
    seeds={"max": 400, "top": 6, "sample": 16},  # even these do not say how many it takes
)
SLOW = MEDIUM._replace(
    decays=(0.0, 0.5, 2.0),
    contest={"trials": 744, "confirm": {"most": 160}},
    transfer={"tuning_seeds": 3, "seeds": 16},
    seeds={"max": 30, "top": 6, "sample": 16},
)
LARGE_BATCH = SMALL._replace(contest={"tuning": {"rounds": 12}})
"""After the usual four rounds the best base LRs were known to half an octave only, too coarsely to judge."""
LARGE = SLOW._replace(
    main=400,
    unwarmed=250,
    sweep={"trials": 96, "families": ["rex", "wsd"]},
    decays=(0.0, 2.0),
    families=3,
    contest={"tuning": {"seeds": 2, "rounds": 2}, "confirm": {"most": 20}},
    repeats=False,
    transfer={"tuning_seeds": 2, "seeds": 24},  # 8 left the sweeps over weight decay open
    local={"points": 4, "seeds": 1, "confirm_seeds": 16},
    seeds={"max": 10, "top": 5, "sample": 10},
)
FLOORS = (0.0, 0.1, 0.3)
"""Last LRs, relative to the peak, that the best schedule is given in the contest."""
CONFIRMED = ("without-warmup", *default_schedule.COMMON, "constant")
"""Schedules of the contest that searches confirm, too."""
POINTS = 200
"""Values of a schedule that is given as a table."""


def axes(workload: str) -> dict[str, dict[str, list[Any]]]:
    """What each sweep of a workload varies, by part; coupled sweeps also fix the coupling."""
    steps = REGISTERED.build(WORKLOADS[workload]).steps
    horizon = {"horizon": {"workload.steps": [max(1, steps // 4), steps, 4 * steps]}}
    if "optimizer" not in WORKLOADS[workload]:
        return horizon
    optimizer = "workload.optimizer."
    return {
        "weight-decay-constant": {
            optimizer + "coupling": ["constant"],
            optimizer + "weight_decay": [float(f"{log / steps:.2g}") for log in size_of(workload).decays],
        },
        "weight-decay-lr": {optimizer + "coupling": ["lr"], optimizer + "weight_decay": [0.0, 0.1, 1.0]},
        "beta1": {optimizer + "beta1": [0.0, 0.9, 0.98]},
        "beta2": {optimizer + "beta2": [0.9, 0.99, 0.999]},
        **horizon,
        "optimizer": {optimizer + "name": ["adamw", "muon", "momentum"]},
    }


def spec(workload: str, **more: Any) -> dict[str, Any]:
    """The spec of a study of a workload."""
    return {"workload": dict(WORKLOADS[workload]), "chunk_size": 32, **more}


def without_warmup() -> list[dict[str, Any]]:
    """The families that have a warmup, without it."""
    return [{"name": name, "fixed": {"warmup": 0.0}} for name in SEARCHED if name != "smooth_nonmonotonic"]


def contestants(workload: str, out: Path) -> dict[str, dict[str, Any]]:
    """Schedules for the contest, by name; the stored trials belong to this order.

    ``best``, the best of each other family, the best without warmup, the best's warmup without decay, the
    best with other last LRs, the standard schedules, and, where there is a longer search, the winners of that
    and of the short search of a sweep.
    """
    main, unwarmed = (lrshape.Study(out / workload / name) for name in ("main", UNWARMED))
    size = size_of(workload)
    winners = main.analysis().best_per_family
    found = {}
    for place, row in enumerate(records(winners.head(size.families))):
        name = "best" if place == 0 else f"best-{row['family']}"
        found[name] = {"family": row["family"], "params": json.loads(row["params"])}
    best = unwarmed.best()
    found["without-warmup"] = {"family": best.family, "params": dict(best.params)}
    multipliers = np.asarray(shape(found["best"])(progress(POINTS)), float)
    peak = int(np.argmax(multipliers))
    held = np.where(np.arange(POINTS) > peak, multipliers[peak], multipliers)
    found["without-decay"] = _table(held)
    for floor in FLOORS:
        found[f"best-to-{100 * floor:.0f}-percent"] = _table(ending_at(multipliers, floor))
    found |= {**default_schedule.COMMON, "constant": {"family": "constant", "params": {"warmup": 0.05}}}
    if workload in SEARCHED_LONGER:
        shorter = WorkloadStudies(out / workload).fewer_trials
        for name, study in ((TEN_TIMES, lrshape.Study(out / workload / TEN_TIMES)), (FEWER, shorter)):
            if study is None:
                raise InputError("run the sweeps first: the contest has the winner of one of their searches")
            winner = study.best()
            found[name] = {"family": winner.family, "params": dict(winner.params)}
    return {name: one for name, one in found.items() if size.repeats or name not in CONFIRMED}


def contest_best_shapes(place: Path) -> None:
    """Run a contest of all settings' best shapes in each setting of a sweep."""
    sweep = Sweep(place)
    shapes = {schedule_name(best.setting): given(best) for best in sweep.best_shapes}
    document = {"chunk_size": 64, "tuning": {"seeds": 8, "rounds": 6}, "confirm": {"most": 640}}
    document["workload"] = sweep.document["spec"]["workload"]
    for setting in settings(document, sweep.document["axes"]):
        lrshape.compare(setting.document, schedules=shapes, out=contest_place(place, setting.slug))


def ending_at(multipliers: Any, floor: float) -> Any:
    """The curve with its part behind the peak stretched so that it ends at ``floor``."""
    peak, last = int(np.argmax(multipliers)), multipliers[-1]
    falls = (multipliers[peak:] - last) / max(multipliers[peak] - last, 1e-12)
    stretched = floor + (multipliers[peak] - floor) * falls
    return np.concatenate([multipliers[:peak], np.maximum(stretched, 0.0)])


def _table(values: Any) -> dict[str, Any]:
    return {"family": "table", "params": {"values": [round(float(v), 5) for v in values / values.max()]}}


def size_of(workload: str) -> Size:
    """How many trials a workload can afford."""
    sizes = {
        "cifar10-cnn": LARGE,
        "wikitext-transformer": LARGE,
        "digits-cnn": MEDIUM,
        "chars-transformer": SLOW,
        "linear-regression-large-batch": LARGE_BATCH,
    }
    return sizes.get(workload, SMALL)


def run(workload: str, part: str, out: Path) -> None:
    """Run one part, or resume it."""
    place, size, sweeps = out / workload / part, size_of(workload), axes(workload)
    if part in ("main", TEN_TIMES):
        many = {"trials": 10 * size.main, "seed": 1} if part == TEN_TIMES else {"trials": size.main}
        lrshape.search(spec(workload, families=list(SEARCHED), **many), out=place)
    elif part == UNWARMED:
        document = spec(workload, families=without_warmup(), trials=size.unwarmed)
        lrshape.search(document, out=place)
    elif part == "contest":
        document = spec(workload, **size.contest)
        lrshape.compare(document, schedules=contestants(workload, out), out=place)
    elif part == default_schedule.CONTEST:
        lrshape.compare(
            spec(workload, trials=400, confirm={"most": 160}),
            schedules=default_schedule.CONTESTANTS,
            out=place,
        )
    elif part in sweeps:
        document = spec(workload, baselines=["linear"], **size.sweep)
        run_sweep(document, sweeps[part], out=place, transfer=size.transfer).report()
        if workload in CONTESTED:
            contest_best_shapes(place)
    else:
        check = LocalCheck(**size.local) if part == "local" else SeedsCheck(**size.seeds)
        check.run(lrshape.Study(out / workload / "main"))


def parts(workload: str) -> list[str]:
    """All parts of a workload, in an order in which they can run."""
    if workload == default_schedule.UNSEEN:
        return [default_schedule.CONTEST]
    longer = [TEN_TIMES] if workload in SEARCHED_LONGER else []
    return ["main", UNWARMED, *longer, *axes(workload), "contest", "local", "seeds"]


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--out", type=Path, default=STUDIES)
    options = parser.parse_args(arguments)
    known = parts(options.workload)
    for part in options.parts:
        if part not in known:
            parser.error(f"PART must be one of {', '.join(known)}, got {part}")
    for part in options.parts or known:
        began = time.monotonic()
        try:
            run(options.workload, part, options.out)
        except InputError as error:
            sys.stderr.write(f"error: {options.workload} {part}: {error}\n")
            return 2
        except KeyboardInterrupt:
            sys.stderr.write(f"{options.workload} {part}: stopped; run the same command again to resume\n")
            return 130
        sys.stderr.write(f"{options.workload} {part}: {time.monotonic() - began:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
