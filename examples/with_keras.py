"""Keras 3: train on real digits along a shape, save the model in the middle, and go on.

Run it with ``KERAS_BACKEND=jax python examples/with_keras.py`` (or torch, or tensorflow).
"""

import keras
from sklearn.datasets import load_digits

import lrshape

EPOCHS, BATCH = 6, 64
IMAGES, DIGITS = load_digits(return_X_y=True)
STEPS = EPOCHS * -(-len(IMAGES) // BATCH)


def main():
    """Compile, fit, save, load, fit on."""
    schedule = lrshape.Schedule("rex", {"warmup": 0.05, "beta": 0.4}, base_lr=0.1, steps=STEPS)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10)])
    model.compile(
        keras.optimizers.SGD(schedule.to_keras(), momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(IMAGES / 16, DIGITS, epochs=EPOCHS // 2, batch_size=BATCH, verbose=0)
    model.save("digits.keras")  # the schedule and the count of steps are saved with it
    model = keras.saving.load_model("digits.keras")
    model.fit(IMAGES / 16, DIGITS, epochs=EPOCHS // 2, batch_size=BATCH, verbose=0)
    last = float(model.optimizer.learning_rate)
    accuracy = model.evaluate(IMAGES / 16, DIGITS, verbose=0, return_dict=True)["accuracy"]
    steps = int(model.optimizer.iterations)
    print(f"accuracy {accuracy:.3f} after {steps} steps, last learning rate {last:.6f}")


if __name__ == "__main__":
    main()
