"""Completion: the scripts for shells, and the answers that these ask for at each Tab.

An answer takes no lock, reads no secret and asks no other machine. Manifests and states may be of strangers:
of their words, only those that no shell takes for more than a word are answered.
"""

import argparse
import os
import re
import shlex
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Final

from msgspec import Struct

from reconciler.cli.arguments import print_raw
from reconciler.cli.commands import build_parser
from reconciler.cli.exit_codes import DONE, MEANINGS
from reconciler.cli.help import first_sentence
from reconciler.cli.parser import Parser
from reconciler.explaining.topics import Topics
from reconciler.model.errors import ReconcilerError
from reconciler.model.locks import LockInfo
from reconciler.workspace import Workspace

_PROGRAM: Final = "reconciler"
_PATIENCE_S: Final = 2.0
_FILES: Final = ":files"
_FOLDERS: Final = ":folders"
"""Answers for which the shell lists its own files or folders."""
_PATHS: Final = {"FILE": _FILES, "PATH": _FILES, "DIR": _FOLDERS}
_IN_STATE: Final = frozenset({"ADDRESS", "GLOB", "FROM", "ID", "LOCK_ID"})
_PLAIN_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@%+,-]*")


class _Place(Struct):
    """Where a command line stands after some words."""

    parser: Parser
    given: dict[str, str]
    position: int = 0
    """How many arguments the command has already."""
    awaiting: argparse.Action | None = None
    """The option whose value comes next."""

    def read(self, word: str) -> None:
        """Go on behind `word`."""
        name, equals, value = word.partition("=")
        option = self.parser.option_called(name)
        if self.awaiting is not None:
            self.given[self.awaiting.dest], self.awaiting = word, None
        elif option is not None and equals:
            self.given[option.dest] = value
        elif option is not None:
            self.awaiting = option if option.nargs is None else None
        elif word in self.parser.commands:
            self.parser, self.position = self.parser.commands[word], 0
        else:
            self.position += 1

    def argument(self) -> argparse.Action | None:
        """Return the argument that comes next; None if the command takes no more."""
        arguments = self.parser.arguments
        if self.position < len(arguments):
            return arguments[self.position]
        return arguments[-1] if arguments and arguments[-1].nargs in {"*", "+"} else None


def completion(parsed: argparse.Namespace) -> int:
    """Print the script for a shell or, for the beginning of a command line, what may come next."""
    if parsed.line is None:
        script = Path(__file__).with_name("shells") / f"completion.{parsed.shell}"
        print_raw(script.read_text(encoding="utf-8"))
        return DONE
    timer = threading.Timer(_PATIENCE_S, os._exit, (DONE,))
    timer.daemon = True
    timer.start()
    with suppress(ReconcilerError, OSError):
        print_raw("".join(f"{answer}\n" for answer in answers(parsed.line)))
    return DONE


def answers(line: str) -> Iterator[str]:
    """Yield what may come next in the command line `line`: a word, and behind a tab what it means."""
    *before, current = _words(line)
    place = _Place(build_parser(), {})
    for word in before:
        place.read(word)
    name, equals, _ = current.partition("=")
    if place.awaiting is not None:
        found, start = _values(place.awaiting, place), ""
    elif equals and (option := place.parser.option_called(name)):
        found, start = _values(option, place), f"{name}="
    elif current.startswith("-"):
        found, start = _options(place.parser), ""
    elif place.parser.commands:
        found, start = () if place.position else _commands(place.parser), ""
    else:
        argument = place.argument()
        found, start = _values(argument, place) if argument else (), ""
    for answer in found:
        if answer in {_FILES, _FOLDERS}:
            yield answer
        elif f"{start}{answer}".startswith(current):
            yield f"{start}{answer}"


def _words(line: str) -> list[str]:
    """Return the words behind the program's name; the last is the one to complete, perhaps empty."""
    for end in ("", "'", '"'):
        with suppress(ValueError):
            words = shlex.split(line + end)
            if line[-1:].isspace() and not end:
                words.append("")
            program = next((at for at, word in enumerate(words) if PurePath(word).name == _PROGRAM), 0)
            return words[program + 1 :] or [""]
    return [""]


def _commands(parser: Parser) -> Iterator[str]:
    yield from (f"{name}\t{first_sentence(one.description or '')}" for name, one in parser.commands.items())


def _options(parser: Parser) -> Iterator[str]:
    for name in parser.option_names:
        option = parser.option_called(name)
        if name.startswith("--") and option is not None:
            yield f"{name}\t{first_sentence(option.help or '')}"


def _values(action: argparse.Action, place: _Place) -> Iterable[str]:
    """Return the values of an option or argument."""
    kind = str(action.metavar).partition("|")[0]
    if action.choices is not None:
        return [str(choice) for choice in action.choices]
    if kind in _PATHS:
        return [_PATHS[kind]]
    with suppress(ReconcilerError, OSError):
        return [name for name in _names(action, place) if _PLAIN_WORD.fullmatch(name)]
    return ()


def _names(action: argparse.Action, place: _Place) -> Iterable[str]:
    """Return the names that this workspace has for a value."""
    workspace = Workspace.open(
        root=Path(place.given.get("chdir", ".")).expanduser(),
        environment=place.given.get("env"),
        state_url=place.given.get("state"),
    )
    kind, prog = str(action.metavar), place.parser.prog
    if action.dest == "env":
        return workspace.environments
    if action.dest == "topic":
        return Topics(workspace.rules, MEANINGS).names()
    if action.dest == "targets" or (kind == "ADDRESS" and prog == "reconciler import"):
        return sorted(exam.address for exam in workspace.validate().declared.exams)
    return _in_state(kind, prog, workspace) if kind in _IN_STATE else ()


def _in_state(kind: str, prog: str, workspace: Workspace) -> Iterable[str]:
    """Return names of a state in a local file; another state is not asked."""
    if not workspace.has_local_state:
        return ()
    state = workspace.load_state()
    if kind == "LOCK_ID":
        holder = workspace.lock_holder()
        return (holder.info.lock_id,) if holder is not None and isinstance(holder.info, LockInfo) else ()
    if kind == "ID":
        return [intent.attempt for intent in state.intents.values()]
    return sorted(state.intents if prog == "reconciler resolve" else {*state.exams, *state.intents})
