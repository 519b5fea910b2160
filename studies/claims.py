"""The claims of the paper's abstract, each judged on every workload by the effects of `questions`."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from effects import SMALL, Effect
from linear_regression import optimum_of
from questions import DECAY, beside_best, finds_best, largest_regret, local_change
from stored import TEN_TIMES, WorkloadStudies, workloads
from transfers import answer_of

STRONG = 0.05
"""A regret above it is a strong change of the best shape."""
COMMON = ("constant", "linear", "cosine", "wsd")
"""Baselines: each as it is usually set."""
COMMON_FAMILIES = {"linear": "linear", "cosine_floor": "cosine", "wsd": "wsd"}
"""Families with the baselines that are members of them; a constant LR has no parameter but its warmup."""
NEAR = "better", "small"
"""Verdicts of what is as good as the best shape, or better."""
_OF_NEED = {"worse": "confirmed", "better": "contradicted", "small": "bounded", "open": "not decided"}
"""Whether a good schedule needs something, by what it costs to do without."""
VERDICTS = "confirmed", "contradicted", "bounded", "not decided", "not run"
"""What the runs can say of a claim; ``has none`` is where it makes no sense."""


class Judgement(NamedTuple):
    """What the runs say of a claim on a workload: one of `VERDICTS`, or ``has none``, and the effects."""

    verdict: str
    effects: tuple[Effect, ...] = ()


class Claim(NamedTuple):
    """One claim.

    Attributes:
        text: the claim.
        rule: when it is confirmed, contradicted or bounded.
        judge: says so of a workload.
    """

    text: str
    rule: str
    judge: Callable[[WorkloadStudies], Judgement]


def needs(name: str) -> Callable[[WorkloadStudies], Judgement]:
    """Whether doing without something costs, as this schedule does."""

    def judge(one: WorkloadStudies) -> Judgement:
        effect = one.effects.get(name)
        return Judgement("not run") if effect is None else Judgement(_OF_NEED[effect.verdict], (effect,))

    return judge


def common_schedules(one: WorkloadStudies) -> Judgement:
    """Whether the best shape beats all common schedules."""
    return beats_all([(name, one.effects.get(name)) for name in COMMON])


def common_families(one: WorkloadStudies) -> Judgement:
    """Whether the best shape beats the best shapes of all common families."""
    usual = {family: one.effects.get(name) for family, name in COMMON_FAMILIES.items()}
    # If the usual setting is near, so is the family's best shape.
    near = [(family, effect) for family, effect in usual.items() if effect and effect.verdict in NEAR]
    return beats_all([*((family, one.of_families.get(family)) for family in COMMON_FAMILIES), *near])


def beats_all(others: Sequence[tuple[str, Effect | None]]) -> Judgement:
    """Whether all of these are worse. None was not run.

    Of the effects with the verdict that is worst for the best shape, it is the one with the lowest upper end.
    """
    effects = [
        effect._replace(note=", ".join(filter(None, (f"`{name}`", effect.note))))
        for name, effect in others
        if effect is not None
    ]
    order = (*NEAR, "open", "worse")

    def key(effect: Effect) -> tuple[int, float]:
        return order.index(effect.verdict), math.inf if math.isnan(effect.high) else effect.high

    best = min(effects, key=key, default=None)
    if best is None or (len(effects) < len(others) and best.verdict not in NEAR):
        return Judgement("not run")
    return Judgement(_OF_NEED[best.verdict], (best,))


def near_optimal(one: WorkloadStudies) -> Judgement:
    """Whether nothing is known to be better than the winner.

    That is a changed parameter, a longer search, the optimum, or any schedule that was confirmed beside it. A
    few changes to one parameter alone do not confirm it.
    """
    changed, longer = (cell and cell.effect for cell in (local_change(one), beside_best(one, TEN_TIMES)))
    optimum, score = optimum_of(one.name), one.best.score_median
    if optimum is not None and score is not None:
        gap = optimum / score - 1
        known = Effect(gap, gap, gap, "the optimum")
    else:
        known = None
    effects = tuple(effect for effect in (changed, longer, known) if effect is not None)
    if not effects:
        return Judgement("not run")
    better = [effect for effect in (*effects, *one.effects.values()) if effect.verdict == "better"]
    if any(effect.high < -SMALL for effect in better):
        return Judgement("contradicted", effects)
    if better or changed is None or any(effect.verdict == "open" for effect in effects):
        return Judgement("not decided", effects)
    return Judgement("confirmed" if longer or known else "bounded", effects)


def weight_decay(one: WorkloadStudies) -> Judgement:
    """Whether the best shape of one weight decay costs more than 5% at another, its base LR tuned again."""
    sweeps = {coupling: sweep for (axis, coupling), sweep in one.sweeps.items() if axis == DECAY}
    effects = tuple(
        largest_regret(one, sweep)._replace(note=f"(coupling {coupling})")
        for coupling, sweep in sweeps.items()
    )
    if not effects:
        has_none = "optimizer" not in one.main.spec.document()["workload"]
        return Judgement("has none" if has_none else "not run")
    answers = {answer_of(one, sweep, STRONG)["moves"] for sweep in sweeps.values()}
    if "yes" in answers:
        return Judgement("confirmed", effects)
    is_bounded = answers == {"no"} and finds_best(one, STRONG)
    return Judgement("bounded" if is_bounded else "not decided", effects)


CLAIMS = (
    Claim(
        "The search finds near-optimal shapes.",
        "Confirmed: a search with up to ten times the trials or the optimum of all schedules is known, and "
        f"neither is better than the winner by {SMALL:.0%} (95%), nor is the winner with one parameter "
        "changed; bounded: only the latter was tested, at a few values of each parameter; contradicted: one "
        f"of them, or another schedule that was confirmed, is better by more than {SMALL:.0%}; not decided: "
        "one of them is better, or may be (95% each, uncorrected)",
        near_optimal,
    ),
    Claim(
        "Warmup is a robust feature of good schedules.",
        "Confirmed: the best shape of a search without warmup is worse; bounded: by less than "
        f"{SMALL:.0%}; contradicted: it is better",
        needs("without-warmup"),
    ),
    Claim(
        "Decay is a robust feature, too.",
        f"Confirmed: the best shape, held at its peak, is worse; bounded: by less than {SMALL:.0%}; "
        "contradicted: it is better",
        needs("without-decay"),
    ),
    Claim(
        "Commonly used schedules, as they are usually set, are not optimal.",
        "Confirmed: constant, linear, cosine and WSD (5% warmup, 20% decay) are worse than "
        f"the best shape; bounded: one by less than {SMALL:.0%}; contradicted: one is better",
        common_schedules,
    ),
    Claim(
        "Commonly used families are not optimal.",
        "Confirmed: the best shapes that the search has found in `linear`, `cosine_floor` and `wsd`, whose "
        "warmups, floors, decays and, of `wsd`, exponents it varies, are worse than the best of all; "
        "bounded: one, or its usual "
        f"setting, by less than {SMALL:.0%}, or it is the best; contradicted: one is better",
        common_families,
    ),
    Claim(
        "Weight decay can have a strong effect on the best shape.",
        f"Confirmed: used with another weight decay, a best shape loses more than {STRONG:.0%} (its "
        "interval; that it loses at all is corrected for all pairs), its base LR tuned again, and the best "
        "shape found there loses in turn; bounded: "
        f"none loses as much, and the sweep's search ended less than {STRONG:.0%} above the best shape",
        weight_decay,
    ),
)


def findings() -> Mapping[str, Any]:
    """What the section shows."""
    studies = workloads()
    names = [one.name for one in studies]
    rows = [(claim, [claim.judge(one) for one in studies]) for claim in CLAIMS]
    return {
        "workloads": names,
        "rows": rows,
        "summary": [(claim.text, by_verdict(names, judged)) for claim, judged in rows],
        "strong": STRONG,
        "passed_in_vain": [one for one, judged in zip(names, rows[0][1], strict=True) if in_vain(judged)],
    }


def in_vain(judged: Judgement) -> bool:
    """Whether the optimum alone contradicts that a search has found a near-optimal shape."""
    *others, last = judged.effects or (None,)
    is_it = last is not None and last.note == "the optimum" and last.high < -SMALL
    return is_it and all(one.verdict == "small" for one in others)


def by_verdict(names: Sequence[str], judged: Sequence[Judgement]) -> dict[str, list[str]]:
    """The workloads of each verdict that was given, the verdicts in their order."""
    pairs = list(zip(names, judged, strict=True))
    found = {verdict: [name for name, one in pairs if one.verdict == verdict] for verdict in VERDICTS}
    return {verdict: those for verdict, those in found.items() if those}
