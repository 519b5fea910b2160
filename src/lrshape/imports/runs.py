"""A table of runs from anywhere, read as trainings: which column means what, and which row is a shape."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lrshape.analysis.result import rows_where
from lrshape.errors import InputError, shown
from lrshape.families import FAMILIES
from lrshape.imports.files import numbers
from lrshape.study.sections import StartSpec
from lrshape.study.shape import Shape

ROLES = {
    "family": ("family", "schedule", "lr_schedule", "scheduler", "lr_scheduler"),
    "base_lr": ("base_lr", "lr", "learning_rate", "max_lr", "peak_lr"),
    "score": ("score", "value", "values_0", "objective"),
    "seed": ("seed",),
}
"""What a row says besides the shape's parameters, and the names of columns that are taken for it."""

_PREFIX = re.compile(r"^(param\.|params_|params\.|user_attrs_|config\.|config/)")
SCORE = "score"


@dataclass
class Runs:
    """Rows of a table as trainings.

    Attributes:
        trainings: one row each, as the analysis takes them: ``phase, shape, family, params, base_lr, seed,
            score, status``; a smaller score is better.
        notes: lines about what was taken for what and what was left out.
    """

    trainings: pd.DataFrame
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reading:
    """How to read a table.

    Attributes:
        columns: column of the table by what it means: ``family``, ``base_lr``, ``score``, ``seed`` or a
            parameter; ``A/B`` is the quotient of two columns, or of a column and a number.
        objective: name of a metric that is the score where a column has that name.
        maximize: whether larger scores are better.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    objective: str | None = None
    maximize: bool = False


def read_runs(table: pd.DataFrame, families: Sequence[str], reading: Reading) -> Runs:
    """Read the rows of a table that are shapes of some families.

    Args:
        table: one row a run.
        families: names of those that are wanted; where no column names a row's family, it must be one.
        reading: what the columns mean.

    Raises:
        InputError: if a column is missing or is not clear, or no row is a shape of these families.
    """
    plain = {_PREFIX.sub("", name): name for name in reversed(table.columns)}
    known = {p.name for family in families for p in FAMILIES[family].parameters()}
    unknown = [name for name in reading.columns if name not in {*ROLES, *known}]
    if unknown:
        raise InputError(
            f"a column is given for {', '.join(ROLES)} or a parameter ({', '.join(sorted(known))}), "
            f"got {shown(unknown[0])}"
        )
    score = _score_column(table, plain, reading)
    base_lr = _role_column("base_lr", plain, reading)
    if base_lr is None:
        raise InputError(_which("base_lr", plain))
    family = _role_column("family", plain, reading)
    if family is None and len(families) != 1:
        raise InputError("no column names the rows' family: give the one that all have with --family")
    used = {"score": score, "base_lr": base_lr}
    rows = pd.DataFrame(
        {
            "family": families[0] if family is None else _families(table[family]),
            "base_lr": _numbers(table, base_lr),
            "score": _numbers(table, score) * (-1 if reading.maximize else 1),
        }
    )
    if family is not None:
        used["family"] = family
    rows = rows.assign(**_status(table, plain))
    seed = _role_column("seed", plain, reading)
    rows["seed"] = rows.groupby(["family", "base_lr"]).cumcount() if seed is None else _numbers(table, seed)
    return _shapes(table, rows, plain, families, reading, used)


def _shapes(
    table: pd.DataFrame,
    rows: pd.DataFrame,
    plain: Mapping[str, str],
    families: Sequence[str],
    reading: Reading,
    used: dict[str, str],
) -> Runs:
    wanted = rows["family"].isin(families).to_numpy(bool)
    positive = ((rows["base_lr"] > 0) & (rows["base_lr"] < 1e30)).to_numpy(bool)
    keep = wanted & positive & rows.pop("searched").to_numpy(bool)
    shapes = pd.Series("", index=rows.index, dtype=object)
    params = shapes.copy()
    left_out: Counter[str] = Counter()
    if (wanted & ~positive).any():
        left_out["base_lr must be a number above 0 and below 1e30"] += int((wanted & ~positive).sum())
    for family in dict.fromkeys(families):
        indices = np.flatnonzero(keep & (rows["family"] == family).to_numpy(bool))
        if not len(indices):
            continue
        own = _parameters(table.iloc[indices], family, plain, reading, used)
        named = list(own.columns)
        groups: Any = own.groupby(named, dropna=False, sort=False) if named else [((), own)]
        for values, group in groups:
            given = {k: v for k, v in zip(named, values, strict=True) if not _is_missing(v)}
            places = group.index.to_numpy()
            try:
                full = StartSpec(family=family, params=given, base_lr=1.0).params
            except ValueError as error:
                left_out[_rule(error)] += len(places)
                keep[places] = False
                continue
            text = Shape.of("", family, full).params
            shapes.iloc[places], params.iloc[places] = f"{family}{text}", text
    notes = [f"{ours}: column {theirs}" for ours, theirs in used.items()]
    notes += [f"left out, {count:,} of {len(table):,} rows: {why}" for why, count in left_out.most_common(3)]
    rows = rows_where(rows.assign(shape=shapes, params=params), keep)
    if rows.empty and left_out:
        raise InputError(f"no row is a shape to start from: {next(iter(left_out))}")
    rows["seed"] = rows["seed"].fillna(0)
    return Runs(rows.reset_index(drop=True), notes)


def _parameters(
    table: pd.DataFrame, family: str, plain: Mapping[str, str], reading: Reading, used: dict[str, str]
) -> pd.DataFrame:
    """The columns that give the family's parameters, under their names, indexed by the row's place."""
    found: dict[str, Any] = {}
    index = table.index
    for rule in FAMILIES[family].parameters():
        column = reading.columns.get(rule.name)
        if column is None:
            column = plain.get(f"{family}.{rule.name}") or plain.get(rule.name)
        if column is None or rule.scale == "list":
            continue
        used[rule.name] = column
        found[rule.name] = table[column].astype(object) if rule.scale == "choice" else _numbers(table, column)
    return pd.DataFrame(found, index=index)


def _role_column(role: str, plain: Mapping[str, str], reading: Reading) -> str | None:
    if role in reading.columns:
        return reading.columns[role]
    return next((plain[name] for name in ROLES[role] if name in plain), None)


def _score_column(table: pd.DataFrame, plain: Mapping[str, str], reading: Reading) -> str:
    if SCORE in reading.columns:
        return reading.columns[SCORE]
    if reading.objective is not None and reading.objective in table.columns:
        return reading.objective
    found = _role_column(SCORE, plain, reading)
    metrics = [name for name in table.columns if name.startswith(("final/", "best/"))]
    if found is None and len(metrics) == 1:
        return metrics[0]
    if found is None:
        raise InputError(_which(SCORE, plain))
    return found


def _which(role: str, plain: Mapping[str, str]) -> str:
    names = ", ".join(shown(name, 40) for name in list(plain.values())[::-1][:12])
    return f"which column is the {role}? Say it with --column {role}=COLUMN; there are {names}"


def _numbers(table: pd.DataFrame, column: str) -> pd.Series:
    """A column's numbers, NaN where it has none; a quotient if it is ``A/B`` and no column has that name."""
    if column in table.columns:
        found = table[column]
        if isinstance(found, pd.DataFrame):
            raise InputError(f"several columns are called {shown(column)}")
        return pd.Series(numbers(found), index=table.index)
    for place in [i for i, letter in enumerate(column) if letter == "/"]:
        above, below = column[:place].strip(), column[place + 1 :].strip()
        if above in table.columns and below in table.columns:
            return _numbers(table, above) / _numbers(table, below)
        if above in table.columns and _is_divisor(below):
            return _numbers(table, above) / float(below)
    raise InputError(f"there is no column {shown(column)}")


def _is_divisor(text: str) -> bool:
    try:
        return float(text) != 0
    except ValueError:
        return False


def _families(names: Any) -> pd.Series:
    if isinstance(names, pd.DataFrame):
        raise InputError("several columns are called family")
    return names.map(lambda name: str(name).strip().lower().replace("-", "_"))


def _status(table: pd.DataFrame, plain: Mapping[str, str]) -> dict[str, Any]:
    """Phase and status where the rows are lrshape's own trainings; else those of a screen that went well."""
    if {"phase", "shape", "status"} <= plain.keys():
        phase, shape = table[plain["phase"]].astype(str), table[plain["shape"]].astype(str)
        searched = phase.isin(["screen", "rescore"]) & ~shape.str.startswith("baseline-")
        status = table[plain["status"]].astype(str)
        return {"phase": phase.where(searched, "screen"), "status": status, "searched": searched}
    return {"phase": "screen", "status": "ok", "searched": True}


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _rule(error: ValueError) -> str:
    """The rule that a row broke, from pydantic's message or ours."""
    errors = getattr(error, "errors", None)
    text = errors()[0]["msg"] if callable(errors) else str(error)  # pyright: ignore[reportIndexIssue]
    return " ".join(str(text).removeprefix("Value error, ").split())[:200]
