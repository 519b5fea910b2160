"""Figure: what the shapes of every family look like."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lrshape.families import FAMILIES
from lrshape.families import evaluate as evaluate_family
from lrshape.report.figures._common import SMALL, TEXT, WIDE, grid_lines, panel_title, panels, styled
from lrshape.report.palette import CATEGORIES, INK, MUTED
from lrshape.reproduce._figure import write_figure
from lrshape.samplers import SAMPLERS

SHAPES = {"smoke": 8, "cpu": 16, "gpu": 16}


def gallery(spec: Mapping[str, Any], scale: str, directory: Path) -> list[Path]:
    """Draw shapes that the Sobol sampler takes from each family's space, and the family's default shape.

    Args:
        spec: not used; the gallery is of all families.
        scale: how many shapes a family.
        directory: where to.
    """
    t = np.linspace(0.0, 1.0, 401)
    sampler = SAMPLERS["sobol"]()
    drawn = []
    for name, family in sorted(FAMILIES.items()):
        try:
            default = np.broadcast_to(np.asarray(family()(t), np.float64), t.shape)
        except TypeError:  # a table has no default: it is any list of values
            continue
        space = family.space()
        values = np.empty((0, len(t)))
        if len(space):
            points, _ = sampler.ask(sampler.init(len(space), 0), SHAPES[scale])
            values = evaluate_family(family, space.from_unit(points), t)
        drawn.append((name, default, values))
    with styled():
        figure, axes = panels(len(drawn), columns=4, row_height=1.45, width=WIDE)
        for ax, (name, default, values) in zip(axes, drawn, strict=True):
            grid_lines(ax, "y")
            for shape in values:
                ax.plot(t, shape, color=CATEGORIES[0].light, lw=0.7, alpha=0.55)
            ax.plot(t, default, color=INK.light, lw=1.8)
            panel_title(
                ax, name, f"{len(values)} sampled" if len(values) else "any list of values", bold=False
            )
            ax.title.set_fontsize(SMALL)
        axes[0].set(xlim=(0, 1), ylim=(0, 1.06), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
        axes[0].set_xticklabels(["0", "0.5", "1"])
        axes[0].set_yticklabels(["0", "0.5", "1"])
        figure.supxlabel("training progress", fontsize=TEXT, color=MUTED.light)
        figure.supylabel("LR / base LR; dark: the default", fontsize=TEXT, color=MUTED.light)
    return write_figure(figure, "families", directory)
