"""Shapes for a search to start from, of another study or an exported schedule."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lrshape.analysis.reduce import best_base_lrs, scores
from lrshape.analysis.result import is_baseline, rows_where
from lrshape.errors import InputError
from lrshape.export.read import read_curve
from lrshape.store import Store, Url, locate
from lrshape.study.shape import Shape

TOP = 8
"""Shapes that are taken of a study."""


def starts_from(path: str | Path, families: Sequence[str]) -> list[dict[str, Any]]:
    """The best shapes of a study, or a schedule, as a spec's ``starts``; of families that are searched.

    The study may be of another workload, horizon or objective, and need not be complete; what was rescored
    comes before what was only screened. Baselines are left out.

    Args:
        path: a study's directory or URL, or a file of a schedule, see `lrshape.export.read.read_curve`.
        families: names of those that are searched.

    Raises:
        InputError: if it is neither, or holds no shape of these families.
    """
    starts = _shapes(path, families)[:TOP]
    if not starts:
        raise InputError(f"{path}: holds no shape of {', '.join(families)} to start from")
    return starts


def _shapes(path: str | Path, families: Sequence[str]) -> list[dict[str, Any]]:
    found = locate(path)
    if not isinstance(found, Url) and found.is_file():
        curve = read_curve(found)
        schedule = curve.schedule
        one = {"family": schedule.family, "params": dict(schedule.params), "base_lr": schedule.base_lr}
        return [one] if schedule.family in families else []
    store = Store.open(found)
    trainings = store.trainings(["screen", "rescore"])
    trainings = rows_where(trainings, trainings["family"].isin(families) & ~is_baseline(trainings))
    table = best_base_lrs(scores(trainings, store.document["spec"]["objective"]))
    order = np.lexsort((table["rank"], table["phase"] == "screen"))
    rows = table.iloc[order].drop_duplicates(["family", "params"])
    columns = (rows[name].tolist() for name in ("family", "params", "base_lr"))
    return [
        {"family": family, "params": Shape("", family, params).values(), "base_lr": base_lr}
        for family, params, base_lr in zip(*columns, strict=True)
    ]
