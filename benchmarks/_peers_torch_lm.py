"""The transformer in PyTorch, one model after another."""

import torch
from _peers_torch import TorchTraining
from torch import nn

LAYERS, HEADS, EMBED, MLP = 2, 4, 128, 512


class Transformer(nn.Module):
    """Pre-norm decoder with learned positions and a tied embedding, from PyTorch's own layers."""

    def __init__(self, vocabulary: int, length: int):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, EMBED)
        self.position = nn.Parameter(0.02 * torch.randn(length, EMBED))
        layer = nn.TransformerEncoderLayer(
            EMBED, HEADS, MLP, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, LAYERS, nn.LayerNorm(EMBED), enable_nested_tensor=False)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(length))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Scores of all words at all positions."""
        x = self.blocks(self.embedding(tokens) + self.position, mask=self.mask, is_causal=True)
        return x @ self.embedding.weight.T


class Sequential(TorchTraining):
    """One model after another, fused AdamW."""

    def __init__(self, steps: int, batch_size: int, length: int, vocabulary: int, threads: int | None = None):
        super().__init__(1, steps, threads)
        self._tokens = torch.randint(1, vocabulary, (2000, length + 1), device=self._place)
        self._batch_size, self._vocabulary = batch_size, vocabulary
        self._model = Transformer(vocabulary, length).to(self._place)
        self.optimizer = torch.optim.AdamW(self._model.parameters(), lr=1e-3, fused=True)
        self.warm_up()

    def step(self) -> torch.Tensor:
        """One step on random sequences."""
        batch = self._tokens[torch.randint(0, len(self._tokens), (self._batch_size,), device=self._place)]
        self.optimizer.zero_grad()
        scores = self._model(batch[:, :-1]).reshape(-1, self._vocabulary)
        loss = nn.functional.cross_entropy(scores, batch[:, 1:].reshape(-1))
        loss.backward()
        self.optimizer.step()
        return loss.detach()
