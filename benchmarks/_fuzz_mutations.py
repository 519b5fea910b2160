"""Ways to spoil what a user may give: bytes, JSON documents, TOML, tables of trials, arguments."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import pandas as pd

NASTY: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 0.5, -0.0, 1e308, -1e308, 5e-324, 10**12, 10**30, -(2**63), 2**31,
    float("nan"), float("inf"), "", " ", "x" * 5000, "../../../etc/passwd", "/etc/passwd", "..", "a/b", "\0",
    "=1+1", "@x", "-1", "+1", "<script>alert(1)</script>", "\x1b[2J", "\u202e", "\udcff", "{}", "[]", "nan",
    "rex", "table", "constant", "screen", "confirm", "sobol", "grid", "s3://x/y", "sqlite:///x.db", "1e999",
    [], {}, [[]], {"name": "x"}, [1, 2, 3], [None], {"": ""}, "9" * 5000, "٣", "function", "os:system",
)  # fmt: skip

TOKENS = (
    b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"{", b"}", b"[" * 3000, b"]", b'"', b"\\", b"\n", b",", b"=",
    b"-", b"1e999", b"NaN", b"Infinity", b"9" * 5000, b"null", b"true", b"'''", b"\r", b"#", b"\x1b[31m",
    b"\xf0\x9f", b"__import__('os').system('touch pwned')", b"cos\nsystem\n(S'touch pwned'\ntR.", b"\x80",
)  # fmt: skip


def spoiled_bytes(data: bytes, rng: random.Random) -> bytes:
    """One to four cuts, flips, insertions, repetitions or tokens."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out) + 1)
        to = min(len(out), at + rng.randint(1, 40))
        match rng.randrange(6):
            case 0 if out:
                out[min(at, len(out) - 1)] ^= 1 << rng.randrange(8)
            case 1:
                del out[at:]
            case 2:
                del out[at:to]
            case 3:
                out[at:at] = rng.choice(TOKENS)
            case 4:
                out[at:at] = out[at:to] * rng.randint(1, 50)
            case _:
                out[at:to] = rng.choice(TOKENS)
    return bytes(out)


def spoiled(value: Any, rng: random.Random) -> Any:
    """A JSON value with one to three of its parts replaced, removed, renamed or swapped."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.randint(1, 3)):
        places = list(_places(value))
        if not places:
            return copy.deepcopy(rng.choice(NASTY))
        holder, key = rng.choice(places)
        match rng.randrange(8):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[str(rng.choice(NASTY))[:200]] = holder.pop(key)
            case 2:
                holder[key] = [holder[key]]
            case 3:
                other, place = rng.choice(places)
                if key in _keys(holder) and place in _keys(other):
                    holder[key] = json.loads(json.dumps(other[place]))
            case 4 if isinstance(holder[key], int | float):
                holder[key] = holder[key] * rng.choice((-1, 0, 1e6, 1e-6, 1e30, 0.5))
            case 5 if isinstance(holder, list):
                holder *= rng.randint(2, 30)
            case _:
                holder[key] = copy.deepcopy(rng.choice(NASTY))
    return value


def _places(value: Any) -> Any:
    if isinstance(value, dict | list):
        for key in _keys(value):
            yield value, key
            yield from _places(value[key])


def _keys(holder: Any) -> Any:
    return list(holder) if isinstance(holder, dict) else range(len(holder))


def toml(value: Any) -> str:
    """A mapping as TOML, all on inline tables; what TOML has no word for comes out wrong, as from a user."""
    if not isinstance(value, dict):
        return _inline(value)
    return "\n".join(f"{json.dumps(str(key))} = {_inline(item)}" for key, item in value.items())


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(k))} = {_inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)


def spoiled_rows(table: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    """A table of trials with cells replaced, or rows dropped, repeated or shuffled."""
    table = table.copy()
    for _ in range(rng.randint(1, 3)):
        kind = rng.randrange(10)
        if kind == 0:
            table = table.iloc[: rng.randrange(len(table) + 1)]
        elif kind == 1:
            table = pd.concat([table, table.head(rng.randint(1, 5))])
        elif len(table):
            column = rng.choice(list(table.columns))
            row = rng.randrange(len(table))
            numeric = pd.api.types.is_numeric_dtype(table[column])
            whole = pd.api.types.is_integer_dtype(table[column])
            numbers = (0, -1, 2**62, 1) if whole else (0.0, -1.0, 1e308, float("nan"), float("inf"), 5e-324)
            texts = [str(value) for value in NASTY if value is not None]
            texts += [json.dumps(spoiled({"warmup": 0.1, "beta": 1.0}, rng))]
            values = table[column].astype(object).tolist()
            new = rng.choice(numbers) if numeric else rng.choice(texts)
            rows = range(len(values)) if rng.random() < 0.3 else [row]
            for place in rows:
                values[place] = new
            kind = ("int64" if whole else "float64") if numeric else object
            table[column] = pd.Series(values, index=table.index, dtype=kind)
    return table.reset_index(drop=True)


def arguments(rng: random.Random, files: list[str], options: Callable[[str], list[str]]) -> list[str]:
    """A command line: a command, its options and others, files and nonsense."""
    commands = ("shapes list", "shapes show", "shapes fit", "compare", "init", "status", "best", "export")
    command = rng.choice((*commands, "trials", "search", "sweep", "report", "store verify", "", "nonsense"))
    words = command.split()
    for _ in range(rng.randint(0, 5)):
        known = options(command)
        match rng.randrange(4):
            case 0 if known:
                words.append(rng.choice(known))
            case 1:
                words.append(rng.choice(files))
            case 2 if known:
                words.append(f"{rng.choice(known)}={_word(rng, files)}")
            case _:
                words.append(_word(rng, files))
    return words


def _word(rng: random.Random, files: list[str]) -> str:
    names = [
        "rex",
        "wsd",
        "cosine",
        "json",
        "csv",
        "npy",
        "python",
        "torch",
        "optuna",
        "parquet",
        "100",
        "0.1",
    ]
    names += ["beta=0.5", "values=[1,0]", "values=" + "[" * 3000, "a.b=" + "[" * 3000, "score=val", "x.png"]
    names += ["10x10", "1x999999999999", "final/score", "function", "digits-mlp", "90s", "-1s", "left"]
    text = str(rng.choice((*NASTY, *names, *names, *files)))
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:4000]
