"""The report of a sweep: one self-contained page with links to each study's own, figures and tables."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from lrshape.analysis.tables import write_csv
from lrshape.analysis.transfer import CHOICES, KEPT, TUNED
from lrshape.report import html
from lrshape.report.figures import Drawing
from lrshape.report.figures.transfer import MATRIX, matrix, overlay, settings
from lrshape.report.interaction import Cards, Targets
from lrshape.report.spec_text import spec_text
from lrshape.report.sweep_findings import Swept, sweep_headline, sweep_notices
from lrshape.report.sweep_targets import sweep_targets
from lrshape.report.words import interval, number, percent, printable, probability, rate

_VERDICTS = {
    "costs": "above the margin",
    "within": "within the margin",
    "undecided": "cannot be told",
    "unknown": "too few seeds",
}
_HOW = (
    "A row is a setting whose best shape is used, a column the setting that it is used in; a cell is the "
    "regret to that setting’s own best shape, as a share of its median, with the 95% interval of the paired "
    "difference. Bold is surely above the margin. "
)
FIGURES = (
    Drawing(
        "overlay",
        "The best shapes, laid over each other",
        "Each curve is the LR relative to the base LR over training progress, so that shapes of different "
        "base LRs and horizons can be compared.",
        overlay,
    ),
    Drawing(
        "settings",
        "The best score and the best base LR of each setting",
        "Dots are the winners’ medians over seeds that chose nothing, bars their 95% intervals, open squares "
        "the best baseline of the same study; crosses are settings without a finite score.",
        settings,
    ),
    Drawing(
        MATRIX[TUNED],
        "Another setting’s best shape, with its base LR tuned again",
        _HOW + "All shapes’ base LRs are tuned in the setting in one way, on other seeds.",
        partial(matrix, choice=TUNED),
    ),
    Drawing(
        MATRIX[KEPT],
        "Another setting’s best shape, with its base LR kept",
        _HOW + "Shape and base LR are those of the setting that they were found in.",
        partial(matrix, choice=KEPT),
    ),
)


def write_sweep_report(swept: Swept, directory: str | Path) -> Path:
    """Write ``report.html``, ``figures/`` and ``tables/``; the same input gives the same bytes.

    Args:
        swept: what to show.
        directory: the sweep's; studies' own reports are linked as ``studies/<slug>/report.html``.

    Returns:
        The path of ``report.html``.

    Raises:
        OSError: if the directory cannot be written.
    """
    directory = Path(directory)
    folder = directory / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    write_csv({"settings": settings_table(swept), "transfer": swept.regrets}, directory / "tables")
    page = directory / "report.html"
    cards, targets = sweep_targets(swept)
    html.replace(page, _html(swept, _draw(swept, folder, targets), cards))
    return page


def settings_table(swept: Swept) -> pd.DataFrame:
    """One row a setting: its values, its best shape and what it scores."""
    return pd.DataFrame(
        [
            {
                "setting": s.slug,
                "label": s.label,
                **{key: s.best[key] for key in ("shape", "family")},
                "params": ", ".join(f"{k}={v}" for k, v in s.best["params"].items()),
                **{
                    key: s.best[key]
                    for key in (
                        "base_lr",
                        "base_lr_edge",
                        "steps",
                        "score_median",
                        "score_low",
                        "score_high",
                        "seeds",
                        "trials",
                        "diverged_share",
                        "failed_share",
                    )
                },
                "transfer_trials": s.transfer_trials,
            }
            for s in swept.settings
        ]
    )


def _draw(swept: Swept, folder: Path, targets: Mapping[str, Targets]) -> dict[str, dict[str, Any]]:
    drawn = {}
    for drawing in FIGURES:
        draw: Callable[..., Any] = drawing.draw
        wide, narrow = draw(swept), draw(swept, narrow=True)
        if wide is None or narrow is None:
            for ending in ("svg", "png"):
                (folder / f"{drawing.name}.{ending}").unlink(missing_ok=True)
            continue
        drawn[drawing.name] = html.figure(
            wide,
            narrow,
            folder,
            name=drawing.name,
            title=drawing.title,
            caption=drawing.caption,
            targets=targets.get(drawing.name),
        )
    return drawn


def _html(swept: Swept, figures: Mapping[str, Any], cards: Cards) -> str:
    first = sweep_headline(swept)
    return html.render(
        "sweep.html.j2",
        figures,
        cards,
        name=printable(swept.name, 120),
        metric=printable(swept.metric, 60),
        headline=first,
        notices=sweep_notices(swept),
        settings=[_setting(swept, s) for s in swept.settings],
        transfers=[(choice, _pairs(swept, choice)) for choice in CHOICES],
        margin=percent(swept.margin),
        how=swept.how,
        varied=", ".join(printable(name, 60) for name in swept.varied),
        trials=f"{sum(s.best['trials'] for s in swept.settings):,}",
        transfer_trials=f"{sum(s.transfer_trials for s in swept.settings):,}",
        document=spec_text({key: swept.document[key] for key in ("axes", "transfer", "spec")}),
    )


def _setting(swept: Swept, setting: Any) -> dict[str, Any]:
    best = setting.best
    median = math.inf if best["score_median"] is None else best["score_median"]
    low, high = (math.nan if best[k] is None else best[k] for k in ("score_low", "score_high"))
    params = [f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in best["params"].items()]
    return {
        "label": swept.labels[setting.slug],
        "link": f"studies/{setting.slug}/report.html",
        "colour": swept.styles[setting.slug].colour,
        "family": printable(best["family"], 40),
        "params": printable(", ".join(params), 200),
        "base_lr": rate(best["base_lr"]),
        "score": number(median) if math.isfinite(median) else "diverged",
        "interval": interval(low, high, lead=median) if math.isfinite(median) else "",
    }


def _pairs(swept: Swept, choice: str) -> list[dict[str, str]]:
    rows = swept.regrets.to_dict("records")
    return [
        {
            "shape_of": swept.labels[row["shape_of"]],
            "used_in": swept.labels[row["used_in"]],
            "base_lr": rate(row["base_lr"]),
            "score": number(row["score"]) if math.isfinite(row["score"]) else "diverged",
            "regret": "–" if math.isnan(row["relative"]) else percent(row["relative"]),
            "interval": ""
            if math.isnan(row["relative_low"]) or math.isnan(row["relative_high"])
            else f"{percent(row['relative_low'])} to {percent(row['relative_high'])}",
            "p": probability(row["p_holm"]),
            "verdict": _VERDICTS[row["verdict"]],
        }
        for row in rows
        if row["choice"] == choice and row["verdict"] != "own"
    ]
