"""Figures: the three and the five best shapes of each family in a study."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lrshape.analysis.reduce import best_base_lrs, scores
from lrshape.analysis.result import BASELINE
from lrshape.report.figures._common import TEXT, WIDE, grid_lines, panel_title, panels, styled
from lrshape.report.figures.shapes import POINTS, curve
from lrshape.report.palette import MUTED, family_styles
from lrshape.report.words import number
from lrshape.reproduce._figure import write_figure
from lrshape.study.study import Study

WIDTHS = (2.6, 1.9, 1.5, 1.2, 1.0)


def top_shapes(spec: Mapping[str, Any], scale: str, directory: Path) -> list[Path]:
    """Draw the best shapes of each family of the study in ``directory/study``.

    They are ranked by the last phase that scored them: rescored shapes come before those only screened.
    """
    study = Study(directory / "study")
    table = ranked(study.store.trainings(["screen", "rescore"]), study.objective)
    files = []
    for count in (3, 5):
        files += write_figure(_figure(table, count), f"top-{count}", directory / "top-shapes")
    return files


def ranked(trainings: pd.DataFrame, objective: str) -> pd.DataFrame:
    """All searched shapes, once each, best first within their family.

    Args:
        trainings: of the screen and the rescore.
        objective: the metric that is minimised.

    Returns:
        Rows of `lrshape.analysis.reduce.best_base_lrs`, those of the rescore before the others.
    """
    best = best_base_lrs(scores(trainings, objective))
    best = best.iloc[np.flatnonzero(~best["shape"].str.startswith(BASELINE).to_numpy(bool))]
    rescored = (best["phase"] == "rescore").to_numpy(bool)
    order = np.lexsort((best["rank"].to_numpy(), ~rescored, best["family"].to_numpy(str)))
    return best.iloc[order].drop_duplicates("shape").reset_index(drop=True)


def _figure(table: pd.DataFrame, count: int) -> Any:
    rows: dict[str, list[Any]] = {}
    for row in table.to_dict("records"):
        rows.setdefault(row["family"], []).append(row)
    styles = family_styles(rows)
    t = np.linspace(0.0, 1.0, POINTS)
    families = sorted(rows, key=lambda name: (rows[name][0]["phase"] != "rescore", rows[name][0]["score"]))
    with styled():
        figure, axes = panels(len(families), columns=4, row_height=1.5, width=WIDE)
        for ax, family in zip(axes, families, strict=True):
            grid_lines(ax, "y")
            best = rows[family][:count]
            for row, width in reversed(list(zip(best, WIDTHS, strict=False))):
                values = curve(family, row["params"])
                if values is not None:
                    ax.plot(
                        t, values, color=styles[family].colour, lw=width, alpha=min(1.0, width / 2.6 + 0.2)
                    )
            note = " to ".join(dict.fromkeys(number(row["score"]) for row in (best[0], best[-1])))
            panel_title(ax, family, note, bold=False)
        axes[0].set(xlim=(0, 1), ylim=(0, 1.06), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
        axes[0].set_xticklabels(["0", "0.5", "1"])
        axes[0].set_yticklabels(["0", "0.5", "1"])
        figure.supxlabel(
            f"training progress; the {count} best shapes of each family", fontsize=TEXT, color=MUTED.light
        )
        figure.supylabel("LR / base LR", fontsize=TEXT, color=MUTED.light)
    return figure
