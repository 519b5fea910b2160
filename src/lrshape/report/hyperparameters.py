"""What was tuned beside the base LR, and whether it matters."""

from collections.abc import Callable

from lrshape.analysis.comparisons import key_of
from lrshape.analysis.design import Sensitivity
from lrshape.report.claims import as_good, hyperparameters, plain_value
from lrshape.report.findings import Findings, Row
from lrshape.report.palette import variable
from lrshape.report.sections import Section, table
from lrshape.report.words import listing, printable


def hyperparameters_sections(findings: Findings) -> list[Section]:
    """Return what was tuned beside the base LR, and what it matters; no section if nothing was."""
    names = list(hyperparameters(findings.leaders[0])) if findings.leaders else []
    tunings = findings.analysis.design.tuning
    rows = [(row, one) for row in findings.leaders if (one := tunings.get(key_of(row))) is not None]
    known = [(row, one.sensitivity) for row, one in rows if one.sensitivity is not None]
    if not names or not known:
        return []

    def value(name: str) -> Callable[[tuple[Row, Sensitivity]], tuple[str, str]]:
        def cell(pair: tuple[Row, Sensitivity]) -> tuple[str, str]:
            row, sensitivity = pair
            return hyperparameters(row)[name], as_good(sensitivity.flat[name], findings.choices[name])

        return cell

    first = _named(min(known, key=lambda pair: pair[1].rank)[0])
    fixed_first = _named(min(known, key=lambda pair: pair[1].fixed_rank)[0])
    order = [pair[1].fixed_rank for pair in sorted(known, key=lambda pair: pair[1].rank)]
    moved = (
        f"{fixed_first} would come first, not {first}"
        if first != fixed_first
        else f"{first} would still come first, but the order of the others would change"
    )
    verdict = "the order would be the same" if order == sorted(order) else moved
    fixed = listing(
        [f"{printable(name, 60)} {plain_value(value)}" for name, value in findings.untuned.items()]
    )
    return [
        Section(
            "The hyperparameters",
            [
                "Each schedule is judged at its own best hyperparameters, as at its own best base LR. "
                f"Without that tuning, with {fixed} for all, {verdict}, by the model of all trials."
            ],
            tables=[
                table(
                    "Hyperparameters of each schedule",
                    known,
                    {
                        "schedule": lambda pair: pair[0]["label"],
                        **{(name, "as good"): value(name) for name in names},
                        ("place", "if fixed"): lambda pair: (str(pair[1].rank), str(pair[1].fixed_rank)),
                        "cost if fixed": lambda pair: findings.claims.loss(pair[1].fixed_cost),
                    },
                    colours=[variable(findings.style(row).colour) for row, _ in known],
                    note="By the posterior of the model that the tune phase has fitted to all trials; the "
                    "confirm phase measures only the best values. A value is “as good” if it loses less than "
                    "the confirm phase can resolve, each value at its own best base LR.",
                )
            ],
        )
    ]


def _named(row: Row) -> str:
    return f"the {row['label']}" if row["is_baseline"] else row["label"]
