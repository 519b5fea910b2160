"""The report's figures: each takes `lrshape.report.findings.Findings` and returns a matplotlib figure."""

from lrshape.report.drawing import Drawing
from lrshape.report.figures.heatmap import heatmap
from lrshape.report.figures.loss_curves import has_validation, loss_curves
from lrshape.report.figures.scores import has_differences, scores, sweeps
from lrshape.report.figures.screen import best_of, course, distribution
from lrshape.report.figures.shapes import band, metrics, near_optimal, shapes
from lrshape.report.findings import Findings
from lrshape.store import hyperparameters_of


def _scores_caption(findings: Findings) -> str:
    squares = ", open squares the baselines" if any(row["is_baseline"] for row in findings.leaders) else ""
    if findings.has_intervals:
        second = (
            " The second plot has the median paired differences: a bar that crosses the line at zero does "
            "not show which of the two is better."
        )
        text = f"Dots are medians over seeds, bars their 95% intervals{squares}."
        return text + (second if has_differences(findings) else "")
    return f"Dots are medians over seeds{squares}; there are too few seeds for intervals."


def _shapes_caption(findings: Findings) -> str:
    which = "" if findings.is_contest else "The best shape of each family, and the baselines. "
    values = hyperparameters_of(findings.winner["hyperparameters"]).values() if findings.winner else ()
    scheduled = any(isinstance(value, dict) for value in values)
    beside = " Schedules of its hyperparameters are relative to their base values." if scheduled else ""
    return (
        f"{which}Each curve is the LR relative to the base LR over training progress; the pale curve repeats "
        f"the winner.{beside}"
    )


def _near_caption(findings: Findings) -> str:
    winner = findings.winner
    has_winner = winner is not None and winner["shape"] in [row["shape"] for row in band(findings)[2]]
    lines = (
        " Thin lines are these shapes in the colours of their families, each at its best base LR of the "
        f"rescore phase{', and the thick line is the winner' if has_winner else ''}."
    )
    if findings.has_near_intervals:
        return (
            "The grey band is the pointwise envelope of all rescored shapes that are not shown to be worse "
            f"than the best one by more than half of its spread over seeds.{lines} Where the band is wide "
            "these seeds cannot tell the schedules apart; the band’s edges are not schedules that were "
            "trained."
        )
    return (
        "The grey band is the pointwise envelope of all rescored shapes: there are too few seeds to rule any "
        f"out.{lines}"
    )


def _loss_caption(findings: Findings) -> str:
    dotted = " Dotted lines are medians of the validation loss." if has_validation(findings) else ""
    return (
        "Lines are medians over the seeds of the phase that measured the scores, bands hold the middle half "
        "of the seeds, and the pale line repeats the winner. A line ends where half of the seeds or more "
        f"have diverged.{dotted} Schedules that decay late have the higher loss until they do: only the end "
        "counts."
    )


def _metrics_caption(findings: Findings) -> str:
    shared = any(len(row["chosen_by"]) > 1 for row in findings.metrics)
    more = " The number after “+” counts further metrics with the same winner." if shared else ""
    return (
        "Each panel has the LR of the winner by a metric, relative to the base LR of the first panel’s "
        f"winner, which the pale curve repeats.{more}"
    )


FIGURES = (
    Drawing(
        "scores",
        "Which shape wins, by how much, and how certain that is",
        _scores_caption,
        scores,
    ),
    Drawing(
        "shapes",
        "The schedules",
        _shapes_caption,
        shapes,
    ),
    Drawing(
        "loss_curves",
        "Training loss of the winner and the baselines",
        _loss_caption,
        loss_curves,
    ),
    Drawing(
        "near_optimal",
        "The near-optimal shapes",
        _near_caption,
        near_optimal,
    ),
    Drawing(
        "metrics",
        "The winner by each stored metric",
        _metrics_caption,
        metrics,
    ),
    Drawing(
        "course",
        "Progress of the screen",
        "Each dot is a shape, in the order in which they were first tried, with its first score; the line "
        "is the best score so far (one seed each, so partly luck). Dots at the edge lie beyond the plotted "
        "range.",
        course,
    ),
    Drawing(
        "distribution",
        "How good a random shape of each family is",
        "A line that rises further to the left belongs to a family with better shapes, each judged at its "
        "own best base LR; a line that ends below 1 belongs to a family with shapes that diverged at "
        "every base LR.",
        distribution,
    ),
    Drawing(
        "best_of",
        "How the best score improves with the number of shapes",
        "The line is the median score of the best of n screened shapes, the band its 95% interval for any n "
        "shapes of that family. Beyond about a fifth of the screened shapes the interval has no better end, "
        "so the band ends at the best shape seen. All are scores of the screen, which are biased in favour "
        "of the best shape.",
        best_of,
    ),
    Drawing(
        "sweeps",
        "The base LR of each shape",
        "The filled mark is the best base LR of the phase that tried the most, bracketed where scores get "
        "worse on both sides of it; "
        "the dotted line is the base LR at which the shape was measured. Crosses are base LRs at which the "
        "median trial diverged, the pale curve repeats the winner. With tuned hyperparameters a mark is the "
        "best of those tried at its base LR, and no line joins the marks.",
        sweeps,
    ),
    Drawing(
        "heatmap",
        "Every screened shape at every base LR",
        "Each row is a shape, the best at the top; dark is good. A dark band that runs straight down "
        "means that one base LR suits many shapes, a crooked one that each shape needs its own.",
        heatmap,
    ),
)
