"""One process runs all of these tests: importing torch, Keras and transformers costs more than they do."""

from pathlib import Path

import pytest


def pytest_itemcollected(item):
    if Path(__file__).parent in item.path.parents:
        item.add_marker(pytest.mark.xdist_group("frameworks"))
