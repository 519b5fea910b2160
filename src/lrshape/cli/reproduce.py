"""The command that runs the paper's experiments."""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrshape.cli.app import INTERRUPTED, app, fail, say, say_json, wrote
from lrshape.cli.running import TimeLimit, running
from lrshape.cli.study import Json
from lrshape.errors import InputError
from lrshape.files import inside, publish

if TYPE_CHECKING:
    from lrshape.paper.experiments import Experiment, Step


@app.command()
def reproduce(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Name of the experiment; without it, list them all.")
    ] = None,
    scale: Annotated[
        str, typer.Option(help="Size: smoke (about a minute), cpu (up to hours on 2 cores) or gpu.")
    ] = "smoke",
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Output directory; required to run an experiment.")
    ] = None,
    time_limit: TimeLimit = None,
    as_json: Json = False,
) -> None:
    """List the experiments of the paper, or rerun one at a scale of your choice.

    The settings are lrshape's own, because the paper does not state all of its settings; lrshape writes them
    to DIR/spec.toml. An experiment is a sequence of commands, which lrshape prints as it runs them. Run it
    again to resume it. `lrshape optimum`, `lrshape shapes fit` and figures start over, and --time-limit,
    which covers the whole sequence, does not interrupt them.

    Examples:

        lrshape reproduce

        lrshape reproduce families --out gallery

        lrshape reproduce weight-decay-constant --scale cpu --out decay

        lrshape reproduce cifar10 --scale cpu --out cifar10 --time-limit 1h
    """
    from lrshape.paper.experiments import SCALES, experiment
    from lrshape.store import local

    if scale not in SCALES:
        raise InputError(f"--scale must be one of {', '.join(SCALES)}, got {scale!r}")
    if name is None:
        _list(as_json)
        return
    chosen = experiment(name)
    if out is None:
        raise InputError(f"reproduce {name} needs --out DIR")
    _run(chosen, scale, local(out, "--out"), time_limit)


def _list(as_json: bool) -> None:
    from lrshape.paper.experiments import EXPERIMENTS, SCALES, cost

    rows = [
        {
            "name": e.name,
            "question": e.question,
            "paper": e.paper,
            "commands": [_shown(step, "cpu", "DIR") for step in e.steps],
            "cost": {scale: cost(e, scale) for scale in SCALES},
        }
        for e in EXPERIMENTS.values()
    ]
    if as_json:
        say_json(rows)
        return
    for row in rows:
        say(f"{row['name']}\n  {row['question']}\n  In the paper: {row['paper']}.")
        for scale, found in row["cost"].items():
            say(f"  {scale:<6}{_cost(**found)}")
    say("\nTimes are estimates for 2 CPU cores; the gpu scale has not been timed.")
    say("The settings are lrshape's, not the paper's; an experiment writes them to DIR/spec.toml.")


def _cost(trials: int, steps: int, seconds: float | None, more: list[str]) -> str:
    from lrshape.report.words import duration

    parts = []
    if trials:
        parts.append(f"{trials:,} trials, {steps:,} steps")
    if seconds is not None:
        parts.append(f"about {duration(seconds)}")
    if more:
        parts.append(f"{'and then ' if trials else ''}lrshape {', '.join(more)}")
    return "; ".join(parts) or "a figure: seconds to minutes"


def _shown(step: "Step", scale: str, out: str) -> str:
    return f"lrshape {shlex.join(step.arguments(scale, out))}" if step.run else step.shows


def _run(chosen: "Experiment", scale: str, out: Path, seconds: float | None) -> None:
    end = None if seconds is None else time.monotonic() + seconds
    document = chosen.document(scale)
    _write_spec(document, out)
    again = f"lrshape reproduce {chosen.name} --scale {scale} --out {shlex.quote(str(out))}"
    for number, step in enumerate(chosen.steps, 1):
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            fail(f"time limit reached; run {again} to resume", prefix="")
            raise typer.Exit(INTERRUPTED)
        for word in step.arguments(scale, str(out)):
            if word.startswith(f"{out}/"):
                inside(out, *word.removeprefix(f"{out}/").split("/"))
        say(f"\n[{number} of {len(chosen.steps)}] {_shown(step, scale, str(out))}")
        if step.run:
            _run_command(step.arguments(scale, str(out)), left)
            continue
        from lrshape.paper import curves

        with running(out, again):
            files = list(getattr(curves, step.call)(document, out, **(getattr(step, scale) or {})))
        for file in files:
            wrote(file)
    say(f"\n{chosen.name} is done ({scale} scale). Results in {out}:")
    for step in chosen.steps:
        say(f"  {step.shows}")


def _run_command(words: list[str], left: float | None) -> None:
    command: Any = typer.main.get_command(app)
    options = {option for parameter in find_command(words).params for option in parameter.opts}
    if left is not None and "--time-limit" in options:
        words = [*words, "--time-limit", f"{left:.3f}s"]
    code = command.main(words, prog_name="lrshape", standalone_mode=False)
    if code:
        raise typer.Exit(code)


def find_command(words: list[str]) -> Any:
    """The command that a command line runs, which may be in a group."""
    found: Any = typer.main.get_command(app)
    for word in words:
        if not hasattr(found, "get_command"):
            break
        found = found.get_command(typer.Context(found), word)
    return found


def _write_spec(document: dict[str, Any], out: Path) -> None:
    """Write the spec that is used, or check that the one that is there is the same."""
    from lrshape.report.spec_text import spec_text
    from lrshape.shapes.input_file import read_text, reading
    from lrshape.study.spec import MAX_SPEC_BYTES

    try:
        out.mkdir(parents=True, exist_ok=True)
        if not document:
            return
        file = out / "spec.toml"
        text = f"# Settings of lrshape, not of the paper.\n{spec_text(document)}\n"
        if file.exists():
            with reading(file, "no spec", MAX_SPEC_BYTES):
                known = read_text(file)
            if known != text:
                raise InputError(f"{file} belongs to another experiment or scale; use another directory")
        publish(out, file.name, text.encode(), replace=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}") from None
