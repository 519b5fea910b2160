"""The result as one self-contained HTML page, and its figures as files."""

import json
from pathlib import Path

from lrshape.paper import words
from lrshape.paper.figures import FIGURES
from lrshape.paper.run import OPTIMUM, Found
from lrshape.report import sections
from lrshape.report.drawing import draw_all
from lrshape.report.interaction import Cards
from lrshape.report.palette import CATEGORIES, MUTED
from lrshape.report.sections import Section, Table, plain
from lrshape.report.words import number, printable
from lrshape.study.creation import versions


def write_page(found: Found, directory: Path) -> Path:
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
        title=words.title(found),
        lede=[" ".join(words.sentences(found))],
        notices=words.warnings(found),
        sections=[
            Section("The schedules", figures=draw_all(FIGURES, found, directory / "figures")),
            Section("The gaps", tables=[_gaps(found)]),
            Section("The descents", tables=[_descents(found)]),
            _method(found),
            Section("Workload and versions", tables=[_provenance(found)]),
        ],
        cards=_cards(found),
        numbers="optimum.json and tables/",
    )


def _cards(found: Found) -> Cards:
    """Return a card for the optimum and for each family's best, in the order of ``found.checked``."""
    cards = Cards("final loss")
    best = found.best.lrs
    families = {family.family: family for family in found.families}
    for name in found.checked:
        if name == OPTIMUM:
            cards.add(
                "the optimum",
                MUTED.light,
                "",
                "{}",
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
            json.dumps(dict(schedule.params)),
            base_lr=schedule.base_lr,
            score=number(families[name].loss, 4),
            more={"above the optimum": words.gap_text(found.gap(families[name]))},
        )
    return cards


def _gaps(found: Found) -> Table:
    basis = found.check_eigenbasis
    return Table(
        "Gap of every family to the optimum, and checks",
        headings=[
            ("schedule", "base LR"),
            ("gap", ""),
            ("gap in", f"eigenbasis {basis}"),
            ("final loss", f"in eigenbasis {basis}"),
            ("mean of SGD", "95% interval"),
            ("loss", "in it"),
        ],
        rows=[
            [
                (row["name"], row["peak"]),
                (row["gap"], ""),
                (row["exact_gap"], ""),
                (row["loss"], row["exact"]),
                (row["simulated"], row["interval"]),
                (row["agrees"], ""),
            ]
            for row in words.rows(found)
        ],
        bold=[0],
    )


def _descents(found: Found) -> Table:
    names = ("from", "final loss", "above the best", "projected gradient", "evaluations")
    return Table(
        "Descents over all learning rates",
        headings=[(name, "") for name in names],
        rows=[
            [
                (d.start, ""),
                (number(d.loss, 6), ""),
                (words.gap_text(d.loss / found.best.loss - 1), ""),
                (number(d.gradient, 2), ""),
                (f"{d.evaluations:,}", ""),
            ]
            for d in found.descents
        ],
    )


def _method(found: Found) -> Section:
    minimised = (
        "What was minimised is the recursion of arXiv:2603.10301, which averages over eigenbases."
        if found.eigenbasis is None
        else f"What was minimised is the exact expected loss of SGD in random eigenbasis {found.eigenbasis}; "
        "families were screened by the recursion and refined by the exact loss."
    )
    return Section(
        "How it was computed",
        remarks=[
            f"{minimised} The logarithm of the final loss was minimised over all "
            f"{found.spec.workload.steps} learning rates by L-BFGS-B in float64, none of them negative.",
            "A gap is the family’s final loss over the optimum’s, minus 1. Each family’s parameters and base "
            "LR were optimised together: shapes screened at a grid of base LRs, the best refined by their "
            f"gradients. Shapes have maximum 1 and are read at {found.spec.step_rule}.",
            f"The gap in eigenbasis {found.check_eigenbasis} compares the same two schedules by the exact "
            "second moments of SGD on one data set, which no average over eigenbases enters.",
            f"SGD was simulated with {found.checked[OPTIMUM].simulated.seeds} seeds, the same for all "
            "schedules; the interval is Student’s for the mean.",
        ],
    )


def _provenance(found: Found) -> Table:
    settings = found.spec.workload.model_dump(mode="json", exclude_none=True)
    listed = {key: printable(value) for key, value in settings.items() if key != "dynamics"}
    return Table("Workload and versions", (), plain({**listed, **versions()}), texts=[1], plain=True)
