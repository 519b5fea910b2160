"""The one exception that means: what the user gave cannot be used; and how its messages show values."""


class InputError(ValueError):
    """Bad input from the user: the message states the rule and the value received.

    The command line turns it into one line and exit code 2; everything else that escapes is a bug.
    """


def shown(value: object, limit: int = 80) -> str:
    """Return ``repr(value)`` on one line and not longer than ``limit``, for messages about bad input."""
    try:
        plain = value.item() if getattr(value, "ndim", None) == 0 else value  # type: ignore[attr-defined]
        text = " ".join(repr(plain).split())
    except Exception:  # e.g. an integer too long to print: the message must still come out
        text = f"a {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 3] + "..."
