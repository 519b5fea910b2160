"""Building blocks of the small networks: 3 x 3 convolutions and pooling, initialisers, losses.

Images are in a (C, H, W, N) layout. On CPUs a convolution is a matrix product over gathered patches:
``lax.conv`` inside a loop is about twenty times slower there. On other devices the faster of that and
``lax.conv`` is chosen by a measurement, `tune`. Activations take the parameters' dtype, losses are float32.
"""

import json
import logging
import math
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp

from lrshape.errors import InputError
from lrshape.files import write_file
from lrshape.training.data.download import cache_dir

logger = logging.getLogger("lrshape")

CPU_CHUNK = 16
"""Images whose patches are gathered at once on a CPU: the patches then stay in the core's cache."""

TUNING_MEMBERS, TUNING_IMAGES = 16, 128
"""Population on which `tune` measures: enough to fill a device."""

CHOICES = "convolution.json"
"""The cached choices, by device."""


def conv3x3(params: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    """3 x 3 convolution, stride 1, zero padding: (C, H, W, N) to (filters, H, W, N).

    Args:
        params: ``w`` of shape (filters, 9 C), columns ordered by row, column, channel; ``b`` of (filters,).
        x: images, with the image axis last.
    """
    return IMPLEMENTATIONS[_chosen()](params["w"], params["b"], x)


def in_chunks(features: Callable[[jax.Array], jax.Array], images: jax.Array) -> jax.Array:
    """Apply ``features`` to images, example axis first, in chunks that suit the device.

    Args:
        features: maps images (n, ...) to features (..., n).
        images: (examples, ...).

    Returns:
        Features of all images, (..., examples).
    """
    count = len(images)
    if jax.default_backend() != "cpu" or count <= CPU_CHUNK:
        return features(images)
    chunks = -(-count // CPU_CHUNK)
    missing = chunks * CPU_CHUNK - count
    padded = jnp.pad(images, ((0, missing), *[(0, 0)] * (images.ndim - 1)))
    out = jax.lax.map(features, padded.reshape(chunks, CPU_CHUNK, *images.shape[1:]))
    return jnp.moveaxis(out, 0, -2).reshape(*out.shape[1:-1], -1)[..., :count]


def _columns(x: jax.Array) -> jax.Array:
    """The nine neighbours of every pixel, (9 C, H W N)."""
    channels, height, width, _ = x.shape
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    patches = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return jnp.concatenate(patches, axis=0).reshape(9 * channels, -1)


@jax.custom_vjp
def _gemm(w: jax.Array, b: jax.Array, x: jax.Array) -> jax.Array:
    return (w @ _columns(x) + b[:, None]).reshape(-1, *x.shape[1:])


def _gemm_forward(w: jax.Array, b: jax.Array, x: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _gemm(w, b, x), (w, x)  # patches are gathered again backwards: cheaper than to keep nine copies


def _gemm_backward(kept: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array, ...]:
    w, x = kept
    flat = gradient.reshape(len(gradient), -1)
    of_columns = (w.T @ flat).reshape(3, 3, *x.shape)
    of_x = sum(
        jnp.pad(of_columns[i, j], ((0, 0), (i, 2 - i), (j, 2 - j), (0, 0)))
        for i in range(3)
        for j in range(3)
    )
    return flat @ _columns(x).T, flat.sum(1), jnp.asarray(of_x)[:, 1:-1, 1:-1]


_gemm.defvjp(_gemm_forward, _gemm_backward)


def _lax(w: jax.Array, b: jax.Array, x: jax.Array) -> jax.Array:
    kernels = w.reshape(len(w), 3, 3, len(x))
    out = jax.lax.conv_general_dilated(x, kernels, (1, 1), "SAME", dimension_numbers=("CHWN", "OHWI", "CHWN"))
    return out + b[:, None, None, None]


IMPLEMENTATIONS = {"gemm": _gemm, "lax": _lax}


@jax.custom_vjp
def relu_max_pool2(x: jax.Array) -> jax.Array:
    """2 x 2 max pooling, stride 2, and ReLU, of (C, H, W, N) with even H and W.

    Of equal pixels the first passes the gradient on. What is kept for it is one byte an output; XLA's own
    gradient of pooling is over ten times slower on CPUs.
    """
    return _relu_max_pool2(x)[0]


def _relu_max_pool2(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The output, and which of the four pixels it came from; 4 where ReLU cut it off."""
    channels, height, width, images = x.shape
    q = x.reshape(channels, height // 2, 2, width // 2, 2, images)
    a, b, c, d = q[:, :, 0, :, 0], q[:, :, 0, :, 1], q[:, :, 1, :, 0], q[:, :, 1, :, 1]
    top, bottom = jnp.maximum(a, b), jnp.maximum(c, d)
    largest = jnp.maximum(top, bottom)
    source = jnp.where(top >= bottom, jnp.where(a >= b, 0, 1), jnp.where(c >= d, 2, 3))
    return jax.nn.relu(largest), jnp.where(largest > 0, source, 4).astype(jnp.int8)


def _pool_backward(source: jax.Array, gradient: jax.Array) -> tuple[jax.Array]:
    channels, height, width, images = gradient.shape
    parts = [jnp.where(source == k, gradient, 0) for k in range(4)]
    rows = [jnp.stack(parts[:2], axis=3), jnp.stack(parts[2:], axis=3)]
    return (jnp.stack(rows, axis=2).reshape(channels, 2 * height, 2 * width, images),)


relu_max_pool2.defvjp(_relu_max_pool2, _pool_backward)


_tuned: dict[str, str] = {}


def _chosen() -> str:
    return _tuned.get(jax.default_backend(), "gemm")


def tune() -> None:
    """Choose the faster convolution of this device, once; the choice is cached on disk and logged.

    On CPUs there is nothing to choose. Must not be called while a function is being traced.
    """
    backend = jax.default_backend()
    if backend == "cpu" or backend in _tuned:
        return
    _tuned[backend] = _choice(jax.devices()[0].device_kind)


def _choice(device_kind: str) -> str:
    """The cached choice for a kind of device, or a measured one."""
    key = f"{device_kind}, jax {jax.__version__}"
    known = _known_choices()
    if known.get(key) in IMPLEMENTATIONS:
        return known[key]
    times = {name: _seconds(name) for name in IMPLEMENTATIONS}
    best = min(times, key=times.__getitem__)
    told = ", ".join(f"{name} {1e3 * seconds:.2f} ms" for name, seconds in times.items())
    logger.warning(
        "convolutions on %s use %s (%s for a gradient of %d members)", key, best, told, TUNING_MEMBERS
    )
    try:
        write_file(cache_dir() / CHOICES, json.dumps({**known, key: best}, indent=1).encode())
    except (InputError, OSError) as error:  # the cache only saves a second of measuring
        logger.warning("cannot save the choice of convolution: %s", error)
    return best


def _known_choices() -> dict[str, str]:
    try:
        found = json.loads((cache_dir() / CHOICES).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # an `InputError` is one: there is no home directory
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(name: str) -> float:
    """Time of a vmapped gradient of a 32 to 64 channel convolution, the best of several."""
    convolve = IMPLEMENTATIONS[name]

    def loss(w: jax.Array, x: jax.Array) -> jax.Array:
        return jnp.sum(convolve(w, jnp.zeros(64), x) ** 2)

    w = jnp.ones((TUNING_MEMBERS, 64, 9 * 32))
    x = jnp.ones((TUNING_MEMBERS, 32, 16, 16, TUNING_IMAGES))
    gradient = jax.jit(jax.vmap(jax.grad(loss, argnums=(0, 1))))
    jax.block_until_ready(gradient(w, x))
    times = []
    for _ in range(5):
        began = time.perf_counter()
        jax.block_until_ready(gradient(w, x))
        times.append(time.perf_counter() - began)
    return min(times)


Params = dict[str, dict[str, jax.Array]]


def dense_init(key: jax.Array, inputs: int, outputs: int) -> dict[str, jax.Array]:
    """He-normal weights of shape (inputs, outputs) and zero biases."""
    weights = jax.random.normal(key, (inputs, outputs)) * math.sqrt(2.0 / inputs)
    return {"w": weights, "b": jnp.zeros(outputs)}


def conv_init(key: jax.Array, channels: int, filters: int) -> dict[str, jax.Array]:
    """He-normal kernels of shape (filters, 3 * 3 * channels) and zero biases."""
    inputs = 3 * 3 * channels
    kernels = jax.random.normal(key, (filters, inputs)) * math.sqrt(2.0 / inputs)
    return {"w": kernels, "b": jnp.zeros(filters)}


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Mean cross-entropy of (examples, classes) logits and integer labels, in nats."""
    logits = logits.astype(jnp.float32)
    picked = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=1) - picked)


def error_rate(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Share of examples whose largest logit is not their label's."""
    return jnp.mean(jnp.argmax(logits, axis=1) != labels)
