"""The section of peers.py, from whatever results there are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from _efficiency_contenders import CONTENDERS
from _efficiency_report import LEAST, middle_and_ends
from _measure import machine, table
from _peer_race import SEARCHING, TOP
from _peer_samplers import PEERS
from _peer_search import OURS
from _worlds import world

Results = Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
"""By world and contender."""

INTRODUCTION = """\
How far the recommended schedule is from the best one of all, without noise, after {trials} trials: median
over repetitions, each with a world and a seed of its own, and its 95% interval (with fewer than {least}, the
range); in percent of the score, in `negative` in thousandths of the metric. Every peer searches
`two_point_spline` and the log of the base LR, in the range that lrshape is given, and is told the log of the
score (in `negative` the score), with the worse half moved nearer where it fits a model. It spends
{searching:.0%} of its trials on the search, and the others on a race of its best {top} candidates by
successive halving, on fresh seeds. A search by a model has one seed for all its trials, and CMA-ES
one a generation, so that what they compare is paired; the mean of CMA-ES races, too; BoTorch's candidates are
the best by its posterior mean; SMAC3 repeats by itself what is promising. lrshape spends its
trials by its own rules, without baselines and the confirm phase, and may stop before they are used up. Below:
on how many of the same worlds lrshape was better and worse than a peer."""


def section(results: Results, trials: int) -> str:
    """The section of RESULTS.md: one row a contender, one column a world."""
    introduction = INTRODUCTION.format(trials=trials, least=LEAST, searching=SEARCHING, top=TOP)
    worlds = list(dict.fromkeys(name for name, _ in results))
    contenders = [name for name in (*OURS, *PEERS) if any(name == own for _, own in results)]
    labels = {name: CONTENDERS[name].label if name in OURS else PEERS[name].label for name in contenders}
    regrets = [[labels[c], *(_regret(w, results.get((w, c), ())) for w in worlds)] for c in contenders]
    columns = ["search", *(f"`{name}`" for name in worlds)]
    parts = [
        "## Peers: what they find at equal trials",
        f"{machine()}.",
        introduction,
        table(columns, regrets),
    ]
    for ours in OURS:
        counts = [
            [labels[c], *(_better_and_worse(results, w, ours, c) for w in worlds)]
            for c in contenders
            if c not in OURS
        ]
        if ours in contenders and counts:
            parts.append(table([f"{labels[ours]}: better / worse than", *columns[1:]], counts))
    parts.append(
        table(
            ["search", "trials", "CPU seconds a search"], [_cost(results, c, labels[c]) for c in contenders]
        )
    )
    return "\n\n".join(parts) + "\n"


def _regret(name: str, found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return ""
    unit = 100 if world(name, 0).scale == "log" else 1000
    middle, low, high = middle_and_ends(unit * np.array([result["regret"] for result in found]))
    return f"{middle:.2g} [{low:.2g}, {high:.2g}] ({len(found)})"


def _better_and_worse(results: Results, name: str, ours: str, theirs: str) -> str:
    own = {result["k"]: result["regret"] for result in results.get((name, ours), ())}
    pairs = [(own[r["k"]], r["regret"]) for r in results.get((name, theirs), ()) if r["k"] in own]
    better, worse = sum(a < b for a, b in pairs), sum(a > b for a, b in pairs)
    return f"{better} / {worse}" if pairs else ""


def _cost(results: Results, contender: str, label: str) -> list[str]:
    found = [result for (_, own), rows in results.items() if own == contender for result in rows]
    trained, seconds = (np.median([result[key] for result in found]) for key in ("trials", "seconds"))
    return [label, f"{trained:.0f}", f"{seconds:.1f}"]
