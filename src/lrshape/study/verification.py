"""Whether a study on disk is what its spec plans: every file read, every chunk held against the plan."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from lrshape._version import __version__
from lrshape.errors import InputError
from lrshape.procedure.phases import Candidate, Phase, confirm, rescore, screen
from lrshape.store import PHASES, Health, Location, Store, verify
from lrshape.study.plan import chunks
from lrshape.study.spec import StudySpec, spec_hash

_PHASES: dict[str, Callable[[StudySpec, Any], Phase]] = {
    "screen": lambda spec, _: screen(spec),
    "rescore": rescore,
    "confirm": confirm,
}


@dataclass
class Plan:
    """How the sound chunks of a search fit its plan.

    Attributes:
        fitting: chunks that hold what the plan wants.
        misfits: chunks that do not, with the reasons.
        ends: why the plan could not be followed further, or "" if it was followed to the end.
    """

    fitting: list[str] = field(default_factory=list)
    misfits: dict[str, str] = field(default_factory=dict)
    ends: str = ""


@dataclass
class Diagnosis:
    """What was found in one directory of trials.

    Attributes:
        path: the directory.
        health: of its files.
        plan: of its chunks; None for checks, whose plan depends on more than their spec.
        edited: whether ``study.json`` does not have the hash that it states.
        repaired: what was done about it, a line each.
    """

    path: Location
    health: Health
    plan: Plan | None
    edited: bool
    repaired: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing is damaged, misplaced or edited."""
        return not (self.health.damaged or self.edited or (self.plan and self.plan.misfits))


def examine(path: Location, repair: bool = False) -> list[Diagnosis]:
    """Look at a study, or a check, and at the checks in its directory.

    Args:
        path: its directory or URL.
        repair: set aside what cannot be trusted, so that running the search again computes it anew, and
            remove unfinished writes. Nothing is deleted but those.

    Returns:
        What was found before the repair, the study first.

    Raises:
        InputError: if there is no study.
        StoreError: if the disk cannot be read, or written to repair.
    """
    study = Store.open(path)
    places = [path / name for name in sorted(study.place.names(""))]
    inner = [store for place in places if Store.exists(place) for store in [Store.open(place)]]
    checks = [store for store in inner if "check" in store.document]
    return [_examined(store, repair) for store in [study, *checks]]


def _examined(store: Store, repair: bool) -> Diagnosis:
    health = verify(store)
    stated = {k: store.document.get(k) for k in ("check", "of", "settings")}
    is_search = "check" not in store.document
    edited = spec_hash(store.document.get("spec") if is_search else stated) != store.document["hash"]
    plan = _plan(store, set(health.damaged)) if is_search and not edited else None
    found = Diagnosis(store.path, health, plan, edited)
    if repair:
        _repair(store, found)
    return found


def _plan(store: Store, damaged: set[str]) -> Plan:
    made_by = store.document.get("versions", {}).get("lrshape")
    if made_by != __version__:
        return Plan(ends=f"lrshape {made_by} made it, and its plans may differ from those of {__version__}")
    try:
        spec = StudySpec.parse(store.document["spec"])
        chunk_size = int(store.document["chunk_size"])
    except (InputError, KeyError, TypeError, ValueError) as error:
        return Plan(ends=f"the spec cannot be used here: {error}")
    except Exception as error:  # a train function of the user's is imported, and may raise anything
        return Plan(ends=f"the spec cannot be used here: {type(error).__name__}: {error}")
    return follow(spec, store, chunk_size, damaged)


def follow(spec: StudySpec, store: Store, chunk_size: int, damaged: set[str]) -> Plan:
    """Go through the phases with what is stored, as a resume does, and train nothing.

    A round depends on the results of those before it, so that the plan ends with the first chunk that is
    missing or does not fit: what is stored beyond it cannot be judged.

    Args:
        spec: of the study.
        store: where its trials are.
        chunk_size: trials in a chunk.
        damaged: chunks that cannot be read.
    """
    plan, chosen = Plan(), ()
    stored = [chunk for chunk in store.chunks() if chunk not in damaged]
    for name in PHASES:
        of_phase = [chunk for chunk in stored if chunk.startswith(f"{name}-")]
        ended, chosen = _follow_phase(name, _PHASES[name](spec, chosen), of_phase, store, chunk_size, plan)
        if not ended:
            break
    return plan


def _follow_phase(
    name: str, phase: Phase, stored: Sequence[str], store: Store, chunk_size: int, plan: Plan
) -> tuple[bool, Sequence[Candidate]]:
    """Whether the phase came to its end, and what it chose."""
    tables: list[pd.DataFrame] = []
    number, trials = 0, next(phase)
    while True:
        planned = chunks(name, number, trials, chunk_size)
        number += len(planned)
        missing = [chunk.name for chunk in planned if chunk.name not in stored]
        for chunk in planned:
            if chunk.name in missing:
                continue
            table = store.read(chunk.name)
            if chunk.is_of(table):
                plan.fitting.append(chunk.name)
                tables.append(table)
            else:
                plan.misfits[chunk.name] = "it holds other trials than planned"
        if missing:
            plan.ends = f"{missing[0]} is not there"
            return False, ()
        if plan.misfits:
            plan.ends = f"{next(iter(plan.misfits))} does not fit"
            return False, ()
        try:
            trials = phase.send(pd.concat(tables, ignore_index=True))
        except StopIteration as end:
            unplanned = sorted(
                set(stored) - {chunk for chunk in plan.fitting if chunk.startswith(f"{name}-")}
            )
            plan.misfits |= dict.fromkeys(unplanned, "the phase does not plan it")
            return True, end.value


def _repair(store: Store, found: Diagnosis) -> None:
    for chunk, reason in (found.health.damaged | (found.plan.misfits if found.plan else {})).items():
        found.repaired.append(f"{chunk} is set aside as {store.set_aside(chunk, reason)}")
    for name in found.health.stale:
        store.place.remove(name)
        found.repaired.append(f"{name}, an unfinished write, is removed")
