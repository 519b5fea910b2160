"""A contract is a list of rules: functions of a plug-in that raise `AssertionError` where it breaks them."""

from collections.abc import Callable, Sequence
from typing import Any

from lrshape.errors import InputError

Rule = Callable[[Any], None]


def check(rules: Sequence[Rule], plugin: Any) -> None:
    """Apply every rule to a plug-in.

    Raises:
        AssertionError: at the first rule that it breaks; the message names the rule.
    """
    for rule in rules:
        try:
            rule(plugin)
        except InputError:
            raise  # the plug-in cannot run here, e.g. without its data or another package
        except Exception as error:
            what = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
            raise AssertionError(f"{plugin.name}: {rule.__name__.replace('_', ' ')}: {what}") from error


def require(condition: Any, message: str) -> None:
    """Raise `AssertionError` with a message unless a condition holds; true under ``python -O``, too."""
    if not condition:
        raise AssertionError(message)


def require_refusal(call: Callable[[], Any], *words: str) -> None:
    """Require that a call raises `InputError` with one line that has these words."""
    try:
        found = call()
    except InputError as error:
        missing = [word for word in words if word not in str(error)]
        require(not missing, f"an InputError must say {missing}, got {str(error)!r}")
        require("\n" not in str(error), f"an InputError must have one line, got {str(error)!r}")
    else:
        raise AssertionError(f"must be refused with an InputError that says {words}, got {found!r:.200}")


def require_described_settings(cls: type[Any]) -> None:
    """Require that a class of settings and all its fields are described."""
    from lrshape.settings import Settings

    require(issubclass(cls, Settings), "must derive from lrshape.settings.Settings")
    require((cls.__doc__ or "").strip(), "must have a docstring")
    bare = [name for name, field in cls.model_fields.items() if not field.description]
    require(not bare, f"fields need a description: {', '.join(bare)}")
