"""The finished studies of a workload, opened where they lie: ``studies/<workload>/<name>``."""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from effects import SMALL, Effect, contest_effect, effect_of_logs
from exact import Scores, expected_scores, lowest, rms_lr, shape

from lrshape.analysis.analysis import Analysis
from lrshape.analysis.comparisons import keys_of
from lrshape.analysis.design import Design
from lrshape.analysis.result import Result
from lrshape.analysis.scores import BASELINE
from lrshape.analysis.tables import records, where
from lrshape.checks.settings import Sweep
from lrshape.errors import InputError
from lrshape.shapes import FAMILIES
from lrshape.store import Store, params_of
from lrshape.study.study import Study

TEN_TIMES, UNWARMED = "main-10x", "no-warmup"
FEWER = "fewer-trials"
"""The winner of a search with fewer trials, that of a sweep in the setting of `main`."""
STUDIES = Path(__file__).resolve().parent
_IN_THE_SET = {"inside": True, "outside": False}


@dataclass(frozen=True)
class WorkloadStudies:
    """The studies of one workload.

    Args:
        path: its directory.
    """

    path: Path

    @property
    def name(self) -> str:
        """Of the workload, or of its variant: that of the directory."""
        return self.path.name

    @cached_property
    def main(self) -> Study:
        """The search that the other studies ask about."""
        return Study(self.path / "main")

    @cached_property
    def best(self) -> Result:
        """The winner of `main`, with the best shapes of other families."""
        return self.main.best()

    @cached_property
    def near_optimal(self) -> Sequence[tuple[Mapping[str, Any], bool | None]]:
        """Rescored and confirmed shapes, and whether each is at most 2% worse than the best; None if open.

        For a shape that is in several of them the contest counts, else the confirm phase of a search. The
        best one of the rescore phase is open, unless it is confirmed: the seeds that score it chose it. Where
        losses are known, these are all shapes that the search tried.
        """
        if self.expected is not None:
            trials = self.main.trials()
            tried = dict.fromkeys(
                zip(trials["family"].astype(str), trials["params"].astype(str), strict=True)
            )
            shapes = [{"family": family, "params": params} for family, params in tried]
            rows = dict(enumerate([*shapes, *self.confirmed.values()]))
            effects = self.exact_effects(rows)
            return list({_shape(row): (row, effects[i].is_near_optimal) for i, row in rows.items()}.values())
        rescored = records(self.main.analysis().near_optimal(math.log1p(SMALL)))
        known = {_shape(row): (row, _IN_THE_SET.get(row["verdict"])) for row in rescored}
        known |= {
            _shape(row): (row, self.effects[name].is_near_optimal) for name, row in self.confirmed.items()
        }
        return list(known.values())

    @cached_property
    def confirmed(self) -> Mapping[str, Mapping[str, Any]]:
        """The rows of confirmed schedules by their names, beside ``best``: of the contest, else of searches.

        They are rows of `lrshape.analysis.analysis.Analysis.confirmed`, with the ``scale`` of its effects,
        from the side of ``best``, which was chosen before the contest, whether or not it has won it.
        """
        return {**self._by_searches, **self._by_contest}

    @cached_property
    def effects(self) -> Mapping[str, Effect]:
        """How much worse than ``best`` each of them is, by its name; computed where the losses are known."""
        if self.expected is not None:
            return self.exact_effects(self.confirmed)
        sources = self._by_searches, self._by_contest
        return {name: contest_effect(row, rows["best"]) for rows in sources for name, row in rows.items()}

    @cached_property
    def expected(self) -> Scores | None:
        """The losses of any schedules, where they are known."""
        return expected_scores(self.main.spec.workload)

    def exact_effects(self, rows: Mapping[Any, Mapping[str, Any]]) -> Mapping[Any, Effect]:
        """How much worse than ``best`` schedules are, each at its best base LR, where losses are known."""
        assert self.expected is not None
        best = shape({"family": self.best.family, "params": self.best.params})
        shapes = [
            shape({"family": row["family"], "params": params_of(row["params"])}) for row in rows.values()
        ]
        losses = lowest(self.expected, [best, *shapes], rms_lr(best, self.best.base_lr))
        return {
            key: effect_of_logs(loss, loss, loss)
            for key, loss in zip(rows, losses[1:] - losses[0], strict=True)
        }

    @cached_property
    def _by_contest(self) -> Mapping[str, Mapping[str, Any]]:
        place = self.path / "contest"
        return contest_rows(Study(place)) if Store.exists(place) else {}

    @cached_property
    def rivals(self) -> Mapping[str, str]:
        """Names in the contest of the best shapes of other families, by family."""
        return {family: name for family in FAMILIES if (name := f"best-{family}") in self.effects}

    @cached_property
    def of_families(self) -> Mapping[str, Effect]:
        """How much worse than ``best`` the best shape of each family is, where it was confirmed."""
        searched = {row["family"]: name for name, row in self._by_searches.items() if not row["is_baseline"]}
        return {family: self._of_family(name) for family, name in {**searched, **self.rivals}.items()}

    def _of_family(self, name: str) -> Effect:
        """The effect of a family's best shape; with the longest warmup it is not judged to be worse."""
        effect, row = self.effects[name], self.confirmed[name]
        longest = {one.name: one.high for one in FAMILIES[row["family"]].parameters()}.get("warmup", math.inf)
        is_limited = params_of(row["params"]).get("warmup", 0.0) > longest - 1e-6
        if effect.verdict != "worse" or not is_limited:
            return effect
        return effect._replace(note="longest warmup", is_judged=False)

    @cached_property
    def fewer_trials(self) -> Study | None:
        """A sweep's search in the setting of `main`, if there is one."""
        studies = (sweep.study(setting) for sweep in self.sweeps.values() for setting in sweep.settings)
        return next((one for one in studies if _training(one) == _training(self.main)), None)

    @cached_property
    def _by_searches(self) -> Mapping[str, Mapping[str, Any]]:
        """The winner of `main`, its baselines, and the winners of other searches, on the same seeds."""
        whole = self.main.analysis()
        tables, tuning = [whole.trials], dict(whole.design.tuning)
        unwarmed = Study(self.path / UNWARMED) if Store.exists(self.path / UNWARMED) else None
        for name, study in (("without-warmup", unwarmed), (FEWER, self.fewer_trials)):
            if study is None:
                continue
            study.require_complete()
            own, winner = study.analysis(), study.best().shape
            tables.append(where(own.trials, own.trials["shape"] == winner).assign(shape=f"{BASELINE}{name}"))
            known = {key: value for key, value in own.design.tuning.items() if key[0] == winner}
            tuning |= {(f"{BASELINE}{name}", *key[1:]): value for key, value in known.items()}
        design = dataclasses.replace(whole.design, tuning=tuning)
        rows = _rows(self.main, pd.concat(tables, ignore_index=True), design)
        return {"best" if name == self.best.shape else name: row for name, row in rows.items()}

    @cached_property
    def sweeps(self) -> Mapping[tuple[str, str], Sweep]:
        """The complete sweeps over one setting, by its key in the spec and the coupling of weight decay."""
        found = {}
        for file in sorted(self.path.glob("*/sweep.json")):
            sweep = Sweep(file.parent)
            axes = varied(sweep)
            if len(axes) == 1 and sweep.is_complete():
                workload = sweep.study(sweep.settings[0]).spec.document()["workload"]
                found[axes[0], workload.get("optimizer", {}).get("coupling", "")] = sweep
        return found


def contest_rows(study: Study, reference: str = "best") -> Mapping[str, Mapping[str, Any]]:
    """What a contest says of each schedule beside one of them, by their names.

    Raises:
        InputError: if no schedule of the contest is called so, or it is not complete.
    """
    study.require_complete()
    whole = study.analysis()
    keys = keys_of(where(whole.confirmed, whole.confirmed["shape"] == f"{BASELINE}{reference}"))
    if not keys:
        raise InputError(f"{study.path}: no schedule of the contest is called {reference}")
    return _rows(study, whole.trials, dataclasses.replace(whole.design, winner=keys[0]))


def _rows(study: Study, trials: pd.DataFrame, design: Design) -> Mapping[str, Mapping[str, Any]]:
    """What the confirm phase says of each schedule beside the design's winner, by their names."""
    beside = Analysis(trials, study.metric, study.spec.direction, design=design)
    rows = records(beside.confirmed.assign(scale=beside.scale))
    return {row["shape"].removeprefix(BASELINE): row for row in rows}


def _shape(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["family"], row["params"]


def _training(study: Study) -> Mapping[str, Any]:
    """The settings of a study's workload, without the coupling of a weight decay of 0, which does nothing."""
    workload = study.spec.document()["workload"]
    if workload.get("optimizer", {}).get("weight_decay") == 0:
        del workload["optimizer"]["coupling"]
    return workload


def varied(sweep: Sweep) -> list[str]:
    """The keys of the spec that a sweep varies; it gives others one value."""
    return [key for key, values in sweep.document["axes"].items() if len(values) > 1]


@functools.cache
def workloads(root: Path = STUDIES) -> list[WorkloadStudies]:
    """The workloads that have a finished search, by name."""
    folders = sorted(file.parent.parent for file in root.glob("*/main/study.json"))
    found = [WorkloadStudies(folder) for folder in folders]
    return [one for one in found if one.main.is_complete()]
