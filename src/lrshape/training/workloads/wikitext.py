"""WikiText-103 or WikiText-2 (arXiv:1609.07843) with a small transformer, as in arXiv:2603.10301."""

from functools import cache

import numpy as np
from pydantic import Field

from lrshape.training.language import LanguageWorkload
from lrshape.training.workload import WORKLOADS, PyTree


@cache
def _wikitext(data_dir: str | None, vocabulary: int, length: int) -> dict[str, np.ndarray]:
    from lrshape.training.data.wikitext import load

    sets = load(data_dir, vocabulary, length)
    return {split: sets[split] for split in ("train", "valid")}


@WORKLOADS.register("wikitext-transformer")
class WikitextTransformer(LanguageWorkload):
    """A decoder-only transformer on WikiText: 2 blocks, width 128, 8,192 SentencePiece tokens, AdamW.

    Pre-norm, learned positions, tied embedding. Needs the text (it is not downloaded) and
    ``pip install 'lrshape[text]'``.
    """

    metric = "final/valid_loss"
    base_lrs = (3e-4, 3e-2)
    max_members = 64

    steps: int = Field(default=2000, ge=1, le=100_000_000, description="training steps")
    batch_size: int = Field(default=16, ge=1, description="sequences per step")
    vocabulary: int = Field(default=8192, ge=2, le=65_535, description="SentencePiece tokens")
    data_dir: str | None = Field(
        default=None,
        description="folder with wiki.{train,valid,test}.tokens or .raw, or its parent; none: $LRSHAPE_DATA",
    )

    @property
    def words(self) -> int:
        """The vocabulary's size."""
        return self.vocabulary

    def data(self) -> PyTree:
        """Training and validation sequences, uint16 (sequences, length + 1)."""
        return _wikitext(self.data_dir, self.vocabulary, self.length)
