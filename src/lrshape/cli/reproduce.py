"""The command that runs the paper's experiments."""

import json
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrshape.cli.app import INTERRUPTED, app, fail, say
from lrshape.cli.running import TimeLimit, limit, running
from lrshape.errors import InputError

if TYPE_CHECKING:
    from lrshape.reproduce import Experiment


@app.command()
def reproduce(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The experiment; none: list all.")
    ] = None,
    scale: Annotated[
        str, typer.Option(help="smoke (a minute or so), cpu (hours at most on 2 cores) or gpu.")
    ] = "smoke",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Directory of the experiment; needed to run one.")
    ] = None,
    time_limit: TimeLimit = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON for programs.")] = False,
) -> None:
    """List the paper's experiments, or run one with our own settings.

    The paper's numbers and exact settings are not known to lrshape: it prints its own results, and the spec
    that it used is DIR/spec.toml. An experiment is a chain of commands, which are printed; running it again
    resumes it. A time limit is for the whole chain; a figure or `lrshape optimum`, once begun, is finished.

    Examples:

        lrshape reproduce

        lrshape reproduce families --out gallery

        lrshape reproduce weight-decay-constant --scale cpu --out decay

        lrshape reproduce cifar10 --scale cpu --out cifar10 --time-limit 1h
    """
    from lrshape.reproduce import SCALES, experiment

    if scale not in SCALES:
        raise InputError(f"--scale must be one of {', '.join(SCALES)}, got {scale!r}")
    seconds = limit(time_limit)
    if name is None:
        _list(as_json)
        return
    chosen = experiment(name)
    if out is None:
        raise InputError(f"reproduce {name} needs --out DIR")
    _run(chosen, scale, out, seconds)


def _list(as_json: bool) -> None:
    from lrshape.reproduce import EXPERIMENTS, SCALES
    from lrshape.reproduce.cost import cost

    costs = {e.name: {scale: cost(e, scale) for scale in SCALES} for e in EXPERIMENTS.values()}
    if as_json:
        rows = [
            {
                "name": e.name,
                "description": e.description,
                "commands": [_shown(step, "cpu", "DIR") for step in e.steps],
                "cost": {scale: vars(c) for scale, c in costs[e.name].items()},
            }
            for e in EXPERIMENTS.values()
        ]
        say(json.dumps(rows, indent=2))
        return
    for e in EXPERIMENTS.values():
        say(f"{e.name}\n  {e.description}")
        for scale, c in costs[e.name].items():
            say(f"  {scale:<6}{_cost(c)}")
    say("\nTimes are estimates for 2 CPU cores; those of gpu were not measured.")
    say("Settings are ours, not the paper's: DIR/spec.toml has those of an experiment in DIR.")


def _cost(c: Any) -> str:
    from lrshape.cli.progress import duration

    parts = []
    if c.trainings:
        parts.append(f"{c.trainings:,} trainings, {c.steps:,} steps")
    if c.seconds is not None:
        parts.append(f"about {duration(c.seconds)}")
    if c.follow_ups:
        parts.append(f"{'and then ' if c.trainings else ''}lrshape {', '.join(dict.fromkeys(c.follow_ups))}")
    return "; ".join(parts) or "a figure: seconds to minutes"


def _shown(step: Any, scale: str, out: str) -> str:
    from lrshape.reproduce.experiments import Command

    if isinstance(step, Command):
        return f"lrshape {shlex.join(step.arguments(scale, out))}"
    return f"figure: {step.shows}"


def _run(chosen: "Experiment", scale: str, out: Path, seconds: float | None) -> None:
    from lrshape.reproduce.experiments import Command
    from lrshape.store import local

    out = local(out, "--out")
    end = None if seconds is None else time.monotonic() + seconds
    _require_commands(chosen, scale, out)
    document = chosen.spec(scale)
    _write_spec(document, out)
    again = f"lrshape reproduce {chosen.name} --scale {scale} --out {shlex.quote(str(out))}"
    for number, step in enumerate(chosen.steps, 1):
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            fail(f"time limit reached; finished trainings are in {out}: run {again} to resume", prefix="")
            raise typer.Exit(INTERRUPTED)
        say(f"\n[{number} of {len(chosen.steps)}] {_shown(step, scale, str(out))}")
        if isinstance(step, Command):
            words = step.arguments(scale, str(out))
            if left is not None and "--time-limit" in _options(words[0]):
                words += ["--time-limit", f"{left:.3f}s"]
            code = _command().main(words, prog_name="lrshape", standalone_mode=False)
            if code:
                raise typer.Exit(code)
        else:
            with running(out, again):
                for file in step.load()(document, scale, out):
                    say(f"wrote {file}")
    say(f"\n{chosen.name} is done ({scale} scale, our own settings). Look at, in {out}:")
    for step in chosen.steps:
        if step.shows:
            say(f"  {step.shows}")


def _command() -> Any:
    """The whole application as one click command."""
    return typer.main.get_command(app)


def _options(command: str) -> set[str]:
    """All options of a command, as they are written."""
    return {option for parameter in _command().commands[command].params for option in parameter.opts}


def _require_commands(chosen: "Experiment", scale: str, out: Path) -> None:
    """Check that every command and every option of the chain exists, before anything is trained."""
    from lrshape.reproduce.cost import commands

    known = _command().commands
    for step in commands(chosen):
        command, *words = step.arguments(scale, str(out))
        if command not in known:
            raise InputError(f"{chosen.name}: this lrshape has no command {command!r}")
        options = _options(command)
        unknown = [word for word in words if word.startswith("--") and word not in options]
        if unknown:
            raise InputError(f"{chosen.name}: this lrshape's {command} has no option {unknown[0]}")


def _write_spec(document: dict[str, Any], out: Path) -> None:
    """Write the spec that is used, or check that the one that is there is the same."""
    from lrshape.report.spec_text import spec_text

    try:
        out.mkdir(parents=True, exist_ok=True)
        if not document:
            return
        file = out / "spec.toml"
        text = f"# Our settings, not the paper's.\n{spec_text(document)}\n"
        if file.exists() and file.read_text("utf-8") != text:
            raise InputError(f"{file} is another spec: use another directory for another experiment or scale")
        file.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror}") from None
