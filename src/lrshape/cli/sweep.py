"""The command that sweeps workload settings."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrshape.cli.app import app, say
from lrshape.cli.executing import ExecutorName, ExecutorSettings, Workers, chosen
from lrshape.cli.running import TimeLimit, limit, running
from lrshape.cli.study import short
from lrshape.errors import InputError

if TYPE_CHECKING:
    from lrshape.checks.settings import Sweep

_PRESETS = """Presets: `weight-decay` with `:lr`, `:schedule` or `:constant` for how decay couples to the LR
(lr: 0, 0.01, 0.1, 1; the others: 0 and 0.1, 1, 10 over the number of steps; without it the spec's
coupling); `beta1` (0, 0.5, 0.9, 0.98); `beta2` (0.9, 0.99, 0.999); `horizon` (workload.steps: a quarter,
half, once and twice the spec's)."""


@app.command(
    help="Search in every setting of a workload: does the setting move the best shape?\n\n"
    "A study runs for every combination of the values, in DIR/studies; every best shape is then tried in "
    "every other setting, with its base LR kept and tuned again, on fresh seeds. Running the command again "
    "resumes it.\n\n" + _PRESETS.replace("\n", " ") + "\n\nExamples:\n\n"
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Search in every setting of a workload, and try every best shape in every other setting."""
    from lrshape.checks.axes import parse_axis, preset_axes
    from lrshape.checks.settings import run_sweep
    from lrshape.study.spec import assign, override, read_spec

    seconds = limit(time_limit)
    runner = chosen(executor, workers, executor_settings)
    if not (math.isfinite(margin) and margin >= 0):
        raise InputError(f"--margin must be a fraction of at least 0, got {margin}")
    document = read_spec(spec)
    for assignment in settings or []:
        override(document, assignment)
    axes: dict[str, list[Any]] = {}
    for name in preset or []:
        fixed, varied = preset_axes(name, document)
        for key, value in fixed.items():
            assign(document, key, value)
        _add(axes, varied)
    for text in over or []:
        _add(axes, dict([parse_axis(text)]))
    with running(out, "the same command") as progress:
        done = run_sweep(
            document,
            axes,
            out=out,
            transfer={"seeds": seeds, "tuning_seeds": tuning_seeds},
            margin=margin,
            time_limit=seconds,
            executor=runner,
            callback=progress,
        )
    if as_json:
        say(json.dumps(as_document(done, margin), indent=2, allow_nan=False))
    else:
        print_sweep(done, margin, out)


def _add(axes: dict[str, list[Any]], more: dict[str, list[Any]]) -> None:
    for key, values in more.items():
        if key in axes:
            raise InputError(f"{key} is swept twice; give all its values in one --over")
        axes[key] = values


def as_document(done: "Sweep", margin: float) -> dict[str, Any]:
    """The sweep's answers as plain JSON types; None stands for what is not finite."""
    from lrshape.analysis.transfer import CHOICES, answer

    findings = done.findings(margin)
    rows = [_plain(row) for row in findings.regrets.to_dict("records")]
    answers = {choice: answer(findings.regrets, choice) for choice in CHOICES}
    for found in answers.values():
        found["largest"] = found["largest"] and _plain(found["largest"])
    return {
        "axes": done.document["axes"],
        "metric": done.metric,
        "margin": margin,
        "transfer": done.document["transfer"],
        "answers": answers,
        "settings": [
            {"setting": s.slug, "values": dict(own.values), "best": s.best}
            for s, own in zip(findings.settings, done.settings, strict=True)
        ],
        "regrets": rows,
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


def print_sweep(done: "Sweep", margin: float, out: Path) -> None:
    """Print the settings, the transfer matrix and the answer in words."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from lrshape.report.sweep_findings import sweep_headline, sweep_notices

    findings = done.findings(margin)
    console = Console(highlight=False)
    console.width = max(console.width, 110)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    for heading in ("setting", "best shape", "base LR", f"median {done.metric}", "95% interval"):
        table.add_column(heading, no_wrap=True)
    for s in findings.settings:
        ends = f"[{short(s.best['score_low'])}, {short(s.best['score_high'])}]"
        row = (s.best["family"], short(s.best["base_lr"]), short(s.best["score_median"]), ends)
        table.add_row(escape(s.label), *row)
    say()
    console.print(table)
    if len(findings.winners) > 1:
        _print_matrix(findings, console)
    first = sweep_headline(findings)
    say(f"\n{first.title}.")
    for sentence in first.sentences:
        say(sentence)
    for notice in sweep_notices(findings):
        say(f"{notice['title']}: {notice['text']}")
    say(f"\nreport: {out / 'report.html'}")


def _print_matrix(findings: Any, console: Any) -> None:
    from rich.table import Table

    from lrshape.analysis.transfer import TUNED
    from lrshape.report.words import percent

    say("\nRegret of the best shape of a row, used in a column with its base LR tuned there")
    say("(* surely above the margin):\n")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    table.add_column("", no_wrap=True)
    for s in findings.winners:
        table.add_column(s.short, no_wrap=True, justify="right")
    for a in findings.winners:
        cells = [findings.regret(TUNED, a.slug, b.slug) for b in findings.winners]
        texts = [
            "own" if c["verdict"] == "own" else percent(c["relative"]) + "*" * (c["verdict"] == "costs")
            for c in cells
        ]
        table.add_row(a.short, *texts)
    console.print(table)
