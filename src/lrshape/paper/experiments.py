"""The paper's experiments as `experiments.toml` describes them, and about what they cost."""

import copy
import itertools
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lrshape.checks.axes import preset_axes, settings
from lrshape.checks.transfer import TransferSpec
from lrshape.errors import InputError
from lrshape.study.plan import Plan
from lrshape.study.spec import StudySpec

SCALES = ("smoke", "cpu", "gpu")
OVERHEAD = 15.0
"""Seconds a study takes to load, compile and report, on two CPU cores."""

_DATA = tomllib.loads(Path(__file__).with_name("experiments.toml").read_text("utf-8"))


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of an experiment.

    Attributes:
        run: a command of lrshape and its arguments, ``{out}`` in place of the experiment's directory.
        call: in place of ``run``, the name of a function in `lrshape.paper.curves`.
        smoke, cpu, gpu: more arguments at this scale: text for a command, keywords for a function.
        shows: what to look at afterwards, and where.
    """

    run: str = ""
    call: str = ""
    smoke: Any = None
    cpu: Any = None
    gpu: Any = None
    shows: str

    def arguments(self, scale: str, out: str) -> list[str]:
        """The command line at a scale, without ``lrshape``; empty for a function."""
        words = shlex.split(f"{self.run} {getattr(self, scale) or ''}") if self.run else []
        return [word.replace("{out}", out) for word in words]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One experiment of the paper, with our settings.

    Attributes:
        name: what ``lrshape reproduce`` takes.
        question: what it answers.
        paper: what the paper shows to answer it.
        steps: in the order in which they run.
        spec: the name of its spec by scale; empty if no step needs one.
    """

    name: str
    question: str
    paper: str
    steps: Sequence[Step]
    spec: Mapping[str, str] = field(default_factory=dict)

    def document(self, scale: str) -> dict[str, Any]:
        """A copy of the spec at a scale; empty if there is none."""
        return copy.deepcopy(_DATA["specs"][self.spec[scale]]) if self.spec else {}


EXPERIMENTS = {
    name: Experiment(**{**entry, "name": name, "steps": [Step(**step) for step in entry["steps"]]})
    for name, entry in _DATA["experiments"].items()
}


def experiment(name: str) -> Experiment:
    """The experiment of this name; raises `InputError` if there is none."""
    if name not in EXPERIMENTS:
        raise InputError(f"the experiment must be one of {', '.join(EXPERIMENTS)}, got {name!r}")
    return EXPERIMENTS[name]


def cost(experiment: Experiment, scale: str) -> dict[str, Any]:
    """What the searches and sweeps of an experiment take at most at a scale; checks come on top.

    Returns:
        ``trials``; ``steps`` of all of them; ``seconds`` on two CPU cores, None where that was not
        measured; and ``more``, the commands that train more.
    """
    document = experiment.document(scale)
    lines = [step.arguments(scale, "") for step in experiment.steps if step.run]
    studies: list[tuple[StudySpec, int]] = []
    for command, *words in lines:
        if command == "search":
            studies.append((StudySpec.parse(document), 0))
        elif command == "sweep":
            studies += _swept(document, words)
    counts = [sum(Plan(spec).trials.values()) + transfers for spec, transfers in studies]
    steps = sum(count * spec.workload.steps for count, (spec, _) in zip(counts, studies, strict=True))
    seconds = None
    if scale != "gpu" and studies:
        seconds = steps / _DATA["speed"][studies[0][0].workload.name] + OVERHEAD * len(studies)
    # Their trials are not counted: they depend on what was found before.
    more = [" ".join(line[:2]) if line[0] == "check" else line[0] for line in lines]
    more = [command for command in more if command.startswith(("check ", "optimum"))]
    return {"trials": sum(counts), "steps": steps, "seconds": seconds, "more": more}


def _swept(document: dict[str, Any], words: Sequence[str]) -> list[tuple[StudySpec, int]]:
    """The spec of every setting of a sweep, and how many trials its transfer takes."""
    options = dict(itertools.pairwise(words))
    points = settings(document, preset_axes(options["--preset"], document)[1])
    given = {"seeds": options.get("--seeds"), "tuning_seeds": options.get("--tuning-seeds")}
    how = TransferSpec(**{name: int(value) for name, value in given.items() if value})
    transfers = how.most(len(points), len(points))
    return [(StudySpec.parse(point.document), transfers) for point in points]
