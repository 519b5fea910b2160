"""Search settings from a number of trials: what a spec that names none gets."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lrshape.analysis.intervals import interval_ranks
from lrshape.analysis.looks import share_of_error
from lrshape.analysis.paired import LEVEL
from lrshape.errors import InputError
from lrshape.procedure.hyperparameters import named
from lrshape.procedure.spec import FINALISTS, STANDARD_BASELINES, ConfirmSpec
from lrshape.values import whole_number

SEARCH_KEYS = ("sampler", "screen", "rescore")
"""Keys of a spec that say how to search; a spec with any of them is taken as it stands."""

FAMILIES = ("two_point_spline", "rex", "wsd", "power")
"""Families of a spec that names none: one that comes near any decaying shape, and three common ones with few
parameters, which a small budget searches better."""

FEW_FAMILIES = ("rex",)
"""The same for fewer than twice `FEW` trials."""

WITH_DECAY = ("wsd",)
"""The same for any number of trials, where the decay is given in steps."""

FEW = 96
"""Trials below which only the most necessary is done."""

MANY = 1000
"""Trials from which the best shape of every family is confirmed, not the winner alone."""

TWICE = 512
"""Trials from which every round of tuning has two seeds."""

TRIALS = 512
LEAST, MOST = 24, 10_000_000
COARSE = 6.0
"""Ratio of neighbouring base LRs where trials are few."""

CONFIRMING = 0.35
"""Share of the trials that is kept for the confirm phase."""

RACING = 0.05
"""Share of the trials that races the best shapes of the screen, see docs/search.md for how it was chosen."""

WIDENING = 24
"""Base LRs by which the range widens at most, until the best one of a baseline is inside."""


MOST_SEEDS = 160
"""Seeds of the confirm phase at most."""

NOT_IN_A_CONTEST = ("families", *SEARCH_KEYS, "initial_shapes", "baselines")
"""Keys of a spec that make no sense where nothing is searched."""


def is_planned(document: Mapping[str, Any]) -> bool:
    """Whether the search settings of a spec follow from a number of trials."""
    return "trials" in document or not (
        any(key in document for key in SEARCH_KEYS) or _strategy(document) is not None
    )


def family_names(document: Mapping[str, Any]) -> list[str]:
    """Names of the families that a spec searches, as far as they can be read from it."""
    usual = FAMILIES if document.get("decay_steps") is None else WITH_DECAY
    return _names(document.get("families", usual))


def plan_search(document: Mapping[str, Any], span: float = 1000.0, size: int | None = None) -> dict[str, Any]:
    """A spec with its search settings filled in, and ``max_trials`` in place of ``trials``.

    The trials are shared out among the screen (a Gaussian process over the curves of all families and the
    base LR, one seed a batch), a race of its best shapes, the tuning of base LRs, and the confirm phase.
    With few of them there are fewer families, baselines and seeds, unless the spec names them.

    Args:
        document: the spec.
        span: ratio of the largest to the smallest of the first base LRs.
        size: how much is to be done, as a number of trials, see `sizes`; default: the number that there is.

    Raises:
        InputError: if ``trials`` is given together with settings that it would decide, or is too small.
    """
    plain = dict(document)
    count = plain.pop("trials", TRIALS)
    given = [key for key in SEARCH_KEYS if key in plain]
    if _strategy(plain) is not None:
        given.append("base_lr.strategy" if plain["base_lr"].get("strategy") else "base_lr.points")
    if given:
        keys = ", ".join(SEARCH_KEYS)
        raise InputError(f"trials determines {keys} and base_lr.strategy: remove either trials or {given[0]}")
    if "max_trials" in plain:
        raise InputError("max_trials is for a spec that sets screen or sampler itself: give trials instead")
    count = whole_number("trials", count, LEAST, MOST)
    if plain.get("families") == []:
        raise InputError("families: must have 1 entries or more, got []")
    size = count if size is None else size
    usual = FAMILIES if size >= 2 * FEW else FEW_FAMILIES
    searched = [
        *(usual if plain.get("decay_steps") is None else WITH_DECAY),
        *_names(plain.get("initial_shapes"), "family"),
    ]
    plain.setdefault("families", list(dict.fromkeys(searched)))
    few = ["linear"] if size < FEW else ["linear", "wsd"]
    plain.setdefault("baselines", few if size < 2 * FEW else list(STANDARD_BASELINES))
    return plain | _shared_out(count, size, span, plain)


def sizes(document: Mapping[str, Any]) -> list[int]:
    """Sizes of the plans that a number of trials may get, the largest first, for the first one that fits.

    What a larger plan does in addition may cost more than the trials that it starts with, e.g. where a spec
    names many baselines. The smallest plan costs least, so that no number of trials above one that is enough
    is too small.
    """
    count = document.get("trials", TRIALS)
    steps = (MANY, TWICE, 2 * FEW, FEW)
    return [count, *(step - 1 for step in steps if isinstance(count, int | float) and step <= count)]


def _shared_out(count: int, size: int, span: float, plain: Mapping[str, Any]) -> dict[str, Any]:
    families, baselines = len(family_names(plain)) or 1, len(_names(plain["baselines"]))
    is_few, every_family = size < FEW, size >= MANY and families > 1
    base_lr, confirm = plain.get("base_lr", {}), plain.get("confirm", {})

    own = families if every_family else 1
    least = _first_look(6 if is_few else 10, confirm)
    first_look = least * (own + baselines)
    confirming = max(first_look, min(int(CONFIRMING * count), MOST_SEEDS * (2 + baselines)))
    # The first look is expected to decide half of the comparisons.
    more = (confirming - first_look) // (1 + max(1, (baselines + 1) // 2))

    # Two shapes on ten seeds at least, or no race: a single shape has nothing to race.
    top, raced = (min(12, max(2, int(RACING * count) // 10)), 10) if size >= 2 * FEW else (1, 1)
    racing = top * raced
    tuning = {"base_lrs": 5, "seeds": 1 if size < TWICE else 2, "rounds": 0 if is_few else 2}
    points = 5 * (1 + _tuned_beside(plain))
    tuned = (families if every_family else FINALISTS) + baselines
    given = plain.get("tuning", {})
    round_of_tuning = 0 if is_few else tuned * points * tuning["seeds"]
    step = COARSE if is_few else 3.0
    sweeps = math.ceil(math.log(span) / math.log(step)) + 2 + 3 * (baselines - 1)
    sweeps += 2 * _tuned_beside(plain) * baselines

    screened = max(families, count - confirming - racing - round_of_tuning - sweeps)
    # Larger batches for larger budgets: fitting the model costs the more the more it knows.
    batch = max(2, min(16 * (1 if screened < 500 else 2 if screened < 2000 else 4), screened // 8))
    strategy = {"strategy": "joint", "step": step, "pilots": 1, "extend": WIDENING}
    looks: dict[str, Any] = {"families": every_family}
    if not (isinstance(confirm, Mapping) and "seeds" in confirm):
        looks |= {"least": least, "most": _last_look(least, more)}
    return {
        "max_trials": count,
        "sampler": {"name": "gp", "batch_size": batch, "initial": max(4, 2 * batch)},
        "base_lr": {**strategy, **base_lr} if isinstance(base_lr, Mapping) else base_lr,
        "screen": {
            "shapes": max(1, screened // families),
            "seeds": 1,
            "share_families": families > 1,
            "stop_gain": "auto",
        },
        "rescore": {
            "top": top,
            "seeds": raced,
            "base_lrs": 1,
            "race": True,
        },
        "tuning": {**tuning, **given} if isinstance(given, Mapping) else given,
        "confirm": {**looks, **confirm} if isinstance(confirm, Mapping) else confirm,
    }


def plan_contest(document: Mapping[str, Any], span: float) -> dict[str, Any]:
    """The spec of a study without a search, whose settings follow from its schedules and number of trials.

    Args:
        document: the spec, without ``schedules`` and ``tune``; its ``baselines`` are the schedules. Without
            ``trials`` the confirm phase goes on until all is decided, or to 160 seeds, or ``max_trials`` are
            done.
        span: ratio of the largest to the smallest of the first base LRs.

    Raises:
        InputError: if there are fewer than two schedules, or ``trials`` is too small for them or given with
            ``max_trials``.
    """
    plain = dict(document)
    count = plain.pop("trials", None)
    if count is not None and plain.get("max_trials") is not None:
        raise InputError("trials and max_trials both limit a contest: remove either")
    schedules = len(plain["baselines"])
    if schedules < 2:
        raise InputError(f"schedules must be two or more, got {schedules}")
    swept = sum(bool(one["tune"]) for one in plain["baselines"].values())
    confirm = plain.get("confirm")
    least, more, step = _first_look(10, confirm), MOST_SEEDS, 3.0
    tuning = {"base_lrs": 5, "seeds": 2, "rounds": 4 if swept else 0}
    if count is not None:
        beside = _tuned_beside(plain)
        lowest = contest_least(schedules, swept, span, beside)
        count = whole_number(f"trials for {schedules} schedules", count, lowest, MOST)
        step = COARSE if count < FEW else step
        tuning["seeds"] = 1 if count < 100 * schedules else 2
        one_round = (5 * (1 + beside) * swept + schedules - swept) * tuning["seeds"]
        left = count - _sweeps(schedules, swept, span, step) - 2 * beside * swept
        spare = max(0, min(left - count // 2, left - 6 * schedules))
        tuning["rounds"] = min(tuning["rounds"], spare // one_round)
        left -= tuning["rounds"] * one_round
        least = _first_look(10 if left >= 10 * schedules else 6, confirm)
        # The first look is expected to decide half of the comparisons.
        more = max(0, left - least * schedules) // (1 + max(1, schedules // 2))
    defaults = {
        "base_lr": {"strategy": "bracket", "step": step, "pilots": 1, "extend": WIDENING},
        "tuning": tuning,
        "confirm": {"least": least, "most": _last_look(least, more)},
    }
    if isinstance(confirm, Mapping) and "seeds" in confirm:
        defaults["confirm"] = {}
    if _strategy(plain) not in (None, "bracket", "joint"):
        defaults["base_lr"] = {}
    for key, values in defaults.items():
        given = plain.get(key, {})
        plain[key] = {**values, **given} if isinstance(given, Mapping) else given
    limit = plain.get("max_trials") if count is None else count
    return plain | {"families": [], "max_trials": limit, "screen": {"shapes": 1, "seeds": 1}}


def _first_look(usual: int, confirm: Any) -> int:
    """Seeds of the first look: what the spec gives, else as usual, and no more than it gives the last one."""
    given = confirm if isinstance(confirm, Mapping) else {}
    least, most = given.get("seeds", given.get("least")), given.get("most")
    if isinstance(least, int):
        return least
    return min(usual, most) if isinstance(most, int) else usual


def _last_look(first: int, more: int) -> int:
    """Seeds of the last look, where so many more than at the first one can be paid.

    A look that follows the one before it closely has so small a share of the error that it decides nothing
    which that one does not, nor the first look with all of the error. The last look is the last one that
    decides more.
    """
    for last in range(min(MOST_SEEDS, first + more) if first > 0 else first, first, -1):
        looks = ConfirmSpec(least=first, most=last).looks
        if _losses(last, looks) > max(_losses(first, (first,)), _losses(looks[-2], looks)):
            return last
    return first


def _losses(seeds: int, looks: Sequence[int]) -> int:
    """On how many seeds the better of two schedules may lose at a look, and be shown to be better; or -1."""
    return interval_ranks(seeds, 1 - LEVEL * share_of_error(seeds, looks))[0]


def contest_least(schedules: int, swept: int, span: float = 1000.0, beside: int = 0) -> int:
    """The fewest trials that give a contest intervals.

    Args:
        schedules: their number.
        swept: how many of them are tuned.
        span: as in `plan_contest`.
        beside: how many hyperparameters are tuned beside the base LR.
    """
    return _sweeps(schedules, swept, span, COARSE) + 2 * beside * swept + 6 * schedules


def _sweeps(schedules: int, swept: int, span: float, step: float) -> int:
    """Trials of the screen of a contest, about."""
    pilot = math.ceil(math.log(span) / math.log(step)) + 2 if swept else 0
    return pilot + 3 * max(0, swept - 1) + schedules - swept


def _tuned_beside(plain: Mapping[str, Any]) -> int:
    """How many hyperparameters are tuned beside the base LR, as far as they can be read."""
    tables = named(plain.get("tune", {}))
    return len(tables) if isinstance(tables, Mapping) else 0


def _names(entries: Any, key: str = "name") -> list[str]:
    entries = entries if isinstance(entries, list | tuple | Mapping) else []
    names = [entry.get(key) if isinstance(entry, Mapping) else entry for entry in entries]
    return [name for name in names if isinstance(name, str)]


def _strategy(document: Mapping[str, Any]) -> Any:
    base_lr = document.get("base_lr")
    if not isinstance(base_lr, Mapping):
        return None
    # A grid is named by its points, too: that is how specs named it when there was nothing else.
    return base_lr.get("strategy") or base_lr.get("points")
