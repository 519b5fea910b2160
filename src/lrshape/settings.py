"""The base of everything that users configure, and how its errors read."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from lrshape.errors import InputError, did_you_mean, shown
from lrshape.values import plain


class Settings(BaseModel):
    """A frozen set of named values; a wrong value and a name that does not exist are an error each.

    Attributes:
        also_allowed: keys that users may write beside the fields, and that something reads in advance.

    Raises:
        InputError: one line for each mistake.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    also_allowed: ClassVar[tuple[str, ...]] = ()

    def __init__(self, /, **given: Any):
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise explain(error) from None

    # Validation of settings within settings does not call it: the keys of what is inside would be lost.
    __init__.__pydantic_base_init__ = True  # pyright: ignore[reportFunctionMemberAccess]

    @classmethod
    def read(cls, given: Any, prefix: str) -> Self:
        """Return the settings that a mapping gives.

        Args:
            given: values by name.
            prefix: where users wrote them, see `explain`.

        Raises:
            InputError: one line for each mistake.
        """
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise explain(error, prefix) from None

    @model_validator(mode="wrap")
    @classmethod
    def _no_unknown_keys(cls, data: Any, handler: ModelWrapValidatorHandler) -> Any:
        data = plain(data) if isinstance(data, Mapping) else data
        allowed = (*cls.model_fields, *cls.also_allowed)
        unknown = [key for key in data if key not in allowed] if isinstance(data, dict) else []
        if not unknown:
            return handler(data)
        mistakes = [_mistake((), unknown_key(key, allowed), key) for key in unknown]
        try:
            handler(data)
        except ValidationError as error:
            mistakes += [_mistake(item["loc"], _rule(item), item["input"]) for item in error.errors()]
        raise ValidationError.from_exception_data(cls.__name__, mistakes)

    @field_validator("*", mode="before")
    @classmethod
    def _no_disguised_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse ``true`` and ``"3"`` for a number and ``"yes"`` for a bool, which pydantic would turn."""
        annotation = cls.model_fields[str(info.field_name)].annotation
        kinds = _kinds(annotation)
        words = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
        number = "a number" if float in kinds else "a whole number"
        disguised = [
            _mistake(loc, f"must be {' or '.join([number, *words])}, got {shown(one)}", one)
            for loc, one in (_leaves(value) if int in kinds or float in kinds else ())
            if isinstance(one, bool | str) and type(one) not in kinds and one not in words
        ]
        if disguised:
            raise ValidationError.from_exception_data(cls.__name__, disguised)
        if annotation is bool and not isinstance(value, bool):
            raise ValueError(f"must be true or false, got {shown(value)}")
        if isinstance(value, set | frozenset):
            raise ValueError(f"must be a list, for a set has no order, got {shown(value)}")
        return value


def _kinds(annotation: Any) -> list[Any]:
    """The types that an annotation is made of, but for the keys of tables."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal or not parts:
        return [annotation]
    values = parts[:1] if origin is Annotated else parts[1:] if origin is dict else parts
    return [kind for part in values for kind in _kinds(part)]


def _leaves(value: Any, *loc: int | str) -> Iterator[tuple[tuple[int | str, ...], Any]]:
    """What is in lists and tables, with its place, or the value itself."""
    if not isinstance(value, list | tuple | dict):
        yield loc, value
        return
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _leaves(one, *loc, key)


Names = Annotated[
    tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)
]
"""Names, or a single one as a text."""


def _mistake(loc: tuple[int | str, ...], message: str, given: Any) -> InitErrorDetails:
    told = PydanticCustomError("value_error", "{message}", {"message": message})
    return InitErrorDetails(type=told, loc=loc, input=given)


def unknown_key(key: Any, allowed: Iterable[str]) -> str:
    """The message for a key that does not exist."""
    names = list(allowed)
    return f"unknown key {shown(key)}; allowed: {', '.join(names) or 'none'}{did_you_mean(key, names)}"


_RULES = {
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number between -2^63 and 2^63",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "string_too_short": "must have {min_length} characters or more",
    "string_too_long": "must have {max_length} characters or fewer",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a table",
    "mapping_type": "must be a table",
    "model_type": "must be a table",
    "too_short": "must have {min_length} entries or more",
    "too_long": "must have {max_length} entries or fewer",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
}
"""What pydantic's types of errors mean to somebody who has never heard of it."""

_ALTERNATIVE = re.compile(r"(int|float|str|bool|(literal|list|tuple|dict)\[.*)$")
"""What pydantic adds to a key, once for each type that a value may have."""


def _rule(item: Mapping[str, Any]) -> str:
    """The rule that a value breaks, and the value."""
    kind, context = item["type"], item.get("ctx", {})
    if kind == "value_error":
        return item["msg"].removeprefix("Value error, ")
    if kind == "missing":
        return "must be given"
    if kind in _RULES:
        rule = _RULES[kind].format(**context)
    elif kind == "literal_error":
        words = re.findall(r"'([^']*)'", context["expected"])
        rule = f"must be one of {', '.join(words)}" if len(words) > 1 else f"must be {words[0]}"
    else:
        rule = item["msg"].replace("Input should be", "must be")
    return f"{rule}, got {shown(item['input'])}"


def explain(error: ValidationError, prefix: str = "") -> InputError:
    """Turn pydantic's error into one line for each mistake: the key, the rule, the value received.

    Args:
        error: pydantic's.
        prefix: where the settings are, e.g. ``"transfer"`` or ``"--executor-set"``; ``"--"`` if each of them
            is an option of its own.
    """
    rules: dict[tuple[int | str, ...], str] = {}
    items = error.errors(include_url=False)
    for item in items:
        loc, rule = item["loc"], _rule(item)
        inside = any(other["loc"][: len(loc)] == loc != other["loc"] for other in items)
        if inside and item["type"] == "too_short":
            continue  # pydantic counts the entries that are right
        if loc and _ALTERNATIVE.match(str(loc[-1])):
            loc = loc[:-1]
            if loc in rules:  # must be one thing, got this | must be another, got this
                rule = f"{rules[loc].rpartition(', got ')[0]} or {rule.removeprefix('must be ')}"
        elif loc in rules:
            rule = f"{rules[loc]}\n{rule}"
        rules[loc] = rule
    lines = []
    for loc, told in rules.items():
        where = _place(prefix, ".".join(map(str, loc)))
        named = f"{loc[-1]} " if loc else ""
        lines += [where + line.removeprefix(named) for line in told.splitlines()]
    return InputError("\n".join(lines))


def _place(prefix: str, key: str) -> str:
    """How a line starts that is about a key."""
    if prefix == "--":
        return f"--{key.replace('_', '-')} " if key else ""
    where = (" " if prefix.startswith("--") else ".").join(part for part in (prefix, key) if part)
    return f"{where}: " if where else ""
