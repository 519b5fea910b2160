"""A study for every setting of a workload, and how well their best shapes transfer."""

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from lrshape.analysis.direction import Direction, as_losses, as_measured
from lrshape.analysis.tables import where
from lrshape.api import search
from lrshape.checks.axes import Setting, axis_names, settings
from lrshape.checks.check import CheckResult
from lrshape.checks.settings_findings import SettingFindings, SweepFindings
from lrshape.checks.settings_page import sweep_result
from lrshape.checks.transfer import (
    FIRST_SCORING_SEED,
    BaseLRGains,
    Transfer,
    TransferSpec,
    best_shape,
    transfer_into,
)
from lrshape.checks.transfer_statistics import BestShape, regrets
from lrshape.errors import InputError
from lrshape.files import inside
from lrshape.procedure.budget import is_planned
from lrshape.report.sections import writing
from lrshape.store import SWEEP, Store, claim_directory, digest, local, place_at, read_document
from lrshape.study.callback import Callback
from lrshape.study.pace import set_trials
from lrshape.study.plan import Plan
from lrshape.study.run import TimeLimitReached
from lrshape.study.spec import StudySpec, plain_document
from lrshape.study.study import Study
from lrshape.values import path_of, plain, positive_number
from lrshape.workers.executor import ExecutorChoice, executor_of


class Sweep:
    """A sweep in its directory: its settings, their studies, and what they say of each other.

    Args:
        path: directory of an existing sweep.

    Raises:
        InputError: if there is none, this version cannot read it, or it was edited.
    """

    def __init__(self, path: str | Path):
        self.path = path_of(path)
        self.document = _read(self.path)
        self.settings: Sequence[Setting] = settings(self.document["spec"], self.document["axes"])
        self.how = TransferSpec.read(self.document["transfer"], f"{self.path / SWEEP}: transfer")
        self._studies: dict[str, Study] = {}

    @property
    def name(self) -> str:
        """The spec's name."""
        return str(self.document["spec"].get("name", "study"))

    def study_path(self, setting: Setting) -> Path:
        """Directory of a setting's study.

        Raises:
            InputError: if it is a link.
        """
        return inside(self.path, "studies", setting.slug)

    def is_searched(self, setting: Setting) -> bool:
        """Whether a setting's study is complete and has its report, whose drawing takes a while."""
        path = self.study_path(setting)
        return (path / "report.html").is_file() and Store.exists(path) and self.study(setting).is_complete()

    def study(self, setting: Setting) -> Study:
        """A setting's study.

        Raises:
            InputError: if it has not begun.
        """
        if setting.slug not in self._studies:
            self._studies[setting.slug] = Study(self.study_path(setting))
        return self._studies[setting.slug]

    def is_complete(self) -> bool:
        """Whether every study is complete, and every transfer has begun to be stored."""
        paths = {setting.slug: self.study_path(setting) for setting in self.settings}
        if not all(Store.exists(paths[s.slug]) and self.study(s).is_complete() for s in self.settings):
            return False
        return all(Store.exists(paths[shape.setting] / Transfer.name) for shape in self.best_shapes)

    @cached_property
    def best_shapes(self) -> list[BestShape]:
        """The best shape of every setting that has one.

        Raises:
            InputError: if a study is not complete.
        """
        found = [best_shape(setting.slug, self.study(setting)) for setting in self.settings]
        return [shape for shape in found if shape is not None]

    @property
    def metric(self) -> str:
        """The metric that decides."""
        return self.study(self.settings[0]).metric

    @property
    def direction(self) -> Direction:
        """Of the metric."""
        return self.study(self.settings[0]).spec.direction

    def transfers(self) -> dict[str, pd.DataFrame]:
        """The transfer's trials, by the slug of the setting that they ran in."""
        own = {shape.setting for shape in self.best_shapes}
        return {
            s.slug: Store(self.study_path(s) / Transfer.name).trials([Transfer.name])
            for s in self.settings
            if s.slug in own
        }

    def regrets(self, margin: float = 0.05) -> pd.DataFrame:
        """The transfer matrices; see `lrshape.checks.transfer_statistics.regrets`.

        Raises:
            InputError: if the sweep is not complete, or the margin is negative.
        """
        if not self.is_complete():
            raise InputError(f"{self.path}: the sweep is not complete; run its command again to resume it")
        losses = {s: as_losses(t, self.metric, self.direction) for s, t in self.transfers().items()}
        found = regrets(
            losses,
            self.best_shapes,
            self.metric,
            first_scoring_seed=FIRST_SCORING_SEED,
            margin=margin,
            improved=lambda setting, at, values: self._gains[setting].improved(at, values),
        )
        return as_measured(found, self.direction)

    @cached_property
    def _gains(self) -> dict[str, BaseLRGains]:
        """By setting that has a transfer."""
        transfers, found = self.transfers(), {}
        for setting in self.settings:
            if setting.slug in transfers:
                study, transferred = self.study(setting), transfers[setting.slug]
                own = study.trials()
                # Another setting's hyperparameters may be none that this one can have.
                known = transferred["hyperparameters"].isin(own["hyperparameters"].astype(str).tolist())
                trials = pd.concat([own, where(transferred, known)], ignore_index=True)
                found[setting.slug] = BaseLRGains(study.spec, as_losses(trials, self.metric, self.direction))
        return found

    def report(self, margin: float = 0.05) -> CheckResult:
        """Write ``report.html``, ``figures/`` and ``tables/`` into the sweep's directory.

        Raises:
            InputError: if the sweep is not complete.
            StoreError: if it cannot be written.
        """
        findings = self.findings(margin)
        with writing(self.path):
            result = sweep_result(findings, self.path / "figures")
            result.write(self.path, eyebrow=f"Sweep over {', '.join(findings.varied)}", name=self.name)
        return result

    def announce(self, time_limit: float | None = None) -> str:
        """How many trials the studies and the transfers take, in a line."""
        count = len(self.settings)
        if (
            time_limit is not None
            and is_planned(self.document["spec"])
            and "trials" not in self.document["spec"]
        ):
            searched = f"{count:,} studies of as many trials as fit into the time limit"
        else:
            total = sum(Plan(StudySpec.parse(setting.document)).total for setting in self.settings)
            searched = f"{count:,} studies of at most {total:,} trials in all"
        return (
            f"{searched}, then at most {count * self.how.most(count, count):,} trials of their best shapes "
            "in every setting"
        )

    def findings(self, margin: float = 0.05) -> SweepFindings:
        """What the report states.

        Raises:
            InputError: if the sweep is not complete.
        """
        best = {s.slug: self.study(s).best().to_dict() for s in self.settings}
        transfers = self.transfers()
        return SweepFindings(
            metric=self.metric,
            varied=list(axis_names(list(self.document["axes"])).values()),
            settings=[
                SettingFindings(
                    s.slug,
                    s.short,
                    s.label,
                    s.values,
                    best[s.slug],
                    len(transfers.get(s.slug, ())),
                    self.study(s).spec.min_lr,
                )
                for s in self.settings
            ],
            regrets=self.regrets(margin),
            margin=margin,
            document=self.document,
        )


def run_sweep(
    spec: Mapping[str, Any],
    axes: Mapping[str, Sequence[Any]],
    *,
    out: str | Path,
    transfer: Mapping[str, Any] | None = None,
    time_limit: float | None = None,
    executor: ExecutorChoice = "inline",
    callback: Callback | None = None,
) -> Sweep:
    """Search in every setting, then try every best shape in every other; run it again to resume.

    Args:
        spec: a mapping with a study's keys, as `lrshape.search` takes it.
        axes: values by key; a study runs for every combination.
        out: directory of the sweep; studies go to ``studies/<setting>`` in it.
        transfer: settings of `TransferSpec`.
        time_limit: seconds for everything, after which it stops with `TimeLimitReached`.
        executor: what runs the trials, see `lrshape.search`.
        callback: hears how many trials all takes, and of the progress of each study and each transfer.

    Returns:
        The complete sweep; `Sweep.report` writes its page.

    Raises:
        InputError: if something given cannot be used, or the directory holds another sweep.
        TimeLimitReached: if the time limit came first.
        StoreError: if results cannot be written.
    """
    deadline = None if time_limit is None else time.monotonic() + positive_number("time_limit", time_limit)

    def left() -> float | None:
        if deadline is None:
            return None
        if (rest := deadline - time.monotonic()) <= 0:
            raise TimeLimitReached("the time limit is reached")
        return rest

    sweep = _open_or_create(spec, axes, transfer or {}, local(out, "a sweep's directory").absolute())
    if callback is not None:
        callback.announced(sweep.announce(time_limit))
    begun = [path for path in map(sweep.study_path, sweep.settings) if Store.exists(path)]
    # All searches get as many trials, or the one that has more would find the better shape.
    trials = Store(begun[0]).spec.get("max_trials") if begun else None
    waiting = [setting for setting in sweep.settings if not sweep.is_searched(setting)]
    for setting in waiting:
        path, document, rest = sweep.study_path(setting), dict(setting.document), left()
        if is_planned(document) and "trials" not in document:
            if trials is None and rest is not None:
                with executor_of(executor) as runner:  # a part for each search, and one for the transfers
                    planned = set_trials(document, path, rest / (len(waiting) + 1), None, runner)
                # Where another run has begun the search meanwhile, its number holds.
                trials = planned.get("trials", planned.get("max_trials"))
            document |= {} if trials is None else {"trials": trials}
        search(document, out=path, time_limit=left(), executor=executor, callback=callback)
    for setting in sweep.settings:
        if setting.slug in {shape.setting for shape in sweep.best_shapes}:
            study = sweep.study(setting)
            follow_up = transfer_into(study, setting.slug, sweep.best_shapes, sweep.how)
            follow_up.train(
                study,
                callback=callback,
                time_limit=left(),
                executor=executor,
                max_failed_fraction=setting.document.get("max_failed_fraction"),
            )
    return sweep


def _open_or_create(
    spec: Mapping[str, Any], axes: Mapping[str, Sequence[Any]], transfer: Mapping[str, Any], path: Path
) -> Sweep:
    spec, axes = plain_document(spec), plain(axes)
    settings(spec, axes)
    how = TransferSpec.read(transfer, "transfer").model_dump()
    document = {"spec": spec, "axes": axes, "transfer": how}
    claim_directory(place_at(path), SWEEP, document, "sweep")
    return Sweep(path)


def _read(path: Path) -> dict[str, Any]:
    file = path / SWEEP
    document = read_document(place_at(path), SWEEP, "sweep")
    if digest(document) != document["hash"]:
        raise InputError(f"{file} was edited: it does not have the hash that it states")
    axes = document.get("axes")
    tables = [document.get("spec"), axes, document.get("transfer")]
    if not (isinstance(axes, dict) and all(isinstance(values, list) for values in axes.values())) or not all(
        isinstance(table, dict) for table in tables
    ):
        raise InputError(f"{file}: spec, axes and transfer must be objects, and axes hold lists")
    return document
