"""Search settings from a number of trials: what a spec that names none gets."""

from collections.abc import Mapping
from typing import Any

from lrshape.errors import InputError

SEARCH_KEYS = ("sampler", "screen", "rescore")
"""Keys of a spec that say how to search; a spec with any of them is taken as it stands."""

FAMILIES = ("two_point_spline", "rex", "wsd", "power")
"""Families of a spec that names none: one that comes near any decaying shape, and three common ones with few
parameters, which a small budget searches better."""

TRIALS = 256
LEAST = 48
BATCH = 16
STOP_GAIN = 0.005
"""The screen ends early when less gain than this share of the score is expected."""


def is_planned(document: Mapping[str, Any]) -> bool:
    """Whether the search settings of a spec follow from a number of trials."""
    return "trials" in document or not (
        any(key in document for key in SEARCH_KEYS) or _strategy(document) is not None
    )


def family_names(document: Mapping[str, Any]) -> list[str]:
    """Names of the families that a spec searches, as far as they can be read from it."""
    given = document.get("families", FAMILIES)
    entries = given if isinstance(given, list | tuple) else []
    names = [entry.get("name") if isinstance(entry, Mapping) else entry for entry in entries]
    return [name for name in names if isinstance(name, str)]


def plan_search(document: Mapping[str, Any]) -> dict[str, Any]:
    """A spec with its search settings filled in, and without ``trials``.

    Three quarters of the trials go to the screen: a Gaussian process over the curves of all families and
    the base LR, 16 trials a batch, one seed. The rest goes to a race
    of the best shapes. Baselines and the confirm phase come on top.

    Raises:
        InputError: if ``trials`` is given together with settings that it would decide, or is too small.
    """
    plain = dict(document)
    count = plain.pop("trials", TRIALS)
    given = [key for key in SEARCH_KEYS if key in plain]
    given += ["base_lr.strategy"] if _strategy(plain) is not None else []
    if given:
        keys = ", ".join(SEARCH_KEYS)
        raise InputError(f"trials determines {keys} and base_lr.strategy: remove either trials or {given[0]}")
    if isinstance(count, bool) or not isinstance(count, int) or not LEAST <= count <= 10_000_000:
        raise InputError(f"trials must be a whole number from {LEAST} to 10000000, got {count!r}")
    plain.setdefault("families", list(FAMILIES))
    number = max(1, len(family_names(plain)))
    # Larger batches for larger budgets: fitting the model costs the more the more it knows.
    batch = BATCH * (1 if count < 640 else 2 if count < 2560 else 4)
    racing = count // 4
    seeds = 10 if racing < 360 else 30
    base_lr = plain.get("base_lr", {})
    return plain | {
        "sampler": {"name": "gp", "batch_size": batch, "initial": 2 * batch},
        "base_lr": {"strategy": "joint", **base_lr} if isinstance(base_lr, Mapping) else base_lr,
        "screen": {
            "shapes": max(1, (count - racing) // number),
            "seeds": 1,
            "share_families": number > 1,
            "stop_gain": STOP_GAIN,
        },
        "rescore": {"top": min(12, max(2, racing // seeds)), "seeds": seeds, "base_lrs": 1, "race": True},
    }


def _strategy(document: Mapping[str, Any]) -> Any:
    base_lr = document.get("base_lr")
    if not isinstance(base_lr, Mapping):
        return None
    # A grid is named by its points, too: that is how specs named it when there was nothing else.
    return base_lr.get("strategy") or base_lr.get("points")
