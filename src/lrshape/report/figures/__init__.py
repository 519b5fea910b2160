"""The report's figures: each takes `lrshape.report.findings.Findings` and returns a matplotlib figure."""

from lrshape.report.drawing import Drawing
from lrshape.report.figures.heatmap import heatmap
from lrshape.report.figures.scores import scores, sweeps
from lrshape.report.figures.screen import best_of, course, distribution
from lrshape.report.figures.shapes import metrics, near_optimal, shapes
from lrshape.report.findings import Findings


def _scores_caption(findings: Findings) -> str:
    if findings.has_intervals:
        return (
            "Dots are medians over seeds, bars their 95% intervals, open squares the baselines; where a bar "
            "of the paired difference crosses the line at zero, that shape cannot be told apart from the "
            "winner."
        )
    return "Dots are medians over seeds, open squares the baselines; there are too few seeds for intervals."


def _near_caption(findings: Findings) -> str:
    if findings.has_near_intervals:
        return (
            "The grey band is the pointwise envelope of all rescored shapes that are not shown to be worse "
            "than the best one by more than 5%; thin lines are these shapes in the colours of their "
            "families, the thick line is the best one. Where the band is wide these seeds cannot tell the "
            "schedules apart; the band’s edges were never trained."
        )
    return (
        "The band is the pointwise envelope of all rescored shapes: there are too few seeds to rule any out."
    )


FIGURES = (
    Drawing(
        "scores",
        "What wins, by how much, and how sure that is",
        _scores_caption,
        scores,
    ),
    Drawing(
        "shapes",
        "The best shape of each family, and the baselines",
        "Each curve is the LR relative to the base LR over training progress; the pale curve repeats the "
        "winner.",
        shapes,
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
        "Each panel is the best rescored shape by a metric, at its best base LR by that metric, relative to "
        "the base LR of the metric’s winner; the pale curve repeats that winner. “+1” "
        "stands for one more metric with the same winner.",
        metrics,
    ),
    Drawing(
        "course",
        "How the screen went on",
        "A dot is a shape, scored in the batch in which it was first tried, in the order of trying; the "
        "line is the lowest score so far (one seed each, so partly luck). Dots at the upper edge lie beyond "
        "it.",
        course,
    ),
    Drawing(
        "distribution",
        "How good a random shape of each family is",
        "A line that rises further to the left belongs to a family with better shapes, each judged at its "
        "own best base LR; a line that ends below 1 has shapes that always diverged.",
        distribution,
    ),
    Drawing(
        "best_of",
        "How many shapes of a family it takes",
        "The line is the median score of the best of n screened shapes, the band its 95% interval for any n "
        "shapes of that family. Beyond about a fifth of the screened shapes nothing bounds it from below: "
        "the band then ends at the best shape seen. All are screen scores, which flatter the best.",
        best_of,
    ),
    Drawing(
        "sweeps",
        "The base LR of each shape",
        "The filled mark is the screen's best base LR, bracketed where the curve rises on both sides of it; "
        "the dotted line is the base LR at which the shape was measured. Crosses are base LRs at which the "
        "median trial diverged, the pale curve repeats the winner.",
        sweeps,
    ),
    Drawing(
        "heatmap",
        "Every screened shape at every base LR",
        "One row a shape, best on top, dark is good: a dark band that runs straight down means that one base "
        "LR suits many shapes, a crooked one that each shape needs its own.",
        heatmap,
    ),
)
