"""Settings and scores of the language-model workloads."""

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.training.evaluation import evaluate
from lrshape.training.workloads import text as _language
from lrshape.training.workloads.text import CharsTransformer, WikitextTransformer


@pytest.mark.parametrize("cls", [CharsTransformer, WikitextTransformer])
def test_settings_that_do_not_fit(cls):
    with pytest.raises(InputError, match="heads must divide embed, got 3 heads and embed 64"):
        cls(heads=3, embed=64)
    with pytest.raises(InputError, match="length must be at most max_len, 32, got 33"):
        cls(length=33, max_len=32)


def test_an_untrained_model_knows_nothing():
    outcome = evaluate(CharsTransformer(steps=1), np.zeros((1, 1)), [0])
    words = CharsTransformer().words
    assert outcome["final/valid_perplexity"][0] == pytest.approx(words, rel=0.05)
    np.testing.assert_allclose(
        np.exp(outcome["final/train_loss"]), outcome["final/train_perplexity"], rtol=1e-5
    )


def test_scores_are_means_over_tokens_however_they_are_cut(monkeypatch):
    workload = CharsTransformer(steps=1)
    expected = evaluate(workload, np.full((1, 1), 0.01), [0])
    monkeypatch.setattr(_language, "EVALUATION_TOKENS", 700)
    other = CharsTransformer(steps=1, divergence_multiple=999)  # another key of compiled programs
    for name, values in evaluate(other, np.full((1, 1), 0.01), [0]).items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-5)


def test_fewer_sequences_are_scored_if_wanted():
    lrs = np.full((1, 1), 0.01)
    whole = evaluate(CharsTransformer(steps=1), lrs, [0])
    sets = CharsTransformer().data()
    tenth = -(-len(sets["train"]) // 10)
    same = CharsTransformer(steps=1, train_sequences=tenth, valid_sequences=len(sets["valid"]))
    fewer = evaluate(CharsTransformer(steps=1, train_sequences=3, valid_sequences=2), lrs, [0])
    for name, values in evaluate(same, lrs, [0]).items():
        np.testing.assert_array_equal(values, whole[name])
        assert fewer[name] != values


def test_the_text_is_split_and_encoded_whole():
    sets = CharsTransformer().data()
    alphabet = _language._characters()
    for split, part in (
        ("train", _language.text()[:50]),
        ("valid", _language.text()[-(len(_language.text()) // 10) :][:50]),
    ):
        assert "".join(alphabet[t - 1] for t in sets[split].ravel()[:50]) == part
    assert max(rows.max() for rows in sets.values()) == CharsTransformer().words - 1


def test_training_learns_english():
    lrs = 0.01 * np.linspace(1, 0, 300)[None]
    outcome = evaluate(CharsTransformer(), lrs, [0])
    assert outcome["final/valid_loss"][0] < 2.7  # letter frequencies alone give 3.1
