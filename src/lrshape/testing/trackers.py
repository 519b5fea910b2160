"""What every tracker promises; it logs a small study."""

import logging
import os
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from lrshape import api
from lrshape.testing.contract import check, require, require_described_settings, require_refusal
from lrshape.trackers.tracker import TRACKERS, Tracker

SPEC = {
    "families": ["rex"],
    "baselines": ["constant"],
    "base_lr": {"low": 0.1, "high": 1.0, "points": 2},
    "screen": {"shapes": 2, "seeds": 1},
    "rescore": {"top": 1, "seeds": 1},
    "tuning": {"rounds": 1, "base_lrs": 3, "seeds": 1},
    "confirm": {"seeds": 1},
}


def check_tracker(tracker: Tracker) -> None:
    """Require that a tracker, an instance, keeps the contract. It logs three studies.

    Raises:
        AssertionError: at the first rule that it breaks.
        InputError: if it cannot start here, e.g. without its package.
    """
    check(RULES, tracker)


def _searched(tracker: Tracker) -> list[str]:
    """Log a small study; return the warnings."""
    warnings: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: warnings.append(record.getMessage())
    logger = logging.getLogger("lrshape.trackers.tracker")
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, tracker.offline):
        logger.addHandler(handler)
        propagate, logger.propagate = logger.propagate, False
        try:
            with mock.patch.object(api, "write_report"):
                study = api.search(SPEC, train=_train, steps=4, out=Path(folder) / "study", callback=tracker)
        finally:
            logger.removeHandler(handler)
            logger.propagate = propagate
        require(study.is_complete(), "the search must go on to its end")
    return warnings


def _train(lrs: Any, seed: int) -> float:
    return float(lrs.sum()) + seed % 3


def has_described_settings(tracker: Tracker) -> None:
    """Every field says what it means; its name and a target build it."""
    require_described_settings(type(tracker))
    require(type(TRACKERS.build(TRACKERS.document(tracker))) is type(tracker), "must be built by its name")
    require_refusal(lambda: TRACKERS.build({"name": tracker.name, "target": ""}), "target")


def logs_a_study(tracker: Tracker) -> None:
    """To the end, without a warning; and another run of it."""
    for _ in range(2):
        warnings = _searched(tracker)
        require(not warnings, f"must log without a warning, got {warnings}")


def does_not_stop_a_search_when_it_breaks(tracker: Tracker) -> None:
    """One warning says that it has stopped."""

    def broken(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with mock.patch.object(type(tracker), "write", broken):
        warnings = _searched(tracker)
    require(len(warnings) == 1 and "No space left" in warnings[0], f"one warning must say so, got {warnings}")


RULES = (has_described_settings, logs_a_study, does_not_stop_a_search_when_it_breaks)
