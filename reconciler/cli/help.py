"""The help of a command, made for one screen: examples first, then usage and options in groups."""

import argparse
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from shutil import get_terminal_size
from typing import Final, TypeAlias

from reconciler.cli.parser import Parser

_NARROWEST: Final = 40
_WIDEST: Final = 100
_NAMES: Final = 26
"""Columns of the names of options, at most; the help of a longer one begins on the next line."""
_COMMON: Final = "Options of all commands, such as --chdir and --quiet: see reconciler --help"

_Row: TypeAlias = tuple[str, str]


def help_of(parser: Parser) -> str:
    """Return what the command does, examples, its usage, and its arguments and options."""
    width = min(max(get_terminal_size().columns, _NARROWEST), _WIDEST)
    examples = "\n".join(f"  {example}" for example in parser.examples)
    blocks = [
        textwrap.fill(parser.description or "", width),
        examples,
        "\n".join(_tables(parser, width)),
        textwrap.fill(parser.epilog or _COMMON, width),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def usage_of(parser: Parser) -> str:
    """Return the command line in short, as `usage: reconciler state show [OPTION…] ADDRESS`."""
    values = map(_named, parser.arguments)
    return f"usage: {' '.join((parser.prog, '[OPTION…]', *values))}"


def _tables(parser: Parser, width: int) -> Iterator[str]:
    """Yield the usage with the arguments, then the groups of options or commands."""
    groups = [(group.title or "", [*_rows(parser, group)]) for group in parser._action_groups]  # noqa: SLF001 - argparse has no other way
    arguments = groups[0][1]
    titled = [*_commands(parser), *((title, rows) for title, rows in groups[1:] if rows)]
    column = min(
        max((len(name) for _, rows in (*titled, ("", arguments)) for name, _ in rows), default=0), _NAMES
    )
    yield _table(usage_of(parser), arguments, column, width)
    for title, rows in titled:
        yield _table(f"{title}:", rows, column, width)


def _commands(parser: Parser) -> Iterator[tuple[str, list[_Row]]]:
    purposes = parser.purposes or {"commands": [*parser.commands]}
    for purpose, names in purposes.items():
        if rows := [(name, first_sentence(parser.commands[name].description or "")) for name in names]:
            yield purpose, rows


def _rows(parser: Parser, group: argparse._ArgumentGroup) -> Iterator[_Row]:
    """Yield a row for each action of `group`; options that all commands have stand in the help of all."""
    for action in group._group_actions:  # noqa: SLF001 - as above
        is_common = action.default is argparse.SUPPRESS and not parser.purposes
        if not is_common and action.help and action.help is not argparse.SUPPRESS:
            yield _named(action), first_sentence(action.help)


def _named(action: argparse.Action) -> str:
    if not action.option_strings:
        name = str(action.metavar or action.dest.upper())
        return {"?": f"[{name}]", "*": f"[{name}…]", "+": f"{name}…"}.get(str(action.nargs), name)
    value = "" if action.metavar is None else f" {action.metavar}"
    return f"{action.option_strings[-1]}{value}"


def first_sentence(text: str) -> str:
    """Return the part of a help text that `--help` shows."""
    return text.partition(". ")[0].rstrip(".")


def _table(title: str, rows: Sequence[_Row], column: int, width: int) -> str:
    return "\n".join((title, *(line for row in rows for line in _lines(row, column, width))))


def _lines(row: _Row, column: int, width: int) -> Iterable[str]:
    name, text = row
    indent = " " * (column + 4)
    begin = f"  {name:<{column}}  "
    if len(name) > column:
        return (f"  {name}", textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent))
    return textwrap.fill(text, width, initial_indent=begin, subsequent_indent=indent).splitlines()
