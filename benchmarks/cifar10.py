"""Training many CIFAR-10 CNNs: lrshape's engine beside JAX's vmap and PyTorch.

The CNN has 1,070,794 parameters; batch 128, Adam, a linear decay, float32, on CPUs. The images are synthetic,
which changes no speed. Each contender has a process of its own; those at one size of population take turns.

    python benchmarks/cifar10.py
"""

import sys

from _measure import machine, spread, table
from _peers import Entry, Result, ratio, take_turns, training_table

MEMBERS = (1, 4, 16)
LARGEST = MEMBERS[-1]
BATCH = 128
FLOPS = 4.88e9
"""Of one training step of one model: forward, and the two products backward (none to the pixels)."""

TEST_IMAGES, TRAIN_IMAGES = 4_000, 4_000


def contest(count: int) -> list[Entry]:
    """The contenders at one size of population; the slow ones do fewer steps in fewer turns.

    Those that know no populations, and what bounds the engine, compete with the largest one.
    """
    size = {"members": count, "batch_size": BATCH}
    turns = 3 if count < LARGEST else 2
    ours = {**size, "steps": max(8, 64 // count)}
    vmap, stacked = {**size, "steps": max(1, 8 // count)}, {**size, "steps": max(2, 16 // count)}
    found = [
        Entry("lrshape", "_peers_ours:cifar10", ours, count),
        Entry("(a) JAX vmap of lax.conv, optax", "_peers_jax_cnn:VmapTraining", vmap, count, turns),
    ]
    if count == LARGEST:
        one = {"batch_size": BATCH, "steps": 40}
        sequential, per_core = "_peers_torch_cnn:Sequential", {**one, "threads": 1}
        found += [
            Entry("lrshape's matrix products alone", "_peers_products:cifar10", one),
            Entry("(b) PyTorch, one after another", sequential, one),
            Entry("(c) PyTorch, a process a core", sequential, per_core, processes=2),
        ]
    return [*found, Entry("(d) torch.func vmap", "_peers_torch_cnn:Stacked", stacked, count, 2)]


def evaluation_entries() -> list[Entry]:
    """Contenders of evaluation, at 16 members."""
    ours = {"members": 16, "steps": 2, "batch_size": BATCH}
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
    (peak,) = take_turns([Entry("peak", "_peers_jax:GemmPeak", {})])
    # One size after another: all contenders at once would not fit into memory.
    training = [result for count in MEMBERS for result in take_turns(contest(count))]
    report(training, take_turns(evaluation_entries()), peak)


def report(training: list[Result], evaluation: list[Result], peak: Result) -> None:
    """Print the section."""
    by_name = {(r.entry.name.split()[0], r.entry.members): r for r in training}
    ours, bound = by_name["lrshape", LARGEST], by_name["lrshape's", 1]
    scored = [
        [
            r.entry.name,
            str(r.entry.members),
            spread(r.rates) if r.rates else r.problem,
            f"{evaluation[0].rate / r.rate:.1f}",
        ]
        for r in evaluation
    ]
    ratios = [ratio(ours, by_name[key]) for key in (("(a)", LARGEST), ("(b)", 1), ("(c)", 1))]
    sys.stdout.write(
        "## Population training: cifar10-cnn, Adam, batch 128\n\n"
        f"{machine()}. A large matrix product reaches {peak.rate / 1e9:,.0f} GFLOP/s here; a "
        f"model-step takes {FLOPS / 1e9} GFLOP.\n\n"
        f"Model-steps a second, median (range) of 3 turns, of 2 for (d) and for (a) with {LARGEST} members; "
        "compilation and evaluation excluded. Contenders at one size take turns, with the largest also those "
        "that train one model at a time. Memory is the processes' peak, libraries and data included.\n\n"
        + training_table(training, FLOPS, peak.rate, ours)
        + f"\n\nAt {LARGEST} members lrshape is {'; '.join(ratios)}. At 1 it is "
        f"{ratio(by_name['lrshape', 1], by_name['(a)', 1])}. Its matrix products alone, at their shapes and "
        f"over patches that are already gathered, take {ours.rate / bound.rate:.0%} of its time: with "
        f"nothing else to do it would reach {bound.rate * FLOPS / peak.rate:.0%} of the peak.\n\n"
        "Evaluation, images a second over all members:\n\n"
        + table(["contender", "members", "images/s", "lrshape is faster by"], scored)
        + "\n"
    )


if __name__ == "__main__":
    main()
