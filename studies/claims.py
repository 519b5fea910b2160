"""The claims of the paper's abstract, each judged on every workload by the effects of `questions`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from effects import SMALL, Effect
from questions import COMMON, DECAY, beside_best, largest_regret, local_change, more_trials
from stored import WorkloadStudies, workloads

STRONG = 0.05
"""A regret above it is a strong change of the best shape."""
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


def _effect(one: WorkloadStudies, name: str) -> Effect | None:
    cell = beside_best(one, name)
    return None if cell is None else cell.effect


def needs(*names: str) -> Callable[[WorkloadStudies], Judgement]:
    """Whether doing without something costs, as the first of these schedules that was run does."""

    def judge(one: WorkloadStudies) -> Judgement:
        for name in names:
            if (effect := _effect(one, name)) is not None:
                return Judgement(_OF_NEED[effect.verdict], (effect,))
        return Judgement("not run")

    return judge


def common_families(one: WorkloadStudies) -> Judgement:
    """Whether the best shape beats all common schedules; the effect is that of the best of them."""
    effects = [effect for name in COMMON if (effect := _effect(one, name)) is not None]
    if len(effects) < len(COMMON):
        return Judgement("not run")
    verdicts = {effect.verdict for effect in effects}
    order = ("better", "small", "open", "worse")
    return Judgement(_OF_NEED[min(verdicts, key=order.index)], (min(effects),))


def near_optimal(one: WorkloadStudies) -> Judgement:
    """Whether neither a change to one parameter nor ten times the trials improves the winner."""
    cells = [cell for cell in (local_change(one), more_trials(one)) if cell is not None]
    effects = tuple(cell.effect for cell in cells if cell.effect is not None)
    if not effects:
        return Judgement("not run")
    if any(effect.verdict == "better" and effect.high < -SMALL for effect in effects):
        return Judgement("contradicted", effects)
    is_open = any(effect.verdict in ("better", "open") for effect in effects)
    return Judgement("not decided" if is_open else "confirmed", effects)


def weight_decay(one: WorkloadStudies) -> Judgement:
    """Whether the best shape of one weight decay costs more than 5% at another, its base LR tuned again."""
    sweeps = {coupling: sweep for (axis, coupling), sweep in one.sweeps.items() if axis == DECAY}
    regrets = {coupling: largest_regret(sweep) for coupling, sweep in sweeps.items()}
    effects = tuple(regret._replace(note=f"(coupling {coupling})") for coupling, regret in regrets.items())
    if not effects:
        has_none = "optimizer" not in one.main.spec.document()["workload"]
        return Judgement("has none" if has_none else "not run")
    if any(effect.is_judged and effect.low > STRONG for effect in effects):
        return Judgement("confirmed", effects)
    return Judgement("bounded" if all(effect.high < STRONG for effect in effects) else "not decided", effects)


CLAIMS = (
    Claim(
        "The search finds near-optimal shapes.",
        "Confirmed: no change to one parameter, and no search with ten times the trials, improves the winner "
        f"by {SMALL:.0%} (95%); contradicted: one surely does",
        near_optimal,
    ),
    Claim(
        "Warmup is a robust feature of good schedules.",
        "Confirmed: the best shape without warmup, searched and tuned alike, is worse; bounded: by less than "
        f"{SMALL:.0%}; contradicted: it is better",
        needs("without-warmup"),
    ),
    Claim(
        "So is decay.",
        "Confirmed: the best shape, held at its peak (where that was not run, a constant LR), is worse; "
        f"bounded: by less than {SMALL:.0%}; contradicted: it is better",
        needs("without-decay", "constant"),
    ),
    Claim(
        "Commonly used families are not optimal.",
        "Confirmed: constant, linear, cosine and WSD are all worse than the best shape; bounded: one by less "
        f"than {SMALL:.0%}; contradicted: one is better",
        common_families,
    ),
    Claim(
        "Weight decay can have a strong effect on the best shape.",
        f"Confirmed: used with another weight decay, a best shape loses more than {STRONG:.0%}, its base LR "
        "tuned again; bounded: none does",
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
    }


def by_verdict(names: Sequence[str], judged: Sequence[Judgement]) -> dict[str, list[str]]:
    """The workloads of each verdict that was given, the verdicts in their order."""
    pairs = list(zip(names, judged, strict=True))
    found = {verdict: [name for name, one in pairs if one.verdict == verdict] for verdict in VERDICTS}
    return {verdict: those for verdict, those in found.items() if those}
