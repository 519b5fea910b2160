"""The application: how commands are listed, how errors end, what the exit codes mean."""

import errno
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from typer.core import TyperGroup

from lrshape._version import __version__
from lrshape.errors import InputError, shown
from lrshape.files import is_directory, is_stream
from lrshape.values import integral, typed

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

DISK_REFUSED = 1
BAD_INPUT = 2
INTERRUPTED = 130

LONGEST, MOST_LINES = 1000, 50
"""Characters of a line and lines of an error: a value in it may be as long as a file."""


_UsageError: Any = typer.BadParameter.__base__
"""What a command line raises that does not fit its command; typer does not name it."""


class _Group(TyperGroup):
    """Turns what users can mend into one line and an exit code, for every command."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().make_context(*args, **kwargs)
        except _UsageError as error:
            raise _ended(error) from None
        except OSError as error:  # of --help and --version
            raise refused(error) from None

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except _UsageError as error:
            raise _ended(error) from None
        except InputError as error:
            for line in str(error).splitlines()[:MOST_LINES]:
                fail(line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}...")
            raise typer.Exit(BAD_INPUT) from None
        except OSError as error:
            raise refused(error) from None
        except KeyboardInterrupt:
            fail("interrupted", prefix="")
            raise typer.Exit(INTERRUPTED) from None

    def list_commands(self, ctx: Any) -> list[str]:
        """Commands in the order of a user's first hour."""
        order = ["demo", "init", "search", "status", "report", "best", "export"]
        order += ["suggest", "contest", "compare", "sweep", "check", "shapes", "store", "trials"]
        order += ["optimum", "reproduce"]
        known = super().list_commands(ctx)
        return [name for name in order if name in known] + [name for name in known if name not in order]


def _ended(error: Any) -> Exception:
    """Print what is wrong with a command line; return what ends the command."""
    if type(error).__name__ == "NoArgsIsHelpError":  # a group without a command prints its help
        return error
    fail(" ".join(_usage(error).split())[:LONGEST])
    return typer.Exit(BAD_INPUT)


def refused(error: OSError, more: str = "") -> Exception:
    """Print what the system refused, and more; return what ends the command."""
    if error.errno == errno.EPIPE:  # the reader of a pipe has gone: typer ends quietly
        return error
    fail(f"{error}{more}")
    return typer.Exit(DISK_REFUSED)


def _usage(error: Any) -> str:
    """The rule that a command line breaks, and the value."""
    from pydantic import ValidationError

    from lrshape.settings import explain

    is_checked = isinstance(error.__cause__, ValidationError)
    rule = str(explain(error.__cause__)) if is_checked else error.message
    param = getattr(error, "param", None)
    if param is not None and rule:
        option = max(param.opts, key=len)
        name = option if option.startswith("-") else param.human_readable_name
        return f"{name}{' ' if rule.startswith('must ') else ': '}{rule.rstrip('.')}"
    command = f"; see `{error.ctx.command_path} -h`" if error.ctx else ""
    return f"{error.format_message().rstrip('.')}{command}"


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find near-optimal learning-rate schedule shapes for a training workload.\n\n"
    "Exit codes: 0 success; 1 a result could not be stored, `store verify` found damage, or lrshape "
    "itself failed; 2 invalid input, or an error in the training code that a spec names; 130 interrupted "
    "(Ctrl-C, SIGTERM or --time-limit): run the same command again to resume.",
)


def group(name: str, text: str) -> typer.Typer:
    """Add a group of commands, ``lrshape NAME COMMAND``, with its help."""
    made = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help=text)
    app.add_typer(made, name=name)
    return made


def whole(text: str) -> int:
    """The whole number that an option gives, also as 1e3 or 1_000."""
    number = integral(typed(str(text)))  # a default is a number already
    if type(number) is not int:
        raise typer.BadParameter(f"must be a whole number, got {shown(text)}")
    return number


def output_file(given: str, name: str) -> Path:
    """The file that an option names; in a directory, or what ends like one, the file of a default name.

    ``-`` is the standard output.

    Raises:
        InputError: if it is a URL, or the standard output was closed before the start.
    """
    from lrshape.store import local

    path = Path("/dev/stdout") if given == "-" else local(given, "an output file")
    if (
        path == Path("/dev/stdout") and getattr(sys.stdout, "name", "") == os.devnull
    ):  # see `lrshape.cli.main`
        raise InputError(f"the standard output is closed: nothing can be written to {given}")
    return path / name if given.endswith(("/", os.sep)) or is_directory(path) else path


_ORDER = (0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_CONTROLS = {code: "\ufffd" for code in (*range(32), *range(127, 160), *_ORDER) if chr(code) not in "\n\t"}
"""Names and messages in files of others must not steer the terminal, nor turn a line around."""


def fail(message: str, prefix: str = "error: ") -> None:
    """Print one line to standard error, as plain text."""
    typer.echo(printable(f"{prefix}{message}", sys.stderr), err=True)


def say(message: str = "") -> None:
    """Print to standard output, as plain text."""
    typer.echo(printable(message, sys.stdout))


def say_json(value: object) -> None:
    """Print a value as JSON."""
    say(json.dumps(value, indent=2, allow_nan=False))


def say_prose(text: str) -> None:
    """Print sentences to standard output; only a terminal breaks their lines, between words."""
    console = _console()
    console.print(printable(text, sys.stdout), soft_wrap=not console.is_terminal)


def _console() -> "Console":
    from rich.console import Console

    # What Rich takes for a terminal depends on FORCE_COLOR, too.
    return Console(highlight=False, markup=False, emoji=False, force_terminal=sys.stdout.isatty())


def print_grid(grid: "Table") -> None:
    """Print a table, as wide as it is; only a terminal that is narrower wraps its cells, between words."""
    console = _console()
    if console.is_terminal:
        _narrow(grid, console.width)
    console.width = 10_000
    console.width = max(1, console.measure(grid).maximum)  # no blanks at the ends of lines
    console.print(grid)


def _narrow(grid: "Table", width: int) -> None:
    """Give the columns widths that fit, as far as no word is broken: Rich would break names and numbers."""
    from rich.cells import cell_len

    texts = [[str(column.header), *map(str, column.cells)] for column in grid.columns]
    widths = [max(map(cell_len, column)) for column in texts]
    words = [max(cell_len(word) for text in column for word in text.split() or [""]) for column in texts]
    while sum(widths) + grid.padding[1] * len(widths) > width and widths != words:
        widest = max(range(len(widths)), key=lambda place: widths[place] - words[place])
        widths[widest] -= 1
    for column, chosen in zip(grid.columns, widths, strict=True):
        column.width = chosen


def wrote(path: str | Path, more: Iterable[str] = ()) -> None:
    """Tell that a file is written, and more; on standard error where the file may be standard output."""
    for line in (f"wrote {path}", *more):
        fail(line, prefix="") if is_stream(Path(path)) else say(line)


def printable(text: str, stream: TextIO | None) -> str:
    """Return a text without controls, and in ASCII as far as possible where a stream's encoding lacks it."""
    text = text.translate(_CONTROLS).encode("utf-8", "replace").decode()
    if can_show(text, stream):
        return text
    from lrshape.report.words import ascii_text

    return ascii_text(text)


def can_show(text: str, stream: TextIO | None) -> bool:
    """Whether a stream's encoding has all characters of a text."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _version(wanted: bool) -> None:
    if wanted:
        say(f"lrshape {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
