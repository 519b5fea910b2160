"""The command that sweeps settings of a workload."""

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from lrshape.cli.app import app
from lrshape.cli.check import print_result
from lrshape.cli.executing import ExecutorName, ExecutorSettings, Workers, chosen
from lrshape.cli.running import TimeLimit, limit, running
from lrshape.cli.study import Json
from lrshape.errors import InputError

_PRESETS = """Presets: `weight-decay` with `:lr`, `:schedule` or `:constant` for how decay couples to the LR
(lr: 0, 0.01, 0.1, 1; the others: 0 and 0.1, 1, 10 over the number of steps; without it the spec's
coupling); `beta1` (0, 0.5, 0.9, 0.98); `beta2` (0.9, 0.99, 0.999); `horizon` (workload.steps: a quarter,
half, once and twice the spec's)."""


@app.command(
    help="Search in every setting of a workload and test whether the setting changes the best shape.\n\n"
    "lrshape runs a study for every combination of the values, in DIR/studies. It then trains every best "
    "shape in every other setting, with its base LR kept and tuned again, on fresh seeds. Run the command "
    "again to resume it.\n\n" + _PRESETS.replace("\n", " ") + "\n\nExamples:\n\n"
    "    lrshape sweep digits.toml --over workload.optimizer.weight_decay=0,0.01,0.1 --out decay\n\n"
    "    lrshape sweep digits.toml --preset weight-decay:constant --out decay --time-limit 1h\n\n"
    "    lrshape sweep digits.toml --over workload.steps=100,300 --over workload.batch_size=16,64 --out both"
)
def sweep(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.toml", help="The spec, see `lrshape init`.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Directory of the sweep.")],
    over: Annotated[
        list[str] | None,
        typer.Option(metavar="A.B=V,V", help="A setting and its values; several give all combinations."),
    ] = None,
    preset: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Settings and values of a common question.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="A.B=C", help="Replace a setting of the spec.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Fresh seeds that score the transfers.")] = 20,
    tuning_seeds: Annotated[int, typer.Option(help="Other seeds that tune base LRs for them.")] = 10,
    margin: Annotated[
        float, typer.Option(help="The regret that matters, as a fraction of the own best shape's score.")
    ] = 0.05,
    time_limit: TimeLimit = None,
    executor: ExecutorName = "inline",
    workers: Workers = None,
    executor_settings: ExecutorSettings = None,
    as_json: Json = False,
) -> None:
    """Search in every setting of a workload, and try every best shape in every other setting."""
    from lrshape.checks.settings import run_sweep
    from lrshape.checks.transfer import TransferSpec

    seconds = limit(time_limit)
    runner = chosen(executor, workers, executor_settings)
    if not (math.isfinite(margin) and margin >= 0):
        raise InputError(f"--margin must be a fraction of at least 0, got {margin}")
    transfer = {"seeds": seeds, "tuning_seeds": tuning_seeds}
    TransferSpec.read(transfer, "--")
    document, axes = _settings_of(spec, settings or [], preset or [], over or [])
    with running(out, "the same command") as progress:
        done = run_sweep(
            document,
            axes,
            out=out,
            transfer=transfer,
            time_limit=seconds,
            executor=runner,
            callback=progress,
        )
        result = done.report(margin)
    print_result(result, out, as_json)


def _settings_of(
    spec: Path, assignments: list[str], presets: list[str], over: list[str]
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The spec that all settings share, and the values of each axis."""
    from lrshape.checks.axes import parse_axis, preset_axes
    from lrshape.study.spec import assign, override, read_spec

    document = read_spec(spec)
    for assignment in assignments:
        override(document, assignment)
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
            raise InputError(f"{key} is swept twice; give all its values in one --over")
        axes[key] = values
