"""A study's report: its page, figures and tables, beside its trials."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lrshape.analysis.tables import write_tables
from lrshape.errors import InputError
from lrshape.report.page import suffix, write_study_page
from lrshape.store import Location, Url, store_error

if TYPE_CHECKING:
    import pandas as pd

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
    trials = study.trials()
    if trials.empty:
        raise InputError(f"{study.path}: no trial is stored yet; run its search first")
    if not isinstance(study.path, Url):
        return _write(study, trials, metric, study.path)
    with tempfile.TemporaryDirectory(prefix="lrshape-") as folder:
        made = Path(folder) / study.path.name  # the page names its directory
        page = _write(study, trials, metric, made)
        for file in sorted(made.rglob("*")):
            if file.is_file():
                study.store.place.replace(file.relative_to(made).as_posix(), file.read_bytes())
    return study.path / page.name


def _write(study: "Study", trials: "pd.DataFrame", metric: str | None, directory: Path) -> Path:
    by = metric or study.metric
    try:
        write_tables(trials, by, directory / f"tables{suffix(by, study.metric)}")
        return write_study_page(
            trials,
            study.document,
            directory,
            metric=by,
            steps=study.steps,
            step_rule=study.step_rule,
            study_metric=study.metric,
        )
    except OSError as error:
        file = error.filename2 or error.filename or directory  # of a rename, the target
        raise store_error(error, Path(file)) from error
