"""The command suggest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrshape.cli.app import app, say, say_json, say_prose, whole, wrote
from lrshape.cli.check import print_table
from lrshape.cli.study import Json
from lrshape.errors import InputError, shown

if TYPE_CHECKING:
    from lrshape.predict.suggestion import Suggestion


@app.command()
def suggest(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE|DIR]...",
            help="Logs of training runs: CSV, W&B exports, TensorBoard, trainer_state.json, Lightning's "
            "metrics.csv, a study, an Optuna storage.",
        ),
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Number of steps of the training to come; default: that of the best run. With --from-step "
            "up to three numbers, N,N,N, if you do not know yet where the run will stop.",
        ),
    ] = None,
    from_step: Annotated[
        int | None,
        typer.Option(
            parser=whole, metavar="S", help="Suggest how to continue a run in progress after its step S."
        ),
    ] = None,
    live: Annotated[
        str | None, typer.Option(metavar="RUN", help="The run in progress; default: the unfinished one.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(metavar="LOSS", help="The loss to use: a heading, or e.g. val_loss.")
    ] = None,
    like: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A schedule file to include in the comparison.")
    ] = None,
    families: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Suggest only common members of these families.")
    ] = None,
    schedules: Annotated[
        list[str] | None,
        typer.Option(
            "--schedule", metavar="RUN=FILE", help="Schedule of a run that logs no LRs; may be repeated."
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=HEADING",
            help="What a column is: step, run, resumed_from, lr, loss, train_loss or val_loss; may be "
            "repeated.",
        ),
    ] = None,
    parents: Annotated[
        list[str] | None,
        typer.Option("--parent", metavar="RUN=RUN", help="The run that a run resumed; may be repeated."),
    ] = None,
    cost_limit: Annotated[
        float | None,
        typer.Option(
            metavar="K",
            help="Limit the total cost of the suggested runs to K full runs; default: no limit. Not with "
            "--from-step.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Write suggestion.html, suggestion.json and next-1.json etc. here."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Suggest the schedule and base LR to run next, from the runs that you have, without training.

    It works best with an LR sweep of one schedule: three runs or more. Without any run, it only ranks
    shapes. `lrshape export next-1.json` writes the suggested schedule for your framework.

    Examples:

        lrshape suggest runs/*.csv --steps 50000 --out next

        lrshape suggest wandb.csv --metric val_loss --schedule run-1=cosine.json

        lrshape suggest --steps 50000 --like cosine.json --json

        lrshape suggest run.csv --from-step 12000 --steps 20000,40000,80000 --out next
    """
    from lrshape.predict.suggest import suggest as find
    from lrshape.store import local

    found = find(
        list(runs or []),
        None if steps is None else _steps(steps),
        metric=metric,
        like=like,
        families=None if families is None else [name.strip() for name in families.split(",")],
        columns=_pairs("--columns", "ROLE=HEADING", columns),
        schedules=_pairs("--schedule", "RUN=FILE", schedules),
        parents=_pairs("--parent", "RUN=RUN", parents),
        from_step=from_step,
        live=live,
        cost_limit=cost_limit,
    )
    written = [] if out is None else found.write(local(out, "--out"))
    if as_json:
        say_json(found.to_dict())
        return
    _print(found)
    for path in written:
        wrote(path)


def _steps(text: str) -> int | list[int]:
    try:
        numbers = [whole(part.strip()) for part in text.split(",")]
    except typer.BadParameter:
        raise InputError(f"--steps must be whole numbers, separated by commas, got {shown(text)}") from None
    return numbers[0] if len(numbers) == 1 else numbers


def _pairs(option: str, form: str, given: list[str] | None) -> dict[str, str]:
    pairs = {}
    for text in given or []:
        name, equals, value = text.partition("=") if form.startswith("ROLE") else text.rpartition("=")
        if not (name and equals and value):
            raise InputError(f"{option} must be {form}, got {shown(text)}")
        pairs[name] = value
    return pairs


def _print(found: "Suggestion") -> None:
    from lrshape.predict.suggestion_page import tables
    from lrshape.report.words import rate

    say_prose(f"{found.verdict}\n")
    for table in tables(found):
        print_table(table)
        say()
    for number, run in enumerate(found.next_runs, 1):
        at = "" if found.live else f", base LR {rate(run.schedule.base_lr)}"
        say_prose(f"next {number}: {run.name}{at}: {run.reason}")
    if found.curve_laws:
        say_prose(found.curve_laws)
    for doubt in found.doubts:
        say_prose(f"doubt: {doubt}")
    for note in found.notes:
        say_prose(f"note: {note}")
