import tomllib

from hypothesis import given
from hypothesis import strategies as st

from lrshape.report.spec_text import spec_text

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | text
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(text, values, max_size=6))
def test_a_spec_reads_back_as_it_was(spec):
    assert tomllib.loads(spec_text(spec)) == spec


def test_nulls_are_left_out_and_long_lists_broken():
    spec = {"shapes": None, "a": {"b": None}, "names": [f"family number {i}" for i in range(12)]}
    assert tomllib.loads(spec_text(spec)) == {"a": {}, "names": spec["names"]}
    assert max(len(line) for line in spec_text(spec).splitlines()) < 100


def test_lone_surrogates_become_characters_that_a_file_can_hold():
    assert tomllib.loads(spec_text({"name": "a\ud800b"})) == {"name": "a�b"}
