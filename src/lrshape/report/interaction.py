"""What a page's script shows of a shape that a reader points at, and where on the figures shapes lie.

The page holds the data as JSON and one script without a library; without JavaScript the figures stay as they
are.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrshape.report.figures.shapes import curve
from lrshape.report.palette import variable
from lrshape.report.words import printable, rate
from lrshape.store import params_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS = 41
"""Points of a shape's small drawing."""
LEVELS = 255
"""A multiplier of 1 in a drawing: each is one byte."""

Places = list[float] | list[list[float]]


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
    """

    def __init__(self, metric: str) -> None:
        self._metric = printable(metric, 60)
        self._keys: dict[tuple[str, ...], int] = {}
        self._cards: list[list[Any]] = []

    def add(
        self,
        name: str,
        colour: str,
        family: str,
        params: str,
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
            params: its parameters as JSON.
            base_lr: at which it has the score; None where it has none.
            score: as a text.
            more: further lines, above the parameters.
            drawing: multipliers to draw instead of those of the family.
        """
        values = {printable(key, 24): _value(value) for key, value in params_of(params).items()}
        lines = {**(more or {}), **values}
        multipliers = curve(family, params) if drawing is None else drawing
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

    def data(self, figures: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Return what the script needs, as JSON data.

        Args:
            figures: what `Targets.on` gives, by the figure's name.

        Returns:
            ``keys``, lists of line names; ``shapes``, each ``[name, colour, index of keys, lines, base LR,
            score, curve]``, texts but for the index, ``curve`` being 41 bytes in base 64 or "" where the
            shape cannot be drawn; ``metric``; and ``figures``.
        """
        return {
            "metric": self._metric,
            "shapes": self._cards,
            "keys": [list(names) for names in self._keys],
            "figures": dict(figures),
        }


@dataclass(frozen=True)
class Targets:
    """What a reader can point at on a figure.

    Args:
        noun: a ``line``, a ``mark`` or a ``cell``.
        shapes: indexes of cards: a list for each line, or one for each row of cells.
        places: where they lie on a figure that has been laid out, in points from its upper left corner: x, y,
            x, y, ... for each line, or the left, upper, right and lower edge of all cells.
        columns: what a column of cells is, e.g. ``at LR 0.01``.
        cells: a text for each cell, by row; "" where there is none.
    """

    noun: str
    shapes: Sequence[Any]
    places: "Callable[[Figure], Places]"
    columns: Sequence[str] = ()
    cells: Sequence[Sequence[str]] = ()

    def on(self, wide: "Figure", narrow: "Figure") -> dict[str, Any]:
        """Return what the script needs to know of a figure, drawn and laid out for a page and for a phone."""
        found = {"wide": self.places(wide), "narrow": self.places(narrow), "shapes": list(self.shapes)}
        if self.columns:
            found |= {"columns": list(self.columns), "cells": [list(row) for row in self.cells]}
        return found


def lines(noun: str, parts: Sequence[tuple[int, Sequence[int], Any]]) -> Targets | None:
    """Targets along lines or among marks; None if there are none.

    Args:
        noun: what a reader points at.
        parts: ``(index of the axes in the figure, indexes of cards (n,), data coordinates (n, 2))``.
    """
    kept = [part for part in parts if len(part[1])]

    def places(figure: "Figure") -> list[list[float]]:
        return [_on_paper(figure, figure.axes[axes].transData.transform(points)) for axes, _, points in kept]

    return Targets(noun, [list(indexes) for _, indexes, _ in kept], places) if kept else None


def grid(
    axes: "Callable[[Figure], Any]",
    shapes: Sequence[int],
    columns: Sequence[str],
    cells: Sequence[Sequence[str]],
) -> Targets:
    """Targets that are cells of width and height 1 around whole numbers, the first row on top.

    Args:
        axes: finds the axes of a figure.
        shapes: the card of each row.
        columns: what a column is.
        cells: a text for each cell, by row.
    """

    def places(figure: "Figure") -> list[float]:
        corners = [(-0.5, -0.5), (len(columns) - 0.5, len(shapes) - 0.5)]
        return _on_paper(figure, axes(figure).transData.transform(corners))

    return Targets("cell", shapes, places, columns, cells)


def _on_paper(figure: "Figure", pixels: np.ndarray) -> list[float]:
    """Pixels from the lower left as points from the upper left, as SVG has them, flattened."""
    points = pixels * 72 / figure.dpi
    points[:, 1] = 72 * figure.get_figheight() - points[:, 1]
    return np.round(points, 1).ravel().tolist()


def _value(value: Any) -> str:
    return rate(value) if isinstance(value, float) else printable(json.dumps(value), 40)


def _packed(values: NDArray[np.float64]) -> str:
    """A curve as bytes at 41 evenly spaced points, in base 64."""
    chosen = values[np.linspace(0, len(values) - 1, POINTS).round().astype(int)]
    levels = np.round(LEVELS * np.clip(chosen, 0, 1)).astype(np.uint8)
    return base64.b64encode(levels.tobytes()).decode()
