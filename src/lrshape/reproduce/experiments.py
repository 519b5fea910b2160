"""The table of experiments: each is a spec and a list of steps, commands of lrshape or functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lrshape.errors import InputError
from lrshape.reproduce.specs import spec

SCALES = ("smoke", "cpu", "gpu")
"""A minute or so to see that it runs; hours at most on two CPU cores; a day at most on one large GPU."""


@dataclass(frozen=True)
class Command:
    """A command of lrshape.

    Args:
        words: the command and its arguments, ``{out}`` in place of the experiment's directory.
        at: further arguments at a scale.
        shows: what to look at afterwards, and where.
    """

    words: Sequence[str]
    at: Mapping[str, Sequence[str]] = field(default_factory=dict)
    shows: str = ""

    def arguments(self, scale: str, out: str) -> list[str]:
        """The whole command line at a scale, without ``lrshape``."""
        return [word.replace("{out}", out) for word in (*self.words, *self.at.get(scale, ()))]


@dataclass(frozen=True)
class Function:
    """A figure of its own: ``function(spec, scale, directory) -> paths`` writes into the directory.

    Args:
        name: its module and name within `lrshape.reproduce`, e.g. ``gallery:gallery``.
        shows: what to look at afterwards.
    """

    name: str
    shows: str = ""

    def load(self) -> Callable[..., Any]:
        """The function itself."""
        from importlib import import_module

        module, _, name = self.name.partition(":")
        return getattr(import_module(f"lrshape.reproduce.{module}"), name)


SPEC, STUDY = "{out}/spec.toml", "{out}/study"

Step = Command | Function


@dataclass(frozen=True)
class Experiment:
    """One experiment of the paper, with our settings.

    Args:
        name: as ``lrshape reproduce`` takes it.
        description: one line.
        spec_name: which spec of `lrshape.reproduce.specs` it uses, by scale; empty for none.
        steps: in their order.
    """

    name: str
    description: str
    steps: Sequence[Step]
    spec_name: Mapping[str, str] = field(default_factory=dict)

    def spec(self, scale: str) -> dict[str, Any]:
        """The spec at a scale; empty if it needs none."""
        return spec(self.spec_name[scale], scale) if self.spec_name else {}


def _all(name: str) -> dict[str, str]:
    return dict.fromkeys(SCALES, name)


_SEARCH = Command(
    ("search", SPEC, "--out", STUDY),
    shows="study/report.html: best shapes, ECDFs, best base LRs, heat map of base LRs",
)
_DEEP = (
    _SEARCH,
    Function("top_shapes:top_shapes", "top-shapes/: the three and the five best shapes of each family"),
)
_COORDINATE = Command(
    ("coordinate", STUDY),
    {
        "smoke": ["--top", "1", "--points", "2", "--seeds", "2", "--base-lrs", "1", "--confirm-seeds", "6"],
        "cpu": ["--top", "1", "--points", "4", "--seeds", "3", "--base-lrs", "1", "--confirm-seeds", "6"],
        "gpu": ["--top", "3"],
    },
    shows="study/coordinate/report.html: every parameter of the best shapes changed alone",
)


def _other_metric(metric: str) -> Command:
    return Command(
        ("report", STUDY, "--objective", metric),
        shows=f"the winners by {metric} beside those by the objective",
    )


_TRANSFER = {"smoke": ("--seeds", "6", "--tuning-seeds", "2"), "gpu": ("--seeds", "40")}
_SWEPT = {"smoke": "digits", "cpu": "digits", "gpu": "cifar10"}


def _sweep(name: str, preset: str, description: str) -> Experiment:
    command = Command(
        ("sweep", SPEC, "--preset", preset, "--out", "{out}/sweep"),
        _TRANSFER,
        "sweep/report.html: best shapes laid over each other, transfer matrices",
    )
    return Experiment(name, description, (command,), _SWEPT)


EXPERIMENTS: dict[str, Experiment] = {
    e.name: e
    for e in (
        Experiment(
            "families",
            "gallery of shapes sampled from every family",
            (Function("gallery:gallery", "families.svg and .png"),),
        ),
        Experiment(
            "linear-regression",
            "best shapes of linear regression, and the heat map of base LRs",
            (_SEARCH, Function("top_shapes:top_shapes", "top-shapes/: the best shapes of each family")),
            _all("linear-regression"),
        ),
        Experiment(
            "schedule-descent",
            "the optimum over all learning rates of linear regression, and each family's gap to it",
            (
                Command(
                    ("optimum", SPEC, "--out", "{out}/optimum"),
                    {"smoke": ("--starts", "2", "--seeds", "50")},
                    "optimum/: the optimal schedule and the table of gaps",
                ),
            ),
            _all("linear-regression"),
        ),
        Experiment(
            "nonmonotonic-fit",
            "the family smooth_nonmonotonic fitted to the optimal schedule of linear regression",
            (
                Command(
                    ("optimum", SPEC, "--out", "{out}/optimum", "--families", "smooth_nonmonotonic"),
                    {"smoke": ("--starts", "2", "--seeds", "50")},
                    "optimum/: the optimal schedule",
                ),
                Function("fitted:fitted", "fit.svg and .png, fit.json: the fit, and what it loses"),
            ),
            _all("linear-regression"),
        ),
        Experiment(
            "trajectories",
            "loss curves of simulated SGD under several schedules: means over 1,000 seeds, with intervals",
            (Function("trajectories:trajectories", "trajectories.svg and .png, trajectories.csv"),),
            _all("linear-regression"),
        ),
        Experiment(
            "cifar10",
            "CIFAR-10: best shapes, ECDFs, base LRs, heat map, top 3 and 5, test-error winners, coordinates",
            (*_DEEP, _other_metric("final/test_error"), _COORDINATE),
            _all("cifar10"),
        ),
        Experiment(
            "wikitext",
            "WikiText: best shapes, ECDFs, base LRs, heat map, top 3 and 5, train-loss winners, coordinates",
            (*_DEEP, _other_metric("final/train_loss"), _COORDINATE),
            _all("wikitext"),
        ),
        Experiment(
            "seeds",
            "how many seeds a search needs: scores on few seeds against scores on many",
            (
                _SEARCH,
                Command(
                    ("seeds", STUDY),
                    {"smoke": ("--max", "12", "--top", "2", "--sample", "6")},
                    "study/seeds/report.html",
                ),
            ),
            _SWEPT,
        ),
        *(
            _sweep(
                f"weight-decay-{c}",
                f"weight-decay:{c}",
                f"does weight decay, coupled as {c}, move the best shape?",
            )
            for c in ("lr", "schedule", "constant")
        ),
        _sweep("beta1", "beta1", "does Adam's beta1 move the best shape?"),
        _sweep("beta2", "beta2", "does Adam's beta2 move the best shape?"),
        _sweep("horizon", "horizon", "does the number of steps move the best shape?"),
    )
}


def experiment(name: str) -> Experiment:
    """An experiment by its name.

    Raises:
        InputError: if there is none of this name.
    """
    if name not in EXPERIMENTS:
        raise InputError(f"the experiment must be one of {', '.join(EXPERIMENTS)}, got {name!r}")
    return EXPERIMENTS[name]
