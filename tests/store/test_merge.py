import numpy as np
import pandas as pd
import pytest

from lrshape.errors import InputError
from lrshape.store import Store, merge

DOCUMENT = {"chunk_size": 12, "train_digest": None, "spec": {}}


@pytest.fixture
def parts(tmp_path, make_table):
    """Two parts of one study that have a chunk in common, which took another time."""
    one, two = (Store.create(tmp_path / name, DOCUMENT) for name in ("one", "two"))
    one.write("screen-00000", make_table())
    one.write("screen-00001", make_table(first=100))
    two.write("screen-00001", make_table(first=100).assign(wall_time=7.0))
    two.write("screen-00002", make_table(first=200))
    return one, two


def test_parts_become_one_and_stay_as_they_are(parts, tmp_path):
    before = [part.trials() for part in parts]
    joined, gave = merge(tmp_path / "joined", [part.path for part in parts])
    assert joined.chunks() == ["screen-00000", "screen-00001", "screen-00002"]
    assert [(m.taken, m.equal, m.other_results, m.other_trials) for m in gave] == [
        (2, 0, [], []),
        (1, 1, [], []),
    ]
    pd.testing.assert_frame_equal(joined.read("screen-00001"), parts[0].read("screen-00001"))
    for part, table in zip(parts, before, strict=True):
        pd.testing.assert_frame_equal(part.trials(), table, check_exact=True)
    assert joined.document == parts[0].document


def test_into_a_part_and_again(parts, tmp_path):
    for taken in (1, 0):
        store, (gave,) = merge(parts[0].path, [parts[1].path])
        assert gave.taken == taken
        assert len(store.chunks()) == 3


def test_the_choice_comes_along_and_an_own_one_stays(parts, tmp_path):
    choices = [{"schedules": [name]} for name in ("one", "two")]
    parts[1].write_choice(choices[1])
    joined, _ = merge(tmp_path / "joined", [part.path for part in parts])
    assert joined.read_choice() == choices[1]
    parts[0].write_choice(choices[0])
    assert merge(tmp_path / "joined", [parts[0].path])[0].read_choice() == choices[1]


def test_other_results_are_told_and_the_first_kept(parts, tmp_path, make_table):
    table = make_table(first=200)
    table["final/train_loss"] *= 1 + 1e-6
    other = Store.create(tmp_path / "other", DOCUMENT)
    other.write("screen-00002", table)
    other.write("screen-00000", make_table(first=300))
    joined, gave = merge(tmp_path / "joined", [*(part.path for part in parts), other.path])
    assert gave[2].other_results == ["screen-00002"]
    assert gave[2].difference == pytest.approx(1e-6, rel=1e-3)
    assert gave[2].other_trials == ["screen-00000"]
    pd.testing.assert_frame_equal(joined.read("screen-00002"), make_table(first=200))


def test_infinite_and_unknown_metrics_agree(parts, tmp_path):
    assert np.isinf(parts[0].trials()["final/train_loss"]).any()
    assert parts[0].trials()["final/test_error"].isna().any()
    _, gave = merge(tmp_path / "joined", [parts[0].path, parts[0].path])
    assert gave[1].equal == 2


def test_damage_is_not_taken(parts, tmp_path):
    (parts[0].path / "trials" / "screen-00001.parquet").write_bytes(b"PAR1")
    joined, gave = merge(tmp_path / "joined", [part.path for part in parts])
    assert gave[0].damaged == ["screen-00001: it is truncated, or not a chunk of a study"]
    assert gave[1].taken == 2
    assert len(joined.chunks()) == 3
    assert not (parts[0].path / "damaged").exists()


def test_a_damaged_chunk_of_the_target_is_replaced(parts):
    target, source = parts
    (target.path / "trials" / "screen-00001.parquet").write_bytes(b"PAR1")
    store, (gave,) = merge(target.path, [source.path])
    assert gave.taken == 2
    pd.testing.assert_frame_equal(store.read("screen-00001"), source.read("screen-00001"))
    assert [path.name for path in (target.path / "damaged").iterdir()] == ["screen-00001.parquet"]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"spec": {"seed": 1}}, "different specs: seed: None -> 1"),
        ({"chunk_size": 6}, "trials in a chunk"),
        ({"train_digest": "x"}, "trained by different code"),
        ({"plugin_digests": {"sampler mine": "x"}}, "plug-ins with different code"),
    ],
)
def test_what_is_no_part_is_refused(parts, tmp_path, change, rule):
    Store.create(tmp_path / "other", DOCUMENT | change)
    for out, sources in ((tmp_path / "new", ["one", "other"]), (tmp_path / "other", ["one", "two"])):
        with pytest.raises(InputError, match=rule):
            merge(out, [tmp_path / source for source in sources])
    assert not (tmp_path / "new").exists()
    with pytest.raises(InputError, match="no study in"):
        merge(tmp_path / "new", [tmp_path / "one", tmp_path / "nowhere"])
    edited = parts[0].path / "study.json"
    edited.write_text(edited.read_text().replace('"spec": {}', '"spec": {"seed": 1}'))
    for sources in (["one"], ["two", "one"]):
        with pytest.raises(InputError, match="was edited"):
            merge(tmp_path / "new", [tmp_path / source for source in sources])
