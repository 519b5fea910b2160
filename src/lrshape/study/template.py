"""A commented spec for a workload, written from the definitions themselves."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lrshape.procedure.base_lr import STRATEGIES, GridLR
from lrshape.procedure.budget import FEW, TRIALS
from lrshape.procedure.hyperparameters import HyperparameterSpec
from lrshape.procedure.sampler import SAMPLERS
from lrshape.procedure.spec import STANDARD_BASELINES, RescoreSpec, ScreenSpec
from lrshape.settings import Settings
from lrshape.study.spec import StudySpec
from lrshape.training.optimizers import OPTIMIZERS, Optimizer
from lrshape.training.workload import WORKLOADS, Workload

_PLACEHOLDERS = {
    "function": {"function": "my_training:train", "steps": 300},
    "command": {
        "command": [
            *("python", "my_training.py", "--lrs", "{schedule}"),
            *("--seed", "{seed}", "--metrics", "{metrics}"),
        ],
        "steps": 300,
    },
}


def commented_spec(name: str) -> str:
    """A TOML spec for a workload with every setting at its default and what it means.

    Raises:
        InputError: if there is no such workload.
    """
    WORKLOADS[name]
    workload = WORKLOADS.build({"name": name, **_PLACEHOLDERS.get(name, {})})
    spec = StudySpec.parse({}, workload)
    return "\n".join(_lines(spec, workload)) + "\n"


def _lines(spec: StudySpec, workload: Workload) -> Iterator[str]:
    grid = GridLR(low=spec.base_lr.low, high=spec.base_lr.high)
    yield f"# Study of learning-rate schedule shapes on {workload.name}. Run it with"
    yield "#     lrshape search THIS_FILE --out DIRECTORY"
    yield "# Each setting is shown with its default: leave out what you do not change."
    yield ""
    yield from _fields(spec, only=("name", "seed", "metric"))
    # Another metric may have the other direction, which a setting would hide.
    yield from (f"# {line}" for line in _fields(spec, only=("direction",)))
    yield from _fields(
        spec,
        only=(
            *("metric_scale", "step_rule", "warmup_steps", "decay_steps", "min_lr"),
            *("chunk_size", "max_failed_fraction"),
        ),
    )
    yield ""
    yield f"# Metrics of this workload: {', '.join(workload.metric_names())}."
    yield "# `lrshape shapes list` lists the families. Fix and narrow their parameters like this:"
    yield '# families = ["wsd", {name = "rex", fixed = {warmup = 0.1}, ranges = {beta = [0.1, 1]}}]'
    yield f"# With fewer than {2 * FEW} trials, fewer families and baselines are the default."
    yield f"# families = {_toml([family.name for family in spec.families])}"
    yield from _fields(spec, only=("initial_shapes",))
    yield f"# baselines = {_toml(list(STANDARD_BASELINES))}"
    yield "# For baselines of your own, write:"
    yield '# baselines = {linear = {family = "linear"}, mine = {family = "wsd", params = {decay = 0.4}}}'
    yield f"trials = {TRIALS}  # trials in all, baselines and the confirm phase included"
    yield "# To control the search yourself, leave trials out; set families, these, and the sections below:"
    yield f'# sampler = "sobol"  # one of {", ".join(SAMPLERS)}'
    yield f"# max_trials =  # {StudySpec.model_fields['max_trials'].description}"
    yield ""
    yield "[workload]"
    yield f"name = {_toml(workload.name)}"
    yield from _fields(workload)
    for key, value in _values(workload).items():
        if isinstance(value, Optimizer):
            yield ""
            yield f"[workload.{key}]"
            yield f"name = {_toml(value.name)}  # one of {', '.join(OPTIMIZERS)}"
            yield from _fields(value)
    yield ""
    yield "# First base LRs that are tried; the range widens until the best one is inside."
    yield "[base_lr]"
    yield from _fields(spec.base_lr, only=("low", "high"))
    yield "# Without trials:"
    yield f"# strategy = {_toml(grid.name)}  # one of {', '.join(STRATEGIES)}"
    yield from (f"# {line}" for line in _fields(grid) if not line.startswith(("low", "high")))
    yield ""
    yield "# Hyperparameters to tune for every schedule beside its base LR, at most four, for example:"
    yield "# [tune.weight_decay]"
    example = {"low": 0.01, "high": 1.0, "scale": "log", "limits": [0.0, 10.0], "default": 0.1}
    for key, value in example.items():
        yield f"# {key} = {_toml(value)}  # {HyperparameterSpec.model_fields[key].description}"
    yield "# Or, in place of a range: choices = [0.0, 0.1]"
    yield '# To search a schedule of it, add a family of shapes, for example: family = "power"'
    yield ""
    yield f"# With trials, tuning and confirm may be set, too (shown: their defaults for {TRIALS} trials)."
    yield "# The other sections cannot be set together with trials (shown: their defaults without it)."
    for name, section in (
        ("screen", ScreenSpec()),
        ("rescore", RescoreSpec()),
        ("tuning", spec.tuning),
        ("confirm", spec.confirm),
    ):
        yield from (f"# {line}" if line else "#" for line in ("", *_section(name, section)))


def _section(name: str, model: Settings) -> Iterator[str]:
    yield f"# {(type(model).__doc__ or '').splitlines()[0]}"
    yield f"[{name}]"
    yield from _fields(model)


def _values(model: Settings) -> Mapping[str, Any]:
    return {name: getattr(model, name) for name in type(model).model_fields}


def _fields(model: Settings, only: tuple[str, ...] | None = None) -> Iterator[str]:
    for name, value in _values(model).items():
        if isinstance(value, Settings) or (only is not None and name not in only):
            continue
        description = type(model).model_fields[name].description
        comment = f"  # {description}" if description else ""
        if value is None:
            yield f"# {name} ={comment}"
        else:
            yield f"{name} = {_toml(value)}{comment}"


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return json.dumps(value)  # numbers, booleans and strings are the same in TOML
