"""The spec of a study: what a TOML file or keyword arguments say, checked, with every default filled in."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from lrshape.errors import InputError, shown
from lrshape.procedure.base_lr import AnyBaseLR, GridLR
from lrshape.procedure.budget import is_planned, planned
from lrshape.procedure.sampler import SAMPLERS, Sampler
from lrshape.procedure.spec import (
    STANDARD_BASELINES,
    BaselineSpec,
    ConfirmSpec,
    FamilySpec,
    InitialShape,
    RescoreSpec,
    ScreenSpec,
)
from lrshape.settings import Settings, explain, unknown_key
from lrshape.shapes.schedule import StepRule
from lrshape.training.workload import WORKLOADS, Workload

MAX_SPEC_BYTES = 1_000_000
MAX_CHUNK_SIZE = 1_000_000
MAX_RATES = 2_000_000_000
"""Learning rates of a chunk: chunk_size times steps."""

MAX_TRIALS = 100_000_000
"""Trials of a screen."""


class StudySpec(Settings):
    """A whole study. Build it with `StudySpec.parse`, which reads mappings as TOML gives them."""

    also_allowed: ClassVar[tuple[str, ...]] = ("trials",)

    name: str = Field(default="study", min_length=1, max_length=100, description="shown in the report")
    seed: int = Field(default=0, ge=0, lt=2**63, description="every random number follows from it")
    metric: str = Field(description="metric to minimise; default: the workload's own")
    step_rule: StepRule = Field(
        default="midpoint", description="where in a step its shape is read: t = (s + 1/2)/T, s/T or (s + 1)/T"
    )
    chunk_size: int | Literal["auto"] = Field(
        default="auto",
        description="trials in a program and a chunk; auto: by memory and workload",
    )
    max_failed_fraction: float = Field(
        default=0.5,
        ge=0,
        le=1,
        exclude=True,  # it changes no training: a study goes on under another value
        description="stop when a larger share of a run's trials has failed; 1: never",
    )
    workload: Annotated[Workload, WORKLOADS]
    families: tuple[FamilySpec, ...] = Field(min_length=1)
    sampler: Annotated[Sampler, SAMPLERS] = Field(default_factory=lambda: SAMPLERS["sobol"]())
    base_lr: AnyBaseLR
    screen: ScreenSpec = ScreenSpec()
    rescore: RescoreSpec = RescoreSpec()
    confirm: ConfirmSpec = ConfirmSpec()
    baselines: dict[str, BaselineSpec] = STANDARD_BASELINES
    initial_shapes: tuple[InitialShape, ...] = Field(
        default=(), description="shapes that the search tries first"
    )

    @field_validator("chunk_size")
    @classmethod
    def _some_chunk_size(cls, value: int | str) -> int | str:
        if isinstance(value, int) and not 1 <= value <= MAX_CHUNK_SIZE:
            raise ValueError(f"must be auto or from 1 to {MAX_CHUNK_SIZE}, got {value}")
        return value

    @field_validator("families", mode="before")
    @classmethod
    def _bare_names(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return tuple({"name": item} if isinstance(item, str) else item for item in value)

    @field_validator("baselines", mode="before")
    @classmethod
    def _standard(cls, value: Any) -> Any:
        """A list picks standard baselines by name; a table gives each its family and params."""
        if not isinstance(value, list | tuple):
            return value
        unknown = [name for name in value if not isinstance(name, str) or name not in STANDARD_BASELINES]
        if unknown:
            raise ValueError(unknown_key(unknown[0], STANDARD_BASELINES).replace("key", "baseline", 1))
        return {name: STANDARD_BASELINES[name] for name in value}

    @model_validator(mode="after")
    def _consistent(self) -> "StudySpec":
        metrics = self.workload.metric_names()
        if self.metric not in metrics:
            raise ValueError(f"metric must be one of {', '.join(metrics)}, got {self.metric!r}")
        names = [family.name for family in self.families]
        if len(set(names)) != len(names):
            raise ValueError(f"families must differ, got {', '.join(names)}")
        strange = [start.family for start in self.initial_shapes if start.family not in names]
        if strange:
            raise ValueError(f"initial_shapes must be of families {', '.join(names)}, got {strange[0]}")
        if self.screen.share_families and self.sampler.name != "gp":
            raise ValueError(f"screen.share_families needs the sampler gp, got {self.sampler.name}")
        if isinstance(self.chunk_size, int) and self.chunk_size * self.workload.steps > MAX_RATES:
            raise ValueError(
                f"chunk_size times workload.steps must be at most {MAX_RATES:,}, "
                f"got {self.chunk_size:,} times {self.workload.steps:,}"
            )
        shapes = sum(family.shapes or self.screen.shapes for family in self.families)
        points = self.base_lr.points if isinstance(self.base_lr, GridLR) else 1
        if shapes * points * self.screen.seeds > MAX_TRIALS:
            raise ValueError(
                f"a screen must have at most {MAX_TRIALS:,} trials, got {shapes:,} shapes at "
                f"{points:,} base LRs on {self.screen.seeds:,} seeds"
            )
        bad = [name for name in self.baselines if not name.replace("-", "").replace("_", "").isalnum()]
        if bad:
            raise ValueError(f"baseline names must be letters, digits, - and _, got {bad[0]!r}")
        return self

    @classmethod
    def parse(cls, document: Mapping[str, Any], workload: Workload | None = None) -> "StudySpec":
        """Check a mapping as a TOML file gives it; what it leaves out gets the workload's defaults.

        Args:
            document: the spec; ``workload`` is a name or a table with ``name`` and settings.
            workload: use this workload instead of the document's.

        Raises:
            InputError: one line for each mistake, with the key, the rule and the value received.
        """
        given = dict(document)
        named = given.pop("workload", None)
        if workload is not None and named is not None:
            raise InputError(f"workload: train= is the workload already, got {shown(named)}, too")
        if is_planned(given):
            given = planned(given)
        try:
            workload = workload or WORKLOADS.build(named)
        except InputError:  # told below, together with the other mistakes
            given |= {"workload": named, "metric": given.get("metric", "")}
            low, high = Workload.base_lrs
        else:
            metrics = workload.metric_names()
            given["workload"] = workload
            given.setdefault("metric", workload.metric if workload.metric in metrics else metrics[0])
            low, high = workload.base_lrs
        base_lr = given.get("base_lr", {})
        if isinstance(base_lr, Mapping):
            given["base_lr"] = {"strategy": "grid", "low": low, "high": high, **base_lr}
        try:
            return cls(**given)
        except ValidationError as error:
            raise explain(error) from None

    def document(self) -> dict[str, Any]:
        """The spec as plain JSON types, with every default filled in; `parse` reads it back."""
        return self.model_dump(mode="json")

    def hash(self) -> str:
        """SHA-256 of the spec, hexadecimal."""
        return spec_hash(self.document())


def spec_hash(document: Any) -> str:
    """SHA-256 of a spec's document, hexadecimal, whatever the order of its keys."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def read_spec(path: str | Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        InputError: if it cannot be read, is larger than 1 MB or is not TOML; the message has the line.
    """
    file = Path(path)
    try:
        if file.stat().st_size > MAX_SPEC_BYTES:
            raise InputError(f"{file}: a spec has at most {MAX_SPEC_BYTES} bytes, got {file.stat().st_size}")
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
    except RecursionError:
        raise InputError(f"{file}: is not TOML: brackets are nested too deeply") from None
    except InputError:
        raise
    except ValueError as error:  # wrong syntax, no UTF-8, or a number of thousands of digits
        raise InputError(f"{file}: is not TOML: {error}") from None


def override(document: dict[str, Any], assignment: str) -> None:
    """Apply one ``a.b=value`` to a spec; the value is read as TOML, or else as text.

    Raises:
        InputError: if there is no ``=``, or a part of the key is no table.
    """
    key, equals, text = assignment.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or not all(parts):
        raise InputError(f"--set takes key=value, e.g. workload.steps=500, got {assignment!r}")
    try:
        value: Any = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        value = text.strip()
    try:
        assign(document, ".".join(parts), value)
    except InputError as error:
        raise InputError(f"--set {assignment!r}: {error}") from None


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
