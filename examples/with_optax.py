"""JAX and optax: search shapes for softmax regression on digits, then train with the winner.

Run ``python examples/with_optax.py``. It takes a few seconds; running it again resumes the search.
"""

import jax
import jax.numpy as jnp
import optax
from sklearn.datasets import load_digits

import lrshape

STEPS = 60
IMAGES, DIGITS = load_digits(return_X_y=True)
X, Y = jnp.asarray(IMAGES / 16, jnp.float32), jnp.asarray(DIGITS)


def loss(weights, chosen):
    """Return the cross-entropy of a batch."""
    logits = X[chosen] @ weights
    return optax.softmax_cross_entropy_with_integer_labels(logits, Y[chosen]).mean()


def train_with(learning_rate, seed):
    """Train with any optax schedule, and return the loss over all data."""
    optimizer = optax.adam(learning_rate)

    def step(state, key):
        weights, memory = state
        gradient = jax.grad(loss)(weights, jax.random.randint(key, (32,), 0, len(X)))
        updates, memory = optimizer.update(gradient, memory)
        return (optax.apply_updates(weights, updates), memory), None

    start = jnp.zeros((64, 10))
    keys = jax.random.split(jax.random.key(seed), STEPS)
    (weights, _), _ = jax.lax.scan(step, (start, optimizer.init(start)), keys)
    return loss(weights, jnp.arange(len(X)))


@jax.jit
def compiled(lrs, seed):
    """Train with a list of learning rates instead."""
    return train_with(lambda count: lrs[count], seed)


def train(lrs, seed):
    """Run one trial: the search passes a learning rate for every step."""
    return float(compiled(jnp.asarray(lrs, jnp.float32), seed))


def main():
    """Search, then train with the winner as an optax schedule."""
    study = lrshape.search(
        train=train, steps=STEPS, families=["rex", "two_point_spline"], baselines=["cosine", "constant"],
        base_lr={"low": 0.003, "high": 0.3, "points": 4}, screen={"shapes": 8, "seeds": 2},
        rescore={"top": 3, "seeds": 6}, confirm={"seeds": 8}, out="with-optax",
    )  # fmt: skip
    schedule = study.schedule()
    exported = float(jax.jit(lambda: train_with(schedule.to_optax(), 0))())
    print(f"winner: {schedule}")
    print(f"loss with the optax schedule {exported:.6f}, with the same rates by hand "
          f"{train(schedule.values(), 0):.6f}")  # fmt: skip


if __name__ == "__main__":
    main()
