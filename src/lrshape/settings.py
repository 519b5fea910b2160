"""The base of everything that users configure, and how its errors read."""

import difflib
from collections.abc import Collection, Iterable
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from lrshape.errors import InputError


class Settings(BaseModel):
    """A frozen set of named values; unknown names are an error that lists the known ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys_and_numbers(cls, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = [key for key in data if key not in cls.model_fields]
            if unknown:
                raise ValueError(unknown_key(unknown[0], cls.model_fields))
            for key, value in data.items():
                _check_number(key, value, cls.model_fields[key].annotation)
        return data


def _check_number(name: str, value: Any, annotation: Any) -> None:
    """Refuse ``true`` and ``"3"`` where a number is wanted, which pydantic would turn into numbers."""
    kinds = (annotation, *get_args(annotation))
    words = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
    disguised = isinstance(value, bool | str) and type(value) not in kinds and value not in words
    if disguised and (int in kinds or float in kinds):
        raise ValueError(f"{name} must be {' or '.join(['a number', *map(repr, words)])}, got {value!r}")


def unknown_key(key: Any, allowed: Iterable[str]) -> str:
    """The message for a key that does not exist."""
    names = list(allowed)
    close = difflib.get_close_matches(str(key), names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"unknown key {key!r}; allowed: {', '.join(names) or 'none'}{hint}"


def explain(error: ValidationError, prefix: str = "", tags: Collection[str] = ()) -> InputError:
    """Turn pydantic's error into one line for each mistake: the key, the rule, the value received.

    Args:
        error: pydantic's.
        prefix: where the settings are.
        tags: names of alternatives, which pydantic puts into keys although no user wrote them there.
    """
    lines = []
    items = error.errors(include_url=False)
    for item in items:
        depth = len(item["loc"])
        if any(other["loc"][:depth] == item["loc"] and len(other["loc"]) > depth for other in items):
            continue  # a mistake inside this value is told by its own line
        where = (
            ".".join([part for part in (prefix, *map(str, item["loc"])) if part and part not in tags])
            or "spec"
        )
        rule = item["msg"].removeprefix("Value error, ")
        given = "" if item["type"] in ("value_error", "missing") else f", got {item['input']!r:.80}"
        lines.append(f"{where}: {rule[0].lower()}{rule[1:]}{given}")
    return InputError("\n".join(lines))
