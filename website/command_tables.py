"""Tables of options, from the parser, for docs/commands.md."""

import argparse
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache, reduce
from typing import Final

from reconciler.cli.commands import build_parser
from reconciler.cli.parser import Parser

NAME: Final = re.compile(
    r"\$\w+|--[a-z-]+|\b[a-z]+:?[\w/*.]*\.(?:yaml|json)\b|\b[a-z]+[A-Z]\w+|\.xlsx|\bNAME=\S+"
)
"""What is code in the help of an option."""
MANY: Final = 6
"""An option of so many commands is explained once, for all of them."""


def command_part(name: str) -> str:
    """Return the arguments, options and examples of the command `name`.

    Without a name, return the options of all commands, and those that many commands share.
    """
    common, shared = build_parser()._actions, _shared()
    if not name:
        return _table_of_options([*(one for one in common if one.option_strings), *shared.values()])
    parser = reduce(_below, name.split(), build_parser())
    known = {text for one in common for text in one.option_strings}
    shown = [one for one in parser._actions if one.help != argparse.SUPPRESS]
    own = [one for one in shown if not known & {*one.option_strings}]
    table = _table_of_options([one for one in own if _usage(one) not in shared])
    also = [f"`{_usage(one)}`" for one in own if _usage(one) in shared]
    above = f"Also {', '.join(also)}: see [every command](#every-command).\n" if also else ""
    return "\n".join([*filter(None, (table, above)), "```sh", *parser.examples, "```", ""])


@cache
def _shared() -> dict[str, argparse.Action]:
    """Return the options that many commands share, by their usage."""
    commands = [parser for parser in build_parser().all_below() if not parser.commands]
    actions = [one for parser in commands for one in parser._actions if one.option_strings[1:] == []]
    counts = Counter((_usage(one), one.help) for one in actions)
    known = {_usage(one) for one in build_parser()._actions}
    return {
        _usage(one): one
        for one in actions
        if counts[_usage(one), one.help] >= MANY and _usage(one) not in known
    }


def _below(parser: Parser, word: str) -> Parser:
    return parser.commands[word]


def _table_of_options(actions: Iterable[argparse.Action]) -> str:
    rows = [f"| `{_usage(one)}` | {_help(one)} |" for one in actions]
    return "\n".join(["| option | meaning |", "| --- | --- |", *rows, ""]) if rows else ""


def _help(action: argparse.Action) -> str:
    """Return the help of `action` in Markdown: names of files, fields, options and variables are code."""
    text = " ".join((action.help or "").split())
    return re.sub(rf"`[^`]+`|{NAME.pattern}", lambda found: f"`{found[0].strip('`')}`", text).replace(
        "|", "\\|"
    )


def _usage(action: argparse.Action) -> str:
    """Return how an option or argument is written, for a cell of a table."""
    value = str(action.metavar or "|".join(map(str, action.choices or ()))).replace("|", "\\|")
    if not action.option_strings:
        return {"*": f"[{value}…]", "+": f"{value}…", "?": f"[{value}]"}.get(str(action.nargs), value)
    return f"{action.option_strings[-1]} {value if action.nargs != 0 else ''}".strip()
