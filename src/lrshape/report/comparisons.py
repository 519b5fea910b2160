"""Families against each other, the near-optimal set and the winners by other metrics, as plain text."""

import math
from typing import Any

from lrshape.analysis.analysis import MARGIN
from lrshape.analysis.verdict import verdict
from lrshape.report.figures.metrics import winners
from lrshape.report.figures.near_optimal import IN_THE_SET
from lrshape.report.findings import Findings, Row
from lrshape.report.palette import variable
from lrshape.report.words import aligned, counted, interval, number, printable, probability, rate


def pair_matrix(findings: Findings) -> dict[str, Any] | None:
    """Return the table of all pairs of families: ``names``, ``rows`` and a ``note``; None without a pair.

    A cell is its row's median minus its column's: negative where the row's family is better.
    """
    if not findings.pairs:
        return None
    order: dict[str, Row] = {}
    for pair in findings.pairs:
        order.setdefault(pair["family"], {"shape": pair["shape"], "score": pair["score"]})
        order.setdefault(pair["other_family"], {"shape": pair["other_shape"], "score": pair["other_score"]})
    names = sorted(order, key=lambda name: (order[name]["score"], name))
    lead = next((abs(order[n]["score"]) for n in names if math.isfinite(order[n]["score"])), 1.0)
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for pair in findings.pairs:
        low, high = pair["difference_low"], pair["difference_high"]
        first, other = pair["family"], pair["other_family"]
        cells[other, first] = _cell(pair["difference"], low, high, pair["p_holm"], lead)
        cells[first, other] = _cell(-pair["difference"], -high, -low, pair["p_holm"], lead)
    tested = [pair for pair in findings.pairs if not math.isnan(pair["p_holm"])]
    told = sum(bool(cell["verdict"]) for cell in cells.values()) // 2
    phase = findings.leaders[0]["phase"] if findings.leaders else "confirm"
    note = f"{told} of {counted(len(findings.pairs), 'pair')} can be told apart after Holm’s correction "
    note += f"over all pairs, on the seeds of the {phase} phase."
    if phase != "confirm":
        note += " The same seeds also chose the shapes."
    if not tested:
        note = "There are too few seeds to say which pairs differ."
    return {
        "names": [printable(name, 28) for name in names],
        "rows": [
            {
                "name": printable(name, 28),
                "colour": variable(findings.styles[name].colour),
                "score": number(order[name]["score"]),
                "cells": [cells.get((name, other)) for other in names],
            }
            for name in names
        ],
        "note": note,
    }


def _cell(difference: float, low: float, high: float, p: float, lead: float) -> dict[str, str]:
    case = verdict(-high, -low, p)  # of the row's family: its difference to the column's, turned round
    plus = "+" if difference > 0 else ""
    return {
        "difference": plus + aligned((difference,), lead=lead)[0],
        "interval": interval(low, high, lead=lead),
        "p": "" if math.isnan(p) else f"p {probability(p)}",
        "verdict": case if case in ("better", "worse") else "",
    }


def near_text(findings: Findings) -> str:
    """Say how many rescored shapes may be within the margin of the best, and of which families."""
    if len(findings.near) < 2:
        return ""
    count = {verdict: [r for r in findings.near if r["verdict"] == verdict] for verdict in
             ("inside", "open", "outside", "unknown")}  # fmt: skip
    margin = f"{MARGIN:.0%}"
    total, seeds = len(findings.near), min(row["seeds"] for row in findings.near)
    if count["unknown"]:
        return (
            f"{counted(total, 'shape')} were rescored on {counted(seeds, 'seed')}, too few to say "
            f"which of them are within {margin} of the best."
        )
    best = findings.near[0]
    kept = [row for row in findings.near if row["verdict"] in IN_THE_SET]
    families: dict[str, int] = {}
    for row in kept:
        families[row["family"]] = families.get(row["family"], 0) + 1
    text = (
        f"Of {total} rescored shapes, {len(kept)} may be within {margin} of the best, "
        f"{printable(best['shape'], 40)}, on {counted(seeds, 'seed')}: "
        + ", ".join(f"{n} {printable(family, 28)}" for family, n in families.items())
        + f". {_are(len(count['outside']), 'None')} shown to be worse by more than that. Of those kept, "
        f"{_are(len(count['inside']), 'none')} shown to be within it; {len(count['open'])} cannot be "
        "decided on so few seeds."
    )
    lrs = [row["base_lr"] for row in kept]
    if min(lrs) < max(lrs):
        text += f" Their best base LRs run from {rate(min(lrs))} to {rate(max(lrs))}."
    return text


def metric_table(findings: Findings) -> dict[str, Any] | None:
    """Return the winners measured by every metric: ``metrics``, ``rows``; None with a single metric."""
    names = list(dict.fromkeys(row["metric"] for row in findings.metrics))
    if len(names) < 2:
        return None
    rows = []
    for won in winners(findings):
        same = [r for r in findings.metrics if (r["shape"], r["base_lr"]) == (won["shape"], won["base_lr"])]
        phases = list(dict.fromkeys(r["phase"] for r in same if r["phase"] != "screen")) or ["screen"]
        for phase in phases:
            by = {r["metric"]: r for r in same if r["phase"] == phase}
            cells = [
                {"score": number(by[n]["score"]),
                 "interval": interval(by[n]["low"], by[n]["high"], lead=by[n]["score"]),
                 "chosen": n in won["chosen_by"]}
                for n in names
            ]  # fmt: skip
            confirmed = phases[0] == "confirm"
            rows.append(
                {
                    "shape": printable(won["shape"], 40),
                    "base_lr": rate(won["base_lr"]),
                    "colour": variable(findings.styles[won["family"]].colour),
                    "phase": phase,
                    "seeds": counted(by[names[0]]["seeds"], "seed"),
                    "flag": "" if confirmed else "not confirmed",
                    "cells": cells,
                    "first": phase == phases[0],
                }
            )
    return {"metrics": [printable(n, 40) for n in names], "rows": rows, "agree": len(winners(findings)) == 1}


def _are(count: int, nothing: str) -> str:
    return f"{count or nothing} {'is' if count == 1 else 'are'}"
