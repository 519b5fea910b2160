"""JSON that cannot be read in two ways: finite numbers only, and each key once."""

import json
from typing import Any, NoReturn

from lrshape.errors import InputError, shown


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
