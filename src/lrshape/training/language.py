"""What the language-model workloads share: settings, loss and scores."""

import abc

import jax
import jax.numpy as jnp
from pydantic import Field, model_validator

from lrshape.training import transformer as _transformer
from lrshape.training.optimizers import AdamW, AnyOptimizer
from lrshape.training.workload import Batch, GradientWorkload, Metrics, PyTree

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
    def _fits(self) -> "LanguageWorkload":
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
        return _transformer.init(key, self.words, self.max_len, self.layers, self.embed, self.mlp)

    def loss(self, params: PyTree, batch: Batch, key: jax.Array | None) -> jax.Array:
        """Mean cross-entropy of a batch's targets, in nats."""
        tokens = batch.astype(jnp.int32)
        states = _transformer.hidden(params, tokens[:, :-1], self.heads, self.dropout, key)
        flat = states.reshape(-1, states.shape[-1])
        return _transformer.token_loss(params["embedding"], flat, tokens[:, 1:].reshape(-1))

    def metrics(self, state: PyTree, data: PyTree) -> Metrics:
        """Loss and perplexity on both splits."""
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
        size = min(max(1, EVALUATION_TOKENS // self.length), len(sequences))
        chunks = -(-len(sequences) // size)
        filled = jnp.pad(sequences, ((0, chunks * size - len(sequences)), (0, 0)))

        def summed(chunk: jax.Array) -> tuple[jax.Array, jax.Array]:
            count = jnp.sum(chunk[:, 1:] != _transformer.PAD)
            return self.loss(params, chunk, None) * count, count

        losses, counts = jax.lax.map(summed, filled.reshape(chunks, size, -1))
        return jnp.sum(losses) / jnp.sum(counts)
