"""The command that sweeps settings of a workload."""

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from lrshape.cli.app import app, whole
from lrshape.cli.check import print_result
from lrshape.cli.executing import ExecutorName, ExecutorSettings, Workers, chosen
from lrshape.cli.running import TimeLimit, running
from lrshape.cli.study import Json, Overrides
from lrshape.errors import InputError

_PRESETS = """Presets: `weight-decay`, optionally with the coupling of decay to the LR: `:lr` (values 0, 0.01,
0.1, 1), `:schedule` or `:constant` (0, and 0.1, 1, 10 divided by the number of steps); `beta1` (0, 0.5, 0.9,
0.98); `beta2` (0.9, 0.99, 0.999); `horizon` (1/4, 1/2, 1 and 2 times the spec's workload.steps)."""


@app.command(
    help="Search under several settings of a workload; test whether they change the best shape.\n\n"
    "lrshape runs one study per combination of the values, in DIR/studies. It then trains each best shape "
    "under every other setting on fresh seeds, once with its own base LR and once with the base LR tuned "
    "again. Run the command again to resume it.\n\n" + _PRESETS.replace("\n", " ") + "\n\nExamples:\n\n"
    "    lrshape sweep digits.toml --over workload.optimizer.weight_decay=0,0.01,0.1 --out decay\n\n"
    "    lrshape sweep digits.toml --preset weight-decay:constant --out decay --time-limit 1h\n\n"
    "    lrshape sweep digits.toml --over workload.steps=100,300 --over workload.batch_size=16,64 --out both"
)
def sweep(
    spec: Annotated[
        Path, typer.Argument(metavar="SPEC.toml", help="The spec of every study (see `lrshape init`).")
    ],
    out: Annotated[str, typer.Option(metavar="DIR", help="Output directory.")],
    over: Annotated[
        list[str] | None,
        typer.Option(metavar="A.B=V,V", help="A setting and its values; repeat for all combinations."),
    ] = None,
    preset: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A predefined setting with its values.")
    ] = None,
    settings: Overrides = None,
    seeds: Annotated[
        int,
        typer.Option(
            parser=whole,
            metavar="N",
            help="Number of fresh seeds on which each transferred shape is scored.",
        ),
    ] = 20,
    tuning_seeds: Annotated[
        int,
        typer.Option(
            parser=whole, metavar="N", help="Number of separate seeds on which its base LR is tuned."
        ),
    ] = 10,
    margin: Annotated[
        float,
        typer.Option(
            help="Smallest regret that counts, as a fraction of the score of the setting's own best shape."
        ),
    ] = 0.05,
    time_limit: TimeLimit = None,
    executor: ExecutorName = "inline",
    workers: Workers = None,
    executor_settings: ExecutorSettings = None,
    as_json: Json = False,
) -> None:
    """Search under several settings of a workload, and try each best shape under every other setting."""
    from lrshape.checks.settings import run_sweep
    from lrshape.checks.transfer import TransferSpec
    from lrshape.store import local

    runner = chosen(executor, workers, executor_settings)
    if not (math.isfinite(margin) and margin >= 0):
        raise InputError(f"--margin must be a fraction of at least 0, got {margin}")
    transfer = {"seeds": seeds, "tuning_seeds": tuning_seeds}
    TransferSpec.read(transfer, "--")
    document, axes = _settings_of(spec, settings or [], preset or [], over or [])
    directory = local(out, "--out")
    with running(directory) as progress:
        done = run_sweep(
            document,
            axes,
            out=directory,
            transfer=transfer,
            time_limit=time_limit,
            executor=runner,
            callback=progress,
        )
        result = done.report(margin)
    print_result(result, directory, as_json)


def _settings_of(
    spec: Path, assignments: list[str], presets: list[str], over: list[str]
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The spec that all settings share, and the values of each axis."""
    from lrshape.checks.axes import parse_axis, preset_axes
    from lrshape.study.spec import assign, read_spec

    document = read_spec(spec, assignments)
    axes: dict[str, list[Any]] = {}
    for name in presets:
        fixed, varied = preset_axes(name, document)
        for key, value in fixed.items():
            assign(document, key, value)
        _add(axes, varied)
    for text in over:
        _add(axes, dict([parse_axis(text)]))
    return document, axes


def _add(axes: dict[str, list[Any]], more: dict[str, list[Any]]) -> None:
    for key, values in more.items():
        if key in axes:
            raise InputError(f"{key} is given twice; put all its values into one --over")
        axes[key] = values
