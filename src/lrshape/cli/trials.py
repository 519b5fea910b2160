"""The command trials."""

from typing import Annotated

import typer

from lrshape.cli.app import app, output_file, wrote
from lrshape.cli.source import folder_of
from lrshape.cli.study import Directory


@app.command()
def trials(
    directory: Directory,
    to: Annotated[str, typer.Option(help="Format: csv, parquet or optuna.")],
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIR",
            help="Output file, - for standard output (csv, parquet), or a directory for trials.* or "
            "curves.*; default: DIR. Required for a study at a URL.",
        ),
    ] = None,
    curves: Annotated[
        bool, typer.Option("--curves", help="Export the loss curves instead, one row per point.")
    ] = False,
    metric: Annotated[
        str | None,
        typer.Option(metavar="METRIC", help="With --to optuna: the stored metric that trials are judged by."),
    ] = None,
) -> None:
    """Export every trial of a study for other tools. The study need not be complete.

    csv and parquet have one row per trial and one column per parameter. optuna writes an Optuna study to a
    journal file, which `JournalStorage(JournalFileBackend(FILE))` and optuna-dashboard can read.

    Examples:

        lrshape trials digits --to parquet

        lrshape trials digits --to csv --curves

        lrshape trials digits --to optuna --out digits.log
    """
    from lrshape.analysis.direction import direction_of
    from lrshape.errors import InputError
    from lrshape.study.study import Study
    from lrshape.study.trial_files import CURVE_FILES, FILES, write_curves, write_trials

    if metric is not None and (to != "optuna" or curves):
        given = f"--to {to}{' --curves' if curves else ''}"
        raise InputError(f"--metric goes with --to optuna, whose trials are judged by it, got {given}")
    study = Study(directory)
    file = (CURVE_FILES if curves else FILES).get(to, to)
    path = folder_of(directory) / file if out is None else output_file(out, file)
    if curves:
        wrote(write_curves(study.curves(), to, path))
        return
    name = study.spec.name
    ranked = study.metric if metric is None else metric
    direction = direction_of(ranked, study.metric, study.spec.direction)
    written = write_trials(study.trials(), to, path, metric=ranked, direction=direction, name=name)
    wrote(written)
