"""The report of a study: one self-contained HTML page, its figures and its tables, beside the trials."""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrshape.analysis.tables import write_csv
from lrshape.errors import InputError
from lrshape.report.drawing import Grid, draw_all
from lrshape.report.figures import FIGURES
from lrshape.report.figures.heatmap import cells
from lrshape.report.findings import Findings
from lrshape.report.headline import headline, notices, tiles
from lrshape.report.interaction import Cards
from lrshape.report.sections import write_page, writing
from lrshape.report.study_sections import study_sections
from lrshape.report.words import rate, score_text
from lrshape.store import Location, Url, params_of

if TYPE_CHECKING:
    from lrshape.study.study import Study


def write_report(study: "Study", metric: str | None = None) -> Location:
    """Write ``report.html``, ``figures/`` and ``tables/`` into a study's directory.

    For a study at a URL they are made on the local disk and then put beside it.

    Args:
        study: with at least one trial; the report of a partial study says that it is partial.
        metric: another stored metric to rank by: the names then end with it, e.g.
            ``report-final-test_error.html``, and the study's own report stays.

    Returns:
        The path of the page.

    Raises:
        InputError: if no trial is stored yet, or no such metric is stored.
        StoreError: if it cannot be written.
    """
    analysis = study.analysis(metric)
    if analysis.trials.empty:
        raise InputError(f"{study.path}: no trial is stored yet; run its search first")
    planned = study.planned_trials()
    curves = study.store.curves([analysis.measuring_phase])
    findings = Findings(
        analysis,
        study.steps,
        study.step_rule,
        planned,
        study.metric,
        curves,
        lengths=study.spec.lengths,
        min_lr=study.spec.min_lr,
        untuned={name: one.untuned for name, one in study.spec.tune.items()},
        choices={name: one.choices for name, one in study.spec.tune.items()},
    )
    if not isinstance(study.path, Url):
        return _write(findings, study, study.path)
    with tempfile.TemporaryDirectory(prefix="lrshape-") as folder:
        made = Path(folder) / study.path.name
        page = _write(findings, study, made)
        for file in sorted(made.rglob("*")):
            if file.is_file():
                study.store.place.replace(file.relative_to(made).as_posix(), file.read_bytes())
    return study.path / page.name


def _write(findings: Findings, study: "Study", directory: Path) -> Path:
    with writing(directory):
        write_csv(findings.analysis.tables(), directory, f"tables{suffix(findings)}")
        return write_study_page(findings, study.document, directory, study.path)


def write_study_page(
    findings: Findings, document: Mapping[str, Any], directory: Path, place: Location | None = None
) -> Path:
    """Write ``report.html``, ``figures/*.svg`` and ``figures/*.png``; the same input gives the same bytes.

    If the metric is not the study's own, they are named after it (see `suffix`), beside the study's.

    Args:
        findings: of a study with at least one trial; a partial study gives a report that says so.
        document: the content of ``study.json``; whatever it lacks is left out.
        directory: where to write; made if it does not exist.
        place: where the study is; default: ``directory``.

    Returns:
        The path of the page.

    Raises:
        OSError: if the directory cannot be written.
    """
    ending = suffix(findings)
    folder = directory / f"figures{ending}"
    # Scores that guide a screen give each shape a base LR of its own: no figure shows the table of both.
    is_table = not findings.is_guided
    figures = draw_all(FIGURES, findings, folder, {"heatmap": _grid(findings)} if is_table else {})
    title, sentences = headline(findings)
    return write_page(
        directory / f"report{ending}.html",
        eyebrow=f"Learning-rate schedule {'comparison' if findings.is_contest else 'search'}",
        name=document.get("name", "study"),
        title=title,
        lede=[" ".join(sentences)],
        notices=notices(findings),
        tiles=tiles(findings),
        sections=study_sections(
            findings, document, figures, place if isinstance(place, Url) else directory.resolve().name
        ),
        cards=_cards(findings) if is_table else None,
        folder=folder.name,
        numbers=f"tables{ending}/",
    )


def suffix(findings: Findings) -> str:
    """Return what is added to the names of a report by another metric than the study's own; else nothing.

    E.g. ``-final-test_error``.
    """
    if not findings.is_reranked:
        return ""
    return "-" + re.sub(r"[^\w.]+", "-", findings.metric, flags=re.ASCII).strip("-.")


def _cards(findings: Findings) -> Cards:
    """Return a card for each screened shape, in the order of ``findings.screen``."""
    cards = Cards(f"median {findings.metric}", findings.min_lr)
    for row in findings.screen:
        cards.add(
            row["shape"],
            findings.style(row).colour,
            row["family"],
            params_of(row["params"]),
            base_lr=row["base_lr"],
            score=score_text(row["score"]),
        )
    return cards


def _grid(findings: Findings) -> Grid:
    """Return what a reader can point at on the heat map."""
    _, base_lrs, values = cells(findings)
    texts = [["" if value != value else score_text(value) for value in row] for row in values.tolist()]
    return Grid([f"at LR {rate(lr)}" for lr in base_lrs], texts)
