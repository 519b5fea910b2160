"""The engine trains populations of members under given learning rates.

Nothing is imported before it is asked for: worker processes import light modules of this package.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrshape.training.evaluation import evaluate
    from lrshape.training.outcome import Outcome, Progress

__all__ = ["Outcome", "Progress", "evaluate"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'lrshape.training' has no attribute {name!r}")
    home = "evaluation" if name == "evaluate" else "outcome"
    return getattr(importlib.import_module(f"lrshape.training.{home}"), name)
