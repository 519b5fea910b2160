"""Schedules from elsewhere: shapes for a search to start from, logged curves."""

from lrshape.imports.starts import Starts, read_starts

__all__ = ["Starts", "read_starts"]
