"""What the commands' parsers are made of: the parser class, and the options that several commands share."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

from reconciler.cli.exit_codes import FAILED

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

TEXT_OR_JSON: Final = ("text", "json")
FINDING_FORMATS: Final = (*TEXT_OR_JSON, "github", "gitlab", "sarif", "junit")
PLAN_FORMATS: Final = (*TEXT_OR_JSON, "markdown", "html", "gitlab-terraform")
APPLY_FORMATS: Final = (*TEXT_OR_JSON, "jsonl")

_USUAL_COLUMNS: Final = 80
_PATHS_HELP: Final = (
    "manifests: files, directories or globs (default: those of reconciler.yaml, else exams.yaml, "
    "else exams/**/*.yaml)"
)


class Help(argparse.RawDescriptionHelpFormatter):
    """How help is laid out: as wide as `shutil` takes the terminal to be, which is slow to load."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    if sys.__stdout__ is None:
        return _USUAL_COLUMNS
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or _USUAL_COLUMNS
    except (ValueError, OSError):  # closed, or no terminal
        return _USUAL_COLUMNS


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose usage errors exit 1, as every other refusal does."""

    def error(self, message: str) -> NoReturn:
        """Print how the command is used, and why this was not it."""
        self.print_usage(sys.stderr)
        self.exit(FAILED, f"error: {message}\n  see: {self.prog} --help\n")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End the process, once all that it printed is written. Raises OSError where that is not possible."""
        if message:
            self._print_message(message, sys.stderr)
        sys.stdout.flush()
        sys.exit(status)

    def _print_message(self, message: str, file: "SupportsWrite[str] | None" = None) -> None:
        """Print `message`. Raises OSError, which argparse's own keeps to itself."""
        (file or sys.stderr).write(message)


class Command:
    """A command's parser, made once it is needed, by which time `fill` adds its arguments.

    A process parses for one command; to make the parsers of all others would take longer than parsing.
    """

    def __init__(self, *, fill: Callable[[Parser], None], **settings: Any) -> None:
        self._fill = fill
        self._settings = settings
        self._made: Parser | None = None

    def parser(self) -> Parser:
        """The parser, its arguments added."""
        if self._made is None:
            self._made = Parser(**self._settings)
            self._fill(self._made)
        return self._made

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """What argparse asks of the parser of the command that it meets."""
        return self.parser().parse_known_args(args, namespace)


Commands: TypeAlias = "argparse._SubParsersAction[Any]"  # noqa: SLF001 - it has no public name
"""What `add_commands` gives."""


def add_commands(parser: argparse.ArgumentParser, *, name: str) -> Commands:
    """Where commands are added to `parser`; the attribute called `name` says which was chosen."""
    kind: Any = Command
    return parser.add_subparsers(
        title="commands", metavar="COMMAND", dest=name, required=True, parser_class=kind
    )


def add_global_options(parser: argparse.ArgumentParser, *, is_top: bool) -> None:
    """Add what every command takes, before or behind its name; behind it, absence keeps what stood before."""

    def default(value: object) -> object:
        return value if is_top else argparse.SUPPRESS

    parser.add_argument(
        "--chdir", metavar="DIR", type=Path, default=default(None), help="work in DIR instead of here"
    )
    parser.add_argument(
        "--no-color", action="store_true", default=default(value=False), help="print plain text"
    )
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument(
        "--verbose",
        dest="loudness",
        action="store_const",
        const="verbose",
        default=default("normal"),
        help="list also what is up to date",
    )
    loudness.add_argument(
        "--quiet",
        dest="loudness",
        action="store_const",
        const="quiet",
        default=default("normal"),
        help="leave out progress",
    )


def add_command(  # noqa: PLR0913 - what there is to say of a command
    commands: Commands,
    name: str,
    *,
    does: str,
    handler: str,
    fill: Callable[[Parser], None],
    examples: Sequence[str] = (),
) -> None:
    """Add the command `name`, whose work the function `handler` (as `module:function`) does.

    `fill` adds the arguments that are the command's own.
    """

    def fill_all(parser: Parser) -> None:
        parser.set_defaults(handler=handler)
        add_global_options(parser, is_top=False)
        fill(parser)

    commands.add_parser(
        name,
        help=does,
        description=f"{does[0].upper()}{does[1:]}.",
        epilog="\n".join(("examples:", *(f"  {example}" for example in examples))) if examples else None,
        formatter_class=Help,
        allow_abbrev=False,
        fill=fill_all,
    )


def add_scope(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose environment and state."""
    parser.add_argument("--env", metavar="NAME", help="the environment of reconciler.yaml to work in")
    parser.add_argument("--state", metavar="URL", help="where state is (default: file:exams.state.json)")


def add_paths(parser: argparse.ArgumentParser) -> None:
    """Add the paths of manifests."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help=_PATHS_HELP)


def add_strict(parser: argparse.ArgumentParser) -> None:
    """Add `--strict`."""
    parser.add_argument(
        "--strict",
        action="store_true",
        help="treat warnings as errors, except those that the clock alone brings about",
    )


def add_now(parser: argparse.ArgumentParser) -> None:
    """Add `--now`."""
    parser.add_argument(
        "--now",
        metavar="TIME",
        type=moment,
        help="judge by this moment instead of the clock's, as 2031-10-01T00:00:00Z (RFC 3339)",
    )


def add_format(parser: argparse.ArgumentParser, *choices: str) -> None:
    """Add `--format`, whose default is text."""
    parser.add_argument("--format", choices=choices, default="text", help="how to print (default: text)")


def add_api_url(parser: argparse.ArgumentParser) -> None:
    """Add `--api-url`."""
    parser.add_argument(
        "--api-url",
        metavar="URL",
        help="base URL of the service (default: the environment's apiUrl, else $SMARTERPROCTORING_URL, "
        "else the state's, else production)",
    )


def add_lock_timeout(parser: argparse.ArgumentParser) -> None:
    """Add `--lock-timeout`."""
    parser.add_argument(
        "--lock-timeout",
        metavar="SECONDS",
        type=seconds,
        default=0.0,
        help="how long to wait while another run holds the state's lock (default: 0)",
    )


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how much of a plan is made."""
    parser.add_argument(
        "--target",
        dest="targets",
        metavar="ADDRESS",
        action="append",
        default=[],
        help="only this address or glob; may be repeated",
    )
    parser.add_argument(
        "--max-creates",
        metavar="N",
        type=count,
        help="refuse a plan that creates more (default: reconciler.yaml's maxCreates, or 100)",
    )


_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def moment(text: str) -> datetime:
    """The instant that `text`, in the form of RFC 3339, means, in UTC."""
    try:
        if _RFC_3339.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a moment like 2031-10-01T00:00:00Z")


def _number(
    parse: Callable[[str], float], lowest: float, highest: float, what: str
) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = parse(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {what}") from None
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not {what}")
        return value

    return read


_MOST_SECONDS: Final = 86_400.0
seconds = _number(float, 0.0, _MOST_SECONDS, "a number of seconds, at most a day")
positive_seconds = _number(float, 0.001, _MOST_SECONDS, "a number of seconds above 0, at most a day")
count = _number(int, 0, 10_000_000, "a whole number of 0 or more")
parallelism = _number(int, 1, 1000, "a whole number from 1 to 1000")
