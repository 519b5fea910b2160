"""A contract is a list of rules: functions of a plug-in that raise `AssertionError` where it breaks them."""

from collections.abc import Callable, Sequence
from typing import Any

from lrshape.errors import InputError, PluginError, message_of

Rule = Callable[..., None]


def check(rules: Sequence[Rule], plugin: Any, *arguments: Any) -> None:
    """Apply every rule to a plug-in, and to what else the rules take.

    Raises:
        AssertionError: at the first rule that it breaks; the message names the rule.
    """
    for rule in rules:
        try:
            rule(plugin, *arguments)
        except Exception as error:
            if isinstance(error, InputError) and not isinstance(error, PluginError):
                raise  # the plug-in cannot run here, e.g. without its data or another package
            told = isinstance(error, AssertionError | PluginError)
            what = str(error) if told else f"{type(error).__name__}: {message_of(error)}"
            raise AssertionError(f"{plugin.name}: {rule.__name__.replace('_', ' ')}: {what}") from error


def require(condition: Any, message: str) -> None:
    """Raise `AssertionError` with a message unless a condition holds; true under ``python -O``, too."""
    if not condition:
        raise AssertionError(message)


def require_refusal(call: Callable[[], Any], *words: str, error: type[Exception] = InputError) -> None:
    """Require that a call raises an error with one line that has these words."""
    try:
        found = call()
    except error as raised:
        missing = [word for word in words if word not in str(raised)]
        require(not missing, f"{error.__name__} must say {missing}, got {str(raised)!r}")
        require("\n" not in str(raised), f"{error.__name__} must have one line, got {str(raised)!r}")
    else:
        raise AssertionError(f"must raise {error.__name__} that says {words}, got {found!r:.200}")


def has_described_settings(plugin: Any) -> None:
    """Every field says what it means; a rule."""
    require_described_settings(type(plugin))


def require_described_settings(cls: type[Any]) -> None:
    """Require that a class of settings and all its fields are described."""
    from lrshape.settings import Settings

    require(issubclass(cls, Settings), "must derive from lrshape.settings.Settings")
    require((cls.__doc__ or "").strip(), "must have a docstring")
    bare = [name for name, field in cls.model_fields.items() if not field.description]
    require(not bare, f"fields need a description: {', '.join(bare)}")
