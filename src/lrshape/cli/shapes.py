"""The commands ``lrshape shapes``: list, show, fit."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lrshape.cli.app import group, output_file, say, say_json, whole, wrote
from lrshape.cli.chart import Png, Svg, chart, save_figure
from lrshape.cli.source import schedule_of
from lrshape.cli.study import Json
from lrshape.errors import InputError
from lrshape.values import typed

STEPS = 100

shapes = group("shapes", "List the families of schedule shapes, draw a shape, or fit families to a curve.")


@shapes.command("list")
def list_families(
    as_json: Json = False,
) -> None:
    """List the families of shapes with their formulas, parameters and ranges.

    Examples:

        lrshape shapes list

        lrshape shapes list --json
    """
    from lrshape.shapes.family import FAMILIES

    listed = [
        {
            "name": name,
            "formula": family.formula,
            "summary": family.summary,
            "parameters": [parameter.to_dict() for parameter in family.parameters()],
        }
        for name, family in FAMILIES.items()
    ]
    if as_json:
        say_json(listed)
        return
    for family in listed:
        say(f"{family['name']}: {family['summary']}")
        say(f"    m(t) = {family['formula']}")
        for parameter in family["parameters"]:
            say(f"    {_parameter_line(parameter)}")
        say()


def _parameter_line(parameter: dict[str, Any]) -> str:
    if "choices" in parameter:
        values = ", ".join(parameter["choices"])
    else:
        values = f"[{parameter['low']:g}, {parameter['high']:g}]"
    scale = "" if parameter["scale"] in ("linear", "choice") else f" {parameter['scale']}"
    fixed = "" if parameter["searched"] else ", not searched"
    return f"{parameter['name']:<14}{values}{scale}, default {parameter['default']}{fixed}"


@shapes.command()
def show(
    shape: Annotated[
        str,
        typer.Argument(
            metavar="FAMILY|FILE",
            help="A family (see `lrshape shapes list`) or a schedule file: .json, .csv, .npy, .py.",
        ),
    ],
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p", "--parameter", metavar="NAME=VALUE", help="Set a parameter of the family; may be repeated."
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            parser=whole, metavar="N", help=f"Number of steps; default: that of the file, or {STEPS}."
        ),
    ] = None,
    step_rule: Annotated[
        Literal["midpoint", "left", "right"] | None,
        typer.Option(
            help="Where in a step the family is evaluated: t = (s + 1/2)/T (the default), s/T or (s + 1)/T.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the multipliers as JSON.")] = False,
    png: Png = None,
    svg: Svg = None,
) -> None:
    """Draw a family's shape, or the schedule in a file, in the terminal.

    Examples:

        lrshape shapes show rex -p beta=0.5 -p warmup=0.1

        lrshape shapes show wsd -p decay=0.3 --png wsd.png

        lrshape shapes show cosine --steps 10 --json

        lrshape shapes show digits/schedule.json
    """
    from lrshape.shapes.schedule import Schedule

    if as_json and (png is not None or svg is not None):
        raise InputError("give --json, or --png and --svg, not both")
    if _is_file(shape):
        if parameter or step_rule is not None:
            raise InputError("-p and --step-rule apply to families only; a schedule file sets its own")
        schedule = schedule_of(shape).replace(steps=steps)
    else:
        params = dict(_assignment(text) for text in parameter or [])
        steps = STEPS if steps is None else steps
        schedule = Schedule(shape, params, base_lr=1.0, steps=steps, step_rule=step_rule or "midpoint")
    multipliers = schedule.multipliers()
    if as_json:
        say_json({**schedule.to_dict(), "multipliers": multipliers.tolist()})
    elif png is not None or svg is not None:
        from lrshape.report.figures.shapes import shape_figure

        if schedule.batch_sizes is not None:
            raise InputError("a schedule whose batch size changes can only be drawn by `lrshape compare`")
        save_figure(shape_figure(schedule), png, svg)
    else:
        say("\n".join(chart(multipliers)))
        settings = ", ".join(
            f"{name}={value:g}" if isinstance(value, float) else f"{name}={value!s:.60}"
            for name, value in schedule.params.items()
        )
        say(f"{schedule.family}: {settings}")
        if _is_file(shape):
            say(f"base LR {schedule.base_lr:g}, {schedule.steps:,} steps, step rule {schedule.step_rule}")


def _is_file(text: str) -> bool:
    """Whether an argument means a file and no family, whose names have neither dots nor slashes."""
    return bool(Path(text).suffix) or "/" in text


def _assignment(text: str) -> tuple[str, Any]:
    """Read ``name=value``; the value as `lrshape.values.typed` reads it."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError(f"-p takes name=value, e.g. warmup=0.1, got {text!r}")
    return name.strip(), typed(value)


@shapes.command()
def fit(
    curve: Annotated[
        Path,
        typer.Argument(
            metavar="CURVE",
            help="Learning rates: .csv (step,lr or one column), .npy, .json (a list or a schedule), .py.",
        ),
    ],
    family: Annotated[
        list[str], typer.Option(help="Family to fit; may be repeated. The closest fit comes first.")
    ],
    step_rule: Annotated[
        Literal["midpoint", "left", "right"],
        typer.Option(
            help="Where in a step the curve was evaluated: t = (s + 1/2)/T, s/T (most frameworks), (s + 1)/T."
        ),
    ] = "midpoint",
    out: Annotated[
        str | None, typer.Option(metavar="FILE|DIR", help="Write the closest fit as a schedule (.json).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit families to given learning rates by least squares, the closest fit first.

    Use this to identify the schedule in a paper's figure or in a log. Errors are fractions of the largest
    learning rate. Each family takes a few seconds.

    Examples:

        lrshape shapes fit curve.csv --family two_point_spline

        lrshape shapes fit curve.csv --family cosine --family wsd --family rex --step-rule left

        lrshape shapes fit log.npy --family wsd --out wsd.json
    """
    from lrshape.frameworks import EXPORTERS, export
    from lrshape.procedure.fit import fit_nearest
    from lrshape.shapes.family import FAMILIES
    from lrshape.shapes.schedule_file import read_schedule

    for name in family:
        FAMILIES[name]  # an unknown name shows before anything is computed
    path = None if out is None else output_file(out, EXPORTERS["json"].file_name())
    if path is not None and path.suffix != ".json":
        raise InputError(f"--out must end with .json, got {out}")
    fits = fit_nearest(read_schedule(curve).values(), family, step_rule=step_rule)
    if as_json:
        say_json([_fit_document(found) for found in fits])
    else:
        for found in fits:
            _print_fit(found)
    if path is not None:
        written = export(fits[0].schedule, "json", path)
        if not as_json:
            wrote(written)


def _fit_document(found: Any) -> dict[str, Any]:
    return {
        "schedule": found.schedule.to_dict(),
        "relative_rms_error": found.error,
        "largest_relative_error": found.worst,
    }


def _print_fit(found: Any) -> None:
    schedule = found.schedule
    say(f"{schedule.family}: base LR {schedule.base_lr:.6g}, {schedule.steps:,} steps")
    for name, value in schedule.params.items():
        say(f"    {name:<14}{value:.6g}" if isinstance(value, float) else f"    {name:<14}{value}")
    say(
        f"    RMS error {_percent(found.error)}, maximum {_percent(found.worst)}, of the largest learning "
        "rate"
    )


def _percent(value: float) -> str:
    return "0" if value < 1e-9 else f"{value:.2%}" if value >= 1e-4 else f"{value:.1e}"
