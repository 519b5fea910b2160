"""What the headings of logs mean: steps, learning rates, losses, and names of runs."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from lrshape.averages import HIGHER_IS_BETTER
from lrshape.errors import InputError, listed, shown
from lrshape.shapes.learning_rate_log import SPREAD, STEPS, is_learning_rate, short_heading

RUNS = ("run", "run_name", "run_id", "run name", "run id")
"""Headings of a column that names the run of each row, in lower case."""

PERHAPS_RUNS = ("name", "experiment", "experiment_name", "exp", "exp_name", "trial", "config")
"""Headings of a column that does so if its values are of several runs."""

PARTS = ("split", "mode", "phase", "stage", "subset")
"""Headings of a column that may say of each row whether its losses are those of training or of validation."""

PARENTS = ("resumed_from", "parent", "parent_run", "branched_from")
"""Headings of a column that names the run that a run was resumed from."""

_MORE_STEPS = ("optimizer_step", "train_step", "current_step", "iter_num", "num_steps", "batch", "it")
_UNITS = {
    "epochs": ("epoch", "epochs"),
    "tokens": ("tokens", "tokens_seen", "num_tokens", "consumed_tokens", "total_tokens", "n_tokens"),
    "samples": ("samples", "samples_seen", "consumed_samples", "examples", "examples_seen", "num_samples"),
}
_KINDS = {
    "val": {"val", "valid", "validation", "eval", "evaluation", "dev", "heldout"},
    "test": {"test"},
    "train": {"train", "training"},
}
KINDS = tuple(_KINDS)
"""Of losses, those first that say most of a final loss."""

_NO_NAMES = {"log", "logs", "metrics", "history", "results", "progress", "output", "trainer_state"}
_NO_LOSSES = {"scale", "scaler", "weight", "coef", "coefficient", "spikes", "mask"}
_SMOOTH = {"smooth", "smoothed", "ema", "avg", "average", "mean", "running", "rolling", "epoch"}
_BEST = {"best", "min", "max", "lowest", "std"}
_WORDS = sorted(set.union(*_KINDS.values()), key=len, reverse=True)
_METRIC = rf"(?:{'|'.join(_WORDS)}|loss|learning[ _.-]?rate|lrs?)"
_ENDS = (
    re.compile(rf"^(?:{_METRIC}(?:[ /_.:-]+|$))+", re.I),
    re.compile(rf"(?:(?:^|[ /_.:-]+){_METRIC})+$", re.I),
)


class Loss(NamedTuple):
    """What a heading says of a loss.

    Attributes:
        kind: one of `KINDS`.
        rank: 0 for a plain name, 1 for a mean over an epoch or a smoothed loss, 2 for one of several losses,
            3 for a best, least or greatest one, or a spread.
        is_said: whether the heading names the kind; if not, it is taken as ``train``.
    """

    kind: str
    rank: int
    is_said: bool


def words_of(heading: str, word: str = "[a-z]+") -> list[str]:
    """The words in a heading, in lower case: ``trainLoss/avg`` has three."""
    return re.findall(word, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading).lower())


def kind_of(text: str) -> str | None:
    """The kind of losses that the name of a heading, file or folder says."""
    words = set(words_of(text))
    return next((kind for kind, names in _KINDS.items() if words & names), None)


def loss_of(heading: str) -> Loss | None:
    """What a heading says of a loss; None if it is none.

    Example:
        >>> [loss_of(name) for name in ("val/loss", "loss_scale", "aux_loss")]
        [Loss(kind='val', rank=0, is_said=True), None, Loss(kind='train', rank=2, is_said=False)]
    """
    if heading.endswith(SPREAD):
        return None
    words = words_of(heading)
    if not any(word.endswith("loss") for word in words) or _NO_LOSSES & set(words):
        return None
    glued = [word.removesuffix("loss") for word in words]  # valloss
    said = kind_of(" ".join(words + glued))
    rest = {word for word in glued if word and word not in {*_WORDS, "step", "final", "value", "total"}}
    rank = 0 if not rest else 1 if rest <= _SMOOTH else 2
    if rest & _BEST:
        rank = 3
    return Loss(said or "train", rank, said is not None)


def may_be_loss(heading: str) -> bool:
    """Whether a heading may name losses: neither steps, nor learning rates, nor what is better if higher.

    Example:
        >>> [may_be_loss(name) for name in ("nll", "acc_loss", "val_acc1", "evalF1", "epoch", "train/lr")]
        [True, True, False, False, False, False]
    """
    if is_learning_rate(heading) or short_heading(heading) in (
        *STEPS,
        *_MORE_STEPS,
        *sum(_UNITS.values(), ()),
    ):
        return False
    words = {*words_of(heading), *words_of(heading, "[a-z]+[0-9]+")}
    return loss_of(heading) is not None or not words & HIGHER_IS_BETTER


def is_smoothed(heading: str) -> bool:
    """Whether a heading says that its losses are means of many."""
    return bool(_SMOOTH & set(words_of(heading)))


def is_metric(heading: str) -> bool:
    """Whether a heading names learning rates or a loss."""
    return is_learning_rate(heading) or loss_of(heading) is not None


def split_run(heading: str) -> tuple[str, str]:
    """The name of a run in a heading or the name of a file, and the metric; either may be empty.

    Example:
        >>> [split_run(name) for name in ("train_cosine-1", "run 1 - val/loss", "a.b_lr", "loss")]
        [('cosine-1', 'train'), ('run 1', 'val/loss'), ('a.b', 'lr'), ('', 'loss')]
    """
    if " - " in heading:
        run, _, metric = heading.rpartition(" - ")
        return run.strip(), metric.strip()
    rest = heading
    for end in _ENDS:
        rest = end.sub("", rest)
    place = heading.find(rest) if rest else len(heading)
    before, after = heading[:place], heading[place + len(rest) :]
    return rest.strip(" /_.:-"), "/".join(filter(None, (part.strip(" /_.:-") for part in (before, after))))


def step_heading(names: Iterable[str], given: str | None) -> str:
    """The heading of the column of steps.

    Raises:
        InputError: if there is none, because the log counts something else, or by another name.
    """
    names = list(names)
    if (own := named(names, given)) is not None:
        return own
    short = {short_heading(name): name for name in reversed(names)}
    for known in (*STEPS[:-1], *_MORE_STEPS):  # the last is epoch
        if known in short:
            return short[known]
    for unit, known in _UNITS.items():
        if other := next((short[name] for name in known if name in short), None):
            raise InputError(
                f"counts {unit} ({shown(other)}), not optimizer steps: add a column step, or log steps"
            )
    raise InputError(
        f"needs a column of steps; its columns are {listed(names)}; say which it is with "
        "columns={'step': NAME} (--columns step=NAME)"
    )


def epoch_heading(names: Iterable[str]) -> str:
    """The heading of the column of epochs; empty if there is none."""
    return next((name for name in names if short_heading(name) in _UNITS["epochs"]), "")


def label_heading(names: Iterable[str], known: tuple[str, ...], given: str | None) -> str | None:
    """The heading of a column of labels, given or known by its name; None if there is none."""
    if given is not None:
        return named(names, given)
    return next((name for name in names if name.lower() in known), None)


def named(names: Iterable[str], given: str | None) -> str | None:
    """The heading that users name, in any case of its letters; None if there is none."""
    names = list(names)
    if given is None or given in names:
        return given
    return next((name for name in names if name.lower() == given.lower()), None)


def run_name(source: Path) -> str:
    """The name of a file's only run: that of the file, or of its folder if that says nothing."""
    name = split_run(source.stem)[0]
    return name if name and name.lower() not in _NO_NAMES else source.resolve().parent.name or "run"
