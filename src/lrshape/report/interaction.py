"""What the page's script shows of a shape that a reader points at, and where on the figures shapes lie.

The page holds the data as JSON and one script without a library; without JavaScript the figures stay as they
are.
"""

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from lrshape.report.figures.distribution import ecdf
from lrshape.report.figures.heatmap import cells
from lrshape.report.figures.shapes import curve
from lrshape.report.findings import Findings, Row
from lrshape.report.palette import variable
from lrshape.report.words import number, printable, rate

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


def places(name: str, figure: "Figure", findings: Findings) -> Places | None:
    """Return where the shapes lie on a figure that has been laid out, in points from its upper left corner.

    Args:
        name: the figure's name.
        figure: as drawn from the findings.
        findings: what it shows.

    Returns:
        For ``distribution`` a list of x, y, x, y, ... for each family that did not diverge; for
        ``heatmap`` the left, upper, right and lower edge of all cells; None for other figures.
    """
    if name == "distribution":
        transform = figure.axes[0].transData
        return [_on_paper(figure, transform.transform(points)) for _, points in _curves(findings)]
    if name == "heatmap":
        _, base_lrs, values = cells(findings)
        transform = next(ax for ax in figure.axes if ax.images).transData
        corners = [(-0.5, -0.5), (len(base_lrs) - 0.5, len(values) - 0.5)]
        return _on_paper(figure, transform.transform(corners))
    return None


def _on_paper(figure: "Figure", pixels: np.ndarray) -> list[float]:
    """Pixels from the lower left as points from the upper left, as SVG has them, flattened."""
    points = pixels * 72 / figure.dpi
    points[:, 1] = 72 * figure.get_figheight() - points[:, 1]
    return np.round(points, 1).ravel().tolist()


def _curves(findings: Findings) -> list[tuple[list[Row], np.ndarray]]:
    """The shapes of each family with a finite score, and their places (shapes, 2) in the ECDF."""
    found = []
    for rows, fractions in ecdf(findings).values():
        alive = [row for row in rows if math.isfinite(row["score"])]  # the first ones
        if alive:
            points = np.column_stack([[row["score"] for row in alive], fractions[: len(alive)]])
            found.append((alive, points))
    return found


def data(findings: Findings, drawn: Mapping[str, Mapping[str, Places]]) -> dict[str, Any]:
    """Return what the script needs, as JSON data.

    Args:
        findings: what the page shows.
        drawn: ``{figure: {"wide": places, "narrow": places}}``.

    Returns:
        ``keys``, lists of parameter names; ``shapes``, each ``[name, colour, index of keys, parameters, base
        LR, score, curve]``, texts but for the index, ``curve`` being 41 bytes in base 64 or "" where the
        shape cannot be drawn; ``metric``; and ``figures``, the places and the shapes that lie there.
    """
    keys: dict[tuple[str, ...], int] = {}
    index = {row["shape"]: i for i, row in enumerate(findings.screen)}
    figures: dict[str, Any] = {name: dict(variants) for name, variants in drawn.items()}
    if "distribution" in figures:
        figures["distribution"]["shapes"] = [
            [index[row["shape"]] for row in rows] for rows, _ in _curves(findings)
        ]
    if "heatmap" in figures:
        rows, base_lrs, values = cells(findings)
        figures["heatmap"] |= {
            "shapes": [index[row["shape"]] for row in rows],
            "rates": [rate(lr) for lr in base_lrs],
            "scores": [["" if math.isnan(v) else _score(v) for v in line] for line in values],
        }
    return {
        "metric": printable(findings.objective, 40),
        "shapes": [_shape(findings, row, keys) for row in findings.screen],
        "keys": [list(names) for names in keys],  # after the shapes, which fill it
        "figures": figures,
    }


def _shape(findings: Findings, row: Row, keys: dict[tuple[str, ...], int]) -> list[Any]:
    params = json.loads(row["params"])
    names = tuple(printable(name, 24) for name in params)
    values = [rate(v) if isinstance(v, float) else printable(json.dumps(v), 40) for v in params.values()]
    drawing = curve(row["family"], row["params"])
    return [
        printable(row["shape"], 40),
        variable(findings.style(row).colour),
        keys.setdefault(names, len(keys)),
        values,
        rate(row["base_lr"]),
        _score(row["score"]),
        "" if drawing is None else _packed(drawing),
    ]


def _packed(values: np.ndarray) -> str:
    """A curve as bytes at 41 evenly spaced points, in base 64."""
    chosen = values[np.linspace(0, len(values) - 1, POINTS).round().astype(int)]
    levels = np.round(LEVELS * np.clip(chosen, 0, 1)).astype(np.uint8)
    return base64.b64encode(levels.tobytes()).decode()


def _score(value: float) -> str:
    return "diverged" if math.isinf(value) else number(value)
