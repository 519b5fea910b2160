"""WikiText (arXiv:1609.07843) as sequences of SentencePiece tokens, cached once they are made."""

import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError, about, needs, one_line
from lrshape.files import write_file
from lrshape.training.data.download import cache_dir
from lrshape.values import path_of


def cut(tokens: NDArray[np.uint16], length: int) -> NDArray[np.uint16]:
    """Cut a text into sequences of inputs and, shifted by one, targets.

    Row i holds tokens i * length to i * length + length: ``row[:-1]`` are the inputs, ``row[1:]`` the
    targets, so that every token but the first is a target once. The last row is filled up with `PAD`.

    Args:
        tokens: (count,), at least 2.
        length: tokens a sequence, at least 1.

    Returns:
        (sequences, length + 1).

    Example:
        >>> cut(np.arange(1, 7, dtype=np.uint16), 3).tolist()
        [[1, 2, 3, 4], [4, 5, 6, 0]]
    """
    rows = max(1, -(-(len(tokens) - 1) // length))
    out = np.full((rows, length + 1), PAD, np.uint16)
    filled = np.full(rows * length + 1, PAD, np.uint16)
    filled[: len(tokens)] = tokens
    out[:, :-1] = filled[:-1].reshape(rows, length)
    out[:, -1] = filled[length::length]
    return out


SPLITS = ("train", "valid")
FOLDERS = ("wikitext-103", "wikitext-103-raw", "wikitext-2", "wikitext-2-raw")
ENDINGS = ("tokens", "raw")
PAD, UNKNOWN, END_OF_LINE = 0, 1, 2
"""Tokens; `PAD` fills sequences up, and as a target it does not count."""

TRAINING_LINES = 200_000
"""Lines, drawn at random from the training text, that the vocabulary is made from: bounds time and memory."""

BATCH_LINES = 10_000


def load(data_dir: str | None, vocabulary: int, length: int) -> dict[str, NDArray[np.uint16]]:
    """Read the splits as token sequences.

    The vocabulary is SentencePiece's (arXiv:1808.06226) unigram model, trained on the training text, with
    bytes for what it lacks. It and the encoded text are kept in the cache under a name that depends on the
    text and the settings.

    Args:
        data_dir: the folder with ``wiki.{train,valid}.tokens`` or ``.raw``, or the one above it. None:
            the same of ``$LRSHAPE_DATA``.
        vocabulary: number of pieces, at most 65,535.
        length: tokens a sequence.

    Returns:
        ``{"train": ..., "valid": ...}``: uint16 (sequences, length + 1), as `cut` makes them.

    Raises:
        InputError: if a file is missing, empty or not UTF-8, if the text is too small for the vocabulary, or
            if sentencepiece is not installed.
    """
    files = find(data_dir)
    key = _key(files, vocabulary)
    model = _model(files["train"], vocabulary, cache_dir() / "wikitext" / f"{key}.model")
    return {
        split: cut(_tokens(file, model, cache_dir() / "wikitext" / f"{key}-{split}.npy"), length)
        for split, file in files.items()
    }


def find(data_dir: str | None) -> dict[str, Path]:
    """The file of each split; see `load`."""
    given = data_dir or os.environ.get("LRSHAPE_DATA")
    where = "workload.data_dir" if data_dir else "$LRSHAPE_DATA"
    if not given:
        raise InputError(
            "WikiText is not downloaded: unpack wikitext-103 or wikitext-2 (wiki.train.tokens ...), and name "
            "the folder in workload.data_dir or $LRSHAPE_DATA"
        )
    for folder in (path_of(given), *(path_of(given) / name for name in FOLDERS)):
        for ending in ENDINGS:
            files = {split: folder / f"wiki.{split}.{ending}" for split in SPLITS}
            present = [file for file in files.values() if file.is_file()]
            if len(present) == len(files):
                return files
            if present:
                missing = next(file for file in files.values() if file not in present)
                raise InputError(f"{missing}: is missing, beside {present[0].name}")
    raise InputError(
        f"{where} must hold wiki.train.tokens or wiki.train.raw, itself or in one of "
        f"{', '.join(FOLDERS)}; {given} does not"
    )


def _key(files: dict[str, Path], vocabulary: int) -> str:
    """Digest of all that the tokens depend on."""
    digest = hashlib.sha256()
    for split in SPLITS:
        try:
            if files[split].stat().st_size == 0:
                raise InputError(f"{files[split]}: must hold text, got an empty file")
            with files[split].open("rb") as handle:
                digest.update(hashlib.file_digest(handle, "sha256").digest())
        except OSError as error:
            raise InputError(f"{files[split]}: cannot be read: {error.strerror}") from None
    digest.update(json.dumps([vocabulary, TRAINING_LINES, PAD, UNKNOWN, END_OF_LINE, 1]).encode())
    return digest.hexdigest()[:32]


def _lines(file: Path) -> Iterator[str]:
    """Lines with something on them, without their ends.

    Raises:
        InputError: if the file is not UTF-8, or if no line is left.
    """
    empty = True
    try:
        with file.open(encoding="utf-8") as handle:
            for line in handle:
                if text := line.strip():
                    empty = False
                    yield text
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: must be UTF-8 text: {error.reason} at byte {error.start}") from None
    if empty:
        raise InputError(f"{file}: must hold text, got blank lines only")


def _model(train: Path, vocabulary: int, file: Path) -> Any:
    """The SentencePiece model, from the cache or newly trained."""
    with needs("WikiText", "sentencepiece"):
        import sentencepiece
    if file.exists():
        try:
            return sentencepiece.SentencePieceProcessor(model_proto=_unsealed(file))
        except (RuntimeError, ValueError, OSError):  # damaged: made anew
            file.unlink(missing_ok=True)
    made = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_lines(train),
            model_writer=made,
            vocab_size=vocabulary,
            byte_fallback=True,
            pad_id=PAD,
            unk_id=UNKNOWN,
            eos_id=END_OF_LINE,
            bos_id=-1,
            input_sentence_size=TRAINING_LINES,
            shuffle_input_sentence=True,
            max_sentence_length=100_000,
            num_threads=1,  # the pieces must not depend on the machine
            minloglevel=2,
        )
    except RuntimeError as error:
        reason = one_line(error)[-200:]
        raise InputError(
            f"workload.vocabulary: {vocabulary} pieces cannot be made of {train}: {reason}"
        ) from None
    _keep(file, _sealed(made.getvalue()))
    return sentencepiece.SentencePieceProcessor(model_proto=made.getvalue())


def _tokens(text: Path, model: Any, file: Path) -> NDArray[np.uint16]:
    """All tokens of a text, each line followed by `END_OF_LINE`; from the cache, or newly encoded."""
    if file.exists():
        try:
            return np.frombuffer(_unsealed(file), np.uint16)
        except (ValueError, OSError):
            file.unlink(missing_ok=True)
    parts: list[NDArray[np.uint16]] = []
    batch: list[str] = []

    def encode() -> None:
        parts.extend(np.array([*ids, END_OF_LINE], np.uint16) for ids in model.encode(batch))
        batch.clear()

    for line in _lines(text):
        batch.append(line)
        if len(batch) == BATCH_LINES:
            encode()
    encode()
    tokens = np.concatenate(parts)
    _keep(file, _sealed(tokens.tobytes()))
    return tokens


def _sealed(content: bytes) -> bytes:
    """The content behind its digest, by which `_unsealed` knows a damaged cache."""
    return hashlib.sha256(content).digest() + content


def _unsealed(file: Path) -> bytes:
    content = file.read_bytes()
    if hashlib.sha256(content[32:]).digest() != content[:32]:
        raise ValueError(f"{file} is damaged")
    return content[32:]


def _keep(file: Path, content: bytes) -> None:
    """Write a file of the cache so that it appears whole or not at all."""
    with about("the cache, which $LRSHAPE_CACHE names"):
        write_file(file, content)
