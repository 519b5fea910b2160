"""The result of a study in words, as strong as the numbers and no stronger."""

import math
from dataclasses import dataclass

from lrshape.report.findings import Findings, Row
from lrshape.report.words import aligned, counted, interval, listing, number, percent, printable


@dataclass(frozen=True)
class Headline:
    """The first lines of a report.

    Args:
        title: a few words.
        sentences: what the title means, with numbers.
        bad: whether the study has no usable result.
    """

    title: str
    sentences: tuple[str, ...]
    bad: bool = False


def relative(row: Row) -> float:
    """Return by which fraction of a row's own median the winner's is lower; NaN where undefined."""
    score, difference = row["score"], row["difference"]
    return (
        difference / score if math.isfinite(difference) and math.isfinite(score) and score > 0 else math.nan
    )


def headline(findings: Findings) -> Headline:
    """Say what won, by how much and how sure that is; or why nothing did."""
    winner = findings.winner
    if not findings.statuses.get("ok"):
        return _nothing(findings)
    if winner is None:
        return Headline(
            "No searched shape has been trained yet", ("Only baselines have trials so far.",), bad=True
        )
    if math.isinf(winner["score"]):
        lost = counted(winner["diverged"] + winner["failed"], "trial")
        return Headline(
            "No usable winner",
            (
                f"The best searched shape, of the family {winner['label']}, has no finite median "
                f"{printable(findings.metric, 60)}: {lost} of its {winner['seeds']} in the "
                f"{winner['phase']} phase diverged or failed.",
            ),
            bad=True,
        )
    title, first = _against_baselines(findings, winner)
    so_far = "So far" if not findings.is_confirmed and (findings.missing or not findings.is_reranked) else ""
    by = f"By {printable(findings.metric, 60)}" if findings.is_reranked else ""
    if so_far or by:
        prefix = f"{so_far}, {by[0].lower()}{by[1:]}" if so_far and by else so_far or by
        title = f"{prefix}: {title[0].lower() if title.startswith('No ') else title[0]}{title[1:]}"
    return Headline(title, (first, *_other_families(findings)))


def _nothing(findings: Findings) -> Headline:
    what = " or ".join(sorted(findings.statuses))
    advice = "Search lower base LRs (base_lr.low and base_lr.high in the spec)."
    if "failed" in findings.statuses:
        advice = "The messages of the failures are listed below."
    return Headline(
        f"Every trial {what}",
        (
            f"None of the {counted(findings.trials, 'trial')} gave a finite "
            f"{printable(findings.metric, 60)}, so no schedule shape can be recommended.",
            advice,
        ),
        bad=True,
    )


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
