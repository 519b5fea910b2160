"""A study on disk, and the function that runs one."""

import logging
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lrshape.analysis import result
from lrshape.errors import InputError, shown
from lrshape.shapes.schedule import Schedule, StepRule
from lrshape.store import PHASES, Location, Store, Url, locate, store_error
from lrshape.study import environment
from lrshape.study.callback import Callback
from lrshape.study.pace import settled
from lrshape.study.run import Run
from lrshape.study.size import expected_bytes
from lrshape.study.spec import MAX_CHUNK_SIZE, StudySpec, read_spec, spec_hash
from lrshape.training.called_workload import CalledWorkload
from lrshape.training.memory import plan_chunk_size
from lrshape.training.precision import precision
from lrshape.training.workload import GradientWorkload, Workload
from lrshape.training.workloads.function import FunctionWorkload, TrainFunction
from lrshape.workers.executor import EXECUTORS, Executor, ExecutorChoice

_log = logging.getLogger(__name__)


class Study:
    """A study in its directory: its spec, its trials, and what they say.

    Args:
        path: directory of an existing study, or its URL, such as ``s3://bucket/study``.

    Raises:
        InputError: if there is none, this version cannot read it, or it was edited.
    """

    def __init__(self, path: str | Path):
        self.store = Store.open(path)
        if spec_hash(self.store.document.get("spec")) != self.store.document["hash"]:
            raise InputError(f"{self.path}/study.json was edited: its spec does not have the hash it states")
        try:
            filled = StudySpec.parse(self.store.document["spec"]).document()
        except InputError as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{self.path}/study.json holds a spec that cannot be read: {reason}") from None
        chunk_size = self.store.document.get("chunk_size")
        if type(chunk_size) is not int or not 1 <= chunk_size <= MAX_CHUNK_SIZE:
            raise InputError(
                f"{self.path}/study.json: chunk_size must be a whole number from 1 to {MAX_CHUNK_SIZE:,}, "
                f"got {shown(chunk_size)}"
            )
        self._document = {**self.store.document, "spec": filled}

    @property
    def path(self) -> Location:
        """The study's directory, or its URL."""
        return self.store.path

    @property
    def directory(self) -> Path:
        """The study's directory, for what only works on a local disk.

        Raises:
            InputError: if the study is at a URL.
        """
        if isinstance(self.path, Url):
            raise InputError(
                f"this needs a study in a local directory, got {self.path}: copy it to one first"
            )
        return self.path

    @property
    def document(self) -> dict[str, Any]:
        """Content of ``study.json``: the spec, its hash, versions, device, git revision."""
        return self._document

    @property
    def metric(self) -> str:
        """The metric that is minimised."""
        return self.document["spec"]["metric"]

    @property
    def steps(self) -> int:
        """Training steps of the workload."""
        return self.document["spec"]["workload"]["steps"]

    @property
    def step_rule(self) -> StepRule:
        """Where in a step the shapes are read."""
        return self.document["spec"]["step_rule"]

    def trials(self) -> pd.DataFrame:
        """All stored trials, one row each; see docs/study.md for the columns."""
        return self.store.trials()

    def is_complete(self) -> bool:
        """Whether the last phase has trained all that it takes, and no chunk of any phase is missing."""
        names = self.store.chunks()
        for phase in PHASES:
            numbers = [int(name.rpartition("-")[2]) for name in names if name.startswith(f"{phase}-")]
            if not numbers or numbers != list(range(len(numbers))):
                return False
        return len(self.store.trials(["confirm"])) == result.planned_trials(self.document)["confirm"]

    def require_complete(self) -> None:
        """Raise `InputError` unless the study is complete."""
        if not self.is_complete():
            raise InputError(f"{self.path}: the study is not complete; run its search again to resume it")

    def progress(self) -> dict[str, dict[str, Any]]:
        """What is stored, by phase: trials, shapes, diverged, failed, lowest metric, seconds."""
        trials = self.trials()
        return {
            phase: {
                "trials": len(rows),
                "shapes": len(set(rows["shape"])),
                "diverged": int(np.sum(rows["status"] == "diverged")),
                "failed": int(np.sum(rows["status"] == "failed")),
                "best": None if np.isinf(lowest := float(np.min(rows[self.metric]))) else lowest,
                "seconds": float(np.sum(rows["wall_time"])),
            }
            for phase in PHASES
            if len(rows := trials[trials["phase"] == phase])
        }

    def failures(self) -> list[str]:
        """The messages of the trials that failed, in the order of `trials`."""
        trials = self.trials()
        return trials.loc[trials["status"] == "failed", "message"].tolist()

    def best(self, metric: str | None = None) -> dict[str, Any]:
        """The winner, confirmed on fresh seeds, and its lead over the baselines.

        See `lrshape.analysis.result.best` for the keys.

        Args:
            metric: another stored metric to rank by, without training again. If its winner is not what
                was confirmed, ``phase`` is ``rescore``: the numbers are from seeds that chose it.

        Raises:
            InputError: if the study is not complete, or no such metric is stored.
        """
        self.require_complete()
        by = metric or self.metric
        return result.best(self.trials(), by, steps=self.steps, step_rule=self.step_rule)

    def schedule(self, steps: int | None = None, metric: str | None = None) -> Schedule:
        """The winner as a schedule, over ``steps`` steps if given, by another stored metric if given.

        Raises:
            InputError: if the study is not complete, or no shape in it has a finite score.
        """
        best = self.best(metric)
        if best["score_median"] is None:
            raise InputError(f"{self.path}: no shape has a finite {best['metric']}, so there is no winner")
        return Schedule(
            best["family"],
            best["params"],
            base_lr=best["base_lr"],
            steps=self.steps if steps is None else steps,
            step_rule=self.step_rule,
        )

    def report(self, metric: str | None = None) -> Location:
        """Write ``report.html``, ``figures/`` and ``tables/`` into the study's directory.

        For a study at a URL they are made on the local disk and then put beside it.

        Args:
            metric: another stored metric to rank by, without training again: the names then end with it,
                e.g. ``report-final-test_error.html``, and the study's own report stays.

        Raises:
            InputError: if nothing is stored yet, or no such metric is stored.
            StoreError: if it cannot be written.
        """
        trials = self.trials()
        if trials.empty:
            raise InputError(f"{self.path}: no training is stored yet; run its search first")
        by = metric or self.metric
        if not isinstance(self.path, Url):
            return self._report(trials, by, self.path)
        with tempfile.TemporaryDirectory(prefix="lrshape-") as folder:
            made = Path(folder) / self.path.name  # the page names its directory
            page = self._report(trials, by, made)
            for file in sorted(made.rglob("*")):
                if file.is_file():
                    self.store.place.replace(file.relative_to(made).as_posix(), file.read_bytes())
        return self.path / page.name

    def _report(self, trials: pd.DataFrame, by: str, directory: Path) -> Path:
        from lrshape.analysis.tables import write_tables
        from lrshape.report import suffix, write_report

        try:
            write_tables(trials, by, directory / f"tables{suffix(by, self.metric)}")
            return write_report(
                trials,
                self.document,
                directory,
                metric=by,
                steps=self.steps,
                step_rule=self.step_rule,
                study_metric=self.metric,
            )
        except OSError as error:
            file = error.filename2 or error.filename or directory  # of a rename, the target
            raise store_error(error, Path(file)) from error


def search(
    spec: str | Path | Mapping[str, Any] | StudySpec | None = None,
    *,
    out: str | Path,
    train: TrainFunction | None = None,
    steps: int | None = None,
    metrics: tuple[str, ...] = ("score",),
    timeout: float | None = None,
    isolated: bool = False,
    time_limit: float | None = None,
    executor: ExecutorChoice = "inline",
    callback: Callback | None = None,
    **settings: Any,
) -> Study:
    """Find the best schedule shape for a workload; run it again with the same arguments to resume.

    Args:
        spec: a TOML file, a mapping with the same keys, or nothing.
        out: directory of the study, or its URL, such as ``s3://bucket/study``; made if it does not exist,
            resumed if it holds this study.
        train: your own training, ``train(lrs, seed) -> float | {metric: number}``, where ``lrs`` is float64
            of shape (steps,); it becomes the workload. Give ``steps``, too.
        steps: steps of ``train``.
        metrics: names of what ``train`` returns, the metric first.
        timeout: seconds after which one call of ``train`` is killed and has failed; implies ``isolated``.
        isolated: call ``train`` in a process of its own, which imports it again, so that a crash there ends
            one trial and not the study. A script then starts its search below
            ``if __name__ == "__main__":``.
        time_limit: stop after this many seconds with `TimeLimitReached`; what is finished is kept. A spec
            that does not say how to search gets as many trials as fit.
        executor: what runs the trials: ``inline``, ``processes``, ``ray``, or a mapping with such a
            ``name`` and settings, e.g. ``{"name": "processes", "workers": 4}``. It is no part of the study:
            it may be another one when the study is resumed.
        callback: hears of progress.
        **settings: keys of the spec, e.g. ``families=["rex"]``; they replace the spec's.

    Returns:
        The complete study, with its report written.

    Raises:
        InputError: if something given cannot be used; nothing has been trained then.
        TimeLimitReached: if the time limit came first.
        TooManyFailed: if more of the trials failed than ``max_failed_fraction`` allows: an `InputError`, too.
        StoreError: if results cannot be written.
    """
    called = {"timeout": timeout, "isolated": isolated}
    if not str(out):
        raise InputError("out must name a directory, got an empty name")
    path = locate(out)
    path = path if isinstance(path, Url) else path.absolute()  # a train function may change the current one
    with EXECUTORS.build(executor) as runner:
        began = time.monotonic()
        parsed = _parse(spec, train, steps, metrics, called, settings, path, time_limit, runner)
        study = _open_or_create(parsed, path)
        stored = len(study.store.chunks())
        study.store.require_room(expected_bytes(parsed, study.document["chunk_size"], stored))
        callback = callback or Callback()
        callback.started(str(study.path), stored)
        left = None if time_limit is None else max(0.0, time_limit - (time.monotonic() - began))
        Run(parsed, study.store, study.document["chunk_size"], runner, callback, left).complete()
    study.report()
    callback.finished(study)
    return study


def _parse(
    spec: Any,
    train: TrainFunction | None,
    steps: int | None,
    metrics: tuple[str, ...],
    called: dict[str, Any],
    settings: dict[str, Any],
    path: Location,
    time_limit: float | None,
    executor: Executor,
) -> StudySpec:
    if isinstance(spec, StudySpec):
        if settings or train is not None or steps is not None:
            raise InputError("a StudySpec is complete: give a mapping to combine it with other settings")
        return spec
    document = dict(read_spec(spec)) if isinstance(spec, str | Path) else dict(spec or {})
    document |= settings
    if train is None:
        for name, value in {"steps": steps, **called}.items():
            if value is not None and value is not False:
                raise InputError(f"{name} belongs to train=; set workload.{name} in the spec instead")
        return StudySpec.parse(settled(document, path, time_limit, None, executor))
    if steps is None:
        raise InputError("train= needs steps=, the number of learning rates that it takes")
    workload = FunctionWorkload.of(train, steps, metrics, **called)
    return StudySpec.parse(settled(document, path, time_limit, workload, executor), workload)


def _open_or_create(spec: StudySpec, path: Location) -> Study:
    """Open the study of this spec in a directory, or make it.

    Raises:
        InputError: if the directory holds another study, or anything else.
    """
    plain = spec.document()
    if Store.exists(path):
        study = Study(path)
        changed = differences(study.document["spec"], plain)
        if changed:
            raise InputError(
                f"{path} holds a study with another spec; changed: {'; '.join(changed)}; "
                "use another directory, or the old settings"
            )
        study.store.require_writable()
        if study.document.get("train_digest") != _train_digest(spec.workload):
            _log.warning(
                "%s: the code of %s has changed since the study was made; the stored trials are the old "
                "code's and are kept. For a new search use another directory",
                path,
                spec.workload.code,  # pyright: ignore[reportAttributeAccessIssue]
            )
        return study
    check_workload(spec.workload)
    Store.create(
        path,
        {
            "name": spec.name,
            "hash": spec.hash(),
            "spec": plain,
            "chunk_size": plan_chunk_size(spec.workload) if spec.chunk_size == "auto" else spec.chunk_size,
            "versions": environment.versions(),
            "device": environment.device(),
            "precision": precision(spec.workload),
            "git_revision": environment.git_revision(),
            "train_digest": _train_digest(spec.workload),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
    return Study(path)


def check_workload(workload: Workload) -> None:
    """Find what would go wrong at the first training, before a directory is made."""
    import jax

    if isinstance(workload, CalledWorkload):
        workload.check()
    elif isinstance(workload, GradientWorkload):
        data = workload.data()
        jax.eval_shape(lambda key: workload.order(key, data), jax.eval_shape(lambda: jax.random.key(0)))


def _train_digest(workload: Workload) -> str | None:
    return workload.digest() if isinstance(workload, CalledWorkload) else None


def differences(old: Any, new: Any, where: str = "") -> list[str]:
    """What differs between two JSON documents, as ``key: old -> new``."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        return [
            line
            for key in keys
            for line in differences(old.get(key), new.get(key), f"{where}.{key}" if where else key)
        ]
    return [] if old == new else [f"{where}: {old!r:.60} -> {new!r:.60}"]
