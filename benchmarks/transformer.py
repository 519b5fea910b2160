"""Training small transformers: lrshape's engine beside JAX's vmap and PyTorch.

Width 128, 2 layers, 4 heads, feed-forward 512, 8,192 words, tied embedding; batch 32 x 128 tokens, AdamW, a
linear decay, float32, on CPUs; random tokens. Each contender has a process of its own; all take turns.

    python benchmarks/transformer.py
"""

import sys

from _measure import machine
from _peers import Entry, ratio, take_turns, training_table

BATCH, LENGTH, WORDS, EMBED, MLP, LAYERS = 32, 128, 8192, 128, 512, 2
TOKENS = BATCH * LENGTH
WEIGHTS = WORDS * EMBED + LAYERS * (4 * EMBED * EMBED + 2 * EMBED * MLP)
FLOPS = 6 * TOKENS * WEIGHTS + 6 * LAYERS * 2 * TOKENS * LENGTH * EMBED
"""Matrix products forward and backward: 6 a token and weight, and attention's two products."""


def main() -> None:
    """Measure and print."""
    (peak,) = take_turns([Entry("peak", "_peers_jax:GemmPeak", {})])
    size = {"batch_size": BATCH, "length": LENGTH, "vocabulary": WORDS}
    entries = [
        Entry("lrshape", "_peers_ours:transformer", {"members": m, "steps": 8, **size}, m) for m in (1, 4)
    ]
    entries += [
        Entry("JAX vmap, optax", "_peers_jax_lm:VmapTraining", {"members": m, "steps": 2, **size}, m)
        for m in (1, 4)
    ]
    sequential, one = "_peers_torch_lm:Sequential", {"steps": 6, **size}
    entries += [
        Entry("PyTorch, one after another", sequential, one),
        Entry("PyTorch, a process a core", sequential, {**one, "threads": 1}, processes=2),
    ]
    results = take_turns(entries)
    ours = {r.entry.members: r for r in results if r.entry.name == "lrshape"}
    theirs = next(r for r in results if r.entry.name.startswith("JAX") and r.entry.members == 4)
    sys.stdout.write(
        "## Population training: a transformer, AdamW, batch 32 x 128 tokens\n\n"
        f"{machine()}. A large matrix product reaches {peak.rate / 1e9:,.0f} GFLOP/s here; a model-step of "
        f"{TOKENS:,} tokens takes {FLOPS / 1e9:.1f} GFLOP, {6 * TOKENS * WORDS * EMBED / FLOPS:.0%} of "
        "them in the output layer.\n\n"
        "Model-steps a second, median (range) of 3 turns; compilation excluded.\n\n"
        + training_table(results, FLOPS, peak.rate, ours[4])
        + f"\n\nAt 4 members lrshape is {ratio(ours[4], theirs)}.\n"
    )


if __name__ == "__main__":
    main()
