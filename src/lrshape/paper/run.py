"""The whole computation: every family's gap to the optimum, the descents, and the checks of both."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrshape.errors import InputError
from lrshape.paper.descent import Certificate, Descent, Jaggedness, certify, descend, jaggedness, starts
from lrshape.paper.dynamics import Array, Dynamics, Recursion, SecondMoments, random_basis
from lrshape.paper.simulate import MeanInterval, mean_interval, simulate
from lrshape.procedure.family_optimum import FamilyOptimum, best_of_family
from lrshape.procedure.family_spec import FamilySpec
from lrshape.procedure.trial import FIRST_SEED, sampler_seed, training_seeds
from lrshape.process_wide import one_blas_thread
from lrshape.report.words import percent
from lrshape.shapes import FAMILIES
from lrshape.study.spec import StudySpec
from lrshape.training.devices import mesh
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads.linear_regression import LinearRegression

OPTIMUM = "optimum"
"""Name of the optimal schedule among the families."""

SCREEN_MEMBERS = 2048

Report = Callable[[str], None]


@dataclass(frozen=True)
class ScheduleCheck:
    """One schedule's final loss in three descriptions.

    Attributes:
        lrs: its learning rates, shape (steps,).
        loss: what was minimised.
        exact: by the exact second moments of one eigenbasis.
        simulated: mean over simulated trials by SGD.
    """

    lrs: Array
    loss: float
    exact: float
    simulated: MeanInterval

    @property
    def agrees(self) -> bool:
        """Whether what was minimised lies within the simulation's interval."""
        return self.simulated.holds(self.loss)


@dataclass(frozen=True)
class OptimumResult:
    """All that there is to report.

    Attributes:
        spec: of the workload, the families and the step_rule.
        eigenbasis: seed of the eigenbasis whose exact dynamics was minimised; None for the recursion.
        check_eigenbasis: seed of the eigenbasis of `ScheduleCheck.exact`.
        lr_scale: unit of learning rates in the gradients, see `Dynamics.lr_scale`.
        descents: best first.
        certificate: of the best descent; None where it is too dear.
        jaggedness: of the best descent.
        families: best first.
        checks: by name, `OPTIMUM` first.
    """

    spec: StudySpec
    eigenbasis: int | None
    check_eigenbasis: int
    lr_scale: float
    descents: tuple[Descent, ...]
    certificate: Certificate | None
    jaggedness: Jaggedness
    families: tuple[FamilyOptimum, ...]
    checks: dict[str, ScheduleCheck]

    @property
    def best(self) -> Descent:
        """The optimum."""
        return self.descents[0]

    @property
    def spread(self) -> float:
        """How much worse than the best the worst descent ended, as a fraction."""
        return self.descents[-1].loss / self.best.loss - 1

    def gap(self, family: FamilyOptimum) -> float:
        """A family's loss over the optimum's, minus 1."""
        return family.loss / self.best.loss - 1

    def exact_gap(self, name: str) -> float:
        """The same by the exact second moments of one eigenbasis, for the same two schedules."""
        return self.checks[name].exact / self.checks[OPTIMUM].exact - 1


ROUNDING = 1e-9
"""Gaps below this are of rounding."""


def gap_text(gap: float) -> str:
    """Return a gap as a percentage with two significant digits."""
    return percent(gap, zero=ROUNDING)


def linear_regression(spec: StudySpec) -> LinearRegression:
    """The spec's workload.

    Raises:
        InputError: if it is another one: only this one's expected loss is known.
    """
    if not isinstance(spec.workload, LinearRegression):
        raise InputError(
            "workload must be 'linear-regression', the one whose expected loss is known, "
            f"got {spec.workload.name!r}"
        )
    return spec.workload


def all_families() -> list[str]:
    """Every registered family that is a formula: a list of values is no family of few parameters."""
    return [name for name in FAMILIES if not any(p.scale == "list" for p in FAMILIES[name].parameters())]


@one_blas_thread()  # on short vectors threads cost more than they give: L-BFGS-B took 6 times longer
def find_optimum(
    spec: StudySpec,
    *,
    starts_count: int = 8,
    seeds: int = 400,
    eigenbasis: int | None = None,
    report: Report = lambda _: None,
) -> OptimumResult:
    """Minimise over all learning rates and over each family, and check what was found.

    Args:
        spec: a study's spec on ``linear-regression``; of the rest, ``families``, ``step_rule`` and ``seed``
            count.
        starts_count: from how many schedules to descend.
        seeds: simulated trials a schedule, at least 2.
        eigenbasis: seed of an eigenbasis: minimise its exact second-moment dynamics, and simulate on it;
            None: minimise the recursion, and simulate on random eigenbases.
        report: told what is done, a line at a time.

    Raises:
        InputError: if the workload is another one, a number is out of range, or the loss can be brought to 0.
    """
    workload = linear_regression(spec)
    if not spec.families:
        raise InputError("families must name at least one family")
    for name, value, least in (
        ("starts", starts_count, 1),
        ("seeds", seeds, 2),
        ("eigenbasis", eigenbasis or 0, 0),
    ):
        if value < least:
            raise InputError(f"{name} must be at least {least}, got {value}")
    spectrum = workload.spectrum()
    eigenvalues = len(np.unique(spectrum[spectrum > 0]))
    if workload.batch_size == workload.dimension and workload.steps >= eigenvalues:
        raise InputError(
            f"steps must be fewer than the {eigenvalues} different eigenvalues where batches hold all data, "
            f"because that many steps can bring the loss to 0, got {workload.steps}"
        )
    mesh()  # before anything else uses JAX: it sets the number of devices
    recursion = Recursion(spectrum, workload.batch_size)
    shown = eigenbasis or 0
    basis = random_basis(shown, workload.dimension)
    exact = SecondMoments(spectrum, workload.batch_size, basis)
    dynamics: Dynamics = recursion if eigenbasis is None else exact
    families = _families(spec, workload, dynamics, report)
    guesses = {f.family: f.schedule.values() for f in families}
    descents = _descents(spec, dynamics, recursion, guesses, starts_count, report)
    best = descents[0]
    certificate = certify(dynamics, best.lrs) if eigenbasis is None else None
    schedules = {OPTIMUM: best.lrs, **guesses}
    losses = {OPTIMUM: best.loss, **{f.family: f.loss for f in families}}
    report(f"simulation: {len(schedules)} schedules, {seeds} seeds each")
    drawn = training_seeds(spec.seed, FIRST_SEED["optimum"] + np.arange(seeds))
    simulated = simulate(workload, schedules, drawn, eigenbasis=eigenbasis)
    report(f"exact second moments of eigenbasis {shown}")
    values = dict(zip(schedules, exact.losses(np.stack(list(schedules.values()))), strict=True))
    checks = {
        name: ScheduleCheck(lrs, losses[name], float(values[name]), mean_interval(simulated[name]))
        for name, lrs in schedules.items()
    }
    return OptimumResult(
        spec,
        eigenbasis,
        shown,
        dynamics.lr_scale,
        tuple(descents),
        certificate,
        jaggedness(best.lrs),
        tuple(families),
        checks,
    )


def _families(
    spec: StudySpec, workload: LinearRegression, dynamics: Dynamics, report: Report
) -> list[FamilyOptimum]:
    """Every family's best, best first; one refinement by the exact dynamics, hundreds of times dearer."""
    cheap = isinstance(dynamics, Recursion)
    screened = workload.model_copy(update={"dynamics": "recursion", "evaluate_every": 0, "record_every": 0})

    def losses(lrs: Array) -> Array:
        zeros = np.zeros(len(lrs), np.int64)
        return np.asarray(evaluate(screened, lrs, zeros, members=SCREEN_MEMBERS)["final/train_loss"])

    found = []
    for number, family in enumerate(spec.families, 1):
        best = best_of_family(
            family.name,
            dynamics,
            losses,
            workload.steps,
            space=_searchable(family),
            fixed=family.fixed,
            step_rule=spec.step_rule,
            shapes=family.shapes or 1024,
            refinements=8 if cheap else 1,
            shakes=6 if cheap else 0,
            seed=sampler_seed(spec.seed, family.name),
        )
        report(f"family {number} of {len(spec.families)}: {family.name}, loss {best.loss:.6g}")
        found.append(best)
    return sorted(found, key=lambda f: f.loss)


def _searchable(family: FamilySpec) -> Any:
    if any(p.scale == "list" and p.name not in family.fixed for p in FAMILIES[family.name].parameters()):
        raise InputError(f"families: {family.name} is a list of values, fix it: fixed = {{values = [...]}}")
    return family.space()


def _descents(
    spec: StudySpec,
    dynamics: Dynamics,
    recursion: Recursion,
    guesses: dict[str, Array],
    count: int,
    report: Report,
) -> list[Descent]:
    """All descents, best first."""
    steps = spec.workload.steps
    if dynamics is not recursion:
        cheap = _descents(spec, recursion, recursion, guesses, 1, lambda _: None)
        guesses = {"of the recursion": cheap[0].lrs, **guesses}
    found: list[Descent] = []
    for name, lrs in starts(steps, dynamics.lr_scale, guesses, count, spec.seed).items():
        if not np.isfinite(dynamics.losses(lrs)[0]):
            report(f"descent from {name}: it diverges there, left out")
            continue
        found.append(descend(dynamics, name, lrs))
        report(f"descent {len(found)} of {count}, from {name}: loss {found[-1].loss:.8g}")
    if not found:
        raise InputError("every start diverges: give more --starts")
    return sorted(found, key=lambda d: d.loss)
