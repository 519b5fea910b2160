"""The page's tables and remarks as plain text; the template only arranges them."""

import json
import math
import shlex
from collections import Counter
from collections.abc import Mapping
from typing import Any

from lrshape.analysis.costs import PhaseCost
from lrshape.report.findings import Findings, Row
from lrshape.report.headline import relative
from lrshape.report.palette import variable
from lrshape.report.words import (
    aligned,
    counted,
    duration,
    interval,
    listing,
    number,
    percent,
    printable,
    probability,
    rate,
)
from lrshape.store import params_of

MOST_MESSAGES = 10
_VERDICTS = {
    "winner": "",
    "better": "better",
    "worse": "worse",
    "same": "not told apart",
    "diverged": "better: it diverged",
    "unknown": "not tested",
}


def notices(findings: Findings) -> list[dict[str, Any]]:
    """Return what a reader must know before believing the result: ``title``, ``text``, ``bad``."""
    found = []
    if findings.is_reranked:
        found.append({"title": "Re-ranked", "text": _reranked(findings), "bad": False})
    if findings.missing or not (findings.is_confirmed or findings.is_reranked):
        last = findings.leaders[0]["phase"]
        text = f"The study is not complete: {_unfinished(findings)}. "
        if findings.is_confirmed:
            text += "The numbers will change as the remaining trials come in."
        else:
            text += (
                f"The numbers come from the {last} phase, which also helped to choose the winner, and are "
                "biased in its favour; only the confirm phase measures it on fresh seeds."
            )
        found.append({"title": "Partial", "text": text, "bad": False})
    edges = [row for row in findings.leaders if row["edge"] and math.isfinite(row["score"])]
    if edges:
        names = listing([f"{row['label']} ({rate(row['base_lr'])}, the {_end(row)})" for row in edges])
        text = f"The best base LR of {names} lies on the edge of those tried: a better one may lie beyond it."
        found.append({"title": "Base LR on the edge", "text": text, "bad": False})
    failed = findings.statuses.get("failed", 0)
    if failed:
        text = f"{counted(failed, 'trial')} of {findings.trials:,} failed and count as +∞."
        found.append({"title": "Failures", "text": f"{text} See the messages below.", "bad": True})
    return found


def _reranked(findings: Findings) -> str:
    metric, own = (printable(name, 60) for name in (findings.metric, findings.study_metric))
    text = (
        f"This report ranks the study’s trials by {metric}; the study itself minimised {own}, "
        "which chose the shapes that were rescored and the base LRs that were confirmed. A search by "
        f"{metric} may find better ones."
    )
    if findings.leaders and not findings.is_confirmed:
        text += (
            f" The confirm phase did not train the winner by {metric} at its base LR: all numbers come from "
            f"the {findings.leaders[0]['phase']} phase, which also chose it, and are biased in its favour."
        )
    return text


def _unfinished(findings: Findings) -> str:
    present = {phase.name: phase for phase in findings.phases}
    absent = [name for name in findings.missing if name not in present]
    parts = [
        f"the {name} phase has {phase.trials:,} of its {findings.planned[name]:,} trials"
        for name, phase in present.items()
        if name in findings.missing
    ]
    if absent:
        parts.append(f"{listing(absent)} {'has' if len(absent) == 1 else 'have'} not run")
    return listing(parts) or "the confirm phase has not trained the winner yet"


def _end(row: Row) -> str:
    return "lowest" if row["edge"] == "low" else "highest"


def tiles(findings: Findings) -> list[dict[str, str]]:
    """Return the key numbers: ``name``, ``value``, ``note``."""
    found = []
    winner = findings.winner
    if winner is not None and math.isfinite(winner["score"]):
        spread = interval(winner["low"], winner["high"], lead=winner["score"])
        found.append(
            {
                "name": f"median {printable(findings.metric, 40)}",
                "value": number(winner["score"]),
                "note": f"95% interval {spread}" if spread else f"over {counted(winner['seeds'], 'seed')}",
            }
        )
        for row in [r for r in findings.baselines if math.isfinite(relative(r))][:2]:
            share = relative(row)
            spread = _relative_interval(row)
            found.append(
                {
                    "name": f"vs {row['label']}",
                    "value": f"{percent(abs(share))} {'lower' if share >= 0 else 'higher'}",
                    "note": spread or "no interval: too few seeds",
                }
            )
    trials = findings.trials
    diverged = findings.statuses.get("diverged", 0)
    found.append(
        {
            "name": "trials",
            "value": f"{trials:,}",
            "note": f"{percent(diverged / trials)} diverged, "
            f"{duration(sum(phase.seconds for phase in findings.phases))} of compute",
        }
    )
    return found


def _relative_interval(row: Row) -> str:
    """Return the interval of `relative`, or of its opposite where that is negative, in percent."""
    ends = (row["difference_low"] / row["score"], row["difference_high"] / row["score"])
    if any(math.isnan(end) for end in ends):
        return ""
    low, high = ends if row["difference"] >= 0 else (-ends[1], -ends[0])
    return f"95% interval {percent(low)} to {percent(high)}"


def comparison(findings: Findings) -> list[dict[str, Any]]:
    """Return the rows of the table of scores and differences, texts all; none if all scores are infinite."""
    rows = findings.leaders
    lead = next((abs(row["score"]) for row in rows if math.isfinite(row["score"])), None)
    if lead is None:
        return []
    result = []
    for row in rows:
        case = row["verdict"]
        median, difference = aligned((row["score"], row["difference"]), lead=lead)
        result.append(
            {
                "label": row["label"],
                "is_baseline": row["is_baseline"],
                "colour": variable(findings.style(row).colour),
                "base_lr": rate(row["base_lr"]),
                "score": "diverged" if math.isinf(row["score"]) else median,
                "interval": "" if math.isinf(row["score"]) else interval(row["low"], row["high"], lead=lead),
                "difference": "" if case == "winner" else difference,
                "difference_interval": interval(row["difference_low"], row["difference_high"], lead=lead),
                "relative": "" if math.isnan(relative(row)) or case == "winner" else percent(relative(row)),
                "p": "" if math.isnan(row["p_holm"]) else probability(row["p_holm"]),
                "verdict": case,
                "verdict_text": _VERDICTS[case],
            }
        )
    return result


def seeds_text(findings: Findings) -> str:
    """Return what the table of scores was measured on."""
    if not findings.leaders:
        return ""
    seeds = [row["seeds"] for row in findings.leaders]
    low, high = min(seeds), max(seeds)
    count = counted(high, "seed") if low == high else f"{low} to {high} seeds"
    phase = findings.leaders[0]["phase"]
    where = f"of the {phase} phase" + (", which no selection has seen" if findings.is_confirmed else "")
    return f"Medians over {count} {where}, each schedule at its own best base LR."


def tried_text(findings: Findings) -> str:
    """Return how many shapes of each family the screen tried, the most first."""
    counts = Counter(row["family"] for row in findings.course)
    return listing([f"{printable(name, 40)} {count:,}" for name, count in counts.most_common()])


def winner_use(findings: Findings, directory: str) -> dict[str, Any] | None:
    """Return the winner's parameters, and code and command that use it."""
    winner = findings.winner
    if winner is None or not math.isfinite(winner["score"]):
        return None
    params = params_of(winner["params"])
    lines = [
        "from lrshape import Schedule",
        "",
        "schedule = Schedule(",
        f"    {_literal(winner['family'])},",
        *(
            ["    {", *(f"        {_literal(k)}: {_literal(v)}," for k, v in params.items()), "    },"]
            if params
            else ["    {},"]
        ),
        f"    base_lr={float(winner['base_lr'])!r},",
        f"    steps={findings.steps},",
        *([] if findings.step_rule == "midpoint" else [f"    step_rule={findings.step_rule!r},"]),
        ")",
        "lrs = schedule.values()  # one learning rate per step",
    ]
    by = f" --metric {shlex.quote(findings.metric)}" if findings.is_reranked else ""
    return {
        "label": winner["label"],
        "base_lr": rate(winner["base_lr"]),
        "params": [(printable(k, 60), _parameter(v)) for k, v in params.items()],
        "code": "\n".join(lines),
        "command": f"lrshape export {shlex.quote(directory)} --to csv --steps {findings.steps}{by}"
        if not findings.missing
        else "",
    }


def _literal(value: Any) -> str:
    """Return a value from JSON as Python code in printable ASCII."""
    if isinstance(value, str):
        quoted = ascii(value)
        return f'"{quoted[1:-1]}"' if quoted[0] == "'" and '"' not in quoted else quoted
    return ascii(value)


def _parameter(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else number(value)
    return printable(json.dumps(value) if isinstance(value, list | dict) else value, 200)


def phase_rows(findings: Findings) -> list[dict[str, Any]]:
    """Return the rows of the table of costs, the total last."""
    rows = [_phase_row(phase, findings.planned.get(phase.name, 0)) for phase in findings.phases]
    phases = findings.phases
    if len(phases) > 1:
        total = {
            "name": "total",
            "shapes": "",
            "base_lrs": "",
            "seeds": "",
            "trials": f"{sum(p.trials for p in phases):,}",
            "diverged": f"{sum(p.diverged for p in phases):,}",
            "failed": f"{sum(p.failed for p in phases):,}",
            "seconds": duration(sum(p.seconds for p in phases)),
            "total": True,
        }
        rows.append(total)
    return rows


def _phase_row(phase: PhaseCost, planned: int) -> dict[str, Any]:
    of = f" of {planned:,}" if phase.trials < planned else ""
    return {
        "name": phase.name,
        "shapes": f"{phase.shapes:,}",
        "base_lrs": f"{phase.base_lrs:,}",
        "seeds": f"{phase.seeds:,}",
        "trials": f"{phase.trials:,}{of}",
        "diverged": f"{phase.diverged:,}",
        "failed": f"{phase.failed:,}",
        "seconds": duration(phase.seconds),
        "total": False,
    }


def messages(findings: Findings) -> list[dict[str, Any]]:
    """Return the most frequent messages of trials that did not end well."""
    return [
        {"count": f"{count:,}", "status": printable(status, 20), "message": printable(message)}
        for count, status, message in findings.messages[:MOST_MESSAGES]
    ]


def provenance(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return versions, device and revision of a study as names and texts."""
    rows = [(name, document.get(key)) for name, key in (("created", "created"), ("spec hash", "hash"))]
    rows.append(("git revision", document.get("git_revision")))
    for key in ("device", "versions"):
        value = document.get(key) or {}
        if isinstance(value, Mapping):
            parts = [f"{k} {v}" for k, v in value.items()]
            rows.append((key, ", ".join(parts)))
        else:
            rows.append((key, value))
    return [(name, printable(value, 1000)) for name, value in rows if value]
