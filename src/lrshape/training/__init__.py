"""The engine trains populations of members under given learning rates."""

from lrshape.training.evaluation import evaluate
from lrshape.training.outcome import Outcome, Progress

__all__ = ["Outcome", "Progress", "evaluate"]
