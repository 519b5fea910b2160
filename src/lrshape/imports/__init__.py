"""What others have found, as starting points of a search: tables of runs, Optuna studies, logged curves."""

from lrshape.imports.starts import Starts, read_starts

__all__ = ["Starts", "read_starts"]
