"""Whether a study on disk is what its spec plans: every file read, every chunk held against the plan."""

import contextlib
import io
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from lrshape._version import __version__
from lrshape.errors import InputError
from lrshape.files import StoreError, is_temporary
from lrshape.procedure.rounds import Rounds
from lrshape.store import DamagedChunk, Location, Store, chunk_file
from lrshape.store.directory import DAMAGED, TRIALS
from lrshape.study.chunk import Chunk
from lrshape.study.drive import Misfit, drive_phase, drive_search, read_chunk, unplanned
from lrshape.study.plan import Plan
from lrshape.study.spec import StudySpec
from lrshape.study.study import Study

MOST_GAPS = 1000
"""Missing chunks of a phase that are told."""


@dataclass
class Health:
    """What a study's files are like.

    Attributes:
        chunks: sound chunks.
        trials: trials in those.
        damaged: chunks that cannot be trusted, with the reasons.
        gaps: chunks that are missing, or damaged, between sound ones.
        stale: unfinished writes that died, by path within the study.
        foreign: names in ``trials/`` that are no chunk's.
        set_aside: files in ``damaged/``.
    """

    chunks: int = 0
    trials: int = 0
    damaged: dict[str, str] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    set_aside: int = 0


def verify(store: Store) -> Health:
    """Check every file: its checksum, that it is this study's and this chunk's, its columns.

    Raises:
        StoreError: if the disk cannot be read.
    """
    health = Health()
    names = store.chunks()
    sound: dict[str, int] = {}
    for name, found in _checked(store, names):
        if isinstance(found, str):
            health.damaged[name] = found
        else:
            sound[name] = found
    health.chunks, health.trials = len(sound), sum(sound.values())
    health.gaps = _gaps(set(sound))
    for folder in ("", TRIALS):
        prefix = f"{folder}/" if folder else ""
        health.stale += [prefix + name for name in store.place.stale(folder)]
    known = {f"{name}.parquet" for name in names}
    present = store.place.names(TRIALS)
    health.foreign = sorted(n for n in present if n not in known and not is_temporary(n))
    health.set_aside = len(store.place.names(DAMAGED))
    return health


def _checked(store: Store, names: list[str]) -> Iterator[tuple[str, int | str]]:
    """Each chunk with its number of trials, or with what is wrong."""

    def check(name: str) -> tuple[str, int | str]:
        try:
            return name, store.table(name, curves=True).num_rows
        except DamagedChunk as damage:
            return name, damage.reason
        except FileNotFoundError:  # another run has set it aside
            return name, "it has disappeared"

    with ThreadPoolExecutor(store.place.readers) as pool:
        yield from pool.map(check, names)


def _gaps(chunks: set[str]) -> list[str]:
    gaps = []
    parsed = [chunk_file.parse(name) for name in sorted(chunks, key=chunk_file.order)]
    for phase in dict.fromkeys(phase for phase, _ in parsed):
        numbers = {number for p, number in parsed if p == phase}
        missing = (number for number in range(max(numbers)) if number not in numbers)
        gaps += [chunk_file.chunk_name(phase, number) for number in itertools.islice(missing, MOST_GAPS)]
    return gaps


@dataclass
class PlanFit:
    """How the sound chunks of a search fit its plan.

    Attributes:
        planned: trials that the search takes at most; 0 if its spec cannot be used.
        fitting: chunks that hold what the plan wants.
        misfits: chunks that do not, with the reasons.
        ends: why the plan could not be followed further, or "" if it was followed to the end.
        missing: chunks of the round at which it ends that are not there.
        goes_on: whether chunks of later rounds are there.
    """

    planned: int = 0
    fitting: list[str] = field(default_factory=list)
    misfits: dict[str, str] = field(default_factory=dict)
    ends: str = ""
    missing: list[str] = field(default_factory=list)
    goes_on: bool = False


@dataclass
class Diagnosis:
    """What was found in one directory of trials.

    Attributes:
        path: the directory.
        health: of its files.
        plan: of its chunks; None for checks, whose plan depends on more than their spec.
        edited: whether ``study.json`` does not have the hash that it states.
        missing: chunks that are not there, as far as they are known.
        has_lost: whether trials that were stored once are missing: later chunks, or the report's table, show
            it. Chunks of one round may be stored in any order, so that a gap alone does not.
        repaired: what was done about it, a line each.
        unreadable: why ``study.json`` cannot be read: no chunk can then be judged.
    """

    path: Location
    health: Health
    plan: PlanFit | None
    edited: bool
    missing: list[str] = field(default_factory=list)
    has_lost: bool = False
    repaired: list[str] = field(default_factory=list)
    unreadable: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether nothing is damaged, misplaced, edited or unreadable."""
        misfits = self.plan.misfits if self.plan else {}
        return not (self.health.damaged or misfits or self.edited or self.unreadable)


def examine(path: Location, repair: bool = False) -> list[Diagnosis]:
    """Look at a study, or a check, and at the checks in its directory.

    Args:
        path: its directory or URL.
        repair: set aside what cannot be trusted, so that running the search again computes it anew, and
            remove unfinished writes. Nothing is deleted but those.

    Returns:
        What was found before the repair, the study first.

    Raises:
        InputError: if there is no study, or its ``study.json`` cannot be read from the disk.
        StoreError: if another file cannot be, or the disk cannot be written to repair.
    """
    try:
        study = Store(path)
    except InputError as error:
        if not Store.exists(path):
            raise
        return [_unreadable(path, error)]
    found = [_examine(study, repair)]
    for inner in study.inner():
        try:
            found.append(_examine(Store(inner), repair))
        except InputError as error:
            found.append(_unreadable(inner, error))
    return found


def _unreadable(path: Location, error: InputError) -> Diagnosis:
    if isinstance(error.__cause__, StoreError):  # the disk refused: nothing says that the file is damaged
        raise error
    return Diagnosis(path, Health(), None, edited=False, unreadable=str(error))


def _examine(store: Store, repair: bool) -> Diagnosis:
    health = verify(store)
    is_search = "check" not in store.document
    plan = _plan(store) if is_search and not store.is_edited else None
    gaps = [chunk for chunk in health.gaps if chunk not in health.damaged]
    missing = sorted({*gaps, *(plan.missing if plan else ())}, key=chunk_file.order)
    lost = plan is not None and plan.goes_on
    if gaps and not lost:
        lost = chunk_file.parse(gaps[0])[0] != chunk_file.parse(store.chunks()[-1])[0]
    if not (health.damaged or lost):
        lost = _reported(store) > health.trials
    found = Diagnosis(store.path, health, plan, store.is_edited, missing, lost)
    if repair:
        _repair(store, found)
    return found


def _reported(store: Store) -> int:
    """How many trials the report's table has; 0 without one that can be read."""
    try:
        table = store.place.read("tables/trials.csv")
        return len(pd.read_csv(io.BytesIO(table), usecols=["seed"]))
    except (OSError, ValueError):
        return 0


def _plan(store: Store) -> PlanFit:
    versions = store.document.get("versions")
    made_by = versions.get("lrshape") if isinstance(versions, dict) else None
    if made_by != __version__:
        known = made_by or "of an unknown version"
        return PlanFit(ends=f"lrshape {known} made it, and its plans may differ from those of {__version__}")
    try:
        study = Study(store.path)
        return follow(study.spec, store, study.chunk_size)
    except InputError as error:  # a package of its sampler may be missing here
        return PlanFit(ends=str(error))


class _End(Exception):  # noqa: N818 - it is no error
    """What is stored does not tell how the plan goes on."""


def follow(spec: StudySpec, store: Store, chunk_size: int) -> PlanFit:
    """Go through the phases with what is stored, as a resume does, and train nothing.

    A round depends on the results of those before it, so that the plan ends with the first round of which
    a chunk is missing, damaged or does not fit: what is stored beyond it cannot be judged.

    Args:
        spec: of the study.
        store: where its trials are.
        chunk_size: trials in a chunk.
    """
    plan = PlanFit(Plan(spec).total)

    def source(chunks: list[Chunk]) -> list[pd.DataFrame]:
        tables = []
        for chunk in chunks:
            try:
                tables.append(read_chunk(store, chunk))
                plan.fitting.append(chunk.name)
            except Misfit as error:
                plan.misfits[chunk.name] = error.reason
                plan.ends = plan.ends or f"{chunk.name} does not fit"
            except (FileNotFoundError, DamagedChunk) as error:
                plan.ends = plan.ends or f"{chunk.name} is not there"
                if isinstance(error, FileNotFoundError):
                    plan.missing.append(chunk.name)
        if plan.ends:
            last = chunk_file.order(chunks[-1].name)
            plan.goes_on = bool(plan.missing) and any(chunk_file.order(n) > last for n in store.chunks())
            raise _End
        return tables

    def drive(name: str, phase: Rounds[Any]) -> tuple[Any, pd.DataFrame]:
        driven = drive_phase(spec, name, phase, chunk_size, source)
        plan.misfits |= dict.fromkeys(unplanned(store, name, driven.chunks), "the phase does not plan it")
        chosen.append(driven.chosen)
        return driven.chosen, driven.table

    chosen: list[Any] = []
    with contextlib.suppress(_End):
        drive_search(spec, drive)
        planned, noted = chosen[-1].document(), store.read_choice() or {}
        if {"scale": planned["scale"], **noted} != planned:  # earlier versions noted no scale
            plan.ends = "choice.json is missing or does not fit the trials"
    return plan


def _repair(store: Store, found: Diagnosis) -> None:
    for chunk, reason in (found.health.damaged | (found.plan.misfits if found.plan else {})).items():
        found.repaired.append(f"{chunk} moved to {store.set_aside(chunk, reason)}")
    for name in found.health.stale:
        store.place.remove(name)
        found.repaired.append(f"{name}, an unfinished write, deleted")
