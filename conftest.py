"""What must be in the environment before a test module is imported; child processes inherit it."""

import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")  # Keras reads its backend when it is imported

# The same small programs are compiled in many tests and child processes. With a maximum size, JAX locks the
# cache, which the processes of pytest-xdist share.
CACHE = Path(__file__).parent / ".pytest_cache" / "jax"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(2**30))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
