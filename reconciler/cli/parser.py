"""Build an argparse parser from a table of commands; its mistakes are answered in two lines.

Imports argparse only, so that `--help` answers at once.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
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


class Group(NamedTuple):
    """Options that stand under a title of their own in help."""

    title: str
    options: tuple[Option | OneOf, ...]


Options: TypeAlias = Iterable[Option | OneOf | Group]


class Command(NamedTuple):
    """A command: its name, its help, and its `handler` as `module:function` of this package.

    A group of commands, such as `state`, has no handler; its commands are `below` it.
    """

    name: str
    does: str
    handler: str = ""
    options: tuple[Option | OneOf | Group, ...] = ()
    examples: tuple[str, ...] = ()
    below: "tuple[Command, ...]" = ()


def option(usage: str, does: str, **settings: Any) -> Option:
    """Return the option or argument for `usage`: its name and, if it has a value, the value's name in help.

    Values named FILE and DIR are paths. `does` is the help text, of which `--help` shows the first sentence;
    `settings` are keyword arguments of `add_argument`. An option without value and settings is a flag.
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

    examples: Sequence[str] = ()
    purposes: Mapping[str, Sequence[str]] = {}
    """The names of the commands by what they are for, in the order of help."""

    @property
    def commands(self) -> "Mapping[str, Parser]":
        """The parsers of the commands below this one, by name."""
        found = (one.choices for one in self._actions if isinstance(one, argparse._SubParsersAction))  # noqa: SLF001 - argparse has no other way
        return next(found, {})

    @property
    def option_names(self) -> list[str]:
        """The names of the options that users may give here."""
        return [*self._option_string_actions]

    @property
    def arguments(self) -> Sequence[argparse.Action]:
        """The positional arguments, in order."""
        return self._get_positional_actions()

    def option_called(self, name: str) -> argparse.Action | None:
        """Return the option `name`; None if there is none."""
        return self._option_string_actions.get(name)

    def all_below(self) -> "Iterator[Parser]":
        """Yield the parser of each command below this one, and of those below it."""
        for command in self.commands.values():
            yield command
            yield from command.all_below()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse `args`; end with a usage error of this command if one of them is unknown."""
        words = [*(args or ())]
        if self.commands and (stray := next(self._options_before_command(words), None)):
            self._refuse_unknown(stray, words)
        found, unknown = super().parse_known_args(words, namespace)
        if unknown:
            self._refuse_unknown(unknown[0], words)
        return found, unknown

    def format_help(self) -> str:
        """Return the help of this command."""
        from reconciler.cli.help import help_of  # noqa: PLC0415 - only help needs it

        return help_of(self)

    def _options_before_command(self, words: Sequence[str]) -> Iterator[str]:
        """Yield unknown options before the command. argparse would take the value of one for the command."""
        left = iter(words)
        for word in left:
            if not word.startswith("-"):
                return
            name, equals, _ = word.partition("=")
            option = self.option_called(name)
            if option is None:
                yield word
            elif option.nargs is None and not equals:
                next(left, None)

    def _refuse_unknown(self, word: str, words: Sequence[str]) -> NoReturn:
        name = word.partition("=")[0]
        if not word.startswith("-"):
            self.error(f"unexpected argument {word!r}")
        below = [*self.all_below()]
        takers = [one.prog for one in below if name in one.option_names]
        if takers:
            meant = next((one for one in takers if one.rpartition(" ")[2] in words), takers[0])
            self.error(f"{name} goes after the command, as in `{meant} {name}`")
        known = [name for one in (self, *below) for name in one.option_names]
        self.error(f"unknown option {name!r}{_question(name, known)}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            where = "" if self.prog == "reconciler" else f" of `{self.prog}`"
            known = [*action.choices, *self.option_names]
            raise argparse.ArgumentError(None, f"{value!r} is not a command{where}{_question(value, known)}")
        question = _question(value, action.choices) or f"; choose one of: {', '.join(action.choices)}"
        raise argparse.ArgumentError(action, f"invalid choice {value!r}{question}")

    def error(self, message: str) -> NoReturn:
        """Print the mistake and where to read on, and exit."""
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


def _question(word: str, known: Iterable[str]) -> str:
    """Return which of `known` may be meant by `word`, as the end of a message; empty if none is near."""
    from reconciler.model.words import either, nearest  # noqa: PLC0415 - only a mistake needs it

    names = [*dict.fromkeys(known)]
    begun = [name for name in names if len(word) >= _SHORTEST_BEGINNING and name.startswith(word)]
    longer = [name for name in names if len(name) >= _SHORTEST_BEGINNING and word.startswith(name)]
    found = begun[:1] or nearest(word, names) or longer[:1]
    return f"; did you mean {either(found)}?" if found else ""


def make_parser(
    commands: Iterable[Command], options: Options, *, purposes: Mapping[str, Sequence[str]], alone: str
) -> Parser:
    """Return the parser of `commands`. All of them accept `options`, before or after the command's name.

    Help lists them by `purposes`. `alone` is the handler of a command line without a command.
    """
    parser = Parser(
        prog="reconciler",
        description="Create the proctored exams that a git repository declares: only the missing ones.",
        epilog="Exit codes: 0 done or nothing to do, 1 refused or failed, 2 plan --detailed-exitcode: "
        "something differs, 3 an exam is in doubt, 130/143 interrupted.",
        allow_abbrev=False,
        add_help=False,
    )
    parser.purposes = purposes
    parser.examples = ("reconciler init --example", "reconciler plan", "reconciler apply")
    parser.set_defaults(handler=alone)
    _add(parser, options)
    parser.add_argument("-h", "--help", action="help", help="explain the command")
    parser.add_argument(
        "--version", action="version", version=f"reconciler {__version__}", help="the version"
    )
    _add_commands(parser, commands, options, is_required=False)
    return parser


def _add(parser: argparse._ActionsContainer, options: Options, **settings: Any) -> None:
    for item in options:
        match item:
            case OneOf():
                group = parser.add_mutually_exclusive_group(required=item.is_required)
                _add(group, item.options, **settings)
            case Group():
                _add(parser.add_argument_group(item.title), item.options, **settings)
            case _:
                parser.add_argument(item.name, **item.settings | settings)


def _add_commands(
    parser: argparse.ArgumentParser, commands: Iterable[Command], common: Options, *, is_required: bool
) -> None:
    below = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=is_required, prog=parser.prog, parser_class=Parser
    )
    for command in commands:
        added = below.add_parser(
            command.name,
            help=command.does,
            description=f"{command.does[0].upper()}{command.does[1:]}.",
            allow_abbrev=False,
        )
        added.examples = command.examples
        added.set_defaults(handler=command.handler)
        _add(added, common, default=argparse.SUPPRESS)  # keep options given before the command's name
        _add(added, command.options)
        if command.below:
            _add_commands(added, command.below, common, is_required=True)
