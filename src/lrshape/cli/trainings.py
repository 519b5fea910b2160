"""The command trainings."""

from pathlib import Path
from typing import Annotated

import typer

from lrshape.cli.app import app, say
from lrshape.cli.studies import Directory, Objective


@app.command()
def trainings(
    directory: Directory,
    to: Annotated[str, typer.Option(help="csv, parquet or optuna.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default: trainings.csv, .parquet or .log in DIR.")
    ] = None,
    objective: Objective = None,
) -> None:
    """Write every training of a study, complete or not, for other tools.

    csv and parquet have one row a training, with a column for each parameter of the shapes. optuna is one
    Optuna study in a file of its journal storage, with a trial for each training, minimising the study's
    objective: `JournalStorage(JournalFileBackend(FILE))` reads it, and so does optuna-dashboard.

    Examples:

        lrshape trainings digits --to parquet

        lrshape trainings digits --to optuna --out digits.log
    """
    from lrshape.errors import InputError
    from lrshape.export.trainings import FILES, write_trainings
    from lrshape.store import Url
    from lrshape.study.study import Study

    study = Study(directory)
    if out is None and isinstance(study.path, Url):
        raise InputError(f"--out must name a local file, for the study is at {study.path}")
    path = out or study.directory / FILES.get(to, to)
    name = str(study.document["spec"]["name"])  # what was checked
    write_trainings(study.trainings(), to, path, objective=objective or study.objective, name=name)
    say(f"wrote {path}")
