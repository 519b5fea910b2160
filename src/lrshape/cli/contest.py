"""The command contest."""

from pathlib import Path
from typing import Annotated

import typer

from lrshape.cli.app import app, say_json, whole
from lrshape.cli.executing import ExecutorName, ExecutorSettings, Workers, chosen
from lrshape.cli.running import TimeLimit
from lrshape.cli.study import Json, LogTo, Out, Overrides, print_end, run_study
from lrshape.cli.verdicts import print_best


@app.command()
def contest(
    spec: Annotated[
        Path, typer.Argument(metavar="SPEC.toml", help="The spec, with tables [schedules.NAME].")
    ],
    out: Out,
    settings: Overrides = None,
    trials: Annotated[
        int | None,
        typer.Option(
            parser=whole,
            metavar="N",
            help="Number of trials in all. Default: that of the spec; else as many as fit into --time-limit; "
            "else until all is decided, on at most 160 seeds.",
        ),
    ] = None,
    time_limit: TimeLimit = None,
    executor: ExecutorName = "inline",
    workers: Workers = None,
    executor_settings: ExecutorSettings = None,
    log_to: LogTo = None,
    as_json: Json = False,
) -> None:
    """Decide which of two or more given schedules is best; run it again to resume: finished trials are kept.

    Nothing is searched. The base LR of each schedule is tuned by the same rule, unless it has tune = false.
    lrshape then trains with each on the same fresh seeds, until the leader's comparisons with all others are
    decided. The directory holds a study: status, report, best and export work there. Where no schedule has a
    finite score, --json prints nothing and the exit code is 2. To draw schedules, or the winners of studies,
    side by side without training, use `lrshape compare`.

    Examples:

        lrshape contest three.toml --out three

        lrshape contest three.toml --out three --trials 200 --json
    """
    from lrshape.api import compare
    from lrshape.study.spec import read_spec

    runner = chosen(executor, workers, executor_settings)
    document = read_spec(spec, settings or [])
    if trials is not None:
        document["trials"] = trials
    study = run_study(compare, document, out, time_limit, runner, log_to or [])
    if as_json:
        say_json(study.winner().to_dict())
        return
    print_best(study.best(), study.spec.tune)
    print_end(study, out)
