"""What an experiment costs: trainings and steps, counted from its spec, and about how long they take."""

from dataclasses import dataclass
from typing import Any

from lrshape.reproduce.experiments import Command, Experiment, Function
from lrshape.study.axes import preset_axes, settings
from lrshape.study.phases import baseline_shapes
from lrshape.study.spec import StudySpec
from lrshape.study.transfer import TransferSpec

RATES = {
    "digits-mlp": 12_000.0,
    "linear-regression": 10_000_000.0,
    "cifar10-cnn": 27.0,
    "wikitext-transformer": 29.0,
}
"""Model-steps a second on two CPU cores with everything that belongs to a study, of typical chunks."""

OVERHEAD = 15.0
"""Seconds a study for loading, compiling and the report, on two CPU cores."""


@dataclass(frozen=True)
class Cost:
    """What the searches, sweeps and transfers of an experiment take; follow-ups come on top.

    Attributes:
        trainings: how many, before base-LR grids are extended.
        steps: of all trainings together.
        seconds: on two CPU cores, about; None where that was not measured.
        follow_ups: commands that train more.
    """

    trainings: int
    steps: int
    seconds: float | None
    follow_ups: tuple[str, ...]


def cost(experiment: Experiment, scale: str) -> Cost:
    """Count an experiment's trainings at a scale."""
    document = experiment.spec(scale)
    trainings = steps = studies = 0
    follow_ups = []
    for step in experiment.steps:
        if isinstance(step, Function) or step.words[0] == "report":
            continue
        words = step.arguments(scale, "")
        if words[0] == "search":
            counted = [(StudySpec.parse(document), 0)]
        elif words[0] == "sweep":
            counted = _swept(document, words)
        else:
            follow_ups.append(words[0])
            continue
        for spec, transfers in counted:
            number = _of_study(spec) + transfers
            trainings, steps = trainings + number, steps + number * spec.workload.steps
            studies += 1
    seconds = None
    if scale != "gpu" and studies:
        rate = RATES[StudySpec.parse(document).workload.name]
        seconds = steps / rate + OVERHEAD * studies
    return Cost(trainings, steps, seconds, tuple(follow_ups))


def _of_study(spec: StudySpec) -> int:
    baselines = len(baseline_shapes(spec))
    shapes = baselines
    for family in spec.families:
        shapes += (family.shapes or spec.screen.shapes) if len(family.space()) else 1
    chosen = min(spec.rescore.top + len(spec.families), shapes) + baselines
    return (
        shapes * spec.base_lr.points * spec.screen.seeds
        + chosen * spec.rescore.base_lrs * spec.rescore.seeds
        + (len(spec.families) + baselines) * spec.confirm.seeds
    )


def _swept(document: dict[str, Any], words: list[str]) -> list[tuple[StudySpec, int]]:
    """Every setting's spec, and how many trainings its transfer takes."""
    _, axes = preset_axes(words[words.index("--preset") + 1], document)
    points = settings(document, axes)
    options = {
        name: int(words[words.index(option) + 1])
        for name, option in (("seeds", "--seeds"), ("tuning_seeds", "--tuning-seeds"))
        if option in words
    }
    how = TransferSpec(**options)
    transfer = len(points) * (how.base_lrs * how.tuning_seeds + 2 * how.seeds)
    return [(StudySpec.parse(point.document), transfer) for point in points]


def commands(experiment: Experiment) -> list[Command]:
    """The steps that are commands of lrshape."""
    return [step for step in experiment.steps if isinstance(step, Command)]
