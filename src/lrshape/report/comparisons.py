"""Families against each other, the near-optimal set, and the winners by other metrics."""

import math
from collections import Counter
from collections.abc import Mapping

from lrshape.analysis.comparisons import key_of
from lrshape.analysis.paired import verdict
from lrshape.report.drawing import PageFigure
from lrshape.report.figures.shapes import IN_THE_SET, winners
from lrshape.report.findings import Findings, Row
from lrshape.report.palette import variable
from lrshape.report.sections import Cell, Section, Table, stacked, strong
from lrshape.report.words import Precision, counted, interval, number, printable, probability, rate


def pairs_table(findings: Findings) -> Table | None:
    """Return the table of all pairs of families; None without a pair.

    A cell is the median of the paired differences, its row's minus its column's, in the metric's own sign.
    """
    if not findings.pairs:
        return None
    scores = {pair["other_family"]: pair["other_score"] for pair in findings.pairs}
    scores |= {pair["family"]: pair["score"] for pair in findings.pairs}
    names = sorted(scores, key=lambda name: (findings.losses(scores[name]), name))
    precision = findings.claims.precision
    cells: dict[tuple[str, str], Cell] = {}
    different = 0
    for pair in findings.pairs:
        low, high, p = pair["difference_low"], pair["difference_high"], pair["p_holm"]
        first, other = pair["family"], pair["other_family"]
        row, column = (other, first) if findings.sign > 0 else (first, other)
        cells[row, column] = _pair_cell(pair["difference"], low, high, p, precision, findings.sign)
        cells[column, row] = _pair_cell(-pair["difference"], -high, -low, p, precision, findings.sign)
        different += verdict(low, high, p) in ("better", "worse")
    note = (
        f"{different} of {counted(len(findings.pairs), 'pair')} can be told apart after Holm’s correction "
        f"over all pairs, on the seeds of the {findings.phase} phase."
    )
    if findings.phase != "confirm":
        note += " The same seeds also chose the shapes."
    if all(math.isnan(pair["p_holm"]) for pair in findings.pairs):
        note = "There are too few seeds to say which pairs differ."
    texts = {name: printable(name, 28) for name in names}
    return Table(
        "Paired differences of all pairs of families",
        headings=[("family", "median"), *(("minus", texts[name]) for name in names)],
        rows=[
            [
                (texts[name], precision.text(scores[name])),
                *(cells.get((name, other), ("·", "")) for other in names),
            ]
            for name in names
        ],
        title="The families’ best shapes compared",
        note=note,
        colours=[variable(findings.styles[name].colour) for name in names],
    )


def _pair_cell(difference: float, low: float, high: float, p: float, precision: Precision, sign: int) -> Cell:
    ends = (-high, -low) if sign > 0 else (low, high)
    case = verdict(*ends, p)  # of the row's family
    text = f"{'+' if difference > 0 else ''}{precision.text(difference)}"
    told = [] if math.isnan(p) else [f"p {probability(p)}"]
    if case in ("better", "worse"):
        text, told = strong(text), [*told, case]
    return text, stacked(precision.interval(low, high), ", ".join(told))


def near_text(findings: Findings) -> str:
    """Say how many rescored shapes may be within the margin of the best, and of which families."""
    if len(findings.near) < 2:
        return ""
    count = Counter(row["verdict"] for row in findings.near)
    total, few = len(findings.near), count["unknown"]
    if few == total - count["best"]:
        seeds = counted(min(row["seeds"] for row in findings.near), "seed")
        return (
            f"{counted(total, 'shape')} were rescored on {seeds}, too few to say which of them are as good "
            "as the best."
        )
    known = [row for row in findings.near if row["verdict"] != "unknown"]
    members = [row for row in known if row["verdict"] in IN_THE_SET and row["verdict"] != "best"]
    families = Counter(row["family"] for row in members)
    low, high = (end(row["seeds"] for row in known) for end in (min, max))
    text = (
        f"Of {counted(total - 1, 'other rescored shape')}, {len(members) or 'none'} may be as good as the "
        f"best, {printable(findings.near[0]['shape'], 40)}, on {f'{low} to ' if low < high else ''}"
        f"{counted(high, 'seed')}{': ' if members else ''}"
        + ", ".join(f"{n} {printable(family, 28)}" for family, n in families.items())
        + f". {_are(count['outside'], 'None')} shown to be worse by more than half of its spread over seeds."
    )
    if members:
        text += (
            f" Of those kept, {_are(count['inside'], 'none')} shown to be within that; {count['open']} "
            "cannot be decided on so few seeds."
        )
    if few:
        text += f" {counted(few, 'shape')} left the race with too few seeds to say."
    lrs = [row["base_lr"] for row in members]
    if lrs and min(lrs) < max(lrs):
        text += f" Their best base LRs run from {rate(min(lrs))} to {rate(max(lrs))}."
    return text


def metrics_section(findings: Findings, figures: Mapping[str, PageFigure]) -> Section:
    """Return the winners measured by every stored metric; an empty section with a single metric."""
    title = "By other metrics"
    names = list(dict.fromkeys(row["metric"] for row in findings.metrics))
    if len(names) < 2:
        return Section(title)
    distinct = winners(findings)
    rows: list[list[Cell]] = []
    colours = []
    for won in distinct:
        same = [row for row in findings.metrics if key_of(row) == key_of(won)]
        phases = list(dict.fromkeys(r["phase"] for r in same if r["phase"] != "screen")) or ["screen"]
        if findings.is_contest:  # where all are measured
            phases = phases[:1]
        unconfirmed = strong("not confirmed") if phases[0] != "confirm" else ""
        name = findings.name(won["shape"]), rate(won["base_lr"])
        colour = findings.style(won).colour
        for phase in phases:
            by = {r["metric"]: r for r in same if r["phase"] == phase}
            seeds = stacked(counted(by[names[0]]["seeds"], "seed"), unconfirmed)
            cells = [_metric_cell(by[n], bold=n in won["chosen_by"]) for n in names]
            rows.append([name if phase == phases[0] else ("", ""), (phase, seeds), *cells])
            colours.append(colour if phase == phases[0] else "")
    measured = Table(
        "The winners by each stored metric, measured by all of them",
        headings=[
            ("winner", "base LR"),
            ("measured in", ""),
            *((printable(name, 40), "95% interval") for name in names),
        ],
        rows=rows,
        texts=[1],
        colours=colours,
        note="Medians; bold where the schedule is the best by the metric. The study’s own metric tuned the "
        "base LRs."
        if findings.is_contest
        else "Medians; bold where the metric selected the schedule. The study’s own metric decided which "
        "shapes were rescored and confirmed. Scores of the rescore phase are biased in favour of a winner "
        "that was selected on the same seeds.",
    )
    noun = "schedules" if findings.is_contest else "shapes"
    ties = {row["metric"]: row["ties"] for row in findings.metrics if row["ties"] > 1}
    told = [
        f"By {printable(name, 60)}, {count} {noun} tie for the best score." for name, count in ties.items()
    ]
    if len(distinct) == 1:
        told.insert(0, f"All {counted(len(names), 'stored metric')} have the same winner.")
    return Section(title, [" ".join(told)] if told else (), figures, [measured])


def _metric_cell(row: Row, *, bold: bool) -> Cell:
    text = number(row["score"])
    return strong(text) if bold else text, interval(row["low"], row["high"], lead=row["score"])


def _are(count: int, nothing: str) -> str:
    return f"{count or nothing} {'is' if count == 1 else 'are'}"
