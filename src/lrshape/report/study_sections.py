"""The sections of a study's report: which figures, tables and remarks, and in which order."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from lrshape.report.comparisons import metric_table, near_text, pair_matrix
from lrshape.report.content import (
    comparison,
    messages,
    phase_rows,
    provenance,
    seeds_text,
    tried_text,
    winner_use,
)
from lrshape.report.drawing import Shown
from lrshape.report.findings import Findings
from lrshape.report.headline import headline
from lrshape.report.sections import Code, Section, Table, plain, stacked, strong
from lrshape.report.spec_text import spec_text
from lrshape.report.words import counted, printable

Figures = Mapping[str, Shown]


def study_sections(
    findings: Findings, document: Mapping[str, Any], figures: Figures, directory: str
) -> list[Section]:
    """Return the sections of a study's report, without those that would be empty.

    Args:
        findings: what the report states.
        document: the content of ``study.json``.
        figures: by name.
        directory: the study's name as a directory, for the command that exports its winner.
    """
    sections = [
        _comparison(findings, figures),
        _schedule(findings, figures, directory),
        Section(
            "What else is near-optimal",
            sentences=[text] if (text := near_text(findings)) else (),
            figures=_some(figures, "near_optimal"),
        ),
        _metrics(findings, figures),
        _families(findings, figures),
        _base_lrs(figures),
        _costs(findings),
        _method(findings),
        Section(
            "The spec and where it ran",
            tables=[Table("Versions and device", (), plain(provenance(document)), texts=[1], plain=True)],
            codes=[Code(spec_text(document.get("spec", {})))],
        ),
    ]
    return [s for s in sections if s.sentences or s.figures or s.tables or s.remarks]


def _some(figures: Figures, *names: str) -> Figures:
    return {name: figures[name] for name in names if name in figures}


def _comparison(findings: Findings, figures: Figures) -> Section:
    rows = comparison(findings)
    if not rows:
        return Section("How it compares")
    table = Table(
        "Scores and differences to the winner",
        headings=[
            ("schedule", "base LR"),
            (f"median {printable(findings.metric, 60)}", "95% interval"),
            ("minus the winner’s", "95% interval"),
            ("lower by", ""),
            ("p", "Holm"),
            ("the winner is", ""),
        ],
        rows=[
            [
                (row["label"], row["base_lr"]),
                (row["score"], row["interval"]),
                (row["difference"], row["difference_interval"]),
                (row["relative"], ""),
                (row["p"], ""),
                (row["verdict_text"], ""),
            ]
            for row in rows
        ],
        texts=[5],
        bold=[i for i, row in enumerate(rows) if row["verdict"] == "winner"],
        colours=[row["colour"] for row in rows],
        note=seeds_text(findings),
    )
    return Section("How it compares", figures=_some(figures, "scores"), tables=[table])


def _schedule(findings: Findings, figures: Figures, directory: str) -> Section:
    found = None if headline(findings).bad else winner_use(findings, directory)
    shown = _some(figures, "shapes")
    if found is None:
        return Section("The shapes", figures=shown)
    params = Table(
        "Parameters of the winner",
        headings=[("parameter", ""), ("value", "")],
        rows=plain(found["params"] or [("none", "")]),
        texts=[1],
        title=f"{found['label']}, base LR {found['base_lr']}",
        plain=True,
    )
    codes = [Code(found["code"], "In Python, with your own number of steps:", "Use it")]
    if found["command"]:
        codes.append(Code(found["command"], "Or as a file with one learning rate a step, for any framework:"))
    return Section("The schedule", figures=shown, tables=[params], codes=codes)


def _metrics(findings: Findings, figures: Figures) -> Section:
    found = metric_table(findings)
    if not found:
        return Section("By other metrics")
    rows = [
        [
            (row["shape"], row["base_lr"]) if row["first"] else ("", ""),
            (row["phase"], stacked(row["seeds"], strong(row["flag"]) if row["flag"] else "")),
            *(
                (strong(cell["score"]) if cell["chosen"] else cell["score"], cell["interval"])
                for cell in row["cells"]
            ),
        ]
        for row in found["rows"]
    ]
    table = Table(
        "The winners by each stored metric, measured by all of them",
        headings=[
            ("winner", "base LR"),
            ("measured in", ""),
            *((name, "95% interval") for name in found["metrics"]),
        ],
        rows=rows,
        texts=[1],
        colours=[row["colour"] if row["first"] else "" for row in found["rows"]],
        note="Medians; bold where the metric selected the schedule. The study’s own metric decided which "
        "shapes were rescored and confirmed. Scores of the rescore phase are biased in favour of a winner "
        "that was selected on the same seeds.",
    )
    agree = f"All {counted(len(found['metrics']), 'stored metric')} have the same winner."
    return Section(
        "By other metrics",
        sentences=[agree] if found["agree"] else (),
        figures=_some(figures, "metrics"),
        tables=[table],
    )


def _families(findings: Findings, figures: Figures) -> Section:
    shown = _some(figures, "course", "distribution", "best_of")
    pairs = pair_matrix(findings)
    if not shown and not pairs:
        return Section("The families")
    tried = (
        f"Shapes tried of each family: {tried_text(findings)}. The report describes each family by its "
        "best shape, so a family that got few trials may look worse than it is."
    )
    return Section(
        "The families",
        sentences=[tried] if findings.is_guided else (),
        figures=shown,
        tables=[_pairs(pairs)] if pairs else (),
    )


def _pairs(pairs: Mapping[str, Any]) -> Table:
    return Table(
        "Paired differences of all pairs of families",
        headings=[("family", "median"), *(("minus", name) for name in pairs["names"])],
        rows=[
            [(row["name"], row["score"]), *(_pair(cell) for cell in row["cells"])] for row in pairs["rows"]
        ],
        title="The families’ best shapes compared",
        note=pairs["note"],
        colours=[row["colour"] for row in pairs["rows"]],
    )


def _pair(cell: Mapping[str, str] | None) -> tuple[str, str]:
    if not cell:
        return "·", ""
    told = ", ".join(text for text in (cell["p"], cell["verdict"]) if text)
    difference = strong(cell["difference"]) if cell["verdict"] else cell["difference"]
    return difference, stacked(cell["interval"], told)


def _base_lrs(figures: Figures) -> Section:
    shown = _some(figures, "sweeps", "heatmap")
    why = (
        "A shape is judged after its base LR has been optimised for it: at one shared base LR a comparison "
        "would measure the base LR and not the shape."
    )
    return Section("The base learning rates", sentences=[why] if shown else (), figures=shown)


def _costs(findings: Findings) -> Section:
    keys = ("name", "shapes", "base_lrs", "seeds", "trials", "diverged", "failed", "seconds")
    rows = phase_rows(findings)
    tables = [
        Table(
            "Trials and compute time of each phase",
            headings=[
                ("phase", ""),
                ("shapes", ""),
                ("base LRs", "a shape"),
                *((name, "") for name in (*keys[3:7], "compute")),
            ],
            rows=[[(row[key], "") for key in keys] for row in rows],
            total=rows[-1]["total"],
        )
    ]
    if lost := messages(findings):
        tables.append(
            Table(
                "Messages",
                headings=[("trials", ""), ("status", ""), ("message", "")],
                rows=[[(row[key], "") for key in ("count", "status", "message")] for row in lost],
                texts=[1, 2],
                title="Messages of trials that diverged or failed",
            )
        )
    return Section("What it took", tables=tables)


def _method(findings: Findings) -> Section:
    phase = "batch of the screen, and of the other phases" if findings.is_guided else "phase"
    screen = (
        "The screen was <b>guided</b>: the sampler chose shapes, and base LRs if the spec says so, from "
        "the scores of earlier ones. Each batch had a fresh seed, shared by its shapes. These shapes are "
        "not a random sample of a family, so the report draws no best-of-n curves."
        if findings.is_guided
        else "The <b>best of n</b> shapes is a median over all subsets of n screened shapes, without "
        "replacement; its interval is exact for a quantile of the family’s scores."
    )
    remarks = [
        "A trial that diverged or failed scores +∞ and stays in every median; none is dropped.",
        "The <b>screen</b> gives every shape its best base LR, the <b>rescore</b> repeats the best of them "
        "on fresh seeds and chooses the winner, and the <b>confirm</b> phase measures it, the best shape of "
        "each family and the baselines on seeds that no selection has seen. The baselines’ base LRs are "
        "searched like all others.",
        "Scores are medians over seeds. Their 95% intervals lie between two order statistics (the inverted "
        "sign test): exact for any distribution.",
        f"All shapes of a {phase} use the same seeds, that is the same initial weights and data order. "
        "Differences are therefore paired: the difference of the medians, with a 95% percentile bootstrap "
        "over seeds whose tails are widened to those of the t interval, since the plain one is too short for "
        "few seeds.",
        "The <b>near-optimal set</b> keeps every rescored shape that is not shown to be worse than the best "
        "one by more than the margin: it is dropped if the 95% interval of its median minus the best one’s, "
        "raised by the margin, lies above 0, on the seeds of the rescore phase. Each shape is judged by "
        "itself, without a correction for their number. The best one was chosen on the same seeds, which "
        "biases the comparison in its favour; to compensate, only one tail of the interval drops a shape.",
        screen,
        "p-values are two-sided and corrected for all comparisons of the phase (Holm). “Better” or “worse” "
        "needs an interval without 0 and a corrected p below 0.05. Each interval holds by itself; the "
        "intervals are not corrected.",
    ]
    return Section("How it was computed", remarks=[Markup(remark) for remark in remarks])
