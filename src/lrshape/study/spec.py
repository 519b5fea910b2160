"""The spec of a study: what a TOML file or keyword arguments say, checked, with every default filled in."""

import math
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from lrshape.averages import higher_is_better
from lrshape.errors import InputError, shown
from lrshape.procedure.base_lr import BaseLRStrategy
from lrshape.procedure.budget import NOT_IN_A_CONTEST, is_planned, plan_contest, plan_search, sizes
from lrshape.procedure.hyperparameters import HyperparameterSpec
from lrshape.procedure.spec import SearchSpec
from lrshape.shapes.input_file import read_text, reading
from lrshape.shapes.lengths import IN_STEPS
from lrshape.shapes.steps import StepRule
from lrshape.study.given_schedules import read_schedules
from lrshape.study.lengths import LENGTHS, fixed_lengths
from lrshape.training.hyperparameters import tunable
from lrshape.training.workload import WORKLOADS, Workload
from lrshape.values import integral, path_of, plain, typed

MAX_SPEC_BYTES = 1_000_000
MAX_CHUNK_SIZE = 1_000_000
MAX_RATES = 2_000_000_000
"""Learning rates of a chunk: chunk_size times steps."""


class StudySpec(SearchSpec):
    """A whole study. Build it with `StudySpec.parse`, which reads mappings as TOML gives them."""

    also_allowed: ClassVar[tuple[str, ...]] = ("trials", "schedules")

    name: str = Field(default="study", min_length=1, max_length=100, description="shown in the report")
    chunk_size: int | Literal["auto"] = Field(
        default="auto",
        description="trials trained together and stored in one file; auto: chosen by memory and workload",
    )
    max_failed_fraction: float = Field(
        default=0.5,
        ge=0,
        le=1,
        exclude=True,  # it changes no training: a study goes on under another value
        description="stop when a larger fraction of a run's new trials fails; 1: never",
    )
    warmup_steps: int | None = Field(
        default=None, ge=0, description="length of every schedule's warmup in steps; default: it is searched"
    )
    decay_steps: int | None = Field(
        default=None,
        ge=1,
        description="length of the decay of every wsd in steps; the search then covers only wsd by default",
    )
    min_lr: float = Field(default=0.0, ge=0, description="no learning rate of any trial is below this")
    workload: Annotated[Workload, WORKLOADS]

    @field_validator("chunk_size")
    @classmethod
    def _some_chunk_size(cls, value: int | str) -> int | str:
        if isinstance(value, int) and not 1 <= value <= MAX_CHUNK_SIZE:
            raise ValueError(f"must be auto or from 1 to {MAX_CHUNK_SIZE}, got {value}")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "StudySpec":
        object.__setattr__(self, "tune", _fitted(self.tune, self.workload))
        metrics = self.workload.metric_names()
        if self.metric not in metrics:
            raise ValueError(f"metric must be one of {', '.join(metrics)}, got {self.metric!r}")
        if self.min_lr > self.base_lr.high:
            raise ValueError(
                f"min_lr must be at most base_lr.high, {self.base_lr.high!r}, got {self.min_lr!r}"
            )
        if isinstance(self.chunk_size, int) and self.chunk_size * self.workload.steps > MAX_RATES:
            raise ValueError(
                f"chunk_size times workload.steps must be at most {MAX_RATES:,}, "
                f"got {self.chunk_size:,} times {self.workload.steps:,}"
            )
        return self

    @property
    def lengths(self) -> dict[str, int]:
        """The parameters that are given in steps, e.g. ``{"warmup": 500}``."""
        given = {name: getattr(self, name + IN_STEPS) for name in LENGTHS}
        return {name: length for name, length in given.items() if length is not None}

    @classmethod
    def parse(cls, document: Mapping[str, Any], workload: Workload | None = None) -> "StudySpec":
        """Check a mapping as a TOML file gives it; what it leaves out gets the workload's defaults.

        Args:
            document: the spec; ``workload`` is a name or a table with ``name`` and settings.
            workload: use this workload instead of the document's.

        Raises:
            InputError: one line for each mistake, with the key, the rule and the value received.
        """
        given = plain_document(document)
        if "trials" in given:
            given["trials"] = integral(given["trials"])  # as the fields of a spec do
        named = given.pop("workload", None)
        if workload is not None and named is not None:
            raise InputError(f"workload: cannot be combined with train=, got {shown(named)}")
        try:
            workload = workload or WORKLOADS.build(named)
        except InputError:  # told below, together with the other mistakes
            given |= {"workload": named, "metric": given.get("metric", "")}
            low, high = Workload.base_lrs
        else:
            metrics = workload.metric_names()
            given["workload"] = workload
            given.setdefault("metric", workload.metric if workload.metric in metrics else metrics[0])
            is_higher = isinstance(given["metric"], str) and higher_is_better(given["metric"])
            given.setdefault("direction", "maximize" if is_higher else "minimize")
            low, high = workload.base_lrs
        span, named = _span(given.get("base_lr", {}), low, high), "families" in given
        plans = [given]
        if "schedules" in given:
            plans = [plan_contest(_with_schedules(given), span)]
        elif is_planned(given):
            plans = [plan_search(given, span, size) for size in sizes(given)]
        spec = cls._filled(plans.pop(0), low, high, named)
        while spec.lacking and plans:
            spec = cls._filled(plans.pop(0), low, high, named)
        spec.require_trials("max_trials" if "max_trials" in document else "trials")
        return spec

    @classmethod
    def _filled(cls, given: dict[str, Any], low: float, high: float, families_are_named: bool) -> "StudySpec":
        """The spec that a plan stands for, with base LRs from low to high unless it says otherwise."""
        if isinstance(given.get("baselines"), Mapping):
            rule, steps = step_rule_of(given), _steps(given)
            given["baselines"] = read_schedules(given["baselines"], "baselines", rule, steps)
        base_lr = given.get("base_lr", {})
        if isinstance(base_lr, dict):
            given["base_lr"] = {"strategy": "grid", "low": low, "high": high, **base_lr}
        spec = cls(**given)
        if not spec.lengths:
            return spec
        return cls(**given | fixed_lengths(spec, spec.lengths, spec.workload.steps, families_are_named))

    def document(self) -> dict[str, Any]:
        """The spec as plain JSON types, with every default filled in; `parse` reads it back."""
        return {"name": self.name} | self.model_dump(mode="json")


def plain_document(given: Mapping[str, Any]) -> dict[str, Any]:
    """A spec in plain Python, see `lrshape.values.plain`, with a list where one entry was given alone.

    Schedules stay as they are: `lrshape.study.given_schedules` reads more than plain values.

    Raises:
        InputError: if it is no mapping, or ``base_lr`` is none.
    """
    if not isinstance(given, Mapping):
        raise InputError(f"a spec must be a mapping or the name of a TOML file, got {shown(given)}")
    document = {}
    for key, value in given.items():
        is_by_name = key == "baselines" and isinstance(value, Mapping)
        document[key] = value if is_by_name or key == "schedules" else plain(value)
        if key in _LISTS and isinstance(document[key], str | dict) and not is_by_name:
            document[key] = [document[key]]
    base_lr = document.get("base_lr", {})
    if not isinstance(base_lr, dict | BaseLRStrategy):
        raise InputError(f"base_lr: must be a table, e.g. {{low = 0.01, high = 1.0}}, got {shown(base_lr)}")
    return document


def _fitted(tune: Mapping[str, HyperparameterSpec], workload: Workload) -> dict[str, HyperparameterSpec]:
    """Hyperparameters with what the workload says of them: limits and the value without tuning.

    Raises:
        ValueError, InputError: if they do not fit.
    """
    found: dict[str, HyperparameterSpec] = {}
    names: dict[str, str] = {}
    for name, one in tune.items():
        setting = tunable(workload, name, one.values, scheduled=one.family is not None)
        if names.setdefault(setting.path, name) != name:
            raise ValueError(f"{names[setting.path]} and {name} are one hyperparameter")
        if setting.integer and not one.choices and one.scale != "integer":
            raise ValueError(f'{name} takes whole numbers: scale must be "integer", got {one.scale!r}')
        limits = None
        if setting.limits is not None and not one.choices:
            # The ends of the range are legal, however near they are to a bound that they must not reach.
            limits = min(setting.limits[0], *one.values), max(setting.limits[1], *one.values)
        if one.limits is not None and limits is not None:
            (low, high), (least, most) = one.limits, limits
            if not least <= low <= high <= most:
                raise ValueError(f"limits of {name} must be within [{least}, {most}], got [{low}, {high}]")
        known = {"limits": limits, "default": one.nearest(setting.default)}
        known = {
            key: value for key, value in known.items() if getattr(one, key) is None and value is not None
        }
        found[name] = one.model_copy(update=known)
    return found


_LISTS = ("families", "baselines", "initial_shapes")


def _with_schedules(document: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of a contest with its schedules as baselines."""
    given = dict(document)
    schedules, tune = given.pop("schedules"), given.get("tune", True)
    if strange := [key for key in NOT_IN_A_CONTEST if key in given]:
        raise InputError(f"{strange[0]} belongs to a search: remove either schedules or {strange[0]}")
    if isinstance(tune, bool):
        given.pop("tune", None)
    rule, steps = step_rule_of(given), _steps(given)
    return given | {"baselines": read_schedules(schedules, "schedules", rule, steps, tune is not False)}


def _steps(document: Mapping[str, Any]) -> int | None:
    """Of a trial; None if the workload cannot be built."""
    workload = document["workload"]
    return workload.steps if isinstance(workload, Workload) else None


def step_rule_of(document: Mapping[str, Any]) -> StepRule:
    """The step rule that a spec names, before it is checked."""
    rule = document.get("step_rule")
    if rule == "left" or rule == "right":
        return rule
    return "midpoint"  # a wrong one is told with other mistakes


def read_spec(path: str | os.PathLike[str], assignments: Sequence[str] = ()) -> dict[str, Any]:
    """Read a TOML file.

    Args:
        path: of the file.
        assignments: settings that replace those of the file, see `override`.

    Raises:
        InputError: if it cannot be read, is larger than 1 MB or is not TOML; the message has the line. As for
            `override`.
    """
    file = path_of(path)
    with reading(file, "not TOML", MAX_SPEC_BYTES):
        text = read_text(file)
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"is not TOML: {error}{_hint(text, error)}") from None
    for assignment in assignments:
        override(document, assignment)
    return document


def _hint(text: str, error: ValueError) -> str:
    """What to write in place of a number that people write and TOML does not know."""
    found = re.search(r"at line (\d+)", str(error))
    line = text.splitlines()[int(found[1]) - 1] if found else ""
    is_short = re.search(r"[=\[,]\s*[+-]?(\.\d|\d+\.(\D|$))", line)
    return "; TOML writes 0.5 and 1.0 for .5 and 1." if is_short else ""


def override(
    document: dict[str, Any], assignment: str, option: str = "--set", example: str = "workload.steps=500"
) -> None:
    """Apply one ``a.b=value`` to a spec; the value is read as `lrshape.values.typed` does.

    Args:
        document: the spec.
        assignment: what replaces a setting.
        option: that gives it, for messages.
        example: of an assignment, for messages.

    Raises:
        InputError: if there is no ``=``, or a part of the key is no table.
    """
    key, equals, text = assignment.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or not all(parts):
        raise InputError(f"{option} takes key=value, e.g. {example}, got {assignment!r}")
    try:
        assign(document, ".".join(parts), typed(text))
    except InputError as error:
        raise InputError(f"{option} {assignment!r}: {error}") from None


def assign(document: dict[str, Any], key: str, value: Any) -> None:
    """Give ``a.b`` a value in a spec, making the tables on the way.

    Raises:
        InputError: if a part of the key is no table.
    """
    parts = key.split(".")
    table: Any = document
    for i, part in enumerate(parts[:-1]):
        inner = table.get(part, {})
        short = parts[: i + 1] in (["workload"], ["sampler"], ["workload", "optimizer"])
        if short and isinstance(inner, str):
            inner = {"name": inner}  # the short form of these tables
        if not isinstance(inner, dict):
            raise InputError(f"{'.'.join(parts[: i + 1])} is not a table")
        table[part] = inner
        table = inner
    table[parts[-1]] = value


def _span(base_lr: Any, low: float, high: float) -> float:
    """Ratio of the ends of the range of base LRs, 1 where they cannot be read: that is told elsewhere."""
    ends = {"low": low, "high": high, **(base_lr if isinstance(base_lr, Mapping) else {})}
    try:
        span = float(ends["high"]) / float(ends["low"])
        return max(1.0, span) if math.isfinite(span) else 1.0
    except (TypeError, ValueError, ArithmeticError):
        return 1.0
