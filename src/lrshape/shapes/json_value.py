"""Values that are written as JSON text and read back."""

import abc
import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from lrshape.errors import InputError, shown
from lrshape.shapes.strict_json import read_strict_json

FORMAT = 1
"""Version of the JSON formats."""


class JsonValue(abc.ABC):
    """A class with ``to_dict`` and ``from_dict``, which have the key ``format``."""

    json_name: ClassVar[str]
    """What messages call the text."""

    @abc.abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object."""

    @classmethod
    @abc.abstractmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`."""

    def to_json(self) -> str:
        """Return the value as JSON text; numbers are exact."""
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Inverse of `to_json`.

        Raises:
            InputError: if the text is not JSON, or as for ``from_dict``.
        """
        return cls.from_dict(read_strict_json(text, cls.json_name))

    @classmethod
    def require_format(cls, data: Mapping[str, Any]) -> None:
        """Raise `InputError` if a JSON object is of another version."""
        if type(data["format"]) is not int or data["format"] != FORMAT:
            raise InputError(f"format of {cls.json_name} must be {FORMAT}, got {shown(data['format'])}")
