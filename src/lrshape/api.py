"""The function that runs a study from its spec to its report."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from lrshape.errors import InputError
from lrshape.report.page import write_report
from lrshape.shapes.schedule import StepRule
from lrshape.store import Location, Url, locate
from lrshape.study.callback import Callback
from lrshape.study.creation import open_or_create
from lrshape.study.pace import set_trials
from lrshape.study.plan import Plan
from lrshape.study.run import Run
from lrshape.study.spec import StudySpec, read_spec
from lrshape.study.study import Study
from lrshape.training.workloads.function import FunctionWorkload, TrainFunction
from lrshape.workers.executor import EXECUTORS, Executor, ExecutorChoice


class SearchSettings(TypedDict, total=False):
    """Keys of a spec, as `search` takes them; ``lrshape init WORKLOAD`` prints what each of them means."""

    name: str
    seed: int
    metric: str
    step_rule: StepRule
    chunk_size: int | Literal["auto"]
    max_failed_fraction: float
    workload: str | Mapping[str, Any]
    families: Sequence[str | Mapping[str, Any]]
    sampler: str | Mapping[str, Any]
    base_lr: Mapping[str, Any]
    screen: Mapping[str, Any]
    rescore: Mapping[str, Any]
    confirm: Mapping[str, Any]
    baselines: Sequence[str] | Mapping[str, Mapping[str, Any]]
    initial_shapes: Sequence[Mapping[str, Any]]
    trials: int


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
    **settings: Unpack[SearchSettings],
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
        parsed = _read_spec(spec, train, steps, metrics, called, settings, path, time_limit, runner)
        study = open_or_create(parsed, path)
        stored = len(study.store.chunks())
        study.store.require_room(Plan(parsed).bytes(study.chunk_size, stored))
        callback = callback or Callback()
        callback.started(str(study.path), stored)
        callback.announced(Plan(parsed).announce())
        left = None if time_limit is None else max(0.0, time_limit - (time.monotonic() - began))
        Run(parsed, study.store, study.chunk_size, runner, callback, left).complete()
    write_report(study)
    callback.finished(study)
    return study


def _read_spec(
    spec: Any,
    train: TrainFunction | None,
    steps: int | None,
    metrics: tuple[str, ...],
    called: dict[str, Any],
    settings: SearchSettings,
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
        return StudySpec.parse(set_trials(document, path, time_limit, None, executor))
    if steps is None:
        raise InputError("train= needs steps=, the number of learning rates that it takes")
    workload = FunctionWorkload.of(train, steps, metrics, **called)
    return StudySpec.parse(set_trials(document, path, time_limit, workload, executor), workload)
