"""A language model of characters on an embedded text, which needs no download.

The text is the beginning, 200,000 characters, of Jane Austen's *Pride and Prejudice* (1813), which is in the
public domain, in plain ASCII.
"""

from functools import cache
from importlib.resources import files

import numpy as np
from pydantic import Field

from lrshape.training.data.sequences import cut
from lrshape.training.language import LanguageWorkload
from lrshape.training.workload import WORKLOADS, PyTree

VALID_SHARE = 10
"""One in so many characters is kept for validation: the last tenth."""


@cache
def text() -> str:
    """The embedded text."""
    return (files("lrshape.training.data") / "pride_and_prejudice.txt").read_text(encoding="ascii")


@cache
def _characters() -> str:
    """The different characters in order; the first is token 1, since 0 is padding."""
    return "".join(sorted(set(text())))


@cache
def _chars(length: int) -> dict[str, np.ndarray]:
    tokens = np.array([_characters().index(c) + 1 for c in text()], np.uint16)
    split = len(tokens) - len(tokens) // VALID_SHARE
    return {"train": cut(tokens[:split], length), "valid": cut(tokens[split:], length)}


@WORKLOADS.register("chars-transformer")
class CharsTransformer(LanguageWorkload):
    """A decoder-only transformer on the characters of an embedded novel: 2 blocks, width 64, AdamW.

    Pre-norm, learned positions, tied embedding; the last tenth of the text is for validation.
    """

    metric = "final/valid_loss"
    base_lrs = (1e-3, 1e-1)
    max_members = 128

    steps: int = Field(default=300, ge=1, le=100_000_000, description="training steps")
    batch_size: int = Field(default=16, ge=1, description="sequences per step")
    length: int = Field(default=64, ge=1, description="characters per sequence, at most max_len")
    max_len: int = Field(default=64, ge=1, description="learned positions")
    embed: int = Field(default=64, ge=1, description="width of the residual stream")
    mlp: int = Field(default=256, ge=1, description="hidden width of the feed-forward layers")

    @property
    def words(self) -> int:
        """The different characters, and padding."""
        return len(_characters()) + 1

    def data(self) -> PyTree:
        """Training and validation sequences, uint16 (sequences, length + 1)."""
        return _chars(self.length)
