"""The sections of a study's report: which figures, tables and remarks, and in which order."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from lrshape.report.claims import base_lr
from lrshape.report.comparisons import metrics_section, near_text, pairs_table
from lrshape.report.drawing import PageFigure
from lrshape.report.findings import Findings, Row
from lrshape.report.hyperparameters import hyperparameters_sections
from lrshape.report.palette import variable
from lrshape.report.sections import Code, Section, Table, names_and_values, table
from lrshape.report.spec_text import spec_text
from lrshape.report.use_of_winner import use_of_winner
from lrshape.report.words import (
    correlation,
    counted,
    duration,
    listing,
    printable,
    probability,
)

MOST_MESSAGES = 10
MOST_ITEMS = 100
_WHY_BASE_LRS = (
    "A shape is judged after its base LR has been optimised for it: at one shared base LR a comparison "
    "would measure the base LR and not the shape."
)


def study_sections(
    findings: Findings, document: Mapping[str, Any], figures: Mapping[str, PageFigure], directory: str
) -> list[Section]:
    """Return the sections of a study's report, without those that would be empty.

    Args:
        findings: what the report states.
        document: the content of ``study.json``.
        figures: by name.
        directory: the study's name as a directory, or its URL, for the command that exports its winner.
    """

    def some(*names: str) -> Mapping[str, PageFigure]:
        return {name: figures[name] for name in names if name in figures}

    use = use_of_winner(findings, directory)
    near = near_text(findings)
    families, pairs = some("course", "distribution", "best_of"), pairs_table(findings)
    base_lrs = some("sweeps", "heatmap")
    sections = [
        Section("How it compares", figures=some("scores"), tables=_comparison(findings)),
        Section("The schedule" if use else "The shapes", figures=some("shapes"), **use),
        Section("The loss curves", figures=some("loss_curves")),
        Section("What else is near-optimal", [near] if near else (), some("near_optimal")),
        metrics_section(findings, some("metrics")),
        Section(
            "The families",
            sentences=[_tried(findings)] if findings.is_guided and (families or pairs) else (),
            figures=families,
            tables=[pairs] if pairs else (),
        ),
        Section("The base learning rates", [_WHY_BASE_LRS] if base_lrs else (), base_lrs),
        *hyperparameters_sections(findings),
        Section("What it took", tables=[_costs(findings), *_messages(findings)]),
        Section("How it was computed", remarks=[Markup(remark) for remark in _method(findings)]),
        Section(
            "The spec and where it ran",
            tables=[names_and_values("Versions and device", _provenance(document))],
            codes=[Code(spec_text(_shortened(document.get("spec", {}))))],
        ),
    ]
    return [s for s in sections if s.sentences or s.figures or s.tables or s.remarks]


def _comparison(findings: Findings) -> list[Table]:
    """Return the tables of scores and of differences to the winner; none if all scores are infinite."""
    rows = findings.leaders
    if not any(math.isfinite(row["score"]) for row in rows):
        return []
    claims = findings.claims

    def test(row: Row, key: str) -> str:
        return "" if math.isnan(row[key]) else probability(row[key])

    lower = f"winner {claims.side(1)} by"
    measured = table(
        "Scores and differences to the winner",
        rows,
        {
            ("schedule", "base LR"): lambda row: (row["label"], base_lr(row)),
            (f"median {printable(findings.metric, 60)}", "95% interval"): claims.score,
            "seeds": "seeds",
            (lower, "95% interval"): lambda row: ("", "") if row["is_winner"] else claims.gain(row),
            ("p", "Holm"): lambda row: test(row, "p_holm"),
            "the winner is": lambda row: (claims.verdict(row), claims.reason(row)),
        },
        texts=[5],
        bold=[i for i, row in enumerate(rows) if row["is_winner"]],
        colours=[variable(findings.style(row).colour) for row in rows],
        note=_measured_on(findings),
    )
    others = [row for row in rows if not row["is_winner"] and math.isfinite(row["symmetric_effect"])]
    if not findings.has_intervals or not others:
        return [measured]
    symmetric = table(
        "Differences to the winner if they are symmetric",
        others,
        {
            "schedule": "label",
            (lower, "95% interval"): lambda row: claims.gain(row, "symmetric_effect"),
            "p": lambda row: test(row, "symmetric_p"),
            "correlation": lambda row: (
                "" if math.isnan(row["correlation"]) else correlation(row["correlation"])
            ),
            "pairs": "pairs",
        },
        colours=[variable(findings.style(row).colour) for row in others],
        title="If differences are symmetric",
        note="The Hodges–Lehmann estimate and the signed-rank test, which assume that the differences "
        "between pairs are distributed symmetrically. They are sharper than the numbers above where that is "
        "true, and wrong where it is not, so no verdict uses them. They hold at the look at which the phase "
        "has stopped, but are not corrected for the number of comparisons. The correlation is that of the "
        "two scores of a pair over seeds: the closer to 1, the more noise pairing cancels.",
    )
    return [measured, symmetric]


def _measured_on(findings: Findings) -> str:
    """Say what the table of scores was measured on."""
    seeds = [row["seeds"] for row in findings.leaders]
    low, high = min(seeds), max(seeds)
    count = counted(high, "seed") if low == high else f"{low} to {high} seeds"
    chosen_by = "tuning" if findings.is_contest else "selection"
    unseen = f", which no {chosen_by} has seen" if findings.is_confirmed else ""
    phase = findings.leaders[0]["phase"]
    at = "the base LR beside its name" if findings.is_contest else "its own best base LR"
    text = f"Medians over {count} of the {phase} phase{unseen}, each schedule at {at}. "
    text += "Differences are medians over paired seeds, which need not be the differences of the medians."
    if any(row["octaves"] > 0 for row in findings.leaders):
        text += " ± is the standard deviation of the best base LR; an octave is a factor of 2."
    if margin := findings.claims.margin_text():
        text += f" The smallest difference that matters is {margin}."
    return text


def _tried(findings: Findings) -> str:
    counts = Counter(row["family"] for row in findings.course)
    tried = listing([f"{printable(name, 40)} {count:,}" for name, count in counts.most_common()])
    return (
        f"Shapes tried of each family: {tried}. The report describes each family by its "
        "best shape, so a family that got few trials may look worse than it is."
    )


def _costs(findings: Findings) -> Table:
    rows = list(findings.phases)
    if len(rows) > 1:
        sums = {key: sum(row[key] for row in rows) for key in ("trials", "diverged", "failed", "seconds")}
        rows.append({"phase": "total", "shapes": "", "base_lrs": "", "seeds": "", **sums})

    def trials(row: Row) -> str:
        planned = findings.planned.get(row["phase"], 0)
        return f"{row['trials']:,}" + (f" of {planned:,}" if row["trials"] < planned else "")

    return table(
        "Trials and compute time of each phase",
        rows,
        {
            "phase": "phase",
            "shapes": "shapes",
            ("base LRs", "a shape, at most"): "base_lrs",
            ("seeds", "at most"): "seeds",
            "trials": trials,
            "diverged": "diverged",
            "failed": "failed",
            "compute": lambda row: duration(row["seconds"]),
        },
        total=len(findings.phases) > 1,
    )


def _messages(findings: Findings) -> list[Table]:
    """Return the most frequent messages of trials that did not end well."""
    if not findings.messages:
        return []
    return [
        table(
            "Messages",
            findings.messages[:MOST_MESSAGES],
            {
                "trials": lambda row: f"{row[0]:,}",
                "status": lambda row: printable(row[1], 20),
                "message": lambda row: printable(row[2]),
            },
            texts=[1, 2],
            title="Messages of trials that diverged or failed",
        )
    ]


def _shortened(value: Any) -> Any:
    """Return a spec whose long lists, of learning rates, have only their first items."""
    if isinstance(value, Mapping):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list) and len(value) > MOST_ITEMS:
        return [*value[:3], f"and {len(value) - 3:,} more"]
    return value


def _provenance(document: Mapping[str, Any]) -> dict[str, str]:
    """Return versions, device and revision of a study as names and texts."""
    keys = {"created": "created", "spec hash": "hash", "git revision": "git_revision"}
    values = {name: document.get(key) for name, key in keys.items()}
    for key in ("device", "versions"):
        value = document.get(key) or ""
        values[key] = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, Mapping) else value
    return {name: printable(value, 1000) for name, value in values.items() if value}


def _method(findings: Findings) -> list[str]:
    is_contest = findings.is_contest
    phase = "batch of the screen, and of the other phases" if findings.is_guided else "phase"
    what = (
        "The <b>screen</b> looks for the base LR of each schedule, the <b>tune</b> phase refines those that "
        "are tuned by one rule and on the same seeds, and the <b>confirm</b> phase measures all schedules on "
        "seeds that no tuning has seen."
        if is_contest
        else "The <b>screen</b> tries shapes and base LRs, the <b>rescore</b> repeats the best of them on "
        "fresh seeds, the <b>tune</b> phase refines the base LR of every schedule that will be confirmed, "
        "baselines included, by one rule and on the same seeds, and the <b>confirm</b> phase measures them "
        "on seeds that no selection has seen."
    )
    others = "the winner" if is_contest else "a baseline"
    corrected = (
        "all pairs of schedules, since any of them might have won" if is_contest else "all comparisons"
    )
    screen = (
        "The screen was <b>guided</b>: the sampler chose shapes, and base LRs if the spec says so, from "
        "the scores of earlier ones. Each batch had a fresh seed, shared by its shapes. These shapes are "
        "not a random sample of a family, so the report draws no best-of-n curves."
        if findings.is_guided
        else "The <b>best of n</b> shapes is a median over all subsets of n screened shapes, without "
        "replacement; its interval is exact for a quantile of the family’s scores."
    )
    unit = "log ratio of the two scores, told in percent" if findings.claims.scale == "log" else "difference"
    remarks = [
        what,
        "Scores are medians over seeds; a trial that diverged or failed scores +∞, and none is dropped. "
        "Their 95% intervals lie between two order statistics (the inverted sign test): exact for any "
        "distribution.",
        f"All shapes of a {phase} use the same seeds, that is the same initial weights and data order. "
        "Differences are therefore paired by seed. What is compared is the <b>median</b> over pairs of the "
        f"{unit}, with its sign test and the interval that this test gives: exact for any distribution of "
        "the noise, diverged trials included.",
        "The confirm phase <b>looks</b> at its results after a planned number of seeds, and after twice as "
        "many each time, gives more seeds only to rows without a verdict, and stops when every comparison "
        f"with {others} is decided. The 5% error is shared over the looks, so an interval holds at "
        "whichever look the phase has stopped. P-values are two-sided, hold at that look too, and are "
        f"corrected for {corrected} (Holm); each interval holds by itself.",
        "<b>Better</b> or <b>worse</b> needs an effect that is larger than what a better base LR is "
        "expected to gain, with a corrected p below 0.05; <b>equal</b> needs one that is smaller than the "
        "margin, the smallest difference that matters, whatever better base LRs gain. A schedule is <b>not "
        "judged</b> if the best base LR of it, or of the winner, lies at the edge of those tried, or is "
        "known too coarsely: the comparison could then be one of base LRs.",
    ]
    if is_contest:
        return remarks
    return [
        *remarks,
        "The <b>near-optimal set</b> keeps every rescored shape that is not shown to be worse than the best "
        "one by more than half of that one’s spread over seeds, on the seeds of the rescore phase. Each "
        "shape is judged by itself, without a correction for their number. The best one was chosen on the "
        "same seeds, which biases the comparison in its favour; to compensate, only one tail of the "
        "interval drops a shape.",
        screen,
    ]
