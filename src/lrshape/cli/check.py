"""The commands ``lrshape check NAME``, one for each registered check; its settings are the options."""

import inspect
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperGroup

from lrshape.cli.app import app, fail, print_grid, printable, say, say_json, say_prose, whole
from lrshape.cli.executing import ExecutorName, ExecutorSettings, Workers, chosen
from lrshape.cli.running import TimeLimit, running
from lrshape.cli.study import Json
from lrshape.report.words import capital

if TYPE_CHECKING:
    from lrshape.checks.check import Check, CheckResult
    from lrshape.report.sections import Table
    from lrshape.study.study import Study

Directory = Annotated[str, typer.Argument(metavar="DIR", help="Directory of a finished study (local).")]


class _CheckGroup(TyperGroup):
    """Looks checks up when they are asked for: finding them imports much."""

    def list_commands(self, ctx: Any) -> list[str]:
        from lrshape.checks.check import CHECKS

        return list(CHECKS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        from lrshape.checks.check import CHECKS

        return command(CHECKS[cmd_name]) if cmd_name in CHECKS else None


app.add_typer(
    typer.Typer(cls=_CheckGroup, no_args_is_help=True, rich_markup_mode="markdown"),
    name="check",
    help="Run more trials to answer a question about a finished study.",
)


def command(kind: "type[Check]") -> Any:
    """The command of a check."""

    def run_one(**options: Any) -> None:
        _run(kind, {name: options.pop(name) for name in kind.model_fields}, **options)

    _kind, _values, directory, *shared = inspect.signature(_run).parameters.values()
    parameters = [directory, *_options(kind), *shared]
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    run_one.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run_one.__annotations__ = {p.name: p.annotation for p in parameters}
    alone = typer.Typer(rich_markup_mode="markdown", add_completion=False)
    alone.command(kind.name, help=inspect.getdoc(kind))(run_one)
    return typer.main.get_command(alone)


def _options(kind: "type[Check]") -> Iterable[inspect.Parameter]:
    for name, field in kind.model_fields.items():
        ends = {
            key: getattr(rule, key) for rule in field.metadata for key in ("ge", "le") if hasattr(rule, key)
        }
        text = capital(field.description or name)
        limits = f" ({ends['ge']:,} to {ends['le']:,})" if len(ends) == 2 else ""
        simple = field.annotation if field.annotation in (int, float, bool, str) else str
        how: dict[str, Any] = {"parser": whole, "metavar": "N"} if simple is int else {}
        option = typer.Option(f"--{name.replace('_', '-')}", help=f"{text}{limits}.", **how)
        yield inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=... if field.is_required() else field.get_default(call_default_factory=True),
            annotation=Annotated[cast(Any, simple), option],
        )


def _run(
    kind: "type[Check]",
    values: dict[str, Any],
    directory: Directory,
    time_limit: TimeLimit = None,
    executor: ExecutorName = "inline",
    workers: Workers = None,
    executor_settings: ExecutorSettings = None,
    max_failed_fraction: Annotated[
        float | None,
        typer.Option(
            metavar="F",
            help="Stop when a larger fraction of this run's new trials fails; 1: never. Default: 0.5.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    from lrshape.study.study import Study

    runner = chosen(executor, workers, executor_settings)
    check = kind.read(values, "--")
    study = Study(directory)
    study.require_complete()  # before its trials are timed
    _announce(study, check.cost(study), check.most_trials(study))
    place = study.directory / check.name
    with running(place) as progress:
        result = check.run(
            study,
            callback=progress,
            time_limit=time_limit,
            executor=runner,
            max_failed_fraction=max_failed_fraction,
        )
    print_result(result, place, as_json)


def _announce(study: "Study", least: int, most: int) -> None:
    """Print the check's cost to standard error, estimated from the time of the search's trials."""
    import numpy as np

    from lrshape.report.words import duration

    seconds = float(np.mean(study.store.trials(["rescore", "confirm"])["wall_time"].to_numpy(float)))
    trials, times = (
        " to ".join(dict.fromkeys(ends))
        for ends in ((f"{least:,}", f"{most:,}"), (duration(seconds * least), duration(seconds * most)))
    )
    fail(f"{trials} trials: about {times} at the speed of the search", prefix="")


def print_result(result: "CheckResult", directory: object, as_json: bool) -> None:
    """Print what a check or a sweep found, as JSON or for people."""
    if as_json:
        say_json(result.to_dict())
        return
    say_prose(" ".join([f"{result.title}.", *result.lede]))
    for section in result.sections:
        if section.sentences or section.tables or section.remarks:
            say_prose("\n".join(["", f"{section.title}.", *section.sentences]))
        for table in section.tables:
            say()
            print_table(table)
        for remark in section.remarks:
            say_prose(remark)
    say(f"\nreport: {directory}/report.html")


def print_table(table: "Table") -> None:
    """Print a table of a page for people."""
    from rich.table import Table as Grid

    grid = Grid(box=None, padding=(0, 2, 0, 0), header_style="")
    for place, heading in enumerate(table.headings):
        flush = "left" if place == 0 or place in table.texts else "right"
        grid.add_column(printable(_joined(heading), sys.stdout), justify=flush)
    for row in table.rows:
        grid.add_row(*(printable(_joined(cell), sys.stdout) for cell in row))
    print_grid(grid)


def _joined(cell: tuple[str, str]) -> str:
    text, small = cell
    return f"{text} ({small})" if text and small else text or small
