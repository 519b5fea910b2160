"""WikiText's files: right, wrong and real ones, and the cache of what is made from them."""

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.training.data import wikitext

TEXT = " = A heading = \n\n The quick brown fox jumps over the lazy dog . \n Ünïcode € too . \n" * 40
WORDS = 295


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Both splits, and a cache of their own."""
    monkeypatch.setenv("LRSHAPE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "wikitext-2").mkdir()
    for split, repeats in (("train", 3), ("valid", 1)):
        (tmp_path / "wikitext-2" / f"wiki.{split}.tokens").write_text(TEXT * repeats, encoding="utf-8")
    return tmp_path / "wikitext-2"


def test_tokens_give_the_text_back(folder):
    sentencepiece = pytest.importorskip("sentencepiece")
    sets = wikitext.load(str(folder), WORDS, 16)
    assert set(sets) == {"train", "valid"}
    assert sets["train"].shape[1] == 17
    assert sets["train"].dtype == np.uint16
    assert sets["train"].max() < WORDS
    (file,) = (folder.parent / "cache" / "wikitext").glob("*.model")
    model = sentencepiece.SentencePieceProcessor(model_proto=wikitext._unsealed(file))
    flat = [int(token) for token in sets["valid"][:, 1:].ravel() if token != wikitext.PAD]
    flat.insert(0, int(sets["valid"][0, 0]))
    lines, line = [], []
    for token in flat:
        if token == wikitext.END_OF_LINE:
            lines.append(model.decode(line))
            line = []
        else:
            line.append(token)
    assert lines == [line.strip() for line in TEXT.splitlines() if line.strip()]
    assert wikitext.UNKNOWN not in flat


def test_raw_files_and_the_folder_above_work_too(folder, monkeypatch):
    expected = wikitext.load(str(folder), WORDS, 16)
    for file in folder.iterdir():
        file.rename(file.with_suffix(".raw"))
    monkeypatch.setenv("LRSHAPE_DATA", str(folder.parent))
    for data_dir in (str(folder.parent), None):
        np.testing.assert_array_equal(wikitext.load(data_dir, WORDS, 16)["train"], expected["train"])


def test_the_cache_is_used_and_a_damaged_one_made_anew(folder, monkeypatch):
    expected = wikitext.load(str(folder), WORDS, 16)
    files = sorted((folder.parent / "cache" / "wikitext").iterdir())
    contents = [file.read_bytes() for file in files]
    assert len(files) == 3
    with monkeypatch.context() as patch:
        patch.setattr(wikitext, "_lines", lambda file: pytest.fail("the text was read again"))
        wikitext.load(str(folder), WORDS, 16)
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    again = wikitext.load(str(folder), WORDS, 16)
    np.testing.assert_array_equal(again["valid"], expected["valid"])
    assert [file.read_bytes() for file in files] == contents


def test_a_changed_text_or_vocabulary_is_no_hit(folder):
    wikitext.load(str(folder), WORDS, 16)
    wikitext.load(str(folder), WORDS - 1, 16)
    (folder / "wiki.valid.tokens").write_text("other words \n")
    assert (wikitext.load(str(folder), WORDS, 16)["valid"] != 0).sum() < 20
    assert len(list((folder.parent / "cache" / "wikitext").glob("*.model"))) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "wiki.valid.tokens: must hold text, got an empty file"),
        (b" \n \n", "wiki.valid.tokens: must hold text, got blank lines only"),
        (b"good \n bad \xff\xfe", "wiki.valid.tokens: must be UTF-8 text: invalid start byte at byte"),
    ],
)
def test_a_wrong_text_is_named(folder, content, message):
    (folder / "wiki.valid.tokens").write_bytes(content)
    with pytest.raises(InputError, match=message):
        wikitext.load(str(folder), WORDS, 16)


def test_a_missing_split_is_named(folder):
    (folder / "wiki.valid.tokens").unlink()
    with pytest.raises(InputError, match=r"wiki.valid.tokens: is missing, beside wiki.train.tokens"):
        wikitext.load(str(folder), WORDS, 16)


def test_no_text_at_all(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"workload.data_dir must hold wiki.train.tokens .* does not"):
        wikitext.load(str(tmp_path), WORDS, 16)
    monkeypatch.delenv("LRSHAPE_DATA", raising=False)
    with pytest.raises(
        InputError, match=r"WikiText is not downloaded: .*workload.data_dir or \$LRSHAPE_DATA"
    ):
        wikitext.load(None, WORDS, 16)


def test_a_text_too_small_for_the_vocabulary(folder):
    with pytest.raises(InputError, match=r"workload.vocabulary: 8192 pieces cannot be made of .*wiki.train"):
        wikitext.load(str(folder), 8192, 16)


def test_the_real_text(real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("LRSHAPE_CACHE", str(tmp_path))
    sets = wikitext.load(str(real_data), 8192, 256)
    tokens = {split: int((rows[:, 1:] != 0).sum()) for split, rows in sets.items()}
    assert 2_500_000 < tokens["train"] < 3_500_000
    assert 200_000 < tokens["valid"] < 400_000
    assert sets["train"].max() == 8191
