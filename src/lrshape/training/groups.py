"""Groups of parameters with a learning rate each: rules on the names and ranks of parameters."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from pydantic import Field, field_validator

from lrshape.errors import InputError, listed, shown
from lrshape.settings import Names, Settings

PyTree = Any

MOST_NAMES = 20
"""Parameters that a message names."""


class Group(Settings):
    """Parameters that share a learning rate: those that satisfy the rules, but are in no group before it."""

    name: str = Field(description="name of the group; its learning rate is called lr.NAME")
    parameters: Names = Field(
        default=("*",),
        min_length=1,
        description="names of parameters, e.g. output.w; * stands for any text, ? for one character",
    )
    rank: int | None = Field(default=None, ge=0, description="number of axes: 2 for matrices; none: any")

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not re.fullmatch(r"[\w-]+", value):
            raise ValueError(f"must consist of letters, digits, _ and -, got {shown(value)}")
        return value

    def takes(self, parameter: str, rank: int) -> bool:
        """Whether a parameter of this name and rank satisfies the rules."""
        named = any(fnmatchcase(parameter, pattern) for pattern in self.parameters)
        return named and self.rank in (None, rank)


def group_of_each(groups: Sequence[Group], params: PyTree) -> PyTree:
    """Return the name of each parameter's group, in a tree like that of the parameters.

    Parameters are called by their path in the tree, with dots: ``output.w``. The first group whose rules a
    parameter satisfies takes it.

    Raises:
        InputError: if a parameter is in no group, or a group has no parameter.

    Example:
        >>> import numpy as np
        >>> params = {"dense": {"b": np.zeros(2), "w": np.ones((2, 2))}}
        >>> group_of_each([Group(name="matrix", rank=2), Group(name="rest")], params)
        {'dense': {'b': 'rest', 'w': 'matrix'}}
    """
    import jax

    leaves, structure = jax.tree_util.tree_flatten_with_path(params)
    found: dict[str, str | None] = {}
    for path, leaf in leaves:
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        found[name] = next((group.name for group in groups if group.takes(name, leaf.ndim)), None)
    left = [name for name, group in found.items() if group is None]
    if left:
        raise InputError(
            f"workload.groups must take every parameter (a last group without rules takes what is left), "
            f"got no group for {listed(left, MOST_NAMES)}"
        )
    for group in groups:
        if group.name not in found.values():
            raise InputError(
                f"workload.groups: {group.name!r} must take a parameter that no group before it takes, of "
                f"{listed(found, MOST_NAMES)}"
            )
    return structure.unflatten(found.values())
