"""What a sweep shows: its page with links to each setting's own report, its tables, its data."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lrshape.checks.check import CheckResult
from lrshape.checks.settings_figures import MOST, matrix, overlay, setting_scores
from lrshape.checks.settings_findings import SettingFindings, SweepFindings, headline, warnings
from lrshape.checks.transfer_statistics import CHOICES, KEPT, TUNED, answer
from lrshape.report.drawing import Drawing, Grid, draw_all
from lrshape.report.interaction import Cards
from lrshape.report.sections import Code, Section, Table
from lrshape.report.spec_text import spec_text
from lrshape.report.words import interval, number, percent, printable, probability, rate

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
    "cell is the regret relative to the column’s own best shape, as a fraction of its median, with the "
    "95% interval of the paired difference. Bold regrets are significantly above the margin. "
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
            Section("The sweep", codes=[Code(_spec(findings))]),
        ],
        method=_method(findings),
        summary=[settings, *([transfers[TUNED]] if compared else []), *sentences, *warnings(findings)],
        tables={"settings": _settings_frame(findings), "transfer": findings.regrets},
        data=_data(findings),
        cards=_cards(findings),
    )


def _data(findings: SweepFindings) -> dict[str, Any]:
    answers = {choice: answer(findings.regrets, choice) for choice in CHOICES}
    for found in answers.values():
        found["largest"] = found["largest"] and _plain(found["largest"])
    return {
        "axes": findings.document["axes"],
        "metric": findings.metric,
        "margin": findings.margin,
        "transfer": findings.document["transfer"],
        "answers": answers,
        "settings": [
            {"setting": s.slug, "values": dict(s.values), "best": s.best} for s in findings.settings
        ],
        "regrets": [_plain(row) for row in findings.regrets.to_dict("records")],
    }


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


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
    return Table(
        "The settings and their best shapes",
        headings=[
            ("setting", ""),
            ("best shape", ""),
            ("base LR", ""),
            (f"median {printable(findings.metric, 60)}", "95% interval"),
        ],
        rows=[_setting_cells(findings, setting) for setting in findings.settings],
        texts=[1],
        links=[f"studies/{setting.slug}/report.html" for setting in findings.settings],
    )


def _setting_cells(findings: SweepFindings, setting: SettingFindings) -> list[tuple[str, str]]:
    best = setting.best
    median = math.inf if best["score_median"] is None else best["score_median"]
    low, high = (math.nan if best[k] is None else best[k] for k in ("score_low", "score_high"))
    params = [f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in best["params"].items()]
    return [
        (findings.labels[setting.slug], ""),
        (printable(best["family"], 40), printable(", ".join(params), 200)),
        (rate(best["base_lr"]), ""),
        (number(median), interval(low, high, lead=median)) if math.isfinite(median) else ("diverged", ""),
    ]


def _pairs_table(findings: SweepFindings, choice: str) -> Table:
    return Table(
        f"Regrets, base LR {_CHOSEN[choice][0]}",
        headings=[
            ("best shape of", ""),
            ("used in", ""),
            ("base LR", ""),
            ("median", ""),
            ("regret", "95% interval"),
            ("p", "Holm"),
            ("verdict", ""),
        ],
        rows=[
            [
                (findings.labels[row["shape_of"]], ""),
                (findings.labels[row["used_in"]], ""),
                (rate(row["base_lr"]), ""),
                (number(row["score"]) if math.isfinite(row["score"]) else "diverged", ""),
                ("–" if math.isnan(row["relative"]) else percent(row["relative"]), _ends(row)),
                (probability(row["p_holm"]), ""),
                (_VERDICTS[row["verdict"]], ""),
            ]
            for row in findings.regrets.to_dict("records")
            if row["choice"] == choice and row["verdict"] != "own"
        ],
        texts=[1, 6],
    )


def _ends(row: Mapping[Any, Any]) -> str:
    low, high = row["relative_low"], row["relative_high"]
    return "" if math.isnan(low) or math.isnan(high) else f"{percent(low)} to {percent(high)}"


def _transfer_section(findings: SweepFindings, choice: str, table: Table, folder: Path) -> Section:
    chosen, how = _CHOSEN[choice]
    shown = findings.winners[:MOST]
    rows = [[findings.regret(choice, a.slug, b.slug) for b in shown] for a in shown]
    grid = Grid([f"regret in {s.short}" for s in shown], [[_cell(row) for row in line] for line in rows])
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
            f"than its own; the difference is their regret. The margin is {percent(findings.margin)} of "
            "the own best shape’s "
            "median."
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
            json.dumps(s.best["params"], sort_keys=True),
            base_lr=s.best["base_lr"],
            score=number(s.best["score_median"]),
            more={"family": s.best["family"]},
        )
    return cards


def _cell(row: Mapping[str, Any]) -> str:
    if row["verdict"] == "own":
        return "0, its own"
    if math.isnan(row["relative"]):
        return "diverged" if math.isinf(row["regret"]) else "unknown"
    spread = f" ({_ends(row)})" if math.isfinite(row["relative_low"] + row["relative_high"]) else ""
    return f"{percent(row['relative'])}{spread}"


def _spec(findings: SweepFindings) -> str:
    return spec_text({key: findings.document[key] for key in ("axes", "transfer", "spec")})


def _method(findings: SweepFindings) -> list[str]:
    how = findings.document["transfer"]
    trials = sum(s.best["trials"] for s in findings.settings)
    transfers = sum(s.transfer_trials for s in findings.settings)
    return [
        f"Each setting has a study of its own: {trials:,} trials in all. Its best shape is that of its "
        "rescore phase, scored above on seeds that no selection has seen.",
        f"lrshape then trained every best shape in every other setting: {transfers:,} trials in all.",
        f"Tuned again: {how['base_lrs']} base LRs, half a step of the study’s grid apart, around the best "
        "one known for the shape in that setting, and more while the best lies on an edge, on "
        f"{how['tuning_seeds']} seeds; then scored on {how['seeds']} other seeds. The setting’s own best "
        "shape is tuned in the same way.",
        "Kept: shape and base LR as they were found, against the own best shape at its own study’s base LR, "
        "on the same scoring seeds.",
        "A regret is a difference of medians over paired seeds with its 95% percentile-bootstrap interval, "
        "shown as a share of the own best shape’s median. It can be negative: a search need not find "
        "the best.",
        f"“Above the margin” needs an interval wholly above the margin of {percent(findings.margin)} and a p "
        "below 0.05 after Holm’s correction for all pairs of a matrix; “within the margin” an interval "
        "wholly below it. Trials that diverged or failed score +∞ and stay in every median.",
        "A best shape is itself the outcome of a noisy search: best shapes that look different need not "
        "perform differently. Only significant regrets show that they do.",
    ]
