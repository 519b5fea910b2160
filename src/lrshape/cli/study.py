"""Commands about studies: demo, init, search, status, report, best."""

from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrshape.cli.app import app, fail, output_file, say, say_json, whole, wrote
from lrshape.cli.executing import ExecutorName, ExecutorSettings, Workers, chosen
from lrshape.cli.running import TimeLimit, running
from lrshape.cli.verdicts import print_best
from lrshape.errors import InputError
from lrshape.files import write_file

if TYPE_CHECKING:
    from lrshape.study.study import Study
    from lrshape.workers.executor import ExecutorChoice

Directory = Annotated[
    str, typer.Argument(metavar="DIR", help="Directory of the study, or its URL, e.g. s3://bucket/study.")
]
Out = Annotated[
    str, typer.Option(metavar="DIR", help="Directory of the study, or its URL, e.g. s3://bucket/study.")
]
Metric = Annotated[
    str | None,
    typer.Option(
        metavar="METRIC",
        help="Rank by another stored metric, e.g. final/test_error; for accuracies, F1, AUC and the "
        "like, higher values are better.",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=C", help="Override a setting of the spec; may be repeated."),
]
LogTo = Annotated[
    list[str] | None,
    typer.Option(metavar="tensorboard:DIR|wandb:PROJECT", help="Also log to a tracker; may be repeated."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command()
def demo(
    out: Out = "lrshape-demo",
) -> None:
    """Run a short search on a small network and the digits data set; nothing is downloaded.

    Examples:

        lrshape demo

        lrshape demo --out my-demo
    """
    text = resources.files("lrshape").joinpath("demo.toml").read_text(encoding="utf-8")
    import tomllib

    _search(tomllib.loads(text), out, None)


@app.command()
def init(
    workload: Annotated[str, typer.Argument(help="Name of the workload, e.g. digits-mlp or function.")],
    out: Annotated[
        str | None, typer.Option(metavar="FILE|DIR", help="Write a new file instead of printing.")
    ] = None,
) -> None:
    """Print a spec for a workload, with every setting and its meaning.

    Examples:

        lrshape init digits-mlp > digits.toml

        lrshape init function --out mine.toml
    """
    from lrshape.study.template import commented_spec

    text = commented_spec(workload)
    if out is None:
        say(text.rstrip())
        return
    path = output_file(out, f"{workload}.toml")
    write_file(path, text.encode(), replace=False)
    wrote(path)


@app.command()
def search(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.toml", help="The study's spec (see `lrshape init`).")],
    out: Out,
    settings: Overrides = None,
    trials: Annotated[
        int | None,
        typer.Option(
            parser=whole,
            metavar="N",
            help="Number of trials in all, baselines and the confirm phase included; at least 24. "
            "Default: that of the spec; else as many as fit into --time-limit; else 512.",
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|FILE|URL",
            help="Try the best shapes of another study, or a schedule file, first.",
        ),
    ] = None,
    time_limit: TimeLimit = None,
    executor: ExecutorName = "inline",
    workers: Workers = None,
    executor_settings: ExecutorSettings = None,
    log_to: LogTo = None,
) -> None:
    """Run a study, or resume it: finished trials are kept.

    The search settings follow from --trials unless the spec sets them.

    Examples:

        lrshape search digits.toml --out digits

        lrshape search digits.toml --out digits --trials 1000

        lrshape search digits.toml --out digits --time-limit 10m

        lrshape search digits.toml --out s3://bucket/digits

        lrshape search digits.toml --out long --set workload.steps=1000 --start-from digits

        lrshape search mine.toml --out mine --executor processes --workers 8 --executor-set memory=4

        lrshape search digits.toml --out digits --log-to tensorboard:runs/digits
    """
    from lrshape.procedure.budget import family_names
    from lrshape.study.spec import plain_document, read_spec

    runner = chosen(executor, workers, executor_settings)
    document = plain_document(read_spec(spec, settings or []))
    if trials is not None:
        document["trials"] = trials
    if start_from is not None:
        document["initial_shapes"] = starting_points(start_from, document, family_names(document), out)
    _search(document, out, time_limit, runner, log_to or [])


def starting_points(
    source: str, document: dict[str, Any], families: list[str], out: str
) -> list[dict[str, Any]]:
    """The initial shapes that --start-from names; prints to standard error what was read.

    A study that has begun keeps those that it began with: the source may have gone on since.
    """
    from lrshape.store import Store
    from lrshape.study.initial_shapes import read_initial_shapes
    from lrshape.study.spec import step_rule_of

    if Store.exists(out) and (known := Store(out).spec.get("initial_shapes")):
        fail(f"{out} goes on with the initial shapes that it began with", prefix="")
        return known
    if document.get("initial_shapes"):
        raise InputError("give either --start-from or initial_shapes in the spec, not both")
    found = read_initial_shapes(source, families, step_rule=step_rule_of(document))
    for note in [*found.notes, f"starting from {len(found.shapes)} shapes of {source}"]:
        fail(note, prefix="")
    return found.shapes


def _search(
    document: dict[str, Any],
    out: str,
    seconds: float | None,
    executor: "ExecutorChoice" = "inline",
    log_to: Sequence[str] = (),
) -> None:
    from lrshape.api import search as run

    study = run_study(run, document, out, seconds, executor, log_to)
    print_best(study.best(), study.spec.tune)
    print_end(study, out)


def run_study(
    run: "Callable[..., Study]",
    document: dict[str, Any],
    out: str,
    seconds: float | None,
    executor: "ExecutorChoice",
    log_to: Sequence[str],
) -> "Study":
    """Run a study, with progress on standard error.

    Args:
        run: `lrshape.search` or `lrshape.compare`.
        document: the spec.
        out: the study's directory.
        seconds: time limit.
        executor: what runs the trials.
        log_to: trackers.
    """
    from lrshape.study.callback import Callbacks
    from lrshape.trackers import tracker

    logs = [tracker(target, "--log-to") for target in log_to]
    with running(out) as progress:
        try:
            callback = Callbacks(progress, *logs)
            return run(document, out=out, time_limit=seconds, executor=executor, callback=callback)
        finally:
            for log in logs:
                log.close()


def print_end(study: "Study", out: str) -> None:
    """Print what failed, and where the report is, in the directory as it was named."""
    from lrshape.store import locate

    failures = study.failures()
    if failures:
        say(f"{len(failures):,} trials failed, the first one with: {failures[0]}")
    say(f"\nreport: {locate(out) / 'report.html'}")


@app.command()
def status(directory: Directory, as_json: Json = False) -> None:
    """Show a study's progress.

    --json prints complete, metric, planned (trials at most: a search may end with fewer) and phases: for each
    phase that has begun, trials, shapes, diverged, failed, best (the best score; null: not finite) and
    seconds.

    Examples:

        lrshape status digits

        lrshape status digits --json
    """
    from lrshape.study.plan import Plan
    from lrshape.study.study import Study

    study = Study(directory)
    phases, complete = study.progress(), study.is_complete()
    if as_json:
        planned = Plan(study.spec).total
        found = {"complete": complete, "metric": study.metric, "planned": planned, "phases": phases}
        say_json(found)
        return
    say(f"{study.path}: {'complete' if complete else 'not complete; run its search again to resume it'}")
    end = "highest" if study.spec.direction == "maximize" else "lowest"
    for phase, counts in phases.items():
        best = "not finite" if counts["best"] is None else f"{counts['best']:.4g}"
        say(
            f"  {phase:<8} {counts['trials']:>8,} trials of {counts['shapes']:,} shapes, "
            f"{counts['diverged']:,} diverged, {counts['failed']:,} failed, {end} {study.metric} {best}"
        )


@app.command()
def report(directory: Directory, metric: Metric = None) -> None:
    """Write a study's report: report.html, figures/ and tables/ in its directory.

    --metric re-ranks the stored trials and writes a separate report; it trains nothing.

    Examples:

        lrshape report digits

        lrshape report digits --metric final/test_error
    """
    from lrshape.report.page import write_report
    from lrshape.study.study import Study

    say(f"report: {write_report(Study(directory), metric)}")


@app.command()
def best(directory: Directory, metric: Metric = None, as_json: Json = False) -> None:
    """Print the winner and its lead over the baselines, on seeds that no selection has seen.

    --metric re-ranks the stored trials; it trains nothing. If the winner by that metric was not
    confirmed, its scores come from the rescore phase, and the output says so. Where no shape has a finite
    score, --json prints nothing and the exit code is 2.

    Examples:

        lrshape best digits

        lrshape best digits --metric final/test_error

        lrshape best digits --json
    """
    from lrshape.study.study import Study

    study = Study(directory)
    if as_json:
        say_json(study.winner(metric).to_dict())
    else:
        print_best(study.best(metric), study.spec.tune)
