"""What a spec says about the search: families, sampler, base LRs, the phases, baselines."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from lrshape.errors import InputError
from lrshape.procedure.base_lr import EXTREME, AnyBaseLR, GridLR
from lrshape.procedure.family_spec import MAX_SHAPES, FamilySpec
from lrshape.procedure.hyperparameter_space import HyperparameterSpace
from lrshape.procedure.hyperparameters import HyperparameterSpec, named, require_names
from lrshape.procedure.sampler import SAMPLERS, Sampler
from lrshape.settings import Settings, unknown_key
from lrshape.shapes import FAMILIES
from lrshape.shapes.schedules import GROUP_LR
from lrshape.shapes.steps import StepRule

MAX_TRIALS = 100_000_000
"""Trials of a screen."""

FINALISTS = 2
"""Shapes that are tuned where only the winner will be confirmed: the best ones by all that is known."""


class ScreenSpec(Settings):
    """Phase 1: sampled shapes at the base LRs of the strategy."""

    shapes: int = Field(
        default=64, ge=1, le=MAX_SHAPES, description="shapes per family; with share_families, on average"
    )
    seeds: int = Field(default=2, ge=1, le=10_000, description="seeds per shape and base LR")
    share_families: bool = Field(
        default=False,
        description="allocate trials across families by their chance of holding the best shape (sampler gp)",
    )
    stop_gain: Annotated[float, Field(ge=0)] | Literal["auto"] = Field(
        default=0.0,
        description="stop when the expected gain is below this, in units of the metric (sampler gp); "
        "auto: below a quarter of the standard error of a difference in the confirm phase; 0: never",
    )


class RescoreSpec(Settings):
    """Phase 2: the best shapes again, on fresh seeds and base LRs around their best."""

    top: int = Field(
        default=12,
        ge=1,
        le=MAX_SHAPES,
        description="best shapes over all families; with confirm.families also the best of each family",
    )
    seeds: int = Field(default=10, ge=1, le=10_000, description="fresh seeds")
    base_lrs: int = Field(
        default=3,
        ge=1,
        le=99,
        description="base LRs within one grid step of the shape's best; 1: the best only",
    )
    race: bool = Field(
        default=False, description="after 1, 3, 10, 30, ... seeds, drop the shapes that can no longer win"
    )
    race_alpha: float = Field(
        default=0.05, gt=0, lt=1, description="largest chance that a race drops its best shape"
    )


class TuningSpec(Settings):
    """Phase 3: the base LR of every schedule that will be confirmed, baselines included, by one rule.

    Hyperparameters are tuned with it.
    """

    base_lrs: int = Field(
        default=5,
        ge=3,
        le=99,
        description="base LRs of a schedule in each round; as many more for each hyperparameter",
    )
    seeds: int = Field(default=2, ge=1, le=10_000, description="fresh seeds of each round, the same for all")
    rounds: int = Field(default=4, ge=0, le=100, description="rounds at most; 0: no tuning")
    share: float = Field(
        default=0.25,
        gt=0,
        description="tune until a base LR's expected loss is below this share of an interval's half-width",
    )


class ConfirmSpec(Settings):
    """Phase 4: the winner, each family's best and the baselines, on seeds that no selection has seen."""

    also_allowed: ClassVar[tuple[str, ...]] = ("seeds",)

    least: int = Field(
        default=10, ge=1, le=10_000, description="fresh seeds of every schedule; at least 6 for an interval"
    )
    most: int = Field(
        default=160,
        ge=1,
        le=100_000,
        description="seeds at most; the phase stops after least, 2 least, 4 least, ... when all is decided",
    )
    margin: float | None = Field(
        default=None,
        gt=0,
        description="smallest difference that matters, in units of the metric; "
        "default: half of the winner's spread over seeds",
    )
    families: bool = Field(default=True, description="whether to confirm also each family's best shape")

    @model_validator(mode="before")
    @classmethod
    def _fixed(cls, values: Any) -> Any:
        """``seeds`` is short for as many seeds at least and at most."""
        if not isinstance(values, Mapping) or "seeds" not in values:
            return values
        rest = {key: value for key, value in values.items() if key != "seeds"}
        if "least" in rest or "most" in rest:
            raise ValueError("seeds cannot be combined with least and most")
        return {"least": values["seeds"], "most": values["seeds"], **rest}

    @model_validator(mode="after")
    def _ordered(self) -> "ConfirmSpec":
        if self.least > self.most:
            raise ValueError(f"least must not exceed most, got least = {self.least}, most = {self.most}")
        return self

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of seeds after which the phase may stop.

        Example:
            >>> ConfirmSpec(least=10, most=100).looks
            (10, 20, 40, 80, 100)
        """
        found = [self.least]
        while found[-1] < self.most:
            found.append(min(2 * found[-1], self.most))
        return tuple(found)


class BaselineSpec(Settings):
    """A schedule to compare with; its base LR is tuned like all others, or kept as it is given."""

    also_allowed: ClassVar[tuple[str, ...]] = ("file", "lrs")

    family: str
    params: dict[str, Any] = Field(default={}, description="its parameters; the others take their defaults")
    tune: bool = Field(default=True, description="whether to tune the base LR")
    base_lr: float | None = Field(
        default=None, gt=0, lt=EXTREME, description="base LR to keep where tune = false"
    )

    @model_validator(mode="after")
    def _is_a_schedule(self) -> "BaselineSpec":
        FAMILIES[self.family].from_params(self.params)
        if self.tune and self.base_lr is not None:
            raise ValueError(f"base_lr is only kept with tune = false, got {self.base_lr:g}")
        if not self.tune and self.base_lr is None:
            raise ValueError("tune = false needs base_lr, the base LR to keep")
        return self


class InitialShape(Settings):
    """A shape to start from, at a base LR; the search of its family tries it first."""

    family: str
    params: dict[str, Any] = Field(default={}, description="its parameters; the others take their defaults")
    base_lr: float = Field(gt=0, lt=EXTREME, description="its base LR")

    @model_validator(mode="after")
    def _is_a_shape(self) -> "InitialShape":
        full = FAMILIES[self.family].from_params(self.params).params
        object.__setattr__(self, "params", full)
        return self


STANDARD_BASELINES = {
    "constant": BaselineSpec(family="constant", params={"warmup": 0.05}),
    "linear": BaselineSpec(family="linear", params={"warmup": 0.05, "floor": 0.0}),
    "cosine": BaselineSpec(family="cosine", params={"warmup": 0.05}),
    "wsd": BaselineSpec(family="wsd", params={"warmup": 0.05, "decay": 0.2, "floor": 0.0, "exponent": 1.0}),
}


class SearchSpec(Settings):
    """All that the course of a search follows from, besides the scores of its trials."""

    seed: int = Field(default=0, ge=0, lt=2**63, description="seed of all random numbers")
    metric: str = Field(description="metric that decides; default: that of the workload")
    direction: Literal["minimize", "maximize"] = Field(
        default="minimize",
        description="whether lower or higher values of the metric are better; default: maximize for "
        "accuracies, F1, AUC and the like",
    )
    metric_scale: Literal["auto", "log", "linear", "logit"] = Field(
        default="auto",
        description="scale on which the metric is modelled and compared; auto: log if all values are "
        "positive (negative, if it is maximised), logit for shares (errors, accuracies), else linear; a "
        "scale that the values do not allow is ignored",
    )
    step_rule: StepRule = Field(
        default="midpoint",
        description="where in a step the shape is evaluated: t = (s + 1/2)/T, s/T or (s + 1)/T",
    )
    families: tuple[FamilySpec, ...] = Field(
        description="what is searched; none: a contest of the baselines, at least two"
    )
    sampler: Annotated[Sampler, SAMPLERS] = Field(default_factory=lambda: SAMPLERS["sobol"]())
    base_lr: AnyBaseLR
    screen: ScreenSpec = ScreenSpec()
    rescore: RescoreSpec = RescoreSpec()
    max_trials: int | None = Field(
        default=None,
        ge=1,
        le=MAX_TRIALS,
        description="trials in all; the confirm phase ends when they are used up; default: no limit",
    )
    tuning: TuningSpec = TuningSpec()
    confirm: ConfirmSpec = ConfirmSpec()
    baselines: dict[str, BaselineSpec] = STANDARD_BASELINES
    initial_shapes: tuple[InitialShape, ...] = Field(
        default=(), description="shapes that the search tries first"
    )
    tune: dict[str, HyperparameterSpec] = Field(
        default={}, description="hyperparameters that are tuned for every schedule beside its base LR"
    )

    @property
    def hyperparameters(self) -> HyperparameterSpace:
        """What is tuned beside base LRs."""
        return HyperparameterSpace(self.tune)

    @property
    def scheduled(self) -> list[str]:
        """Names of those that may change in training: those with shapes, and learning rates of groups."""
        return [
            name for name, one in self.tune.items() if one.family is not None or name.startswith(GROUP_LR)
        ]

    @property
    def tuning_points(self) -> int:
        """Base LRs, with hyperparameters, of a schedule in each round of tuning."""
        return self.tuning.base_lrs * (1 + len(self.tune))

    @property
    def first_look(self) -> int:
        """Trials of the confirm phase's first look."""
        own = len(self.families) if self.confirm.families else min(1, len(self.families))
        return (own + len(self.baselines)) * self.confirm.least

    @property
    def finalists(self) -> int:
        """How many searched shapes are tuned at most."""
        if self.is_contest:
            return 0
        return len(self.families) if self.confirm.families else FINALISTS

    @property
    def screen_limit(self) -> int | None:
        """Trials of the screen at most, so that a race, a round of tuning and a first look remain."""
        if self.max_trials is None:
            return None
        others = len(self.families) - 1 if self.confirm.families else 0
        around = 1 if self.base_lr.ratio == 1 else self.rescore.base_lrs
        raced = 0 if self.is_contest else (self.rescore.top + others) * around
        kept = len(self.kept_base_lrs)
        base_lrs = (self.finalists + len(self.baselines) - kept) * self.tuning_points + kept
        tuning = base_lrs * self.tuning.seeds if self.tuning.rounds else 0
        return self.max_trials - raced * self.rescore.seeds - tuning - self.first_look

    @property
    def lacking(self) -> int:
        """By how many trials ``max_trials`` is too small, so that a screen remains; 0 if by none."""
        if self.screen_limit is None:
            return 0
        kept = len(self.kept_base_lrs)
        tuned = len(self.baselines) - kept
        swept = self.base_lr.sweeps(tuned) + tuned * self.hyperparameters.sweep
        return max(0, (swept + kept + len(self.families)) * self.screen.seeds - self.screen_limit)

    def require_trials(self, key: str) -> None:
        """Raise an error if ``max_trials`` is too small.

        Args:
            key: of the setting that gave it.

        Raises:
            InputError: with the smallest number, and what lowers it.
        """
        if self.max_trials is None or not self.lacking:
            return
        baselines = len(self.baselines)
        ours = f"the best shapes and {baselines} baseline{'s' * (baselines != 1)}"
        what = "the schedules" if self.is_contest else ours
        fewer = f"; raise {key} or name fewer baselines" if baselines > 1 and not self.is_contest else ""
        raise InputError(
            f"{key} must be at least {self.max_trials + self.lacking:,} to tune and confirm {what}, "
            f"got {self.max_trials:,}{fewer}"
        )

    @field_validator("families", mode="before")
    @classmethod
    def _bare_names(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return tuple({"name": item} if isinstance(item, str) else item for item in value)

    @field_validator("baselines", mode="before")
    @classmethod
    def _standard(cls, value: Any) -> Any:
        """A list picks standard baselines by name; a table gives each its family and params."""
        if not isinstance(value, list | tuple):
            return value
        unknown = [name for name in value if not isinstance(name, str) or name not in STANDARD_BASELINES]
        if unknown:
            raise ValueError(unknown_key(unknown[0], STANDARD_BASELINES).replace("key", "baseline", 1))
        return {name: STANDARD_BASELINES[name] for name in value}

    @field_validator("tune", mode="before")
    @classmethod
    def _full_names(cls, value: Any) -> Any:
        return named(value)

    @field_validator("tune")
    @classmethod
    def _legal_names(cls, value: dict[str, HyperparameterSpec]) -> dict[str, HyperparameterSpec]:
        require_names(list(value))
        return value

    @model_validator(mode="after")
    def _is_one_search(self) -> "SearchSpec":
        if self.tune and self.kept_base_lrs:
            name = next(iter(self.kept_base_lrs))
            raise ValueError(
                f"{name} keeps its base LR, and would keep its {next(iter(self.tune))}: remove either its "
                "tune = false or the hyperparameters in tune"
            )
        shaped = [name for name, one in self.tune.items() if one.family is not None]
        if shaped and self.is_contest:
            raise ValueError(
                f"tune.{shaped[0]}: schedules of hyperparameters belong to a search: given schedules have "
                "constant ones; remove its family"
            )
        names = [family.name for family in self.families]
        if not names and len(self.baselines) < 2:
            raise ValueError("families must name at least one, or there must be two or more schedules")
        if len(set(names)) != len(names):
            raise ValueError(f"families must differ, got {', '.join(names)}")
        strange = [start.family for start in self.initial_shapes if start.family not in names]
        if strange:
            raise ValueError(f"initial_shapes must be of families {', '.join(names)}, got {strange[0]}")
        if self.screen.share_families and self.sampler.name != "gp":
            raise ValueError(f"screen.share_families needs the sampler gp, got {self.sampler.name}")
        shapes = sum(family.shapes or self.screen.shapes for family in self.families)
        points = self.base_lr.points if isinstance(self.base_lr, GridLR) else 1
        if shapes * points * self.screen.seeds > MAX_TRIALS:
            raise ValueError(
                f"a screen must have at most {MAX_TRIALS:,} trials, got {shapes:,} shapes at "
                f"{points:,} base LRs on {self.screen.seeds:,} seeds"
            )
        bad = [name for name in self.baselines if not name.replace("-", "").replace("_", "").isalnum()]
        if bad:
            raise ValueError(f"names of schedules must be letters, digits, - and _, got {bad[0]!r}")
        return self

    @property
    def is_contest(self) -> bool:
        """Whether nothing is searched: the baselines are compared with each other."""
        return not self.families

    @property
    def kept_base_lrs(self) -> dict[str, float]:
        """The baselines whose base LR is not tuned, by name, with that base LR."""
        return {name: one.base_lr for name, one in self.baselines.items() if one.base_lr is not None}
