"""What `gpu.py` measures, the most important first."""

from typing import Any, NamedTuple

OURS = "lrshape"
MEMORY = "lrshape, out of memory"
FUNC = "torch.func vmap"
TORCH = {
    "eager": "PyTorch",
    "default": "torch.compile",
    "reduce-overhead": "torch.compile, reduce-overhead",
    "graph": "torch.compile, a step as one CUDA graph",
}
"""Programs that train one model at a time, by the mode that they are compiled with."""

PAPER = {"batch_size": 16, "length": 256, "vocabulary": 8192, "embed": 128, "mlp": 512}
SMALL = {"batch_size": 16, "length": 64, "vocabulary": 1024, "embed": 64, "mlp": 256}
"""The wikitext-transformer's own sizes, and those of examples/wikitext.toml."""


class Row(NamedTuple):
    """One measurement.

    Attributes:
        program: who trains.
        workload: what is trained.
        members: models at a time.
        precision: of matrix products.
        settings: of the workload.
    """

    program: str
    workload: str
    members: int
    precision: str
    settings: dict[str, Any]

    @property
    def size(self) -> str:
        """The settings in words."""
        return ", ".join(f"{name.replace('_size', '')} {value}" for name, value in self.settings.items())

    @property
    def flops(self) -> float | None:
        """Floating-point operations of a model-step's matrix products, where they are counted."""
        s = self.settings
        if self.workload == "cifar10-cnn":
            return 4.88e9 / 128 * s["batch_size"]
        if self.workload == "wikitext-transformer":
            tokens, embed = s["batch_size"] * s["length"], s["embed"]
            weights = s["vocabulary"] * embed + 2 * (4 * embed * embed + 2 * embed * s["mlp"])
            return 6.0 * tokens * weights + 6 * 2 * 2 * tokens * s["length"] * embed
        return None

    def tiny(self) -> "Row":
        """The same kind of row for a CPU and a second or two."""
        most = {"batch_size": 4, "length": 8, "vocabulary": 50, "embed": 16, "mlp": 32, "steps": 20}
        settings = {
            name: min(value, most.get(name, value)) if isinstance(value, int) else value
            for name, value in self.settings.items()
        }
        precision = "float32" if self.precision == "tf32" else self.precision
        return self._replace(members=min(self.members, 4), precision=precision, settings=settings)


def all_rows() -> list[Row]:
    """Every row in order of importance."""
    cnn, lm = "cifar10-cnn", "wikitext-transformer"

    def network(batch_size: int) -> dict[str, int]:
        return {"batch_size": batch_size}

    rows = [Row(OURS, cnn, m, p, network(b)) for m in (64, 512) for p in ("tf32", "bf16") for b in (32, 128)]
    rows += [Row(OURS, lm, 64, precision, PAPER) for precision in ("tf32", "bf16")]
    rows.append(Row(OURS, lm, 64, "tf32", SMALL))
    rows.append(Row(TORCH["eager"], cnn, 1, "tf32", network(128)))
    rows += [Row(TORCH[mode], cnn, 1, "bf16", network(128)) for mode in ("reduce-overhead", "graph")]
    rows += [Row(TORCH["graph"], cnn, 1, "bf16", network(32)), Row(TORCH["graph"], lm, 1, "bf16", PAPER)]
    rows.append(Row(FUNC, cnn, 64, "tf32", network(128)))
    rows.append(Row(MEMORY, "digits-mlp", 0, "float32", {"batch_size": 32, "hidden": (2048, 2048)}))
    for workload in ("digits-mlp", "digits-cnn", "linear-regression"):
        settings = {"steps": 10_000} if workload == "linear-regression" else network(32)
        rows += [
            Row(OURS, workload, m, "float32" if workload == "linear-regression" else "tf32", settings)
            for m in (512, 64)
        ]
    rows.append(Row(FUNC, "digits-mlp", 64, "tf32", network(32)))
    rows.append(Row(TORCH["graph"], "digits-mlp", 1, "tf32", network(32)))
    rows += [Row(OURS, lm, 512, p, size) for size in (SMALL, PAPER) for p in ("bf16", "tf32")]
    rows.append(Row(OURS, lm, 64, "bf16", SMALL))
    rows.append(Row(TORCH["reduce-overhead"], lm, 1, "bf16", PAPER))
    rows.append(Row(TORCH["default"], cnn, 1, "bf16", network(128)))
    rows += [Row(OURS, cnn, 1, precision, network(128)) for precision in ("tf32", "bf16")]
    rows.append(Row(OURS, lm, 1, "tf32", PAPER))
    rows += [Row(OURS, workload, 1, "tf32", network(32)) for workload in ("digits-cnn", "digits-mlp")]
    rows.append(Row(OURS, "linear-regression", 1, "float32", {"steps": 10_000}))
    rows += [Row(TORCH["eager"], cnn, 1, "tf32", network(32)), Row(TORCH["eager"], lm, 1, "tf32", PAPER)]
    return rows
