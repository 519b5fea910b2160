"""Keras 3: search shapes for a network on digits, train with the winner, save the model and load it again.

Run ``KERAS_BACKEND=jax python examples/with_keras.py`` (or torch, or tensorflow). It takes a few seconds;
running it again resumes the search.
"""

import keras
import numpy as np
from sklearn.datasets import load_digits

import lrshape

STEPS, BATCH = 40, 64
IMAGES, DIGITS = load_digits(return_X_y=True)
X, Y = (IMAGES / 16).astype("float32"), DIGITS
TRAIN, VALID = slice(0, 1400), slice(1400, None)


def compiled(learning_rate):
    """Return a two-layer network with its optimizer."""
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10)])
    optimizer = keras.optimizers.SGD(learning_rate, momentum=0.9)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    optimizer.build(model.trainable_variables)
    return model


def fit(model, seed, lrs=None):
    """Train from new weights; ``lrs``, if given, sets the learning rate of every step."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(64, 32)) / 8, rng.normal(size=(32, 10)) / 6
    model.set_weights([first, np.zeros(32), second, np.zeros(10)])
    for variable in model.optimizer.variables:  # step count and momentum
        if variable is not model.optimizer.learning_rate:
            variable.assign(np.zeros(variable.shape))
    for step in range(STEPS):
        if lrs is not None:
            model.optimizer.learning_rate = lrs[step]
        chosen = rng.integers(1400, size=BATCH)
        model.train_on_batch(X[TRAIN][chosen], Y[TRAIN][chosen])
    return float(model.evaluate(X[VALID], Y[VALID], verbose=0))


SEARCHED = compiled(0.1)  # compiled once: compiling takes longer than a trial


def train(lrs, seed):
    """Run one trial: the search passes a learning rate for every step."""
    return fit(SEARCHED, seed, lrs)


def main():
    """Search, train with the winner on new seeds, save and load the last model."""
    study = lrshape.search(
        train=train, steps=STEPS, families=["rex", "wsd"], baselines=["cosine"], out="with-keras",
        base_lr={"low": 0.03, "high": 0.3, "points": 2}, screen={"shapes": 2, "seeds": 1},
        rescore={"top": 1, "seeds": 2, "base_lrs": 1}, confirm={"seeds": 8},
    )  # fmt: skip
    schedule, best = study.schedule(), study.best()
    model = compiled(schedule.to_keras())
    exported = float(np.median([fit(model, seed) for seed in range(8)]))
    print(f"winner: {schedule}")
    print(f"validation loss with the schedule, median over 8 new seeds {exported:.4f}; "
          f"the search's 95% interval is {best.score_low:.4f} to {best.score_high:.4f}")  # fmt: skip
    model.save("digits.keras")  # saves the schedule and the step count, too
    loaded = keras.saving.load_model("digits.keras")
    print(f"loaded at step {int(loaded.optimizer.iterations)}, "
          f"last learning rate {float(loaded.optimizer.learning_rate):.6f}")  # fmt: skip


if __name__ == "__main__":
    main()
