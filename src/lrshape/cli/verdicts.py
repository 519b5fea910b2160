"""How commands print the result of a study."""

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from lrshape.cli.app import print_grid, say, say_prose
from lrshape.report.words import ascii_text, counted, short

if TYPE_CHECKING:
    from lrshape.analysis.result import Result
    from lrshape.procedure.hyperparameters import HyperparameterSpec
    from lrshape.report.claims import Claims


def print_best(found: "Result", tune: "Mapping[str, HyperparameterSpec]") -> None:
    """Print a study's winner and how it compares; ``tune`` is that of its spec."""
    from lrshape.report.claims import claims_of

    diverged, failed = found.diverged_share, found.failed_share
    if math.isclose(diverged + failed, 1):
        say(f"no trial reached a finite {found.metric}: {diverged:.0%} diverged, {failed:.0%} failed")
        return
    params = ", ".join(f"{name}={_short(value)}" for name, value in found.params.items())
    decided = all(one.verdict in ("better", "equal", "diverged") for one in found.baselines)
    best = "best schedule" if decided else "leading schedule"
    title = f"{best}: {found.name}, " if found.is_contest else "best shape: "
    say_prose(f"\n{title}{found.family}({params})")
    say(f"base LR {short(found.base_lr)}, {found.steps} steps, step rule {found.step_rule}")
    for line in hyperparameter_lines(found, tune):
        say(line)
    if found.score_median is None:
        say(f"its median {found.metric} is not finite: most of its trials diverged or failed")
    unbiased = found.phase == "confirm"
    if not unbiased:
        say_prose(
            f"not confirmed: its scores come from the {found.phase} phase, "
            "which also selected it, and are biased in its favour"
        )
    unseen = (
        f", on seeds that no {'tuning' if found.is_contest else 'selection'} has seen" if unbiased else ""
    )
    known = found.score_low is not None or found.score_high is not None
    spread = "with 95% intervals" if known else "too few seeds for intervals"
    say_prose(f"{found.metric}, medians over seeds{unseen}, {spread}:\n")
    _print_comparison(claims_of(found))


def hyperparameter_lines(
    found: "Result", tune: "Mapping[str, HyperparameterSpec]", but: Collection[str] = ()
) -> list[str]:
    """With which hyperparameters the winner is to be trained, a line each, but for those of some names."""
    from lrshape.report.claims import as_good, plain_value

    lines = []
    for name, value in found.hyperparameters.items():
        if name in but:
            continue
        flat = found.sensitivity.flat[name] if found.sensitivity else []
        exact = f"{value:g}" if isinstance(value, float) else plain_value(value)
        if isinstance(value, dict):
            exact += f"({', '.join(f'{key}={_short(one)}' for key, one in value['params'].items())})"
        others = f" ({as_good(flat, tune[name].choices)} is as good)" if len(flat) > 1 else ""
        lines.append(ascii_text(f"{name} {exact}{others}"))
    return lines


def _print_comparison(claims: "Claims") -> None:
    """A table of the schedules, and below it why some have no verdict."""
    from rich.table import Table

    from lrshape.report.claims import base_lr, edges

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    for heading in ("", "base LR", "median", "", f"winner {claims.side(1)} by", "", "seeds", "the winner is"):
        table.add_column(heading)
    notes = []
    for row in claims.rows:
        amount = ("", "") if row["is_winner"] else claims.gain(row)
        cells = [
            row["label"],
            base_lr(row),
            *claims.score(row),
            *amount,
            str(row["seeds"]),
            claims.verdict(row),
        ]
        table.add_row(*(ascii_text(cell) for cell in cells))
        if reason := claims.reason(row):
            notes.append(f"{row['label']}: {claims.verdict(row)}; {reason}")
        elif beyond := edges(row):
            ends = (
                f"best {name} is the {'lowest' if side == 'low' else 'highest'} of those tried"
                for name, side in beyond.items()
            )
            notes.append(f"{row['label']}: {', '.join(ends)}")
        if lost := row["diverged"] + row["failed"]:
            share = f"{lost} of {counted(row['seeds'], 'trial')}"
            notes.append(f"{row['label']}: {share} diverged or failed and count as worst")
    if claims.is_noiseless:
        notes.append("the scores of a schedule are equal over its seeds: more seeds add nothing")
    print_grid(table)
    for note in notes:
        say_prose(ascii_text(note))


def _short(value: Any) -> str:
    """A parameter's value; of a list of learning rates, how many it has."""
    return f"({len(value)} values)" if isinstance(value, list | tuple) and len(value) > 8 else short(value)
