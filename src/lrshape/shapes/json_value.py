"""Values that are written as JSON text and read back: finite numbers only, and each key once."""

import abc
import json
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn, Self

from lrshape.errors import InputError, shown

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


def read_strict_json(text: str | bytes, what: str) -> Any:
    """Read JSON text.

    Args:
        text: of any encoding that JSON allows.
        what: the text holds, for messages, e.g. ``a schedule``.

    Raises:
        InputError: if it is no JSON text, holds a number that is not finite, or an object names a key
            twice.

    Example:
        >>> read_strict_json('{"steps": 100}', "a schedule")
        {'steps': 100}
    """

    def refuse_constant(name: str) -> NoReturn:
        raise InputError(f"{what} has finite numbers only, got {name}")

    def refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in pairs:
            if key in seen:
                raise InputError(f"{what} names each key once, got {shown(key)} twice")
            seen[key] = value
        return seen

    if not isinstance(text, str | bytes | bytearray):
        raise InputError(f"{what} must be JSON text, got {shown(text)}")
    try:
        return json.loads(text, parse_constant=refuse_constant, object_pairs_hook=refuse_duplicates)
    except InputError:
        raise
    except RecursionError:
        raise InputError(f"{what} must be valid JSON: brackets are nested too deeply") from None
    except ValueError as error:  # bad syntax or encoding, a huge integer
        raise InputError(f"{what} must be valid JSON: {error}") from error
