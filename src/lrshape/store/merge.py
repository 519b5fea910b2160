"""Join what was trained of one study in several places."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lrshape.errors import InputError, shown
from lrshape.store.chunk_file import DamagedChunk
from lrshape.store.curve_column import CURVE
from lrshape.store.directory import Store
from lrshape.store.document import changes
from lrshape.store.table import PLANNED, metric_columns

_PLAN = {
    "chunk_size": "have different numbers of trials in a chunk; give `chunk_size` in the spec",
    "train_digest": "were trained by different code",
    "plugin_digests": "use plug-ins with different code",
}


@dataclass
class Merged:
    """What one study gave.

    Attributes:
        path: where it is.
        taken: its chunks that were copied.
        equal: chunks that were there already, with the same content up to wall time.
        other_results: chunks that were there already, of the same trials with other results.
        other_trials: chunks that were there already, of other trials.
        difference: the largest relative difference of a metric, where results differ.
        damaged: chunks that could not be read, with the reasons.
    """

    path: str
    taken: int = 0
    equal: int = 0
    other_results: list[str] = field(default_factory=list)
    other_trials: list[str] = field(default_factory=list)
    difference: float = 0.0
    damaged: list[str] = field(default_factory=list)


def merge(out: str, sources: Sequence[str]) -> tuple[Store, list[Merged]]:
    """Copy the chunks of studies of one spec into one study.

    Chunks that the study already holds stay, unless they are damaged; every other chunk comes from the first
    source that has it. If the study has no choice of what to confirm, it gets the first source's; where that
    does not fit the chunks, running the search chooses anew. Machines of different kinds agree to rounding
    only, so a different result is reported, not refused.
    Sources are not changed. Stopped and run again it goes on.

    Args:
        out: directory or URL: a study of the same spec, or nothing yet.
        sources: studies, the most trusted first.

    Returns:
        The study, and what each source gave.

    Raises:
        InputError: if a source is no study, or they are no parts of one.
        StoreError: if a disk refuses.
    """
    stores = [Store(source) for source in sources]
    first = stores[0]
    target = Store(out) if Store.exists(out) else None
    for store in [*stores, *([target] if target else [])]:
        store.require_unedited()
        if changed := changes(first.document, store.document):
            raise InputError(f"{first.path} and {store.path} are of different specs: {changed}")
        for key, problem in _PLAN.items():
            mine, other = (one.document.get(key) or None for one in (first, store))  # earlier ones lack some
            if mine != other:
                raise InputError(
                    f"{first.path} and {store.path} {problem}: {key} {shown(mine, 30)} and {shown(other, 30)}"
                )
    if target is None:
        document = {key: value for key, value in first.document.items() if key not in ("format", "hash")}
        target = Store.create(out, document)
    target.require_writable()
    present = set(target.chunks())
    merged = [_merged(store, target, present) for store in stores]
    choices = [choice for store in stores if (choice := store.read_choice()) is not None]
    if choices and target.read_choice() is None:
        target.write_choice(choices[0])
    return target, merged


def _merged(source: Store, target: Store, present: set[str]) -> Merged:
    found = Merged(str(source.path))
    for name in source.chunks():
        try:
            table = source.read(name, curves=True)
        except DamagedChunk as damage:
            found.damaged.append(f"{name}: {damage.reason}")
            continue
        if name not in present and target.write(name, table):
            present.add(name)
            found.taken += 1
            continue
        try:
            kept = target.read(name)
        except DamagedChunk as damage:
            target.set_aside(name, damage.reason)
            target.write(name, table)
            found.taken += 1
            continue
        _compare(name, kept, table.drop(columns=CURVE, errors="ignore"), found)
    return found


def _compare(name: str, kept: pd.DataFrame, other: pd.DataFrame, found: Merged) -> None:
    if not kept[PLANNED].equals(other[PLANNED]):
        found.other_trials.append(name)
    elif kept.drop(columns="wall_time").equals(other.drop(columns="wall_time")):
        found.equal += 1
    else:
        found.other_results.append(name)
        for metric in set(metric_columns(kept.columns)) & set(metric_columns(other.columns)):
            a, b = kept[metric].to_numpy(np.float64), other[metric].to_numpy(np.float64)
            both = np.isfinite(a) & np.isfinite(b)
            scale = np.maximum(np.maximum(np.abs(a[both]), np.abs(b[both])), np.finfo(float).tiny)
            largest = float(np.max(np.abs(a[both] - b[both]) / scale, initial=0.0))
            found.difference = max(found.difference, largest)
