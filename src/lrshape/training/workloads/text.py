"""Transformers that predict the next token: of an embedded text, which needs no download, and of WikiText.

The embedded text is the beginning, 200,000 characters, of Jane Austen's *Pride and Prejudice* (1813), which
is in the public domain, in plain ASCII. WikiText-103 and WikiText-2 (arXiv:1609.07843) are trained as in
arXiv:2603.10301.
"""

from __future__ import annotations

import abc
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, model_validator

from lrshape.training.data.wikitext import PAD, cut
from lrshape.training.optimizers import AdamW, AnyOptimizer
from lrshape.training.workload import WORKLOADS, Batch, GradientWorkload, Metrics, PyTree

if TYPE_CHECKING:
    import jax

TRAIN_SHARE = 10
"""One in so many training sequences is scored unless the settings say otherwise: the first tenth."""

EVALUATION_TOKENS = 4096
"""Tokens that are scored at once."""

LARGEST_EXPONENT = 80.0
"""exp(80) is the largest perplexity given, below float32's end: an infinite one would mean divergence."""


class LanguageWorkload(GradientWorkload):
    """A transformer that predicts the next token.

    ``data`` returns ``{"train": ..., "valid": ...}``, integers (sequences, length + 1), whose rows hold the
    inputs and, shifted by one, the targets; 0 is padding.
    """

    optimizer: AnyOptimizer = Field(default_factory=AdamW, description="the update rule")
    length: int = Field(default=256, ge=1, description="tokens per sequence, at most max_len")
    max_len: int = Field(default=256, ge=1, description="learned positions")
    layers: int = Field(default=2, ge=1, le=100, description="transformer blocks")
    heads: int = Field(default=4, ge=1, description="attention heads; they divide embed")
    embed: int = Field(default=128, ge=1, description="width of the residual stream")
    mlp: int = Field(default=512, ge=1, description="hidden width of the feed-forward layers")
    train_sequences: int | None = Field(
        default=None,
        ge=1,
        description="number of training sequences to score, from the first; none: the first tenth",
    )
    valid_sequences: int | None = Field(
        default=None, ge=1, description="number of validation sequences to score; none: all"
    )
    dropout: float = Field(
        default=0.0, ge=0, lt=1, description="dropout rate of embeddings and residual branches"
    )

    @property
    @abc.abstractmethod
    def words(self) -> int:
        """Number of different tokens, padding included."""

    @model_validator(mode="after")
    def _fits(self) -> LanguageWorkload:
        if self.embed % self.heads:
            raise ValueError(f"heads must divide embed, got {self.heads} heads and embed {self.embed}")
        if self.length > self.max_len:
            raise ValueError(f"length must be at most max_len, {self.max_len}, got {self.length}")
        return self

    def scores(self) -> tuple[str, ...]:
        """Loss (nats a token) and perplexity, its exponential.

        On the first ``train_sequences`` and ``valid_sequences``, by default the first tenth of the training
        set and the whole validation set, without dropout.
        """
        return ("train_loss", "train_perplexity", "valid_loss", "valid_perplexity")

    def init(self, key: jax.Array, data: PyTree) -> PyTree:
        """GPT-2's initialisation."""
        from lrshape.training import transformer

        return transformer.init(key, self.words, self.max_len, self.layers, self.embed, self.mlp)

    def loss(self, params: PyTree, batch: Batch, key: jax.Array | None) -> jax.Array:
        """Mean cross-entropy of a batch's targets, in nats."""
        import jax.numpy as jnp

        from lrshape.training import transformer

        tokens = batch.astype(jnp.int32)
        states = transformer.hidden(params, tokens[:, :-1], self.heads, self.dropout, key)
        flat = states.reshape(-1, states.shape[-1])
        return transformer.token_loss(params["embedding"], flat, tokens[:, 1:].reshape(-1))

    def metrics(self, state: PyTree, data: PyTree) -> Metrics:
        """Loss and perplexity on both splits."""
        import jax.numpy as jnp

        values = {}
        for split, count in (
            ("train", self.train_sequences or -(-len(data["train"]) // TRAIN_SHARE)),
            ("valid", self.valid_sequences),
        ):
            loss = self._mean_loss(state, data[split][:count])
            values[f"{split}_loss"] = loss
            values[f"{split}_perplexity"] = jnp.exp(jnp.minimum(loss, LARGEST_EXPONENT))
        return values

    def _mean_loss(self, params: PyTree, sequences: jax.Array) -> jax.Array:
        """Mean over all targets that are no padding, some sequences at a time."""
        import jax
        import jax.numpy as jnp

        size = min(max(1, EVALUATION_TOKENS // self.length), len(sequences))
        chunks = -(-len(sequences) // size)
        filled = jnp.pad(sequences, ((0, chunks * size - len(sequences)), (0, 0)))

        def summed(chunk: jax.Array) -> tuple[jax.Array, jax.Array]:
            count = jnp.sum(chunk[:, 1:] != PAD)
            return self.loss(params, chunk, None) * count, count

        losses, counts = jax.lax.map(summed, filled.reshape(chunks, size, -1))
        return jnp.sum(losses) / jnp.sum(counts)


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


@cache
def _wikitext(data_dir: str | None, vocabulary: int, length: int) -> dict[str, np.ndarray]:
    from lrshape.training.data.wikitext import load

    return load(data_dir, vocabulary, length)


@WORKLOADS.register("wikitext-transformer")
class WikitextTransformer(LanguageWorkload):
    """A decoder-only transformer on WikiText: 2 blocks, width 128, 8,192 SentencePiece tokens, AdamW.

    Pre-norm, learned positions, tied embedding. Needs the text (it is not downloaded) and
    ``pip install sentencepiece``.
    """

    metric = "final/valid_loss"
    base_lrs = (3e-4, 3e-2)
    max_members = 64

    steps: int = Field(default=2000, ge=1, le=100_000_000, description="training steps")
    batch_size: int = Field(default=16, ge=1, description="sequences per step")
    vocabulary: int = Field(default=8192, ge=2, le=65_535, description="SentencePiece tokens")
    data_dir: str | None = Field(
        default=None,
        description="folder with wiki.{train,valid}.tokens or .raw, or its parent; none: $LRSHAPE_DATA",
    )

    @property
    def words(self) -> int:
        """The vocabulary's size."""
        return self.vocabulary

    def data(self) -> PyTree:
        """Training and validation sequences, uint16 (sequences, length + 1)."""
        return _wikitext(self.data_dir, self.vocabulary, self.length)
