"""The report: one self-contained HTML page, and its figures as files."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lrshape.analysis.result import planned_trials
from lrshape.report import html
from lrshape.report.comparisons import metric_table, near_text, pair_matrix
from lrshape.report.content import (
    comparison,
    messages,
    notices,
    phase_rows,
    provenance,
    seeds_text,
    tiles,
    tried_text,
    winner_use,
)
from lrshape.report.figures import FIGURES
from lrshape.report.findings import Findings, gather
from lrshape.report.headline import headline
from lrshape.report.interaction import Cards, Targets
from lrshape.report.spec_text import spec_text
from lrshape.report.targets import study_targets
from lrshape.report.words import printable


def write_study_page(
    trials: pd.DataFrame,
    document: Mapping[str, Any],
    directory: str | Path,
    *,
    metric: str,
    steps: int,
    step_rule: str,
    study_metric: str | None = None,
) -> Path:
    """Write ``report.html``, ``figures/*.svg`` and ``figures/*.png``; the same input gives the same bytes.

    If the metric is not the study's own, they are named after it (see `suffix`), beside the study's.

    Args:
        trials: the trials table, at least one row; a partial study gives a report that says so.
        document: the content of ``study.json``; whatever it lacks is left out.
        directory: where to write; made if it does not exist.
        metric: the metric that is minimised.
        steps: number of steps of a trial.
        step_rule: where in a step progress is sampled: ``midpoint``, ``left`` or ``right``.
        study_metric: the metric that the study minimised, if it is another one.

    Returns:
        The path of the page.

    Raises:
        InputError: if the table is empty or has no such metric.
        OSError: if the directory cannot be written.
    """
    directory = Path(directory)
    findings = gather(trials, metric, steps, step_rule, planned_trials(document), study_metric)
    ending = suffix(metric, study_metric)
    folder = directory / f"figures{ending}"
    folder.mkdir(parents=True, exist_ok=True)
    cards, targets = study_targets(findings)
    figures = _draw(findings, folder, targets)
    page = directory / f"report{ending}.html"
    html.replace(page, _html(findings, document, figures, cards, directory.resolve().name, folder.name))
    return page


def suffix(metric: str, study_metric: str | None) -> str:
    """Return what is added to the names of a report by another metric than the study's own; else nothing.

    Example:
        >>> suffix("final/test_error", "final/train_loss")
        '-final-test_error'
    """
    if study_metric in (None, metric):
        return ""
    return "-" + re.sub(r"[^\w.]+", "-", metric, flags=re.ASCII).strip("-.")


def _draw(findings: Findings, folder: Path, targets: Mapping[str, Targets]) -> dict[str, dict[str, Any]]:
    """Write the figures' files and return what the page shows of them; outdated files are removed."""
    drawn = {}
    for drawing in FIGURES:
        wide = drawing.draw(findings)
        narrow = drawing.draw(findings, narrow=True)
        if wide is None or narrow is None:
            for ending in ("svg", "png"):
                (folder / f"{drawing.name}.{ending}").unlink(missing_ok=True)
            continue
        tested = getattr(findings, drawing.tested)
        drawn[drawing.name] = html.figure(
            wide,
            narrow,
            folder,
            name=drawing.name,
            title=drawing.title,
            caption=drawing.caption if tested else drawing.few_seeds or drawing.caption,
            targets=targets.get(drawing.name),
        )
    return drawn


def _html(
    findings: Findings,
    document: Mapping[str, Any],
    figures: Mapping[str, Any],
    cards: Cards,
    directory: str,
    folder: str,
) -> str:
    first = headline(findings)
    return html.render(
        "study.html.j2",
        figures,
        cards,
        name=printable(document.get("name", "study"), 120),
        metric=printable(findings.metric, 60),
        headline=first,
        notices=notices(findings),
        guided=findings.is_guided,
        tried=tried_text(findings),
        tiles=tiles(findings),
        comparison=comparison(findings),
        seeds_text=seeds_text(findings),
        winner=None if first.bad else winner_use(findings, directory),
        phases=phase_rows(findings),
        messages=messages(findings),
        provenance=provenance(document),
        spec=spec_text(document.get("spec", {})),
        folder=folder,
        pairs=pair_matrix(findings),
        near_text=near_text(findings),
        metrics=metric_table(findings),
    )
