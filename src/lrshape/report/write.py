"""A study's report: its page, figures and tables, beside its trials."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lrshape.analysis.tables import write_tables
from lrshape.errors import InputError
from lrshape.report.findings import Findings
from lrshape.report.page import suffix, write_study_page
from lrshape.store import Location, Url, store_error

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
    findings = Findings(analysis, study.steps, study.step_rule, planned, study_metric=study.metric)
    if not isinstance(study.path, Url):
        return _write(findings, study, study.path)
    with tempfile.TemporaryDirectory(prefix="lrshape-") as folder:
        made = Path(folder) / study.path.name  # the page names its directory
        page = _write(findings, study, made)
        for file in sorted(made.rglob("*")):
            if file.is_file():
                study.store.place.replace(file.relative_to(made).as_posix(), file.read_bytes())
    return study.path / page.name


def _write(findings: Findings, study: "Study", directory: Path) -> Path:
    try:
        write_tables(findings.analysis, directory / f"tables{suffix(findings)}")
        return write_study_page(findings, study.document, directory)
    except OSError as error:
        file = error.filename2 or error.filename or directory  # of a rename, the target
        raise store_error(error, Path(file)) from error
