"""Trials after a search: more of a study's workload, stored beside it, resumable like it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lrshape.errors import InputError
from lrshape.procedure.phases import Phase
from lrshape.store import Store, local
from lrshape.study.callback import Callback
from lrshape.study.run import Run
from lrshape.study.spec import StudySpec, spec_hash
from lrshape.study.study import Study, check_workload
from lrshape.workers.executor import EXECUTORS, ExecutorChoice


def follow_up(
    study: Study,
    name: str,
    settings: Mapping[str, Any],
    phase: Phase,
    *,
    out: str | Path | None = None,
    callback: Callback | None = None,
    time_limit: float | None = None,
    executor: ExecutorChoice = "inline",
) -> pd.DataFrame:
    """Run a phase of trials that belongs to no search, and return all of them, sorted.

    They are stored as a search's are, in a directory of their own, under the study's spec and the given
    settings. Running it again trains only what is missing.

    Args:
        study: whose workload is trained.
        name: one of `lrshape.store.FOLLOW_UPS`; also the directory's name within the study's.
        settings: JSON-able; all that the phase depends on besides the study.
        phase: yields rounds of trials, see `lrshape.procedure.phases`.
        out: another directory.
        callback: hears of progress.
        time_limit: seconds after which it stops with `TimeLimitReached`.
        executor: what runs the trials, see `lrshape.search`.

    Raises:
        InputError: if the directory holds a follow-up with other settings, or of another study.
        TimeLimitReached: if the time limit came first; what is finished is kept.
        StoreError: if results cannot be written.
    """
    spec = StudySpec.parse(study.document["spec"])
    path = study.directory.absolute() / name if out is None else local(out, "out").absolute()
    document = {"follow_up": name, "of": study.document["hash"], "settings": dict(settings)}
    document["hash"] = spec_hash(document)
    if Store.exists(path):
        store = Store.open(path)
        if store.document["hash"] != document["hash"]:
            raise InputError(f"{path} holds other results, {_difference(store.document, document)}")
        store.require_writable()
    else:
        check_workload(spec.workload)
        store = Store.create(path, document)
    callback = callback or Callback()
    callback.started(str(path), len(store.chunks()))
    with EXECUTORS.build(executor) as runner:
        Run(spec, store, study.document["chunk_size"], runner, callback, time_limit).phase(name, phase)
    return store.trials([name])


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Why stored results cannot be gone on with, in words."""
    if old.get("follow_up") != new["follow_up"] or old.get("of") != new["of"]:
        return "of another study; use another directory"
    before, now = old.get("settings", {}), new["settings"]
    changed = [
        f"{key}: {before.get(key)!r:.60} -> {now.get(key)!r:.60}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]
    return f"made with other settings; changed: {'; '.join(changed)}; use another directory"
