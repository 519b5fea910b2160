"""Colours of figures and page: safe for colour-blind readers, on light and on dark paper.

Colours are named by their light value, which is what the PNG and SVG files hold. The page replaces each by a
CSS variable, so that dark mode shows its dark value.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Colour:
    """One colour.

    Args:
        variable: the CSS variable's name, without the dashes.
        light: hex value on light paper.
        dark: hex value on dark paper.
    """

    variable: str
    light: str
    dark: str


PAPER = Colour("paper", "#ffffff", "#14181d")
INK = Colour("ink", "#1b2229", "#e8ebef")
MUTED = Colour("muted", "#5a6672", "#9fabb8")
BASELINE = Colour("baseline", "#7b8794", "#95a1ae")
LINE = Colour("line", "#d5dbe1", "#353e48")
SHADE = Colour("shade", "#eef1f4", "#20272f")
WARN = Colour("warn", "#b3261e", "#ff8a80")

# Six hues near Okabe & Ito's, moved apart in lightness until every pair is at least 6.5 (OKLab, x100) apart
# for normal, protan, deutan and tritan sight, and each has a contrast of 3 or more with the paper.
CATEGORIES = (
    Colour("c1", "#2478d4", "#1f8ae0"),
    Colour("c2", "#d9700a", "#f09a5e"),
    Colour("c3", "#007a5a", "#84f5bb"),
    Colour("c4", "#8c1a68", "#ffb0da"),
    Colour("c5", "#75480f", "#a8741a"),
    Colour("c6", "#4a3ba6", "#b3a8ff"),
)
COLOURS = (PAPER, INK, MUTED, BASELINE, LINE, SHADE, WARN, *CATEGORIES)

ON_LIGHT, ON_DARK, UNKNOWN = "#1b2228", "#fffffe", "#aab3bd"
"""Of marks on light and on dark cells of a heat map, and of its cells without a value: no colours of the
page, and alike on light and on dark paper."""

DASHES: tuple[Any, ...] = ("-", (0, (5, 1.6)), (0, (1.4, 1.4)), (0, (6, 1.5, 1.2, 1.5)))
_MARKERS = ("o", "D", "^", "v")
_TINTS = (1.0, 0.55, 0.35, 0.2)


@dataclass(frozen=True)
class Style:
    """How one family is drawn, in every figure.

    Args:
        colour: hex colour on light paper.
        dash: matplotlib line style.
        marker: matplotlib marker.
        tint: opacity where an area is filled and neither dash nor marker can tell families apart.
    """

    colour: str
    dash: Any
    marker: str
    tint: float = 1.0


BASELINE_STYLE = Style(BASELINE.light, (0, (4, 1.6)), "s")


def family_styles(families: Iterable[str]) -> dict[str, Style]:
    """Give every family its style: by name, so that all figures and all reports of one spec agree.

    Beyond six families the colours repeat with other dashes, markers and tints.
    """
    styles = {}
    for index, family in enumerate(sorted(set(families))):
        turn, slot = divmod(index, len(CATEGORIES))
        turn %= len(DASHES)
        styles[family] = Style(CATEGORIES[slot].light, DASHES[turn], _MARKERS[turn], _TINTS[turn])
    return styles


def variable(colour: str) -> str:
    """Return the name of the CSS variable of a colour, given by its light hex value."""
    return next(c.variable for c in COLOURS if c.light == colour)


def css_variables(*, dark: bool) -> str:
    """Return the CSS declarations of all colours, e.g. ``--ink: #1b2229;``."""
    return " ".join(f"--{c.variable}: {c.dark if dark else c.light};" for c in COLOURS)
