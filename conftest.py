"""Keras asks for its backend when it is imported, which collecting the tests of a module does."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")
