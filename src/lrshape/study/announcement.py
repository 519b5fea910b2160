"""What the phases of a study are about to do, a line each."""

from lrshape.procedure.base_lr import GridLR, JointLR, PredictedLR
from lrshape.procedure.racing import rungs
from lrshape.study.spec import StudySpec


def announcement(spec: StudySpec, phase: str) -> str:
    """One line on what a phase does; empty for phases that are not a search's.

    Example:
        >>> print(announcement(StudySpec.parse({"workload": "digits-mlp", "families": ["rex"]}), "confirm"))
        the best of each family and 4 baselines on 20 seeds that chose nothing
    """
    words = {"screen": _screen, "rescore": _rescore, "confirm": _confirm}
    return words[phase](spec) if phase in words else ""


def _screen(spec: StudySpec) -> str:
    names = ", ".join(family.name for family in spec.families)
    total = sum(f.shapes or spec.screen.shapes for f in spec.families)
    shared = f"{total:,} shapes shared by" if spec.screen.share_families else f"{total:,} shapes of"
    ends = (
        f", fewer if less than {spec.screen.stop_gain:.1%} is to be gained" if spec.screen.stop_gain else ""
    )
    how = f"sampler {spec.sampler.name}, {_base_lrs(spec)}, {_seeds(spec.screen.seeds)}"
    return f"{shared} {names}{ends}; {how}"


def _base_lrs(spec: StudySpec) -> str:
    strategy = spec.base_lr
    if isinstance(strategy, GridLR):
        return f"each at {strategy.points} base LRs"
    if isinstance(strategy, JointLR):
        return "which chooses the base LR, too"
    if not isinstance(strategy, PredictedLR):
        return f"base LRs by {strategy.name}"
    return f"each at {strategy.points} base LRs around the predicted one"


def _rescore(spec: StudySpec) -> str:
    rescored = spec.rescore
    rates = f" at {rescored.base_lrs} base LRs each" if rescored.base_lrs > 1 else ""
    how = _seeds(rescored.seeds)
    if rescored.race:
        steps = ", ".join(str(rung) for rung in rungs(rescored.seeds))
        how = f"a race over {steps} seeds, in which only what may still win goes on"
    return f"the best {rescored.top} shapes{rates}, fresh seeds: {how}"


def _confirm(spec: StudySpec) -> str:
    return (
        f"the best of each family and {len(spec.baselines)} baselines on {_seeds(spec.confirm.seeds)} "
        "that chose nothing"
    )


def _seeds(count: int) -> str:
    return "1 seed" if count == 1 else f"{count:,} seeds"
