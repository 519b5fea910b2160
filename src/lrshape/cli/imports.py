"""The command import."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrshape.cli.app import app, say
from lrshape.errors import InputError

if TYPE_CHECKING:
    from lrshape.imports import Starts


@app.command("import")
def import_(
    source: Annotated[
        str,
        typer.Argument(
            metavar="DIR|FILE|URL",
            help="A study; a table of runs (csv, parquet); an Optuna storage (.db, .log, or the URL of a "
            "database); or logged learning rates (csv, npy, json).",
        ),
    ],
    family: Annotated[
        list[str] | None,
        typer.Option(help="Families that are wanted; where no column names the rows' family, one."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OURS=THEIRS",
            help="What a column means: base_lr, score, family, seed or a parameter. A/B is a quotient.",
        ),
    ] = None,
    maximize: Annotated[bool, typer.Option("--maximize", help="Larger scores are better.")] = False,
    study: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the Optuna study.")] = None,
    top: Annotated[int, typer.Option(min=1, max=1000, help="Shapes to take, at most.")] = 8,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write them (JSON) for `search --start-from`.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Find the best shapes in what you have run already, for a search to try first.

    Rows with equal shape and base LR are runs over seeds: their median counts. A logged curve becomes the
    nearest member of the families. Imported scores choose what is tried first and are never results: they
    are of other code and seeds, so the search trains those shapes again.

    Examples:

        lrshape import runs.csv --family cosine --column base_lr=max_lr --column score=val_loss

        lrshape import runs.csv --family wsd --column warmup=warmup_steps/total_steps --maximize

        lrshape import sqlite:///optuna.db --study lr-search --out starts.json

        lrshape import wandb_export.csv --family two_point_spline --out starts.json

        lrshape search study.toml --out study --start-from starts.json
    """
    from lrshape.families import FAMILIES
    from lrshape.imports import read_starts
    from lrshape.imports.runs import Reading
    from lrshape.imports.starts import write_starts

    if out is not None and out.suffix != ".json":
        raise InputError(f"--out must end with .json, got {out}")
    searchable = [name for name in FAMILIES if all(p.scale != "list" for p in FAMILIES[name].parameters())]
    reading = Reading(columns=dict(map(_column, column or [])), maximize=maximize)
    families = list(dict.fromkeys(family or searchable))
    found = read_starts(source, families, reading=reading, study=study, top=top)
    if as_json:
        say(json.dumps(_document(found), indent=2))
    else:
        _print(found)
    if out is not None:
        write_starts(found, out)
        if not as_json:
            say(f"wrote {out}")


def _column(text: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not (ours and equals and theirs):
        raise InputError(f"--column takes OURS=THEIRS, e.g. base_lr=max_lr, got {text!r:.80}")
    return ours.strip(), theirs


def _document(found: "Starts") -> list[dict[str, Any]]:
    scored = zip(found.starts, found.scores, strict=True)
    return [{**start, "score": score} for start, score in scored]


def _print(found: "Starts") -> None:
    for note in found.notes:
        say(note)
    for start, score in zip(found.starts, found.scores, strict=True):
        params = ", ".join(
            f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in start["params"].items()
        )
        tail = "" if score is None else f", score {score:.4g}"
        say(f"{start['family']}({params}), base LR {start['base_lr']:.4g}{tail}")
