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
    """Every row in order of importance: the questions first, each at one size, then what is left."""
    cnn, lm, mlp = "cifar10-cnn", "wikitext-transformer", "digits-mlp"
    small, large, recursion = {"batch_size": 32}, {"batch_size": 128}, {"steps": 10_000}
    return [
        *(Row(OURS, cnn, 64, precision, size) for precision in ("tf32", "bf16") for size in (small, large)),
        *(Row(OURS, cnn, 512, "tf32", size) for size in (small, large)),
        *(Row(OURS, lm, 64, precision, PAPER) for precision in ("tf32", "bf16")),
        *(Row(TORCH[mode], cnn, 1, "bf16", large) for mode in ("reduce-overhead", "graph")),
        Row(MEMORY, mlp, 0, "float32", {"batch_size": 32, "hidden": (2048, 2048)}),
        Row(OURS, mlp, 512, "tf32", small),
        Row(TORCH["graph"], mlp, 1, "tf32", small),
        Row(FUNC, cnn, 64, "tf32", large),
        Row(FUNC, mlp, 64, "tf32", small),
        Row(OURS, "linear-regression", 512, "float32", recursion),
        Row(TORCH["graph"], lm, 1, "bf16", PAPER),
        Row(TORCH["graph"], cnn, 1, "bf16", small),
        Row(OURS, "digits-cnn", 512, "tf32", small),
        *(Row(OURS, cnn, 512, "bf16", size) for size in (small, large)),
        *(Row(OURS, lm, 64, precision, SMALL) for precision in ("tf32", "bf16")),
        *(Row(OURS, lm, 512, precision, size) for size in (SMALL, PAPER) for precision in ("bf16", "tf32")),
        Row(TORCH["eager"], cnn, 1, "tf32", large),
        Row(TORCH["reduce-overhead"], lm, 1, "bf16", PAPER),
        Row(TORCH["default"], cnn, 1, "bf16", large),
        *(Row(OURS, workload, 64, "tf32", small) for workload in (mlp, "digits-cnn")),
        Row(OURS, "linear-regression", 64, "float32", recursion),
        *(Row(OURS, cnn, 1, precision, large) for precision in ("tf32", "bf16")),
        Row(OURS, lm, 1, "tf32", PAPER),
        *(Row(OURS, workload, 1, "tf32", small) for workload in (mlp, "digits-cnn")),
        Row(OURS, "linear-regression", 1, "float32", recursion),
        Row(TORCH["eager"], cnn, 1, "tf32", small),
        Row(TORCH["eager"], lm, 1, "tf32", PAPER),
    ]
