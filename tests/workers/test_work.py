"""Splitting what kills its worker, for any items and any poison."""

import random

from hypothesis import given
from hypothesis import strategies as st

from lrshape.testing.tasks import Squares
from lrshape.workers.pool import MAX_DEATHS, Work


@given(
    st.lists(st.integers(1, 9), max_size=5),
    st.sets(st.integers(0, 40)),
    st.integers(1, 4),
    st.integers(0, 2**32),
)
def test_only_poison_fails(sizes, poison, workers, seed):
    rng, items, start = random.Random(seed), [], 0
    for size in sizes:
        items.append(tuple(range(start, start + size)))
        start += size
    work, out, completed, deaths = Work(Squares(), items), [], [], 0
    while work.unfinished:
        while len(out) < workers and (piece := work.next()) is not None:
            out.append(piece)
        if out:
            piece = out.pop(rng.randrange(len(out)))
            if rng.random() < 0.1:
                work.returned(piece)  # its machine went down
            elif poison.intersection(piece.item):
                deaths += 1
                work.died(piece, "died", certain=rng.random() < 0.2)
            else:
                work.done(piece, work.task(piece.item, lambda news: None))
        completed += work.completed()
    assert sorted(item for item, _ in completed) == items
    for item, result in completed:
        assert result == ["died" if x in poison else x * x for x in item]
    bad = poison.intersection(range(start))
    assert deaths <= len(bad) * (2 + 4 + MAX_DEATHS)


def test_an_item_that_was_unlucky_twice_is_not_blamed():
    work = Work(Squares(), [(1,)])
    for _ in range(MAX_DEATHS - 1):
        piece = work.next()
        assert piece is not None
        work.died(piece, "killed")
    piece = work.next()
    assert piece is not None
    work.done(piece, [1])
    assert list(work.completed()) == [((1,), [1])]
    assert not work.unfinished or work.next() is None
