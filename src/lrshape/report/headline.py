"""The result of a study in words, as strong as the numbers and no stronger, its key numbers and limits."""

import math
import re

from lrshape.report.claims import LEAST_SEEDS, Claims, edges, hyperparameters
from lrshape.report.findings import Findings, Row
from lrshape.report.sections import Notice, Tile
from lrshape.report.words import (
    capital,
    counted,
    duration,
    listing,
    percent,
    printable,
    rate,
)


def headline(findings: Findings) -> tuple[str, list[str]]:
    """Say what won, by how much and how sure that is; or why nothing did.

    Returns:
        A title of a few words, and sentences with the numbers.
    """
    winner = findings.winner
    metric = printable(findings.metric, 60)
    if not findings.statuses.get("ok"):
        none = f"None of the {counted(findings.trials, 'trial')} gave a finite {metric}"
        advice = "Search lower base LRs (base_lr.low and base_lr.high in the spec)."
        if "failed" in findings.statuses:
            advice = "The messages of the failures are listed below."
        title = f"Every trial {' or '.join(sorted(findings.statuses))}"
        return title, [f"{none}, so no schedule shape can be recommended.", advice]
    if winner is None:
        return "No searched shape has been trained yet", ["Only baselines have trials so far."]
    if math.isinf(winner["score"]):
        lost = f"{counted(winner['diverged'] + winner['failed'], 'trial')} of its {winner['seeds']}"
        return "No usable winner", [
            f"{_subject(findings, winner)} has no finite median {metric}: "
            f"{lost} in the {winner['phase']} phase diverged or failed."
        ]
    title, sentences = _against_baselines(findings, winner)
    prefixes = []
    if not findings.is_confirmed and (findings.missing or not findings.is_reranked):
        prefixes.append("So far")
    if findings.is_reranked:
        prefixes.append(f"{'by' if prefixes else 'By'} {metric}")
    if prefixes:
        title = f"{', '.join(prefixes)}: {re.sub('^No ', 'no ', title)}"
    return title, [*sentences, *_other_families(findings)]


def measured(row: Row, findings: Findings) -> str:
    """Return a row's score in words, e.g. ``median final/train_loss 0.010 (95% interval 0.009 to 0.011)``."""
    precision = findings.claims.precision
    spread = precision.interval(row["low"], row["high"])
    text = f"median {printable(findings.metric, 60)} {precision.text(row['score'])}"
    return text + (f" (95% interval {spread})" if spread else "")


def _against_baselines(findings: Findings, winner: Row) -> tuple[str, list[str]]:
    """Say what is shown beside the baselines: a title, and sentences with the numbers."""
    name = winner["label"]
    score = f"{_subject(findings, winner)} has {measured(winner, findings)}."
    if not findings.baselines:
        return f"{name} is the best searched family", [f"{score} No baseline was trained in this phase."]
    by = {case: [r for r in findings.baselines if r["verdict"] == case] for case in VERDICTS}
    alive = [row for row in findings.baselines if row["verdict"] != "diverged"]
    sentences = [score, *(s for case in VERDICTS if by[case] for s in _sentences(findings, case, by[case]))]
    if findings.is_contest and by["worse"]:
        return f"{name} does not beat {_names(findings, by['worse'])}", sentences
    if not alive:
        return f"{name} wins", sentences
    if by["worse"]:
        return f"No searched shape beats {_names(findings, by['worse'])}", sentences
    if len(by["better"]) == len(alive):
        return f"{name} wins", sentences
    if len(by["unknown"]) == len(alive) and not math.isnan(alive[0]["effect"]):
        return f"{name} {'leads' if alive[0]['effect'] > 0 else 'does not lead'}", sentences
    undecided = by["untuned"] + by["unknown"]
    parts = [
        f"is better than {_names(findings, by['better'])}" if by["better"] else "",
        f"equals {_names(findings, by['equal'])}" if by["equal"] else "",
        f"cannot be told apart from {_names(findings, by['open'])}" if by["open"] else "",
    ]
    claims = [f"{'it' if place else name} {part}" for place, part in enumerate(filter(None, parts))]
    if undecided:
        claims.append(f"{'no' if claims else 'No'} verdict against {_names(findings, undecided)}")
    return "; ".join(claims), sentences


def _subject(findings: Findings, winner: Row) -> str:
    """Return what the winner is, to begin a sentence."""
    if findings.is_contest:
        return f"Of {counted(len(findings.leaders), 'schedule')}, {winner['label']}"
    return f"The best searched shape, of the family {winner['label']},"


MOST = 4
"""Baselines that a sentence names, with their numbers; of more it names one less, and counts the others."""

VERDICTS = ("worse", "better", "equal", "open", "untuned", "unknown", "diverged")
"""Of baselines, in the order in which they are told."""


def _sentences(findings: Findings, case: str, rows: list[Row]) -> list[str]:
    """Say what is known of the baselines with one verdict."""
    claims, first, names = findings.claims, rows[0], _names(findings, rows)
    amount = _amount(findings, first, _bare(first) if len(rows) > 1 else "")
    are = "is" if len(rows) == 1 else "are"
    if case == "better":
        return [f"It is better than {names}: {amount}."]
    if case == "worse":
        own = findings.winner["label"] if findings.is_contest and findings.winner else "the searched shape"
        return [f"{_capital(names)} {are} better: {own} is {amount}."]
    if case == "equal":
        return [f"It equals {names}{_within(claims)}."]
    if case == "diverged":
        its = "its" if len(rows) == 1 else "their"
        return [f"{_capital(names)} diverged or failed on at least half of {its} seeds."]
    if case == "unknown":
        if math.isnan(first["effect"]):
            return [f"No verdict against {names}: no trials on the winner’s seeds yet."]
        needs = f", which needs at least {LEAST_SEEDS}" if first["pairs"] < LEAST_SEEDS else ""
        if len(rows) > MOST or any(math.isinf(row["score"]) for row in rows):
            return [f"No verdict against {names}: too few seeds for an interval{needs}."]
        amounts = listing([_amount(findings, row, _bare(row)) for row in rows])
        return [f"It is {amounts}: too few seeds for an interval{needs}."]
    if len(rows) > MOST:
        return _grouped(findings, rows)
    if case == "untuned":
        return [f"No verdict against {_names(findings, [row])}: {claims.tuning_fault(row)}." for row in rows]
    return [_open(findings, row) for row in rows]


def _grouped(findings: Findings, rows: list[Row]) -> list[str]:
    """Say of many open or untuned baselines, by reason, why they are not decided."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row["verdict"] == "untuned":
            why = findings.claims.reason(row)
        elif row["effect_low"] == row["effect_high"] == 0:
            why = "equal scores on most of the seeds"
        else:
            why = f"an interval that excludes {_UNTIL_CORRECTED}" if _excludes_0(row) else ""
        groups.setdefault(f": {why}." if why else ".", []).append(row)
    lead = "No verdict against" if rows[0]["verdict"] == "untuned" else "It cannot be told apart from"
    return [f"{lead} {_names(findings, group)}{why}" for why, group in groups.items()]


_UNTIL_CORRECTED = "0, but not after correction for comparisons and for better base LRs"


def _excludes_0(row: Row) -> bool:
    return row["effect_low"] > 0 or row["effect_high"] < 0


def _within(claims: Claims) -> str:
    within = claims.margin_text()
    return f" within {within}, the smallest difference that matters" if within else ""


def _open(findings: Findings, row: Row) -> str:
    claims, name = findings.claims, _names(findings, [row])
    if row["effect_low"] == row["effect_high"] == 0:
        return f"It cannot be told apart from {name}: their scores are equal on most of the seeds."
    why = f", which excludes {_UNTIL_CORRECTED}" if _excludes_0(row) else ""
    seeds = claims.seeds_to_decide(row)
    advice = f"; about {counted(seeds, 'seed')} would probably decide" if seeds else ""
    return f"It cannot be told apart from {name}: {_amount(findings, row)}{why}{advice}."


def _amount(findings: Findings, row: Row, other: str = "") -> str:
    """Return e.g. ``13% lower than linear in the median over 20 seeds (95% interval 10% to 16%)``."""
    spread = findings.claims.spread(row)
    ends = f" (95% interval {spread})" if spread else ""
    than = f" {'than' if row['effect'] else 'to'} {other}" if other else ""
    return f"{findings.claims.amount(row)}{than} in the median over {counted(row['pairs'], 'seed')}{ends}"


def _bare(row: Row) -> str:
    return row["label"].removesuffix(" baseline")


def _names(findings: Findings, rows: list[Row]) -> str:
    """Return e.g. ``the linear baseline``, ``the linear and cosine baselines``; of a contest ``linear``."""
    names, more = [_bare(row) for row in rows], len(rows) - MOST + 1
    if more > 1:
        names[MOST - 1 :] = [f"{more} other{'s' if findings.is_contest else ''}"]
    text = listing(names)
    return text if findings.is_contest else f"the {text} baseline{'s' if len(rows) > 1 else ''}"


def _capital(names: str) -> str:
    """Return names to begin a sentence; a schedule's own name stays as it is."""
    return f"T{names[1:]}" if names.startswith("the ") else names


def _other_families(findings: Findings) -> list[str]:
    """Say which other families' best shapes the winner cannot be told apart from, or did better."""
    if findings.is_contest:
        return []
    claims = findings.claims
    others = [r for r in findings.leaders if not r["is_winner"] and not r["is_baseline"]]
    same, equal, worse = ([r for r in others if r["verdict"] == case] for case in ("open", "equal", "worse"))
    sentences = []
    if same and claims.is_noiseless:
        amounts = [f"{claims.amount(row)} than {row['label']}" for row in same if row["effect"]]
        if amounts:
            sentences.append(
                "Its differences to the best shapes of other families are the same on all, or most, seeds: "
                f"it is {listing(amounts)}."
            )
        if ties := [row for row in same if not row["effect"]]:
            sentences.append(f"It has the same score as {_best_of(ties)}.")
    elif same:
        apart = [row for row in same if _excludes_0(row)]
        whose = "of all" if len(apart) == len(same) else f"of {listing([row['label'] for row in apart])}"
        have = "its interval excludes" if len(same) == 1 else f"the intervals {whose} exclude"
        why = f"; {have} {_UNTIL_CORRECTED}" if apart else ""
        sentences.append(f"It cannot be told apart from {_best_of(same)}{why}.")
    if equal:
        sentences.append(f"It equals {_best_of(equal)}{_within(claims)}.")
    if worse:
        sentences.append(
            f"The best of {listing([row['label'] for row in worse])} did better here, on fresh seeds, than "
            "the shape that earlier phases had chosen as the winner."
        )
    return sentences


def _best_of(rows: list[Row]) -> str:
    return f"the best {'shape' if len(rows) == 1 else 'shapes'} of {listing([row['label'] for row in rows])}"


def notices(findings: Findings) -> list[Notice]:
    """Return what a reader must know before believing the result."""
    found = []
    if findings.is_reranked:
        found.append(Notice("Re-ranked", _reranked(findings)))
    if findings.missing or not (findings.is_confirmed or findings.is_reranked):
        text = f"The study is not complete: {_unfinished(findings)}. "
        if findings.is_confirmed:
            text += "The numbers will change as the remaining trials come in."
        elif findings.winner:
            text += (
                f"The numbers come from the {findings.phase} phase, which also helped to choose the winner, "
                "and are biased in its favour; only the confirm phase measures it on fresh seeds."
            )
        found.append(Notice("Partial", text.strip()))
    if findings.claims.is_noiseless:
        text = (
            f"Every schedule has the same {printable(findings.metric, 60)} on all, or most, of its "
            "seeds: the training ignores the seed, or the metric is too coarse. More seeds add nothing, and "
            "intervals and p-values, which take seeds for independent evidence, mean little."
        )
        found.append(Notice("Equal scores over seeds", text))
    at_edge: dict[str, list[str]] = {}
    for row in findings.leaders:
        known = {"base LR": rate(row["base_lr"]), **hyperparameters({**row, "edges": {}})}
        for name, side in edges(row).items() if math.isfinite(row["score"]) else ():
            end = "lowest" if side == "low" else "highest"
            at_edge.setdefault(name, []).append(f"{row['label']} ({known[name]}, the {end})")
    for name, where in at_edge.items():
        of_it = "this schedule" if len(where) == 1 else "each of these schedules"
        text = (
            f"The best {name} of {listing(where)} lies on the edge of those tried for {of_it}: a better one "
        )
        found.append(Notice(f"{capital(name)} on the edge", f"{text}may lie beyond it."))
    failed = findings.statuses.get("failed", 0)
    if failed:
        text = f"{counted(failed, 'trial')} of {findings.trials:,} failed and count as +∞."
        found.append(Notice("Failures", f"{text} See the messages below.", bad=True))
    return found


def _reranked(findings: Findings) -> str:
    metric, own = (printable(name, 60) for name in (findings.metric, findings.study_metric))
    text = (
        f"This report ranks the study’s trials by {metric}; the study itself was searched by "
        f"{own}, which chose the shapes that were rescored and the base LRs that were confirmed. A search by "
        f"{metric} may find better ones."
    )
    if findings.is_contest:
        return (
            f"This report ranks the study’s trials by {metric}; the base LRs were tuned by {own}, and others "
            f"may be better by {metric}."
        )
    if findings.leaders and not findings.is_confirmed:
        text += (
            f" The confirm phase did not train the winner by {metric} at its base LR: all numbers come from "
            f"the {findings.phase} phase, which also chose it, and are biased in its favour."
        )
    return text


def _unfinished(findings: Findings) -> str:
    present = {row["phase"]: row["trials"] for row in findings.phases}
    absent = [name for name in findings.missing if name not in present]
    parts = [
        f"the {name} phase has {trials:,} of its {findings.planned[name]:,} trials"
        for name, trials in present.items()
        if name in findings.missing
    ]
    if absent:
        parts.append(f"{listing(absent)} {'has' if len(absent) == 1 else 'have'} not run")
    return listing(parts) or "the confirm phase has not trained the winner yet"


def tiles(findings: Findings) -> list[Tile]:
    """Return the key numbers."""
    found = []
    winner = findings.winner
    if winner is not None and math.isfinite(winner["score"]):
        precision = findings.claims.precision
        spread = precision.interval(winner["low"], winner["high"])
        note = f"95% interval {spread}" if spread else f"over {counted(winner['seeds'], 'seed')}"
        found.append(Tile(f"median {printable(findings.metric, 40)}", precision.text(winner["score"]), note))
        for row in [r for r in findings.baselines if math.isfinite(r["effect"])][:2]:
            spread = findings.claims.spread(row)
            note = f"95% interval {spread}" if spread else "no interval: too few seeds"
            amount = findings.claims.amount(row) if row["effect"] else "no difference"
            found.append(Tile(f"vs {row['label']}", amount, note))
    diverged = percent(findings.statuses.get("diverged", 0) / findings.trials)
    time = duration(sum(row["seconds"] for row in findings.phases))
    found.append(Tile("trials", f"{findings.trials:,}", f"{diverged} diverged, {time} of compute"))
    return found
