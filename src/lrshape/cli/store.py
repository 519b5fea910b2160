"""The commands ``lrshape store``: verify and merge."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrshape.cli.app import group, say
from lrshape.cli.study import Directory, Json

if TYPE_CHECKING:
    from lrshape.study.verification import Diagnosis

DAMAGED = 1
SHOWN = 20
"""Lines about one kind of finding; the rest is counted."""

store = group("store", "Verify the stored trials of a study, or merge studies that ran on several machines.")


@store.command()
def verify(
    directory: Directory,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Move what cannot be trusted to DIR/damaged, remove unfinished writes."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Verify that every stored trial is as it was written, and as the spec plans it.

    This checks the checksums and columns of all chunks, that each belongs to this study, and that it holds
    the trials that the plan asks for. Without --repair nothing changes. After --repair, run the study's
    search again to compute what was set aside. Exit code: 0 sound, or repaired; 1 damaged.

    Examples:

        lrshape store verify digits

        lrshape store verify digits --repair

        lrshape store verify s3://bucket/digits --json
    """
    from lrshape.store import locate
    from lrshape.study.verification import examine

    found = examine(locate(directory), repair)
    if as_json:
        say(json.dumps([_plain(one) for one in found], indent=2))
    else:
        for one in found:
            _print_diagnosis(one, repair)
    if any(one.edited or not (one.is_sound or repair) for one in found):
        raise typer.Exit(DAMAGED)


def _plain(found: "Diagnosis") -> dict[str, Any]:
    plain = asdict(found) | {"path": str(found.path), "sound": found.is_sound}
    if plain["plan"]:
        plain["plan"]["fitting"] = len(plain["plan"]["fitting"])
    return plain


def _print_diagnosis(found: "Diagnosis", repair: bool) -> None:
    health, plan = found.health, found.plan
    say(f"{found.path}: {'sound' if found.is_sound else 'damaged'}")
    at_most = f" of at most {plan.planned:,}" if plan is not None and plan.planned else ""
    say(f"  {health.trials:,} trials{at_most} in {health.chunks:,} sound chunks")
    if plan is not None:
        ends = f"; it cannot be followed further: {plan.ends}" if plan.ends else ", which is complete"
        say(f"  {len(plan.fitting):,} chunks fit the plan{ends}")
    if found.edited:
        say(
            "  study.json was edited: its spec does not have the hash that it states; this cannot be repaired"
        )
    _list("damaged", [f"{chunk}: {reason}" for chunk, reason in health.damaged.items()])
    _list("not in the plan", [f"{c}: {reason}" for c, reason in plan.misfits.items()] if plan else [])
    _list("missing between others", [chunk for chunk in health.gaps if chunk not in health.damaged])
    _list("unfinished writes", health.stale)
    _list("in trials/ and no chunk's", health.foreign)
    if health.set_aside:
        say(f"  set aside earlier, in damaged/: {health.set_aside:,}")
    _list("repaired", found.repaired)
    if found.repaired or health.damaged or health.gaps:
        say("  run the study's search again to compute what is missing")
    if not repair and (health.stale or not (found.is_sound or found.edited)):
        say("  `--repair` sets aside what is damaged or not planned, and removes unfinished writes")


def _list(title: str, lines: list[str]) -> None:
    if lines:
        say(f"  {title}: {len(lines):,}")
    for line in lines[:SHOWN]:
        say(f"    {line}")
    if len(lines) > SHOWN:
        say(f"    and {len(lines) - SHOWN:,} more")


@store.command()
def merge(
    out: Annotated[
        str, typer.Argument(metavar="OUT", help="Directory or URL of the joined study; it may exist.")
    ],
    directories: Annotated[
        list[str], typer.Argument(metavar="DIR...", help="Studies of one spec; the first one's chunks win.")
    ],
) -> None:
    """Join studies of one spec that ran on different machines into one.

    Chunks that several studies have should agree in all but their wall time. Where they do not, as
    between machines of different kinds, lrshape keeps the first study's chunk and prints the difference. The
    studies themselves do not change. Run the search with --out OUT to go on, or to write the report.

    Examples:

        lrshape store merge joined laptop cluster

        lrshape store merge joined laptop s3://bucket/digits
    """
    from lrshape.store import merge as join

    joined, merged = join(out, directories)
    for one in merged:
        say(f"{one.path}: {one.taken:,} chunks taken, {one.equal:,} there already")
        _list("there already with other results; the first are kept", one.other_results)
        if one.other_results:
            say(f"    their metrics differ by a relative {one.difference:.2g} at most")
        _list("there already with other trials; the first are kept", one.other_trials)
        _list("damaged, not taken", one.damaged)
    say(f"{joined.path}: {len(joined.chunks()):,} chunks; run its search again to go on, or for the report")
