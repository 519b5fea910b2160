"""What a sweep shows: its page with links to each setting's own report, its tables, its data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lrshape.analysis.tables import plain, records, where
from lrshape.checks.check import CheckResult
from lrshape.checks.settings_figures import MOST, matrix, multipliers, overlay, setting_scores
from lrshape.checks.settings_findings import (
    SettingFindings,
    SweepFindings,
    amount,
    cell_text,
    ends,
    headline,
    warnings,
)
from lrshape.checks.transfer import HALVINGS
from lrshape.checks.transfer_statistics import CHOICES, KEPT, TUNED
from lrshape.report.drawing import Drawing, Grid, draw_all
from lrshape.report.interaction import Cards
from lrshape.report.sections import Cell, Code, Section, Table, table
from lrshape.report.spec_text import spec_text
from lrshape.report.words import interval, number, percent, printable, probability, rate, score_text, short
from lrshape.store import params_of

MATRIX = {TUNED: "transfer-re-tuned", KEPT: "transfer-kept"}
"""The figures' names by how the base LR was chosen."""
_VERDICTS = {
    "costs": "above the margin",
    "within": "within the margin",
    "undecided": "undecided",
    "unknown": "too few seeds",
}
_CAPTION = (
    "Rows are the settings in which a shape was found, columns the settings in which it is used. Each "
    "cell is the regret: how much worse the shape is than the column’s own best shape, the median over "
    "paired seeds; the table has the 95% intervals. Bold regrets are significantly above the margin. "
)
_CHOSEN = {
    TUNED: ("tuned again", "lrshape tunes the base LR of every shape in the same way, on other seeds."),
    KEPT: ("kept", "Shape and base LR are both those of the row’s setting."),
}
_SETTING_FIGURES = (
    Drawing(
        "overlay",
        "The best shapes overlaid",
        "Each curve is the LR relative to the base LR over training progress, so that shapes of "
        "different base LRs and horizons can be compared.",
        overlay,
    ),
    Drawing(
        "settings",
        "The best score and the best base LR of each setting",
        "Dots are the winners’ medians over seeds that no selection has seen, bars their 95% intervals, open "
        "squares the best baseline of the same study; crosses are settings without a finite score.",
        setting_scores,
    ),
)


def sweep_result(findings: SweepFindings, folder: Path) -> CheckResult:
    """The result of a sweep.

    Args:
        findings: what to show.
        folder: where figures are drawn; the page is beside it and links ``studies/<slug>/report.html``.
    """
    title, sentences = headline(findings)
    spec = {key: findings.document[key] for key in ("axes", "transfer", "spec")}
    settings = _settings_table(findings)
    compared = len(findings.winners) > 1
    transfers = {choice: _pairs_table(findings, choice) for choice in CHOICES} if compared else {}
    return CheckResult(
        title=title,
        lede=[*sentences, *warnings(findings)],
        sections=[
            Section(
                "The best shape of each setting",
                sentences=[
                    "Each setting links to the report of its own study. Scores are from fresh seeds. "
                    "Settings are different problems, so compare scores only within a setting.",
                ],
                figures=draw_all(_SETTING_FIGURES, findings, folder),
                tables=[settings],
            ),
            *(_transfer_section(findings, choice, table, folder) for choice, table in transfers.items()),
            Section("The sweep", codes=[Code(spec_text(spec))]),
        ],
        method=_method(findings),
        tables={"settings": _settings_frame(findings), "transfer": findings.regrets},
        data=plain(
            {
                **{key: findings.document[key] for key in ("axes", "transfer")},
                "metric": findings.metric,
                "margin": findings.margin,
                "answers": {choice: _answer(findings.answer(choice)) for choice in CHOICES},
                "settings": [
                    {"setting": s.slug, "values": s.values, "best": s.best} for s in findings.settings
                ],
                "regrets": [_entry(row) for row in findings.regrets.to_dict("records")],
            }
        ),
        cards=_cards(findings),
    )


def _answer(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _entry(value) if isinstance(value, dict) else value for key, value in found.items()}


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    """A regret with its parameters as an object."""
    return {**row, "params": params_of(row["params"])}


def _settings_frame(findings: SweepFindings) -> pd.DataFrame:
    """One row a setting: its values, its best shape and what it scores."""
    kept = (
        "base_lr", "base_lr_edge", "steps", "score_median", "score_low", "score_high", "seeds", "trials",
        "diverged_share", "failed_share",
    )  # fmt: skip
    return pd.DataFrame(
        [
            {
                "setting": s.slug,
                "label": s.label,
                "shape": s.best["shape"],
                "family": s.best["family"],
                "params": ", ".join(f"{k}={v}" for k, v in s.best["params"].items()),
                **{key: s.best[key] for key in kept},
                "transfer_trials": s.transfer_trials,
            }
            for s in findings.settings
        ]
    )


def _settings_table(findings: SweepFindings) -> Table:
    def shape(setting: SettingFindings) -> Cell:
        best = setting.best
        params = [f"{key} {short(value)}" for key, value in best["params"].items()]
        return printable(best["family"], 40), printable(", ".join(params), 200)

    def median(setting: SettingFindings) -> Cell:
        best = setting.best
        if best["score_median"] is None:
            return "diverged", ""
        return number(best["score_median"]), interval(*setting.interval, lead=best["score_median"])

    return table(
        "The settings and their best shapes",
        findings.settings,
        {
            "setting": lambda setting: findings.labels[setting.slug],
            "best shape": shape,
            "base LR": lambda setting: rate(setting.best["base_lr"]),
            (f"median {printable(findings.metric, 60)}", "95% interval"): median,
        },
        texts=[1],
        links=[f"studies/{setting.slug}/report.html" for setting in findings.settings],
    )


def _pairs_table(findings: SweepFindings, choice: str) -> Table:
    rows = findings.regrets
    pairs = where(rows, (rows["choice"] == choice) & (rows["verdict"] != "own"))
    return table(
        f"Regrets, base LR {_CHOSEN[choice][0]}",
        records(pairs),
        {
            "best shape of": lambda row: findings.labels[row["shape_of"]],
            "used in": lambda row: findings.labels[row["used_in"]],
            "base LR": lambda row: rate(row["base_lr"]),
            "median": lambda row: score_text(row["score"]),
            ("regret", "95% interval"): lambda row: (amount(row), ends(row)),
            ("p", "Holm"): lambda row: probability(row["p_holm"]),
            "verdict": lambda row: _VERDICTS[row["verdict"]],
        },
        texts=[1, 6],
    )


def _transfer_section(findings: SweepFindings, choice: str, table: Table, folder: Path) -> Section:
    chosen, how = _CHOSEN[choice]
    winners = findings.winners[:MOST]
    rows = [[findings.regret(choice, a.slug, b.slug) for b in winners] for a in winners]
    cells = [[" ".join(filter(None, (cell_text(row), ends(row)))) for row in line] for line in rows]
    grid = Grid([f"regret in {s.short}" for s in winners], cells)
    drawing = Drawing(
        MATRIX[choice],
        f"Another setting’s best shape, with its base LR {chosen}",
        _CAPTION + how,
        lambda findings: matrix(findings, choice),
    )
    figures = draw_all([drawing], findings, folder, {drawing.name: grid})
    return Section(
        f"How well the shapes transfer, base LR {chosen}",
        sentences=[
            "If a setting changes which shape is best, the best shapes of other settings do worse there "
            "than its own; the difference is their regret. If two settings have different best shapes, each "
            f"one’s does worse in the other. The margin is {percent(findings.margin)}."
        ],
        figures=figures,
        tables=[table],
    )


def _cards(findings: SweepFindings) -> Cards:
    """A card for the best shape of every setting, in the order of ``findings.winners``."""
    cards = Cards(f"median {findings.metric}")
    for s in findings.winners[:MOST]:
        cards.add(
            s.label,
            findings.styles[s.slug].colour,
            s.best["family"],
            s.best["params"],
            base_lr=s.best["base_lr"],
            score=number(s.best["score_median"]),
            more={"family": s.best["family"]},
            drawing=multipliers(s),
        )
    return cards


def _method(findings: SweepFindings) -> list[str]:
    how = findings.document["transfer"]
    trials = sum(s.best["trials"] for s in findings.settings)
    transfers = sum(s.transfer_trials for s in findings.settings)
    return [
        f"Each setting has a study of its own: {trials:,} trials in all. Its best shape is that of its "
        "rescore phase, scored above on seeds that no selection has seen. lrshape then trained every "
        f"best shape in every other setting: {transfers:,} trials in all.",
        f"Tuned again: {how['base_lrs']} base LRs, half a step of the study’s grid apart, around the best "
        "one known for the shape in that setting, and more while the best lies on an edge. "
        f"{HALVINGS} rounds follow, each with one base LR on either side of the best, "
        f"half as far from it as in the round before, all on {how['tuning_seeds']} seeds. The shape is then "
        f"scored on {how['seeds']} other seeds. The setting’s own best shape is tuned in the same way. "
        "Kept: shape and base LR as they were found, against the setting’s own best shape at the base LR of "
        "its study, on the same scoring seeds.",
        "A regret is the median over paired seeds of how much worse the shape is than the setting’s own best "
        "shape, in percent of the latter, with its exact 95% sign interval. With re-tuned base LRs the "
        "interval is wider by what better ones are expected to gain, by a model of the setting’s trials. A "
        "regret can be negative: a search need not find the best. “Above the margin” needs an interval "
        f"wholly above the margin of {percent(findings.margin)} and a p below 0.05 after Holm’s correction "
        "for all pairs of a matrix; “within the margin” an interval wholly below it. A trial that diverged "
        "or failed scores +∞.",
        "A best shape is itself the outcome of a noisy search: best shapes that look different need not "
        "perform differently, and what a search far from the best has found is worse in every setting. "
        "lrshape says that the best shape depends on the setting if a regret is above the margin and the "
        "regret of the other of the two shapes in the other setting is above 0, both after Holm’s correction "
        "for all pairs of settings.",
    ]
