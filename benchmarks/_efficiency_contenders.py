"""Who competes in search_efficiency.py: for each contender, the spec of a search of so many trials."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lrshape.procedure.budget import CONFIRMING, FAMILIES, plan_search

Document = dict[str, Any]

FAMILY = "two_point_spline"
TOP, RESCORED = 12, 10  # shapes and seeds of the paper's rescoring


@dataclass(frozen=True)
class Contender:
    """A way to search.

    Attributes:
        label: in tables.
        spec: ``spec(document, trials)`` completes a spec that has the workload and the metric; None:
            Optuna alone, without the phases of a study.
        budgets: trials that it is worth comparing at.
    """

    label: str
    spec: Callable[[Document, int], Document] | None
    budgets: tuple[int, ...]


def _planned(families: Sequence[str], document: Document, trials: int) -> Document:
    """A search that takes so many trials before its confirm phase, which is left out."""
    in_all = round(trials / (1 - CONFIRMING))
    return plan_search({**document, "families": list(families), "baselines": [], "trials": in_all})


def _sampled(sampler: str, document: Document, trials: int) -> Document:
    """The default's plan (screen, race, seeds) with another sampler."""
    plan = _planned((FAMILY,), document, trials)
    plan["sampler"] = {"name": sampler}
    plan["screen"]["stop_gain"] = 0.0
    return plan


def _paper(document: Document, trials: int) -> Document:
    """Random shapes x 10 base LRs x 1 seed, the trials; the top 12 on 10 seeds come on top."""
    return {
        **document,
        "families": [FAMILY],
        "sampler": "random",
        "base_lr": {**document.get("base_lr", {}), "strategy": "grid", "points": 10},
        "screen": {"shapes": trials // 10, "seeds": 1},
        "rescore": {"top": TOP, "seeds": RESCORED, "base_lrs": 1},
        "tuning": {"rounds": 0},
    }


SMALL = (64, 128, 256)
CONTENDERS: Mapping[str, Contender] = {
    "default": Contender("lrshape's default, one family", partial(_planned, (FAMILY,)), SMALL),
    "default-families": Contender("lrshape's default, its four families", partial(_planned, FAMILIES), SMALL),
    "paper": Contender("the paper's screen, top 12 rescored", _paper, (256, 640, 2560)),
    "random": Contender("random, joint", partial(_sampled, "random"), SMALL),
    "sobol": Contender("Sobol', joint", partial(_sampled, "sobol"), SMALL),
    "cmaes": Contender("CMA-ES, joint", partial(_sampled, "cmaes"), SMALL),
    "tpe": Contender("TPE (Optuna), joint", partial(_sampled, "optuna"), SMALL),
    "naive": Contender("Optuna's TPE alone, its best trial", None, SMALL),
}
"""By name, in the order of the table. All but those of `FAMILIES` search `FAMILY`."""
