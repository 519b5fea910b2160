"""What every check of a study promises; it runs on a small study of a quick function."""

import atexit
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd

from lrshape import api
from lrshape.checks.check import CHECKS, Check
from lrshape.checks.transfer import Transfer
from lrshape.procedure.trial import FIRST_SEED
from lrshape.store import Store
from lrshape.study.study import Study
from lrshape.testing.contract import check as apply
from lrshape.testing.contract import require, require_described_settings, require_refusal

SPEC = {
    "families": ["rex", "linear"],
    "baselines": ["constant"],
    "chunk_size": 4,
    "workload": {"name": "function", "function": f"{__name__}:train", "steps": 12},
    "base_lr": {"low": 0.01, "high": 1.0, "points": 3},
    "screen": {"shapes": 4, "seeds": 1},
    "rescore": {"top": 2, "seeds": 2},
    "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1},
    "confirm": {"seeds": 2},
}
called = 0
stop_after: int | None = None


def train(lrs: Any, seed: int) -> float:
    """Descend a quadratic with noise in the gradient, or be interrupted."""
    global called
    if stop_after is not None and called >= stop_after:
        raise KeyboardInterrupt
    called += 1
    x = 1.0
    for i, lr in enumerate(lrs):
        x -= lr * (x + 0.3 * ((seed * 31 + i * 17) % 13 - 6) / 6)
    return 0.5 * x * x


def check_check(check: Check) -> None:
    """Require that a check, an instance with settings that make it quick, keeps the contract.

    Raises:
        AssertionError: at the first rule that it breaks.
        InputError: if a small study does not suit it.
    """
    apply(RULES, check)


@contextmanager
def searched() -> Iterator[Study]:
    """A complete study, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        yield Study(shutil.copytree(_searched_once(), Path(folder) / "study"))


@cache
def _searched_once() -> Path:
    """The path of the study that is copied; it is there until the process ends."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with mock.patch.object(api, "write_report"):
        api.search(SPEC, out=(path := Path(folder) / "study"))
    return path


def trained(check: Check, study: Study, stop: int | None = None) -> tuple[pd.DataFrame, int]:
    """Train a check's trials; return them, and how many were trained now."""
    global called, stop_after
    called, stop_after = 0, stop
    try:
        return check.train(study).drop(columns="wall_time"), called
    finally:
        stop_after = None


def is_a_command(check: Check) -> None:
    """Its docstring is the help, and every setting is an option with a description."""
    from lrshape.cli.check import command

    require_described_settings(type(check))
    options = {parameter.name for parameter in command(type(check)).params}
    missing = set(type(check).model_fields) - options
    require(not missing, f"settings must be options, got none for {', '.join(sorted(missing))}")


def has_seeds_of_its_own(check: Check) -> None:
    """A million that neither searches nor other checks use."""
    others = [kind for kind in (*CHECKS.values(), Transfer) if kind.name != check.name]
    taken = {first // 1_000_000 for first in FIRST_SEED.values()} | {
        kind.first_seed() // 1_000_000 for kind in others
    }
    first = check.first_seed()
    require(first // 1_000_000 not in taken, f"seeds from {first:,} are another's")
    require(0 <= first <= 2**31 - 1_000_000, f"seeds must lie below 2**31, got {first:,}")


def trains_beside_the_study(check: Check) -> None:
    """At most as many trials as it says, on its own seeds; the study stays as it is."""
    with searched() as study:
        before = study.trials()
        most, cost = check.most_trials(study), check.cost(study)
        table, count = trained(check, study)
        require(len(table) == count > 0, f"every trial must be trained once, got {count} for {len(table)}")
        require(count <= most and 0 < cost <= most, f"{count} trials, about {cost}, {most} at most")
        own = range(check.first_seed(), check.first_seed() + 1_000_000)
        require(all(seed in own for seed in table["seed"]), f"seeds must be from {own.start:,}")
        require(set(table["phase"]) == {check.name}, f"the phase must be {check.name}")
        pd.testing.assert_frame_equal(study.trials(), before)
        require(study.is_complete(), "the study must stay complete")


def trains_nothing_twice(check: Check) -> None:
    """Interrupted and run again it gives the same; complete it trains nothing."""
    with searched() as study:
        whole, count = trained(check, study)
    with searched() as study:
        for stop in (0, count // 2, count // 4):
            try:
                trained(check, study, stop)
            except KeyboardInterrupt:
                continue
            raise AssertionError("must not hold back what interrupts it")
        kept = _kept(check, study)
        again, rest = trained(check, study)
        require(rest == count - kept, f"must train the {count - kept} trials that are missing, got {rest}")
        pd.testing.assert_frame_equal(again, whole, check_exact=True)
        require(trained(check, study)[1] == 0, "complete it must train nothing")


def _kept(check: Check, study: Study) -> int:
    directory = study.directory / check.name
    return len(Store(directory).trials()) if Store.exists(directory) else 0


def writes_a_page_and_gives_data(check: Check) -> None:
    """The same each time, as plain JSON without NaN."""
    with searched() as study:
        result = check.run(study)
        directory = study.directory / check.name
        page = (directory / "report.html").read_bytes()
        require(f"Check: {check.name}".encode() in page, "the page must say which check it is")
        require(result.title and result.title[-1] != ".", "title must be a sentence without its full stop")
        found = json.loads(json.dumps(result.to_dict(), allow_nan=False))
        rows = len(pd.read_csv(directory / "tables" / "trials.csv"))
        require(rows == found["trials"] == _kept(check, study), f"trials.csv has {rows} trials")
        require(found["settings"] == check.model_dump(mode="json"), "data must have the settings")
        check.run(study)
        require((directory / "report.html").read_bytes() == page, "the page must be the same each time")


def refuses_an_incomplete_study(check: Check) -> None:
    """Before it makes a directory."""
    with searched() as study:
        (study.directory / "trials" / "confirm-00000.parquet").unlink()
        require_refusal(lambda: check.train(study), "not complete; run its search again")
        require(not (study.directory / check.name).exists(), "must not make a directory")


RULES = (
    is_a_command,
    has_seeds_of_its_own,
    trains_beside_the_study,
    trains_nothing_twice,
    writes_a_page_and_gives_data,
    refuses_an_incomplete_study,
)
