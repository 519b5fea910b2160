"""What is found, in sentences, and as a table for a terminal."""

from lrshape.paper.run import OPTIMUM, Found
from lrshape.report.sections import Notice
from lrshape.report.words import counted, interval, listing, number, percent

ROUNDING = 1e-9
"""A gap below this is rounding."""
CLOSE = 0.01
"""A family within this fraction of the optimum counts as near-optimal."""


def gap_text(gap: float) -> str:
    """A gap as a percentage with two significant digits."""
    return percent(gap, zero=ROUNDING)


def title(found: Found) -> str:
    """The finding in one line."""
    first = found.families[0]
    return f"{first.family} comes within {gap_text(found.gap(first))} of the optimum"


def summary(found: Found) -> str:
    """The finding, the optimum's credentials and the checks, a sentence each."""
    return " ".join([f"{title(found)}.", *sentences(found)])


def sentences(found: Found) -> list[str]:
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


def certificate(found: Found) -> str:
    """Whether the optimum is a strict local minimum, in words."""
    c = found.certificate
    if c is None:
        why = (
            "of its cost"
            if found.eigenbasis is None
            else "each second derivative by the exact dynamics is dear"
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


def warnings(found: Found) -> list[Notice]:
    """What a reader must know before believing the result."""
    said: list[Notice] = []
    optimum = found.checked[OPTIMUM]
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
                f"{number(optimum.exact / optimum.loss, 2)} times as much. The gaps are true of the model, "
                "and not of SGD: minimise an eigenbasis's own dynamics (--eigenbasis).",
            )
        )
    better = [f.family for f in found.families if found.exact_gap(f.family) < 0]
    if found.eigenbasis is None and better:
        said.append(
            Notice(
                "Better than the optimum",
                f"By the exact second moments of eigenbasis {found.check_eigenbasis}, {listing(better)} "
                f"{'does' if len(better) == 1 else 'do'} better than the recursion's optimum.",
            )
        )
    outside = [name for name, c in found.checked.items() if not c.agrees]
    if outside:
        shown = listing([*outside[:3], *(["others"] if len(outside) > 3 else [])])
        ratios = [found.checked[n].loss / found.checked[n].simulated.mean - 1 for n in outside]
        middle = sorted(ratios)[len(ratios) // 2]
        said.append(
            Notice(
                "Outside the simulation's interval",
                f"The minimised loss of {len(outside)} of {len(found.checked)} schedules ({shown}) lies "
                f"outside the 95% interval of the mean of simulated SGD ({optimum.simulated.seeds} seeds), "
                f"by the median {percent(abs(middle))} {'below' if middle < 0 else 'above'} that mean. "
                "All schedules see the same seeds, so they miss together; 1 in 20 misses by chance.",
            )
        )
    edges = [f"{f.family} ({', '.join(f.edges)})" for f in found.families if f.edges]
    if edges:
        said.append(Notice("At the end of a range", f"Parameters that ended there: {listing(edges)}."))
    return said


def rows(found: Found) -> list[dict[str, str]]:
    """The gap table's cells, the optimum first."""
    gaps = {f.family: found.gap(f) for f in found.families}
    listed = []
    for name, checked in found.checked.items():
        s = checked.simulated
        peak = next(
            (f.schedule.base_lr for f in found.families if f.family == name), float(checked.lrs.max())
        )
        listed.append(
            {
                "name": name,
                "gap": "" if name == OPTIMUM else gap_text(gaps[name]),
                "exact_gap": "" if name == OPTIMUM else gap_text(found.exact_gap(name)),
                "loss": number(checked.loss, 4),
                "exact": number(checked.exact, 4),
                "simulated": number(s.mean, 4),
                "interval": interval(s.low, s.high, 4),
                "agrees": "yes" if checked.agrees else "no",
                "peak": number(peak),
            }
        )
    return listed


def table(found: Found) -> str:
    """The gap table as text."""
    heads = ("", "gap", "exact gap", "loss", "exact loss", "SGD's mean", "95% interval", "holds", "base LR")
    keys = ("name", "gap", "exact_gap", "loss", "exact", "simulated", "interval", "agrees", "peak")
    cells = [heads, *[tuple(row[key] for key in keys) for row in rows(found)]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(heads))]
    lines = []
    for line in cells:
        first, *rest = zip(line, widths, strict=True)
        lines.append(
            "  ".join([first[0].ljust(first[1]), *[text.rjust(width) for text, width in rest]]).rstrip()
        )
    notes = [f"{notice.title}: {notice.text}" for notice in warnings(found)]
    return "\n".join([*lines, "", *notes]).rstrip()
