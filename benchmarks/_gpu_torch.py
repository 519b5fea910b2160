"""PyTorch's rows of `gpu.py`: one compiled model at a time, and many with ``torch.func``."""

import gc
import time
from collections.abc import Callable
from typing import Any

import torch
from _gpu_rows import FUNC, TORCH, Row
from _peers_torch import TorchTraining
from _peers_torch_cnn import Stacked, examples, network
from _peers_torch_lm import Transformer
from torch import nn

EXAMPLES = 50_000

Loss = Callable[..., torch.Tensor]


def measure(row: Row, seconds: float) -> dict[str, Any]:
    """Measure a row; see `_gpu_jax.measure`."""
    gpu = torch.cuda.is_available()
    mode = {name: mode for mode, name in TORCH.items()}.get(row.program)
    if mode == "graph" and not gpu:
        return {"note": "skipped: needs a GPU"}
    began = time.perf_counter()
    try:
        contender = _stacked(row) if row.program == FUNC else OneModel(row, mode or "eager")
        contender.measure()
        ready = time.perf_counter() - began
        spent = done = 0.0
        while spent < seconds:
            work, took = contender.measure()
            spent, done = spent + took, done + work
    finally:
        contender = None
        gc.collect()
        torch.compiler.reset()
        torch.cuda.empty_cache()
    return {
        "device": torch.cuda.get_device_name() if gpu else "cpu",
        "rate": done / spent,
        "seconds": spent,
        "compile_seconds": ready,
    }


def _turn() -> int:
    """Steps between two looks at the clock."""
    return 100 if torch.cuda.is_available() else 2


def mlp() -> nn.Module:
    """The digits-mlp."""
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))


def _stacked(row: Row) -> Stacked:
    steps, batch_size = max(1, _turn() // 10), row.settings["batch_size"]
    if row.workload == "digits-mlp":
        return Stacked(row.members, steps, batch_size, mlp, (64,))
    return Stacked(row.members, steps, batch_size)


class OneModel(TorchTraining):
    """Steps of one model in a mode of ``TORCH``, with fused Adam.

    In mode ``graph`` a whole step, from drawing the batch to the update, is one CUDA graph, whose learning
    rate is read from a table on the device.
    """

    def __init__(self, row: Row, mode: str):
        super().__init__(1, _turn())
        self._bf16, self._batch_size = row.precision == "bf16", row.settings["batch_size"]
        torch.set_float32_matmul_precision("highest" if row.precision == "float32" else "high")
        model, self._examples, loss = self._task(row)
        captured = mode == "graph"
        lr: Any = torch.tensor(1e-3, device=self._place) if captured else 1e-3
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=lr, fused=True, capturable=captured, weight_decay=0.0
        )
        self._loss = loss if mode == "eager" else self._compiled(loss, mode)
        self.warm_up()
        self._graph = self._captured() if captured else None

    def _compiled(self, loss: Loss, mode: str) -> Loss:
        if self._place.type != "cuda":  # shows that it can be traced, without the minutes of a C++ compiler
            return torch.compile(loss, backend="eager")
        return torch.compile(loss, mode="reduce-overhead" if mode == "reduce-overhead" else None)

    def _task(self, row: Row) -> tuple[nn.Module, tuple[torch.Tensor, ...], Loss]:
        """The model, the examples, and the loss of a batch of them."""
        place, entropy = self._place, nn.functional.cross_entropy
        if row.workload == "wikitext-transformer":
            words, length = row.settings["vocabulary"], row.settings["length"]
            tokens = torch.randint(1, words, (2000, length + 1), device=place)
            model = Transformer(words, length).to(place)

            def loss(batch: torch.Tensor) -> torch.Tensor:
                return entropy(model(batch[:, :-1]).reshape(-1, words), batch[:, 1:].reshape(-1))

            return model, (tokens,), loss
        shape = (64,) if row.workload == "digits-mlp" else (3, 32, 32)
        make = mlp if row.workload == "digits-mlp" else network
        images, labels = examples(EXAMPLES if place.type == "cuda" else 1000, place, shape)
        model = make().to(place, memory_format=torch.channels_last)

        def loss(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return entropy(model(images.float() / 255), labels)

        return model, (images, labels), loss

    def step(self) -> torch.Tensor:
        """One step on a random batch."""
        count = len(self._examples[0])
        index = torch.randint(0, count, (self._batch_size,), device=self._place)
        batch = [values[index] for values in self._examples]
        self.optimizer.zero_grad()
        with torch.autocast(self._place.type, torch.bfloat16, enabled=self._bf16):
            loss = self._loss(*batch)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def _captured(self) -> torch.cuda.CUDAGraph:
        """Record a step under a linear decay that starts anew every turn."""
        table = torch.linspace(1e-3, 0, self._steps, device=self._place)
        count = torch.zeros(1, dtype=torch.int64, device=self._place)

        def step() -> torch.Tensor:
            self.optimizer.param_groups[0]["lr"].copy_(table[count % self._steps][0])
            count.add_(1)
            return self.step()

        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):  # allocations before a capture must not be on its stream
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._last = step()
        return graph

    def measure(self) -> tuple[float, float]:
        """Model-steps and seconds of a turn."""
        if self._graph is None:
            return super().measure()
        began = time.perf_counter()
        for _ in range(self._steps):
            self._graph.replay()
        if not bool(self._last.isfinite()):
            raise FloatingPointError("a loss is not finite")
        return float(self._steps), time.perf_counter() - began
