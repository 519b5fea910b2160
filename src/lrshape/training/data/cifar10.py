"""CIFAR-10 (Krizhevsky, 2009) in its binary version: one label byte and 3,072 pixel bytes an image."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.training.data.download import cache_dir, extract, fetch
from lrshape.values import path_of

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
DIGEST = "md5:c32a1d4ab5d03f1284b67883e8d87530"
FOLDER = "cifar-10-batches-bin"
FILES = {"train": [f"data_batch_{i}.bin" for i in range(1, 6)], "test": ["test_batch.bin"]}
RECORDS = 10_000
"""Images in each file."""

IMAGE = (3, 32, 32)
RECORD_BYTES = 1 + 3 * 32 * 32
CLASSES = 10


def load(data_dir: str | None = None, records: int = RECORDS) -> dict[str, tuple[NDArray, NDArray]]:
    """Read both sets.

    Args:
        data_dir: the folder with the files, or the one above it. None: the same of ``$LRSHAPE_DATA``, else
            of the cache, into which the publisher's archive is downloaded if needed.
        records: images in each file.

    Returns:
        ``{"train": (images, labels), "test": (images, labels)}``: images uint8 (n, 3, 32, 32), labels int32
        (n,) in 0 to 9.

    Raises:
        InputError: if a file is missing, has a wrong size or a wrong label, or cannot be downloaded.
    """
    folder = find(data_dir)
    return {
        split: _joined([_read(folder / name, records) for name in names]) for split, names in FILES.items()
    }


def find(data_dir: str | None) -> Path:
    """The folder with the files; see `load`."""
    given = data_dir or os.environ.get("LRSHAPE_DATA")
    if given:
        for folder in (path_of(given), path_of(given) / FOLDER):
            if (folder / FILES["train"][0]).exists():
                return folder
        if data_dir:
            raise InputError(
                f"workload.data_dir must hold CIFAR-10's binary version ({FILES['train'][0]} ...), "
                f"itself or in {FOLDER}; {data_dir} does not"
            )
    try:
        return extract(fetch(URL, DIGEST, cache_dir()), cache_dir(), FOLDER)
    except InputError as error:
        raise InputError(
            f"{error}. Put the files of CIFAR-10's binary version into a folder, and name it in "
            "workload.data_dir or $LRSHAPE_DATA"
        ) from None


def _joined(parts: list[tuple[NDArray, NDArray]]) -> tuple[NDArray, NDArray]:
    images, labels = zip(*parts, strict=True)
    return np.concatenate(images), np.concatenate(labels)


def _read(file: Path, records: int) -> tuple[NDArray, NDArray]:
    expected = records * RECORD_BYTES
    try:
        size = file.stat().st_size
        if size != expected:
            raise InputError(f"{file}: must have {expected:,} bytes ({records:,} images), got {size:,}")
        table = np.fromfile(file, np.uint8).reshape(records, RECORD_BYTES)
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
    labels = table[:, 0]
    wrong = np.flatnonzero(labels >= CLASSES)
    if len(wrong):
        raise InputError(
            f"{file}: labels must be 0 to {CLASSES - 1}, got {labels[wrong[0]]} in record {wrong[0] + 1}"
        )
    return table[:, 1:].reshape(records, *IMAGE), labels.astype(np.int32)
