"""Perplexities of a unigram and a bigram model on the validation set of `wikitext-transformer`.

    LRSHAPE_DATA=FOLDER python studies/ngrams.py

Both count the training tokens of the stored studies' vocabulary. The unigram model adds one to each count;
the bigram model adds the unigram's probabilities, times the number that suits the validation set best.
"""

import json
from pathlib import Path

import numpy as np
from run import WORKLOADS

from lrshape.files import write_file
from lrshape.training.data.wikitext import load

FILE = Path(__file__).resolve().parent / "wikitext-transformer" / "ngrams.json"
WEIGHTS = 2.0 ** np.arange(11)


def perplexities() -> dict[str, float]:
    """Of both models, on the validation tokens."""
    vocabulary, length = (WORKLOADS["wikitext-transformer"][key] for key in ("vocabulary", "length"))
    sets = load(None, vocabulary, length)
    train, valid = (_tokens(sets[name]) for name in ("train", "valid"))
    unigram = np.bincount(train, minlength=vocabulary) + 1.0
    unigram /= unigram.sum()
    pairs = np.zeros((vocabulary, vocabulary))
    np.add.at(pairs, (train[:-1], train[1:]), 1)

    def perplexity(probabilities: np.ndarray) -> float:
        return float(np.exp(-np.log(probabilities).mean()))

    before, after = valid[:-1], valid[1:]
    bigram = [
        perplexity((pairs[before, after] + weight * unigram[after]) / (pairs.sum(1)[before] + weight))
        for weight in WEIGHTS
    ]
    return {"unigram": round(perplexity(unigram[after]), 1), "bigram": round(min(bigram), 1)}


def _tokens(sequences: np.ndarray) -> np.ndarray:
    """The text that was cut into sequences, without padding, which is 0."""
    tokens = np.append(sequences[:, :-1].ravel(), sequences[-1, -1]).astype(int)
    return tokens[tokens > 0]


if __name__ == "__main__":
    write_file(FILE, f"{json.dumps(perplexities())}\n".encode(), replace=True)
