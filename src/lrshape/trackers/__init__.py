"""A running study in experiment trackers; `tracker` builds one by its name."""

from lrshape.trackers.tracker import TRACKERS, Tracker, tracker

__all__ = ["TRACKERS", "Tracker", "tracker"]
