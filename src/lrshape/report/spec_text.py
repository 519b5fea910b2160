"""A study's spec as TOML, from its JSON form, whatever its keys are."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LINE = 100


def spec_text(spec: Mapping[str, Any]) -> str:
    """Return a mapping as TOML text. Nulls, which TOML lacks, are left out.

    Args:
        spec: strings, numbers, booleans, nulls, lists and mappings with string keys, nested at will.

    Example:
        >>> print(spec_text({"name": "demo", "seeds": [1, 2], "workload": {"steps": 300}}))
        name = "demo"
        seeds = [1, 2]
        <BLANKLINE>
        [workload]
        steps = 300
    """
    return "\n".join(_table(spec, ())).strip("\n")


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = {k: v for k, v in table.items() if not isinstance(v, Mapping) and v is not None}
    nested = {k: v for k, v in table.items() if isinstance(v, Mapping)}
    lines = []
    if path and (plain or not nested):
        lines += ["", f"[{'.'.join(_key(part) for part in path)}]"]
    lines += [_assignment(key, value) for key, value in plain.items()]
    for key, value in nested.items():
        lines += _table(value, (*path, key))
    return lines


def _assignment(key: str, value: Any) -> str:
    text = f"{_key(key)} = {_value(value)}"
    if len(text) <= _LINE or not isinstance(value, list | tuple):
        return text
    items = "".join(f"  {_value(item)},\n" for item in value if item is not None)
    return f"{_key(key)} = [\n{items}]"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None)
        return f"{{ {inside} }}" if inside else "{}"
    return f"[{', '.join(_value(item) for item in value if item is not None)}]"


def _string(text: str) -> str:
    # JSON's escapes are TOML's, but for DEL, which JSON leaves as it is, and escaped surrogates.
    clean = "".join("�" if 0xD800 <= ord(c) <= 0xDFFF else c for c in text)
    return json.dumps(clean, ensure_ascii=False).replace("\x7f", "\\u007f")
