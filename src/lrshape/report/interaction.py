"""What a page's script shows of a shape that a reader points at.

The page holds the data as JSON and one script without a library; without JavaScript the figures stay as they
are. Which element of a figure stands for which shape, the SVG says, see `lrshape.report.drawing.inline`.
"""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.report.claims import plain_value
from lrshape.report.drawing import PageFigure
from lrshape.report.figures.shapes import curve
from lrshape.report.palette import variable
from lrshape.report.words import printable, rate

POINTS = 41
"""Points of a shape's small drawing."""
LEVELS = 255
"""A multiplier of 1 in a drawing: each is one byte."""


def script() -> str:
    """Return the page's script."""
    return files("lrshape.report").joinpath("interaction.js").read_text("utf-8")


def script_source(text: str) -> str:
    """Return the Content-Security-Policy source that allows this inline script and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


class Cards:
    """What the script shows of shapes: a card each, with a small drawing.

    Args:
        metric: what the scores are, e.g. ``median final/train_loss``.
        min_lr: no learning rate was below it.
    """

    def __init__(self, metric: str, min_lr: float = 0.0) -> None:
        self._min_lr = min_lr
        self._metric = printable(metric, 60)
        self._keys: dict[tuple[str, ...], int] = {}
        self._cards: list[list[Any]] = []

    def add(
        self,
        name: str,
        colour: str,
        family: str,
        params: Mapping[str, Any],
        *,
        base_lr: float | None,
        score: str,
        more: Mapping[str, str] | None = None,
        drawing: NDArray[np.float64] | None = None,
    ) -> int:
        """Add a card and return its index.

        Args:
            name: its heading.
            colour: of the drawing, a light value of the palette.
            family: the shape's family.
            params: its parameters.
            base_lr: at which it has the score; None where it has none.
            score: as a text.
            more: further lines, above the parameters.
            drawing: multipliers to draw instead of those of the family.
        """
        values = {printable(key, 24): plain_value(value) for key, value in params.items()}
        lines = {**(more or {}), **values}
        lowest = 0.0 if base_lr is None else self._min_lr / base_lr
        multipliers = curve(family, params, lowest) if drawing is None else drawing
        self._cards.append(
            [
                printable(name, 40),
                variable(colour),
                self._keys.setdefault(tuple(lines), len(self._keys)),
                list(lines.values()),
                "" if base_lr is None else rate(base_lr),
                score,
                "" if multipliers is None else _packed(multipliers),
            ]
        )
        return len(self._cards) - 1

    def data(self, figures: Mapping[str, PageFigure]) -> dict[str, Any]:
        """Return what the script needs, as JSON data.

        Args:
            figures: those that have shapes to point at, by name.

        Returns:
            ``keys``, lists of line names; ``shapes``, each ``[name, colour, index of keys, lines, base LR,
            score, curve]``, texts but for the index, ``curve`` being 41 bytes in base 64 or "" where the
            shape cannot be drawn; ``metric``; and ``figures``, with ``columns`` and ``cells`` where they
            have cells.
        """
        return {
            "metric": self._metric,
            "shapes": self._cards,
            "keys": [list(names) for names in self._keys],
            "figures": {
                name: {"columns": shown.grid.columns, "cells": shown.grid.cells} if shown.grid else {}
                for name, shown in figures.items()
            },
        }


def _packed(values: NDArray[np.float64]) -> str:
    """A curve as bytes at 41 evenly spaced points, in base 64."""
    chosen = values[np.linspace(0, len(values) - 1, POINTS).round().astype(int)]
    levels = np.round(LEVELS * np.clip(chosen, 0, 1)).astype(np.uint8)
    return base64.b64encode(levels.tobytes()).decode()
