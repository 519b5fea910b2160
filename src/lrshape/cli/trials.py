"""The command trials."""

from pathlib import Path
from typing import Annotated

import typer

from lrshape.cli.app import app, say
from lrshape.cli.study import Directory, Metric


@app.command()
def trials(
    directory: Directory,
    to: Annotated[str, typer.Option(help="csv, parquet or optuna.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default: trials.csv, .parquet or .log in DIR.")
    ] = None,
    metric: Metric = None,
) -> None:
    """Write every trial of a study, complete or not, for other tools.

    csv and parquet have one row a trial, with a column for each parameter of the shapes. optuna is one
    Optuna study in a file of its journal storage, with a trial for each trial, minimising the study's
    metric: `JournalStorage(JournalFileBackend(FILE))` reads it, and so does optuna-dashboard.

    Examples:

        lrshape trials digits --to parquet

        lrshape trials digits --to optuna --out digits.log
    """
    from lrshape.errors import InputError
    from lrshape.store import Url
    from lrshape.study.study import Study
    from lrshape.study.trial_files import FILES, write_trials

    study = Study(directory)
    if out is None and isinstance(study.path, Url):
        raise InputError(f"--out must name a local file, for the study is at {study.path}")
    path = out or study.directory / FILES.get(to, to)
    name = study.spec.name
    write_trials(study.trials(), to, path, metric=metric or study.metric, name=name)
    say(f"wrote {path}")
