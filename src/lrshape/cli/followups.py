"""Commands that train more after a search: coordinate, seeds."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from lrshape.cli.app import app, fail, say
from lrshape.cli.executing import ExecutorName, ExecutorSettings, Workers, chosen
from lrshape.cli.running import TimeLimit, limit, running
from lrshape.cli.study import Directory, Json

if TYPE_CHECKING:
    from lrshape.checks.local import CoordinateResult
    from lrshape.checks.seeds import SeedResult
    from lrshape.study.study import Study


@app.command()
def coordinate(
    directory: Directory,
    top: Annotated[int, typer.Option(help="Best shapes to sweep, the winner first.")] = 1,
    points: Annotated[int, typer.Option(help="Values a parameter, besides the shape's own.")] = 9,
    seeds: Annotated[int, typer.Option(help="Fresh seeds a value and base LR.")] = 10,
    base_lrs: Annotated[int, typer.Option(help="Base LRs a value to begin with.")] = 3,
    confirm_seeds: Annotated[
        int, typer.Option(help="Further seeds for the best values and the original shape.")
    ] = 40,
    time_limit: TimeLimit = None,
    executor: ExecutorName = "inline",
    workers: Workers = None,
    executor_settings: ExecutorSettings = None,
    as_json: Json = False,
) -> None:
    """Change every parameter of the best shapes alone: does it improve them?

    The base LR is optimised again at every value. The best values and the original shape are then trained on
    further seeds, which chose nothing. Tables, figures and a page go to DIR/coordinate. Running it again
    trains only what is missing.

    Examples:

        lrshape coordinate digits

        lrshape coordinate digits --top 3 --points 17 --seeds 20

        lrshape coordinate digits --json
    """
    from lrshape.checks.local import CoordinateSettings, expected_trials
    from lrshape.checks.local import coordinate as run
    from lrshape.study.study import Study

    seconds = limit(time_limit)
    runner = chosen(executor, workers, executor_settings)
    settings = _settings(
        CoordinateSettings,
        {"top": top, "points": points, "seeds": seeds, "base_lrs": base_lrs, "confirm_seeds": confirm_seeds},
    )
    study = Study(directory)
    _say_cost(study, expected_trials(study, settings), "at least ")
    with running(study.directory / "coordinate", "the same command") as progress:
        result = run(study, settings, callback=progress, time_limit=seconds, executor=runner)
    from lrshape.report.coordinate import coordinate_summary

    shapes = coordinate_summary(result.points, result.confirmed, result.winner)
    if as_json:
        _say_json(result, settings, {"shapes": shapes})
        return
    for shape in shapes:
        _print_shape(shape, result.metric)
    _say_report(result)


def _print_shape(shape: dict[str, Any], metric: str) -> None:
    from lrshape.report.coordinate import VERDICTS, sentence, value_text
    from lrshape.report.words import aligned, interval, number, percent, probability, rate

    lead = shape["score_median"]
    say(f"\n{shape['shape']}: {shape['params']}, base LR {rate(shape['base_lr'])}")
    say(f"median {metric} {number(lead)} over {shape['seeds']} fresh seeds\n")
    rows = []
    for row in shape["parameters"]:
        numbers = [float("nan") if row[key] is None else row[key] for key in _COLUMNS]
        score, gain, low, high, p, relative, flattered = numbers
        rows.append(
            [
                row["parameter"],
                value_text(row["own_value"]),
                value_text(row["value"]),
                "diverged" if row["score"] is None else aligned((score,), lead=lead)[0],
                aligned((gain,), lead=lead)[0],
                f"[{interval(low, high, lead=lead)}]" if row["gain_low"] is not None else "",
                percent(relative),
                probability(p),
                aligned((flattered,), lead=lead)[0],
                VERDICTS[row["verdict"]],
            ]
        )
    _print_table(
        (
            "parameter",
            "own",
            "best other",
            "median",
            "lower by",
            "95% interval",
            "",
            "p (Holm)",
            "in the sweep",
            "",
        ),
        rows,
    )
    say()
    for row in shape["parameters"]:
        say(f"  {row['text']}")
    say(f"\n{sentence(shape['verdict'])}")


_COLUMNS = ("score", "gain", "gain_low", "gain_high", "p_holm", "gain_relative", "sweep_gain")


@app.command()
def seeds(
    directory: Directory,
    top: Annotated[int, typer.Option(help="Best shapes of the search.")] = 12,
    sample: Annotated[int, typer.Option(help="Screened shapes, evenly over their ranks.")] = 48,
    max_seeds: Annotated[int, typer.Option("--max", help="Seeds a shape.")] = 100,
    certainty: Annotated[float, typer.Option(help="Wanted chance of a good choice.")] = 0.95,
    margin: Annotated[
        float, typer.Option(help="How much worse than the best is good enough, as a fraction.")
    ] = 0.05,
    time_limit: TimeLimit = None,
    executor: ExecutorName = "inline",
    workers: Workers = None,
    executor_settings: ExecutorSettings = None,
    as_json: Json = False,
) -> None:
    """Say how many seeds a search of this workload needs, from trials on many.

    Scores on few seeds are compared with scores on many others: rank correlation, how many of the best are
    found, by how much the choice is worse than the best. Tables, figures and a page go to DIR/seeds. Running
    it again trains only what is missing; another --certainty or --margin trains nothing.

    Examples:

        lrshape seeds digits

        lrshape seeds digits --max 30 --sample 24 --top 6

        lrshape seeds digits --certainty 0.9 --margin 0.02 --json
    """
    from lrshape.checks.seeds import SeedSettings, Wanted, seed_plan
    from lrshape.checks.seeds import seeds as run
    from lrshape.study.study import Study

    seconds = limit(time_limit)
    runner = chosen(executor, workers, executor_settings)
    settings = _settings(SeedSettings, {"max": max_seeds, "top": top, "sample": sample})
    wanted = _settings(Wanted, {"certainty": certainty, "margin": margin})
    study = Study(directory)
    plan = seed_plan(study, settings)
    _say_cost(
        study,
        len(plan.candidates) * settings.max,
        f"{len(plan.candidates)} shapes ({len(plan.screened)} screened ones, the best {len(plan.top)}) on "
        f"{settings.max} seeds: ",
    )
    with running(study.directory / "seeds", "the same command") as progress:
        result = run(study, settings, wanted, callback=progress, time_limit=seconds, executor=runner)
    from lrshape.report.seeds import agreement_cells, headings, recommendation, seed_summary

    answer = result.answer
    if as_json:
        _say_json(result, settings, seed_summary(answer, result.used))
        return
    for name, agreement in (("screened shapes", answer.screened), ("the best shapes", answer.top)):
        say(f"\n{name} ({agreement.shapes}), against {agreement.reference} other seeds\n")
        names = [" ".join(part for part in heading if part) for heading in headings(answer, agreement)]
        _print_table(names, agreement_cells(agreement), right=True)
    say()
    for text in recommendation(answer, result.used):
        say(text)
    _say_report(result)


def _settings(kind: Any, values: dict[str, Any]) -> Any:
    from lrshape.settings import explain

    try:
        return kind(**values)
    except ValidationError as error:
        raise explain(error) from None


def _say_json(result: "CoordinateResult | SeedResult", settings: Any, more: dict[str, Any]) -> None:
    found = {
        "metric": result.metric,
        "settings": settings.model_dump(),
        "trials": result.trials,
        **more,
    }
    say(json.dumps(found, indent=2, allow_nan=False))


def _say_report(result: "CoordinateResult | SeedResult") -> None:
    say(f"\nreport: {result.directory / 'report.html'}")


def _say_cost(study: "Study", trials: int, what: str) -> None:
    """Say on standard error what it takes, by the time that the search's trials took."""
    import numpy as np

    from lrshape.cli.progress import duration

    seconds = np.mean(study.store.trials(["rescore", "confirm"])["wall_time"].to_numpy(float)) * trials
    fail(f"{what}{trials:,} trials, about {duration(float(seconds))} at the search's speed", prefix="")


def _print_table(names: Any, rows: list[list[str]], right: bool = False) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    for name in names:
        table.add_column(name, no_wrap=True, justify="right" if right else "left")
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, markup=False)
    console.width = max(console.width, 140)  # a line that a terminal wraps is clearer than cut cells
    console.print(table)
