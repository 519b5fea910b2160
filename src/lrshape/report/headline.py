"""The result of a study in words, as strong as the numbers and no stronger, its key numbers and limits."""

import math
import re

from lrshape.report.findings import Findings, Row
from lrshape.report.sections import Notice, Tile
from lrshape.report.words import (
    aligned,
    counted,
    duration,
    interval,
    listing,
    number,
    percent,
    printable,
    rate,
)


def relative(row: Row) -> float:
    """Return by which fraction of a row's own median the winner's is lower; NaN where undefined."""
    score, difference = row["score"], row["difference"]
    return (
        difference / score if math.isfinite(difference) and math.isfinite(score) and score > 0 else math.nan
    )


def headline(findings: Findings) -> tuple[str, list[str]]:
    """Say what won, by how much and how sure that is; or why nothing did.

    Returns:
        A title of a few words, and sentences with the numbers.
    """
    winner = findings.winner
    metric = printable(findings.metric, 60)
    if not findings.statuses.get("ok"):
        none = f"None of the {counted(findings.trials, 'trial')} gave a finite {metric}"
        advice = "Search lower base LRs (base_lr.low and base_lr.high in the spec)."
        if "failed" in findings.statuses:
            advice = "The messages of the failures are listed below."
        title = f"Every trial {' or '.join(sorted(findings.statuses))}"
        return title, [f"{none}, so no schedule shape can be recommended.", advice]
    if winner is None:
        return "No searched shape has been trained yet", ["Only baselines have trials so far."]
    if math.isinf(winner["score"]):
        lost = f"{counted(winner['diverged'] + winner['failed'], 'trial')} of its {winner['seeds']}"
        return "No usable winner", [
            f"The best searched shape, of the family {winner['label']}, has no finite median {metric}: "
            f"{lost} in the {winner['phase']} phase diverged or failed."
        ]
    title, first = _against_baselines(findings, winner)
    prefixes = []
    if not findings.is_confirmed and (findings.missing or not findings.is_reranked):
        prefixes.append("So far")
    if findings.is_reranked:
        prefixes.append(f"{'by' if prefixes else 'By'} {metric}")
    if prefixes:
        title = f"{', '.join(prefixes)}: {re.sub('^No ', 'no ', title)}"
    return title, [first, *_other_families(findings)]


def measured(row: Row, metric: str) -> str:
    """Return a row's score in words, e.g. ``median final/train_loss 0.010 (95% interval 0.009 to 0.011)``."""
    spread = interval(row["low"], row["high"], lead=row["score"])
    text = f"median {printable(metric, 60)} {number(row['score'])}"
    return text + (f" (95% interval {spread})" if spread else "")


def _against_baselines(findings: Findings, winner: Row) -> tuple[str, str]:
    name = winner["label"]
    score = measured(winner, findings.metric)
    alive = [row for row in findings.baselines if math.isfinite(row["score"])]
    if not findings.baselines:
        return (
            f"{name} is the best searched family",
            f"Its best shape has {score}; no baseline was trained in this phase.",
        )
    if not alive:
        return f"{name} wins", f"Its best shape has {score}; every baseline diverged or failed."
    best = alive[0]
    rival = f"the {best['label']}"
    lead = "the best of the baselines" if len(findings.baselines) > 1 else "the only baseline"
    unit = winner["score"]  # differences get the decimals of the scores
    difference = aligned((best["difference"],), lead=unit)[0]
    ends = interval(best["difference_low"], best["difference_high"], lead=unit)
    spread = f"95% interval {ends}"
    case = best["verdict"]
    if case == "better":
        return f"{name} wins", (
            f"Its best shape has {score}, {percent(relative(best))} lower than {rival}, {lead} "
            f"(difference {difference}, {spread})."
        )
    if case == "worse":
        return f"No searched shape beats {rival}", (
            f"The best searched shape, of the family {name}, has {score}; {rival} has "
            f"{measured(best, findings.metric)} (difference {difference}, {spread})."
        )
    if case == "same":
        why = "includes 0"
        if best["difference_low"] > 0 or best["difference_high"] < 0:
            why = "excludes 0, but not after correction for the number of comparisons"
        return f"{name} cannot be told apart from {rival}", (
            f"The best searched shape has {score}; {rival} has {measured(best, findings.metric)}. "
            f"The interval of their paired difference, {ends}, "
            f"{why}: more seeds may decide."
        )
    side = "lower than" if best["difference"] > 0 else "higher than" if best["difference"] < 0 else "equal to"
    amount = f"{percent(abs(relative(best)))} {side}" if best["difference"] and best["score"] > 0 else side
    return f"{name} leads" if best["difference"] > 0 else f"{name} does not lead", (
        f"Its best shape has {score}, {amount} {rival}, {lead}; with {counted(winner['seeds'], 'seed')} "
        "there is no interval, which needs at least 6."
    )


def _other_families(findings: Findings) -> list[str]:
    """Say which other families' best shapes the winner cannot be told apart from, or did better."""
    others = [r for r in findings.leaders if not r["is_winner"] and not r["is_baseline"]]
    same = [row["label"] for row in others if row["verdict"] == "same"]
    worse = [row["label"] for row in others if row["verdict"] == "worse"]
    sentences = []
    if same:
        noun = "shape" if len(same) == 1 else "shapes"
        sentences.append(f"It cannot be told apart from the best {noun} of {listing(same)}.")
    if worse:
        sentences.append(
            f"The best of {listing(worse)} did better here, on fresh seeds, than the shape that earlier "
            "phases had chosen as the winner."
        )
    return sentences


def notices(findings: Findings) -> list[Notice]:
    """Return what a reader must know before believing the result."""
    found = []
    if findings.is_reranked:
        found.append(Notice("Re-ranked", _reranked(findings)))
    if findings.missing or not (findings.is_confirmed or findings.is_reranked):
        text = f"The study is not complete: {_unfinished(findings)}. "
        if findings.is_confirmed:
            text += "The numbers will change as the remaining trials come in."
        else:
            text += (
                f"The numbers come from the {findings.phase} phase, which also helped to choose the winner, "
                "and are biased in its favour; only the confirm phase measures it on fresh seeds."
            )
        found.append(Notice("Partial", text))
    edges = [row for row in findings.leaders if row["edge"] and math.isfinite(row["score"])]
    if edges:
        names = listing([f"{row['label']} ({rate(row['base_lr'])}, the {_end(row)})" for row in edges])
        text = f"The best base LR of {names} lies on the edge of those tried: a better one may lie beyond it."
        found.append(Notice("Base LR on the edge", text))
    failed = findings.statuses.get("failed", 0)
    if failed:
        text = f"{counted(failed, 'trial')} of {findings.trials:,} failed and count as +∞."
        found.append(Notice("Failures", f"{text} See the messages below.", bad=True))
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
            f"the {findings.phase} phase, which also chose it, and are biased in its favour."
        )
    return text


def _unfinished(findings: Findings) -> str:
    present = {row["phase"]: row["trials"] for row in findings.phases}
    absent = [name for name in findings.missing if name not in present]
    parts = [
        f"the {name} phase has {trials:,} of its {findings.planned[name]:,} trials"
        for name, trials in present.items()
        if name in findings.missing
    ]
    if absent:
        parts.append(f"{listing(absent)} {'has' if len(absent) == 1 else 'have'} not run")
    return listing(parts) or "the confirm phase has not trained the winner yet"


def _end(row: Row) -> str:
    return "lowest" if row["edge"] == "low" else "highest"


def tiles(findings: Findings) -> list[Tile]:
    """Return the key numbers."""
    found = []
    winner = findings.winner
    if winner is not None and math.isfinite(winner["score"]):
        spread = interval(winner["low"], winner["high"], lead=winner["score"])
        note = f"95% interval {spread}" if spread else f"over {counted(winner['seeds'], 'seed')}"
        found.append(Tile(f"median {printable(findings.metric, 40)}", number(winner["score"]), note))
        for row in [r for r in findings.baselines if math.isfinite(relative(r))][:2]:
            value = f"{percent(abs(relative(row)))} {'lower' if relative(row) >= 0 else 'higher'}"
            found.append(
                Tile(f"vs {row['label']}", value, _relative_interval(row) or "no interval: too few seeds")
            )
    diverged = percent(findings.statuses.get("diverged", 0) / findings.trials)
    time = duration(sum(row["seconds"] for row in findings.phases))
    found.append(Tile("trials", f"{findings.trials:,}", f"{diverged} diverged, {time} of compute"))
    return found


def _relative_interval(row: Row) -> str:
    """Return the interval of `relative`, or of its opposite where that is negative, in percent."""
    ends = (row["difference_low"] / row["score"], row["difference_high"] / row["score"])
    if any(math.isnan(end) for end in ends):
        return ""
    low, high = ends if row["difference"] >= 0 else (-ends[1], -ends[0])
    return f"95% interval {percent(low)} to {percent(high)}"
