"""The commands ``lrshape store``: verify and merge."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrshape.cli.app import group, say, say_json
from lrshape.cli.study import Directory, Json
from lrshape.report.words import counted

if TYPE_CHECKING:
    from lrshape.study.verification import Diagnosis

DAMAGED = 1
SHOWN = 20
"""Lines about one kind of finding; the rest is counted."""

store = group("store", "Verify the stored trials of a study, or merge studies from several machines.")


@store.command()
def verify(
    directory: Directory,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Move damaged chunks to DIR/damaged and delete unfinished writes."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the stored trials of a study for damage.

    For every chunk, lrshape checks its checksum and columns, that it belongs to this study, and that it holds
    the trials that the spec plans. Without --repair nothing changes. After --repair, run the search, check or
    sweep again to recompute the chunks that were moved. Exit code: 0 sound or repaired, even if a search
    has not ended; 1 damaged, or trials that were stored are missing.

    Examples:

        lrshape store verify digits

        lrshape store verify digits --repair

        lrshape store verify s3://bucket/digits --json
    """
    from lrshape.store import locate
    from lrshape.study.verification import examine

    found = examine(locate(directory), repair)
    if as_json:
        say_json([_plain(one) for one in found])
    else:
        for one in found:
            _print_diagnosis(one, repair)
    if any(one.edited or one.unreadable or one.has_lost or not (one.is_sound or repair) for one in found):
        raise typer.Exit(DAMAGED)


def _plain(found: "Diagnosis") -> dict[str, Any]:
    plain = asdict(found) | {"path": str(found.path), "sound": found.is_sound and not found.has_lost}
    if plain["plan"]:
        plain["plan"]["fitting"] = len(plain["plan"]["fitting"])
    return plain


def _print_diagnosis(found: "Diagnosis", repair: bool) -> None:
    health, plan = found.health, found.plan
    say(f"{found.path}: {_state(found)}")
    if found.unreadable:
        say(f"  {found.unreadable}; this cannot be repaired")
        say("  restore study.json from a copy, or move the directory away and start its trials again")
        return
    at_most = f" of at most {plan.planned:,}" if plan is not None and plan.planned else ""
    say(f"  {counted(health.trials, 'trial')}{at_most} in {counted(health.chunks, 'sound chunk')}")
    if plan is not None:
        ends = f"; the rest cannot be checked: {plan.ends}" if plan.ends else ", which is complete"
        say(f"  {len(plan.fitting):,} chunks match the plan{ends}")
    if found.edited:
        say("  study.json was edited: its spec does not match its hash; this cannot be repaired")
    _list("damaged", [f"{chunk}: {reason}" for chunk, reason in health.damaged.items()])
    _list("not in the plan", [f"{c}: {reason}" for c, reason in plan.misfits.items()] if plan else [])
    _list("missing", found.missing)
    _list("unfinished writes", health.stale)
    _list("foreign files in trials/", health.foreign)
    if health.set_aside:
        say(f"  moved to damaged/ earlier: {health.set_aside:,}")
    _list("repaired", found.repaired)
    if found.repaired or health.damaged or found.missing or found.has_lost:
        say("  run its search, check or sweep again to compute what is missing")
    if not repair and (health.stale or not (found.is_sound or found.edited)):
        say("  `--repair` moves damaged and unplanned chunks to damaged/ and deletes unfinished writes")


def _state(found: "Diagnosis") -> str:
    if not found.is_sound:
        return "damaged"
    count = len(found.missing)
    if found.has_lost and count:
        return f"incomplete: {counted(count, 'chunk')} {'is' if count == 1 else 'are'} missing"
    if found.has_lost:
        return "incomplete: its report has more trials than are stored"
    return "sound, but not complete" if count else "sound"


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
        str, typer.Argument(metavar="OUT", help="Directory or URL of the merged study; it may exist.")
    ],
    directories: Annotated[
        list[str],
        typer.Argument(
            metavar="DIR...",
            help="Studies with the same spec. Of chunks that differ, the one in OUT is kept, else that of "
            "the first DIR.",
        ),
    ],
) -> None:
    """Merge studies that ran the same spec on different machines.

    Chunks that several studies hold should agree except for their wall time. Where they do not, for example
    because the machines differ, lrshape keeps the chunk that is in OUT already, else that of the first DIR,
    and prints the difference. It replaces damaged chunks in OUT. The source studies do not change. Run the
    search with --out OUT to continue it or to write the report.

    Examples:

        lrshape store merge merged laptop cluster

        lrshape store merge merged laptop s3://bucket/digits
    """
    from lrshape.store import merge as join

    joined, merged = join(out, directories)
    for one in merged:
        say(f"{one.path}: {one.taken:,} chunks copied, {one.equal:,} already there")
        _list("already there with other results, not copied", one.other_results)
        if one.other_results:
            say(f"    largest relative difference of a metric: {one.difference:.2g}")
        _list("already there with other trials, not copied", one.other_trials)
        _list("damaged, not copied", one.damaged)
    say(f"{joined.path}: {len(joined.chunks()):,} chunks; run its search again for the report")
