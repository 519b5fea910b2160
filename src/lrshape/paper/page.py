"""The result in words, and as one self-contained HTML page with its figures as files."""

import math
from pathlib import Path

from lrshape.paper.figures import FIGURES
from lrshape.paper.run import OPTIMUM, ROUNDING, OptimumResult, gap_text
from lrshape.report import sections
from lrshape.report.drawing import draw_all
from lrshape.report.interaction import Cards
from lrshape.report.palette import CATEGORIES, MUTED
from lrshape.report.sections import Notice, Section, Table, names_and_values, table
from lrshape.report.words import Precision, counted, listing, number, percent, printable
from lrshape.study.creation import versions

CLOSE = 0.01
"""A family within this fraction of the optimum counts as near-optimal."""


def title(found: OptimumResult) -> str:
    """The finding in one line."""
    first = found.families[0]
    return f"{first.family} comes within {gap_text(found.gap(first))} of the optimum"


def summary(found: OptimumResult) -> str:
    """The finding, the optimum's credentials and the checks, a sentence each."""
    return " ".join([f"{title(found)}.", *sentences(found)])


def sentences(found: OptimumResult) -> list[str]:
    """What there is to say besides the title."""
    near = [f for f in found.families if found.gap(f) <= CLOSE]
    said = [
        f"{len(near)} of {counted(len(found.families), 'family', 'families')} come within 1%, each at its "
        "own best parameters and base LR."
    ]
    starts = counted(len(found.descents), "start")
    ended = "in it" if found.spread < 1e-9 else f"within {gap_text(found.spread)} of it"
    said.append(
        f"The best of all schedules has a final loss of {number(found.best.loss, 5)}; descents from {starts} "
        f"ended {ended}, and its projected gradient is {number(found.best.gradient, 2)}."
    )
    said.append(certificate(found))
    return said


def certificate(found: OptimumResult) -> str:
    """Whether the optimum is a strict local minimum, in words."""
    c = found.certificate
    if c is None:
        why = (
            "of its cost"
            if found.eigenbasis is None
            else "each second derivative by the exact dynamics is expensive"
        )
        return f"Whether it is a strict local minimum was not computed because {why}."
    zero = (
        f" {counted(c.at_zero, 'learning rate')} at 0 would have to be negative to do better."
        if c.at_zero
        else ""
    )
    if c.holds:
        return (
            "It is a strict local minimum: the eigenvalues of the Hessian of log(loss) lie between "
            f"{number(c.smallest_eigenvalue, 2)} and {number(c.largest_eigenvalue, 2)}, and what its "
            f"gradient leaves to gain is a fraction of {number(c.improvement, 2)}.{zero}"
        )
    return (
        f"It is not certified as a local minimum: smallest eigenvalue of the Hessian of log(loss) "
        f"{number(c.smallest_eigenvalue, 2)}, smallest multiplier {number(c.smallest_multiplier, 2)}, "
        f"left to gain {number(c.improvement, 2)}."
    )


def warnings(found: OptimumResult) -> list[Notice]:
    """What a reader must know before believing the result."""
    said: list[Notice] = []
    optimum = found.checks[OPTIMUM]
    if found.jaggedness.jagged:
        said.append(
            Notice(
                "Jagged",
                f"The optimal schedule goes up and down: {found.jaggedness.maxima} local maxima, a total "
                f"variation of {found.jaggedness.variation:.0f} times its range. Where batches bring little "
                "noise, large steps at the limit of stability and small steps in turn shrink each other's "
                "errors, as in Chebyshev iteration. There are many such schedules, descents end in different "
                "ones, and no smooth shape comes near them.",
            )
        )
    if found.eigenbasis is None and abs(optimum.exact / optimum.loss - 1) > 0.1:
        said.append(
            Notice(
                "The recursion does not hold here",
                f"The recursion gives the optimal schedule a loss of {number(optimum.loss)}; in eigenbasis "
                f"{found.check_eigenbasis} it is {number(optimum.exact)}, "
                f"{number(optimum.exact / optimum.loss, 2)} times as much. The gaps hold for the model, "
                "not for SGD: minimise an eigenbasis's own dynamics (--eigenbasis).",
            )
        )
    better = [f.family for f in found.families if found.exact_gap(f.family) < -ROUNDING]
    if found.eigenbasis is None and better:
        said.append(
            Notice(
                "Better than the optimum",
                f"By the exact second moments of eigenbasis {found.check_eigenbasis}, {listing(better)} "
                f"{'does' if len(better) == 1 else 'do'} better than the recursion's optimum.",
            )
        )
    outside = [name for name, c in found.checks.items() if not c.agrees]
    if outside:
        shown = listing([*outside[:3], *(["others"] if len(outside) > 3 else [])])
        ratios = [found.checks[n].loss / found.checks[n].simulated.mean - 1 for n in outside]
        middle = sorted(ratios)[len(ratios) // 2]
        said.append(
            Notice(
                "Outside the simulation's interval",
                f"The minimised loss of {len(outside)} of {len(found.checks)} schedules ({shown}) lies "
                f"outside the 95% interval of the mean of simulated SGD ({optimum.simulated.seeds} seeds), "
                f"by a median of {percent(abs(middle))} {'below' if middle < 0 else 'above'} that mean. "
                "All schedules see the same seeds, so they miss together; 1 in 20 misses by chance.",
            )
        )
    edges = [f"{f.family} ({', '.join(f.edges)})" for f in found.families if f.edges]
    if edges:
        said.append(Notice("At the end of a range", f"Parameters that ended there: {listing(edges)}."))
    return said


def write_page(found: OptimumResult, directory: Path) -> Path:
    """Write ``optimum.html``, ``figures/*.svg`` and ``figures/*.png``.

    Args:
        found: what to show.
        directory: an existing directory.

    Returns:
        The path of ``optimum.html``.

    Raises:
        OSError: if they cannot be written.
    """
    return sections.write_page(
        directory / "optimum.html",
        eyebrow="The optimum of linear regression",
        name=found.spec.name,
        title=title(found),
        lede=[" ".join(sentences(found))],
        notices=warnings(found),
        sections=[
            Section("The schedules", figures=draw_all(FIGURES, found, directory / "figures")),
            Section("The gaps", tables=[gaps_table(found)]),
            Section("The descents", tables=[_descents(found)]),
            _method(found),
            Section("Workload and versions", tables=[_provenance(found)]),
        ],
        cards=_cards(found),
        numbers="optimum.json and tables/",
    )


def _cards(found: OptimumResult) -> Cards:
    """Return a card for the optimum and for each family's best, in the order of ``found.checks``."""
    cards = Cards("final loss")
    best = found.best.lrs
    families = {family.family: family for family in found.families}
    for name in found.checks:
        if name == OPTIMUM:
            cards.add(
                "the optimum",
                MUTED.light,
                "",
                {},
                base_lr=None,
                score=number(found.best.loss, 4),
                more={"largest LR": number(float(best.max()))},
                drawing=best / best.max(),
            )
            continue
        schedule = families[name].schedule
        cards.add(
            name,
            CATEGORIES[0].light,
            name,
            schedule.params,
            base_lr=schedule.base_lr,
            score=number(families[name].loss, 4),
            more={"above the optimum": gap_text(found.gap(families[name]))},
        )
    return cards


def gaps_table(found: OptimumResult) -> Table:
    """Return the gap of every family to the optimum and the checks of both, the optimum first."""
    families = {family.family: family for family in found.families}
    basis = found.check_eigenbasis

    def peak(name: str) -> str:
        if name == OPTIMUM:
            return number(float(found.best.lrs.max()))
        return number(families[name].schedule.base_lr)

    def simulated(name: str) -> tuple[str, str]:
        mean = found.checks[name].simulated
        width = mean.high - mean.low
        precise = Precision(mean.mean, step=width if 0 < width < math.inf else 0.0)
        return precise.text(mean.mean), precise.interval(mean.low, mean.high)

    return table(
        "Gap of every family to the optimum, and checks",
        found.checks,
        {
            ("schedule", "base LR"): lambda name: (name, peak(name)),
            "gap": lambda name: gap_text(found.gap(families[name])) if name in families else "",
            ("gap in", f"eigenbasis {basis}"): lambda name: (
                gap_text(found.exact_gap(name)) if name in families else ""
            ),
            ("final loss", f"in eigenbasis {basis}"): lambda name: (
                number(found.checks[name].loss, 4),
                number(found.checks[name].exact, 4),
            ),
            ("mean of SGD", "95% interval"): simulated,
            ("loss", "in it"): lambda name: "yes" if found.checks[name].agrees else "no",
        },
        bold=[0],
    )


def _descents(found: OptimumResult) -> Table:
    return table(
        "Descents over all learning rates",
        found.descents,
        {
            "from": lambda descent: descent.start,
            "final loss": lambda descent: number(descent.loss, 6),
            "above the best": lambda descent: gap_text(descent.loss / found.best.loss - 1),
            "projected gradient": lambda descent: number(descent.gradient, 2),
            "evaluations": lambda descent: f"{descent.evaluations:,}",
        },
    )


def _method(found: OptimumResult) -> Section:
    by = "the recursion of arXiv:2603.10301, which averages over eigenbases"
    if found.eigenbasis is not None:
        by = (
            f"the exact expected loss of SGD in random eigenbasis {found.eigenbasis}; families were screened "
            "by the recursion and refined by the exact loss"
        )
    return Section(
        "How it was computed",
        remarks=[
            f"What was minimised is {by}. The logarithm of the final loss was minimised over all "
            f"{found.spec.workload.steps} learning rates by L-BFGS-B in float64, none of them negative.",
            "A gap is the family’s final loss over the optimum’s, minus 1. Each family’s parameters and base "
            "LR were optimised together: shapes screened at a grid of base LRs, the best refined by their "
            f"gradients. Shapes have maximum 1 and are read at {found.spec.step_rule}. The gap in eigenbasis "
            f"{found.check_eigenbasis} is by the exact second moments of SGD on one data set.",
            f"SGD was simulated with {found.checks[OPTIMUM].simulated.seeds} seeds, the same for all "
            "schedules; the interval is Student’s for the mean.",
        ],
    )


def _provenance(found: OptimumResult) -> Table:
    settings = found.spec.workload.model_dump(mode="json", exclude_none=True)
    listed = {key: printable(value) for key, value in settings.items() if key != "dynamics"}
    return names_and_values("Workload and versions", {**listed, **versions()})
