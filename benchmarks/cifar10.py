"""Training many CIFAR-10 CNNs: lrshape's engine beside JAX's vmap and PyTorch.

The CNN has 1,070,794 parameters; batch 128, Adam, a linear decay, float32 (TF32 on GPUs). The images are
synthetic, which changes no speed. Each contender has a process of its own; those at one size of population
take turns.

    python benchmarks/cifar10.py
    python benchmarks/cifar10.py --members 1,16,64,256,512      # e.g. on a GPU
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from _contest import ratio, training_table
from _measure import machine, spread, table
from _peers import Entry, Result, take_turns

BATCH = 128
FLOPS = 4.88e9
"""Of one training step of one model: forward, and the two products backward (none to the pixels)."""

TEST_IMAGES, TRAIN_IMAGES = 4_000, 4_000


def write_data(folder: Path) -> None:
    """Random images in CIFAR-10's binary format."""
    rng = np.random.default_rng(0)
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        records = rng.integers(0, 256, (10_000, 3073), np.uint8)
        records[:, 0] %= 10
        records.tofile(folder / f"{name}.bin")


def contest(count: int, data_dir: str, gpu: bool, models_one_by_one: bool) -> list[Entry]:
    """The contenders at one size of population; the slow ones do fewer steps in fewer turns.

    Args:
        count: members.
        data_dir: where the images are.
        gpu: whether they compete on a GPU.
        models_one_by_one: with those that know no populations, and on a CPU what bounds the engine.
    """
    scale = 20 if gpu else 1
    size = {"members": count, "batch_size": BATCH}
    found = [
        Entry(
            "lrshape",
            "_peers_ours:cifar10",
            {**size, "steps": max(8, 64 // count) * scale, "data_dir": data_dir},
            count,
        ),
        Entry(
            "(a) JAX vmap of lax.conv, optax",
            "_peers_jax_cnn:VmapTraining",
            {**size, "steps": max(1, 8 // count) * scale},
            count,
            turns=3 if count < 16 or gpu else 2,
            alone=count > 16,
        ),
    ]
    if models_one_by_one:
        if not gpu:
            products = {"batch_size": BATCH, "steps": 40}
            found.append(Entry("lrshape's matrix products alone", "_peers_products:cifar10", products))
        plain = {"steps": 40 * scale, "batch_size": BATCH}
        found.append(Entry("(b) PyTorch, one after another", "_peers_torch_cnn:Sequential", plain))
        if not gpu:
            one = {**plain, "threads": 1}
            found.append(
                Entry("(c) PyTorch, a process a core", "_peers_torch_cnn:Sequential", one, processes=2)
            )
    if count <= 16 or gpu:
        stacked = {**size, "steps": max(2, 16 // count) * scale}
        found.append(
            Entry("(d) torch.func vmap", "_peers_torch_cnn:Stacked", stacked, count, 3 if gpu else 2)
        )
    return found


def evaluation_entries(data_dir: str) -> list[Entry]:
    """Contenders of evaluation, at 16 members."""
    ours = {"members": 16, "steps": 2, "batch_size": BATCH, "data_dir": data_dir}
    ours |= {"train": TRAIN_IMAGES, "test": TEST_IMAGES}
    return [
        Entry("lrshape", "_peers_ours:cifar10", ours, 16),
        Entry(
            "(a) JAX vmap of lax.conv",
            "_peers_jax_cnn:VmapEvaluation",
            {"members": 16, "batches": 1, "batch_size": 500},
            16,
            2,
        ),
        Entry(
            "(b) PyTorch, one after another",
            "_peers_torch_cnn:Evaluation",
            {"images": 10_000, "batch_size": 500},
        ),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", default="1,4,16,64")
    members = [int(part) for part in parser.parse_args().members.split(",")]
    (peak,) = take_turns([Entry("peak", "_peers_jax:GemmPeak", {})])
    gpu = peak.device != "cpu"
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder))
        # One size after another: all contenders at once would not fit into memory.
        training = [
            result
            for count in members
            for result in take_turns(
                contest(count, folder, gpu, models_one_by_one=count == members[-1]), keep=not gpu
            )
        ]
        evaluation = take_turns(evaluation_entries(folder), keep=not gpu)
    report(training, evaluation, peak, members)


def report(training: list[Result], evaluation: list[Result], peak: Result, members: list[int]) -> None:
    """Print the section."""
    by_name = {(r.entry.name.split()[0], r.entry.members): r for r in training}
    largest, smallest = members[-1], members[0]
    ours = by_name["lrshape", largest]
    scored = [
        [
            r.entry.name,
            str(r.entry.members),
            spread(r.rates) if r.rates else r.problem,
            f"{evaluation[0].rate / r.rate:.1f}",
        ]
        for r in evaluation
    ]
    lines = [ratio(ours, by_name["(a)", largest]), ratio(ours, by_name["(b)", 1])]
    if ("(c)", 1) in by_name:
        lines.append(ratio(ours, by_name["(c)", 1]))
    bound = by_name.get(("lrshape's", 1))
    limit = (
        f" Its matrix products alone, at their shapes and over patches that are already gathered, take "
        f"{ours.rate / bound.rate:.0%} of its time: with nothing else to do it would reach "
        f"{bound.rate * FLOPS / peak.rate:.0%} of the peak."
        if bound
        else ""
    )
    where = peak.device if peak.device != "cpu" else "CPU"
    sys.stdout.write(
        "## Population training: cifar10-cnn, Adam, batch 128\n\n"
        f"{machine()}; on {where}. A large matrix product reaches {peak.rate / 1e9:,.0f} GFLOP/s here; a "
        f"model-step takes {FLOPS / 1e9} GFLOP.\n\n"
        "Model-steps a second, median (range) of 3 turns; on CPUs, of 2 for (d) and for (a) with 16 "
        "members or more; compilation and evaluation excluded. Contenders at one size take turns, with the "
        "largest also those that train one model at a time. Memory is the processes' peak, libraries and "
        "data included.\n\n"
        + training_table(training, FLOPS, peak.rate, ours)
        + f"\n\nAt {largest} members lrshape is "
        + "; ".join(lines)
        + f". At {smallest} it is {ratio(by_name['lrshape', smallest], by_name['(a)', smallest])}."
        + limit
        + "\n\n"
        "Evaluation, images a second over all members:\n\n"
        + table(["contender", "members", "images/s", "lrshape is faster by"], scored)
        + "\n"
    )


if __name__ == "__main__":
    main()
