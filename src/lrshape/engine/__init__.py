"""The engine trains populations of members under given learning rates."""

from lrshape.engine.evaluation import evaluate
from lrshape.engine.outcome import Outcome, Progress

__all__ = ["Outcome", "Progress", "evaluate"]
