"""The functions that run a study from its spec to its report: a search, or a contest of given schedules."""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypedDict, Unpack

from lrshape.errors import InputError, shown
from lrshape.report.page import write_report
from lrshape.shapes.steps import StepRule
from lrshape.store import Location, Store, Url, locate
from lrshape.study.callback import Callback
from lrshape.study.creation import open_or_create
from lrshape.study.given_schedules import Given
from lrshape.study.pace import set_trials
from lrshape.study.plan import Plan
from lrshape.study.run import Run
from lrshape.study.spec import StudySpec, plain_document, read_spec
from lrshape.study.study import Study
from lrshape.training.user_function import keeping_worker
from lrshape.training.workloads.function import FunctionWorkload, TrainFunction
from lrshape.values import positive_number
from lrshape.workers.executor import Executor, ExecutorChoice, executor_of


class StudySettings(TypedDict, total=False):
    """Keys of a spec; ``lrshape init WORKLOAD`` prints what each of them means."""

    name: str
    seed: int
    metric: str
    direction: Literal["minimize", "maximize"]
    metric_scale: Literal["auto", "log", "linear", "logit"]
    step_rule: StepRule
    chunk_size: int | Literal["auto"]
    max_failed_fraction: float
    workload: str | Mapping[str, Any]
    base_lr: Mapping[str, Any]
    tuning: Mapping[str, Any]
    confirm: Mapping[str, Any]
    trials: int
    max_trials: int | None
    warmup_steps: int
    decay_steps: int
    min_lr: float


class SearchSettings(StudySettings, total=False):
    """Keys of a spec, as `search` takes them."""

    families: Sequence[str | Mapping[str, Any]]
    sampler: str | Mapping[str, Any]
    screen: Mapping[str, Any]
    rescore: Mapping[str, Any]
    baselines: Sequence[str] | Mapping[str, Given]
    initial_shapes: Sequence[Mapping[str, Any]]
    tune: Mapping[str, Any]


def search(
    spec: str | os.PathLike[str] | Mapping[str, Any] | StudySpec | None = None,
    *,
    out: str | os.PathLike[str],
    train: TrainFunction | None = None,
    steps: int | None = None,
    metrics: str | Sequence[str] | None = None,
    timeout: float | None = None,
    isolated: bool = False,
    time_limit: float | None = None,
    executor: ExecutorChoice = "inline",
    callback: Callback | None = None,
    **settings: Unpack[SearchSettings],
) -> Study:
    """Find the best schedule shape for a workload; run it again with the same arguments to resume.

    Args:
        spec: a TOML file, a mapping with the same keys, or nothing.
        out: directory of the study, or its URL, such as ``s3://bucket/study``; made if it does not exist,
            resumed if it holds this study.
        train: your own training, ``train(lrs, seed) -> float | {metric: number}``, where ``lrs`` is float64
            of shape (steps,); it becomes the workload. Also give ``steps``. With ``tune`` it takes each
            hyperparameter as a keyword: ``train(lrs, seed, *, weight_decay)``. The mapping may hold a loss
            curve under ``curve``: rows (step, train loss) or (step, train loss, validation loss).
        steps: steps of ``train``.
        metrics: names of what ``train`` returns, the metric first; default: ``score``.
        timeout: seconds after which one call of ``train`` is killed and has failed; implies ``isolated``.
        isolated: call ``train`` in a process of its own, which imports it again, so that a crash there ends
            one trial and not the study. A script then starts its search below
            ``if __name__ == "__main__":``.
        time_limit: stop after this many seconds with `TimeLimitReached`; what is finished is kept. Outside
            the main thread the running trial ends first, unless the executor is ``processes`` or ``ray``. A
            spec that does not say how to search gets as many trials as fit.
        executor: what runs the trials: ``inline``, ``processes``, ``ray``, or a mapping with such a
            ``name`` and settings, e.g. ``{"name": "processes", "workers": 4}``. It is no part of the study:
            it may be another one when the study is resumed.
        callback: is told of progress, e.g. `PrintProgress`; nothing is printed without one.
        **settings: keys of the spec, e.g. ``families=["rex"]``; they replace the spec's.

    Returns:
        The complete study, with its report written.

    Raises:
        InputError: if something given cannot be used; nothing has been trained then.
        TimeLimitReached: if the time limit came first.
        TooManyFailed: if more of the trials failed than ``max_failed_fraction`` allows; also an `InputError`.
        StoreError: if results cannot be written.
    """
    document = _read(spec, settings)
    if isinstance(document, dict) and "schedules" in document:
        raise InputError("schedules belong to a contest: use lrshape.compare, or the command lrshape contest")
    own = _Training(train, steps, metrics, {"timeout": timeout, "isolated": isolated})
    return _run(document, own, out, time_limit, executor, callback)


def compare(
    spec: str | os.PathLike[str] | Mapping[str, Any] | StudySpec | None = None,
    *,
    out: str | os.PathLike[str],
    schedules: Sequence[Given] | Mapping[str, Given] | None = None,
    tune: bool | Mapping[str, Any] | None = None,
    train: TrainFunction | None = None,
    steps: int | None = None,
    metrics: str | Sequence[str] | None = None,
    timeout: float | None = None,
    isolated: bool = False,
    time_limit: float | None = None,
    executor: ExecutorChoice = "inline",
    callback: Callback | None = None,
    **settings: Unpack[StudySettings],
) -> Study:
    """Compare given schedules, each at its own best base LR; run it again with the same arguments to resume.

    Nothing is searched: the base LR of each schedule is tuned as a search tunes its baselines, and all run on
    the same fresh seeds until it is decided which is best, at most 160 seeds.

    Args:
        spec: as in `search`, with ``schedules`` and without what belongs to a search.
        out: as in `search`.
        schedules: two or more, by name, or in a list. Each is a family or a standard baseline
            (``"cosine"``), a `Schedule`, the name of a schedule file (``"mine.csv"``), a list of learning
            rates, or a mapping: ``family`` and ``params``, ``file``, or ``lrs``; with ``tune`` and
            ``base_lr``. A list of another length than the workload's steps is stretched to them by straight
            lines, and so is a `Schedule` that is a table or has batch sizes, a least LR or another step rule;
            any other keeps its formula.
        tune: whether to tune the base LRs of schedules that do not say; otherwise each keeps its own, which
            for a list is its largest learning rate. Default: true. A mapping names hyperparameters to tune as
            well, as in a spec.
        train: as in `search`.
        steps: as in `search`.
        metrics: as in `search`.
        timeout: as in `search`.
        isolated: as in `search`.
        time_limit: as in `search`.
        executor: as in `search`.
        callback: as in `search`.
        **settings: keys of the spec, e.g. ``trials=200``, all trials together; they replace the spec's.

    Returns:
        The complete study, with its report written; `Study.best` has the winner and the verdicts.

    Raises:
        InputError, TimeLimitReached, TooManyFailed, StoreError: as in `search`.
    """
    own = {"schedules": schedules, "tune": tune}
    given = {**settings, **{key: value for key, value in own.items() if value is not None}}
    document = _read(spec, given)
    is_contest = document.is_contest if isinstance(document, StudySpec) else "schedules" in document
    if not is_contest:
        raise InputError("schedules must be given: two or more to compare")
    training = _Training(train, steps, metrics, {"timeout": timeout, "isolated": isolated})
    return _run(document, training, out, time_limit, executor, callback)


class _Training(NamedTuple):
    """A train function in hand, if there is one, and how to call it."""

    function: TrainFunction | None
    steps: int | None
    metrics: str | Sequence[str] | None
    called: Mapping[str, Any]


def _read(spec: Any, settings: Mapping[str, Any]) -> StudySpec | dict[str, Any]:
    if isinstance(spec, StudySpec):
        if settings:
            raise InputError("a StudySpec is complete: give a mapping to combine it with other settings")
        return spec
    document = read_spec(spec) if isinstance(spec, str | os.PathLike) else {} if spec is None else spec
    return plain_document(document) | plain_document(settings)


def _run(
    document: StudySpec | dict[str, Any],
    training: _Training,
    out: str | os.PathLike[str],
    time_limit: float | None,
    executor: ExecutorChoice,
    callback: Callback | None,
) -> Study:
    if time_limit is not None:
        time_limit = positive_number("time_limit", time_limit)
    if not str(out):
        raise InputError("out must name a directory, got an empty name")
    if not isinstance(callback, Callback | None):
        raise InputError(f"callback must be an instance of lrshape.Callback, got {shown(callback)}")
    path = locate(out)
    path = path if isinstance(path, Url) else path.absolute()  # a train function may change the current one
    with executor_of(executor) as runner, keeping_worker():
        began = time.monotonic()
        parsed = _parse(document, training, path, time_limit, runner)
        try:
            study = open_or_create(parsed, path)
        except InputError:
            if not Store.exists(path):
                raise
            # Where another run has begun it while this one timed its trials, that one's number of them holds.
            parsed = _parse(document, training, path, time_limit, runner)
            study = open_or_create(parsed, path)
        stored = len(study.store.chunks())
        Store.require_room(path, Plan(parsed).bytes(study.chunk_size, stored))
        callback = callback or Callback()
        callback.started(str(study.path), stored)
        callback.announced(Plan(parsed).announce())
        left = None if time_limit is None else max(0.0, time_limit - (time.monotonic() - began))
        Run(parsed, study.store, study.chunk_size, runner, callback, left).complete()
    write_report(study)
    callback.finished(study)
    return study


def _parse(
    document: StudySpec | dict[str, Any],
    training: _Training,
    path: Location,
    time_limit: float | None,
    executor: Executor,
) -> StudySpec:
    train, steps, metrics, called = training
    if train is None:
        for name, value in {"steps": steps, "metrics": metrics, **called}.items():
            if value is not None and value is not False:
                raise InputError(f"{name} belongs to train=; set workload.{name} in the spec instead")
    if isinstance(document, StudySpec):
        if train is not None:
            raise InputError("a StudySpec is complete: give a mapping to combine it with other settings")
        return document
    if train is None:
        return StudySpec.parse(set_trials(document, path, time_limit, None, executor))
    if steps is None:
        raise InputError("train= needs steps=, the number of learning rates that it takes")
    workload = FunctionWorkload.of(train, steps, ("score",) if metrics is None else metrics, **called)
    return StudySpec.parse(set_trials(document, path, time_limit, workload, executor), workload)
