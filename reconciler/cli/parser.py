"""Build an argparse parser from a table of commands, and parse the values of options.

Imports argparse only, so that `--help` answers at once.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, TypeAlias

from reconciler import __version__
from reconciler.cli.exit_codes import FAILED

if TYPE_CHECKING:
    from _typeshed import SupportsWrite


_SHORTEST_BEGINNING: Final = 4
"""Least length of a word that is suggested for one that begins with it, or the other way round."""


class Option(NamedTuple):
    """An option or a positional argument: its name, and keyword arguments of `add_argument`."""

    name: str
    settings: dict[str, Any]


class OneOf(NamedTuple):
    """Options of which at most one may be given; exactly one if `is_required`."""

    options: tuple[Option, ...]
    is_required: bool


Options: TypeAlias = Iterable[Option | OneOf]


class Command(NamedTuple):
    """A command: its name, its help, and its `handler` as `module:function` of this package.

    A group of commands, such as `state`, has no handler; its commands are `below` it.
    """

    name: str
    does: str
    handler: str = ""
    options: tuple[Option | OneOf, ...] = ()
    examples: tuple[str, ...] = ()
    below: "tuple[Command, ...]" = ()


def option(usage: str, does: str, **settings: Any) -> Option:
    """Return the option or argument for `usage`: its name and, if it has a value, the value's name in help.

    Values named FILE and DIR are paths. `does` is the help text; `settings` are keyword arguments of
    `add_argument`. An option without value and settings is a flag.
    """
    name, _, value = usage.partition(" ")
    if value:
        settings["metavar"] = value
        settings.setdefault("type", Path if value in {"FILE", "DIR"} else None)
    elif not settings:
        settings["action"] = "store_true"
    return Option(name, settings | {"help": does})


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose usage errors exit with 1 and suggest the nearest known word."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse `args`; end with a usage error of this command if one of them is unknown."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            known = [name for action in self._actions for name in action.option_strings]
            nearest = _nearest(unknown[0].partition("=")[0], known)
            self.error(f"unrecognized arguments: {' '.join(unknown)}{nearest}")
        return found, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            error.message += _nearest(str(value), [str(choice) for choice in action.choices or ()])
            raise

    def error(self, message: str) -> NoReturn:
        """Print the command's usage and the mistake, and exit."""
        self.print_usage(sys.stderr)
        self.exit(FAILED, f"error: {message}\n  see: {self.prog} --help\n")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Flush standard output and exit. Raises OSError if the output cannot be written."""
        if message:
            self._print_message(message, sys.stderr)
        sys.stdout.flush()
        sys.exit(status)

    def _print_message(self, message: str, file: "SupportsWrite[str] | None" = None) -> None:
        """Print `message`. Raises OSError, unlike argparse, which hides it."""
        (file or sys.stderr).write(message)


def _nearest(word: str, known: Iterable[str]) -> str:
    from reconciler.model.words import nearest  # noqa: PLC0415 - only a mistake needs it

    names = [*known]
    begun = [name for name in names if len(word) >= _SHORTEST_BEGINNING and name.startswith(word)]
    longer = [name for name in names if len(name) >= _SHORTEST_BEGINNING and word.startswith(name)]
    found = begun[:1] or nearest(word, names) or longer[:1]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def make_parser(commands: Iterable[Command], options: Options) -> Parser:
    """Return the parser of `commands`. All of them accept `options`, before or after the command's name."""
    parser = Parser(
        prog="reconciler",
        description="Create proctored exams from a git repository: plan in pull requests, "
        "create only what is missing.",
        epilog="Start with `reconciler init`, then `reconciler plan`, then `reconciler apply`.\n"
        "Exit codes: 0 done or nothing to do, 1 refused or failed, 2 plan --detailed-exitcode and something\n"
        "differs, 3 an exam is in doubt, 130/143 interrupted.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"reconciler {__version__}")
    _add(parser, options)
    _add_commands(parser, commands, options)
    return parser


def _add(parser: argparse._ActionsContainer, options: Options, **settings: Any) -> None:
    for item in options:
        if isinstance(item, OneOf):
            group = parser.add_mutually_exclusive_group(required=item.is_required)
            _add(group, item.options, **settings)
        else:
            parser.add_argument(item.name, **item.settings | settings)


def _add_commands(parser: argparse.ArgumentParser, commands: Iterable[Command], common: Options) -> None:
    below = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, prog=parser.prog, parser_class=Parser
    )
    for command in commands:
        added = below.add_parser(
            command.name,
            help=command.does,
            description=f"{command.does[0].upper()}{command.does[1:]}.",
            epilog="\n  ".join(("examples:", *command.examples)) if command.examples else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        added.set_defaults(handler=command.handler)
        _add(added, common, default=argparse.SUPPRESS)  # keep options given before the command's name
        _add(added, command.options)
        if command.below:
            _add_commands(added, command.below, common)


_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def moment(text: str) -> datetime:
    """Return the RFC 3339 date-time `text`, in UTC. Raises ArgumentTypeError if it is invalid."""
    try:
        if _RFC_3339.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a date-time like 2031-10-01T00:00:00Z")


def command_line(text: str) -> list[str]:
    """Return the words of `text`, split as a shell does. Raises ArgumentTypeError without quoting it."""
    import shlex  # noqa: PLC0415 - hardly ever needed

    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if not words or "\0" in text:
        raise argparse.ArgumentTypeError("this is no command line: it is empty, or a quote is not closed")
    return words


def _number(
    parse: Callable[[str], float], lowest: float, highest: float, what: str
) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = parse(text)
        except ValueError:
            value = lowest - 1
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {what}")
        return value

    return read


def _seconds_of(text: str) -> float:
    unit = _UNITS_S.get(text[-1:])
    return float(text) if unit is None else float(text[:-1]) * unit


_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600}
_MOST_SECONDS: Final = 86_400.0
_A_DURATION: Final = "a duration such as 30s, 5m, 1h or a number of seconds"
duration_s = _number(_seconds_of, 0.0, _MOST_SECONDS, f"{_A_DURATION}, at most a day")
positive_duration_s = _number(_seconds_of, 0.001, _MOST_SECONDS, f"{_A_DURATION}, above 0, at most a day")
count = _number(int, 0, 10_000_000, "a whole number of 0 or more")
parallelism = _number(int, 1, 1000, "a whole number from 1 to 1000")
