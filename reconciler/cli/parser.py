"""The parser: every command, option and example, and the name of the function that does the work.

Imports argparse only, so that `--version` and `--help` answer at once.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn, TypeAlias

from reconciler import __version__
from reconciler.cli.exit_codes import FAILED

_TEXT_OR_JSON: Final = ("text", "json")
_SCHEMAS: Final = ("create-exam", "diagnostics", "manifest", "plan", "report", "state", "workspace")
_SHELLS: Final = ("bash", "zsh", "tcsh")

_PATHS_HELP: Final = (
    "manifests: files, directories or globs (default: those of reconciler.yaml, else exams.yaml, "
    "else exams/**/*.yaml)"
)


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser whose usage errors exit 1, as every other refusal does."""

    def error(self, message: str) -> NoReturn:
        """Print how the command is used, and why this was not it."""
        self.print_usage(sys.stderr)
        self.exit(FAILED, f"error: {message}\n  see: {self.prog} --help\n")


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no public name
"""What `add_subparsers` gives."""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser: argparse.ArgumentParser = _Parser(
        prog="reconciler",
        description="Keep proctored exams in step with a GitOps repository: plan in pull requests, "
        "create only what is missing.",
        epilog="Start with `reconciler init`, then `reconciler plan`, then `reconciler apply`.\n"
        "Exit codes: 0 done or nothing to do, 1 refused or failed, 2 plan --detailed-exitcode and something\n"
        "differs, 3 an exam is in doubt, 130/143 interrupted.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"reconciler {__version__}")
    _add_global_options(parser, is_top=True)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for add in (
        _add_init,
        _add_validate,
        _add_plan,
        _add_apply,
        _add_show,
        _add_state,
        _add_import,
        _add_resolve,
        _add_schema,
        _add_sandbox,
        _add_completion,
    ):
        add(commands)
    return parser


def _add_global_options(parser: argparse.ArgumentParser, *, is_top: bool) -> None:
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


def _add_command(
    commands: Commands, name: str, *, does: str, handler: str, examples: Sequence[str] = ()
) -> argparse.ArgumentParser:
    epilog = "\n".join(("examples:", *(f"  {example}" for example in examples))) if examples else None
    parser = commands.add_parser(
        name,
        help=does,
        description=f"{does[0].upper()}{does[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(handler=handler)
    _add_global_options(parser, is_top=False)
    return parser


def _add_scope(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--env", metavar="NAME", help="the environment of reconciler.yaml to work in")
    parser.add_argument("--state", metavar="URL", help="where state is (default: file:exams.state.json)")


def _add_paths(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help=_PATHS_HELP)


def _add_strict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")


def _add_format(parser: argparse.ArgumentParser, *choices: str) -> None:
    parser.add_argument("--format", choices=choices, default="text", help="how to print (default: text)")


def _add_api_url(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--api-url",
        metavar="URL",
        help="base URL of the service (default: $SMARTERPROCTORING_URL, the environment's, or production)",
    )


def _add_lock_timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--lock-timeout",
        metavar="SECONDS",
        type=_seconds,
        default=0.0,
        help="how long to wait while another run holds the state's lock (default: 0)",
    )


def _add_selection(parser: argparse.ArgumentParser) -> None:
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
        type=_count,
        help="refuse a plan that creates more (default: reconciler.yaml's maxCreates, or 100)",
    )


def _add_init(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "init",
        does="create an empty state, once for each workspace and environment",
        handler="reconciler.cli.settling:initialise",
        examples=["reconciler init", "reconciler init --state file:state/staging.json"],
    )
    _add_scope(parser)
    _add_lock_timeout(parser)


def _add_validate(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "validate",
        does="check manifests against the documented schema; needs no state, token or network",
        handler="reconciler.cli.reading:validate",
        examples=["reconciler validate", "reconciler validate exams/cs101.yaml --strict --format json"],
    )
    _add_paths(parser)
    parser.add_argument("--env", metavar="NAME", help="the environment of reconciler.yaml to work in")
    _add_format(parser, *_TEXT_OR_JSON)
    _add_strict(parser)


def _add_plan(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "plan",
        does="show what apply would do; needs no token, no secret and no network, and changes nothing",
        handler="reconciler.cli.reading:plan",
        examples=[
            "reconciler plan",
            "reconciler plan examples/exams.yaml --state file:exams.state.json",
            "reconciler plan --out plan.json --detailed-exitcode",
            "reconciler plan --target 'cs101/*'",
        ],
    )
    _add_paths(parser)
    _add_scope(parser)
    _add_format(parser, *_TEXT_OR_JSON)
    parser.add_argument("--out", metavar="FILE", type=Path, help="also write the plan to FILE, as JSON")
    parser.add_argument(
        "--detailed-exitcode",
        action="store_true",
        help="exit 2 if something differs, 3 if an in-doubt exam blocks",
    )
    _add_selection(parser)
    _add_strict(parser)


def _add_apply(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "apply",
        does="create the missing exams, and nothing else",
        handler="reconciler.cli.sending:apply",
        examples=[
            "reconciler apply",
            "reconciler apply --auto-approve --expect plan.json",
            "reconciler apply examples/exams.yaml --api-url http://127.0.0.1:8400",
        ],
    )
    _add_paths(parser)
    _add_scope(parser)
    _add_api_url(parser)
    _add_format(parser, *_TEXT_OR_JSON)
    parser.add_argument(
        "--auto-approve", action="store_true", help="do not ask; needed where there is no terminal"
    )
    parser.add_argument(
        "--expect",
        metavar="FILE|FINGERPRINT",
        help="go on only if all that would be done was reviewed in this plan",
    )
    _add_selection(parser)
    _add_strict(parser)
    _add_lock_timeout(parser)
    _add_sending(parser)


def _add_sending(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--parallelism",
        metavar="N",
        type=_parallelism,
        default=10,
        help="most creates in flight (default: 10)",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        type=Path,
        help="read the API token from FILE (default: $SMARTERPROCTORING_TOKEN)",
    )
    parser.add_argument(
        "--secrets-dir", metavar="DIR", type=Path, help="the directory that fromFile secrets are below"
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_positive_seconds,
        default=30.0,
        help="how long to wait for an answer before the exam is in doubt (default: 30)",
    )
    parser.add_argument(
        "--retry-timeout",
        metavar="SECONDS",
        type=_seconds,
        default=300.0,
        help="how long one exam may wait on rate limits, all in all (default: 300)",
    )
    parser.add_argument(
        "--allow-plain-http",
        action="store_true",
        help="send the token without TLS to other machines; for test servers only",
    )


def _add_show(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "show",
        does="show a saved plan, or the state",
        handler="reconciler.cli.reading:show",
        examples=["reconciler show plan.json", "reconciler show --format json"],
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a plan that `plan --out` wrote")
    _add_scope(parser)
    _add_format(parser, *_TEXT_OR_JSON)


def _add_state(commands: Commands) -> None:
    parser = _add_command(commands, "state", does="inspect and mend state", handler="")
    below = parser.add_subparsers(title="commands", metavar="COMMAND", dest="state_command", required=True)
    listing = _add_command(
        below, "list", does="list every exam in state", handler="reconciler.cli.reading:list_state"
    )
    showing = _add_command(
        below,
        "show",
        does="show one exam in state, field by field",
        handler="reconciler.cli.reading:show_entry",
        examples=["reconciler state show cs101/midterm-1"],
    )
    showing.add_argument("address", metavar="ADDRESS", help="the exam's address")
    for command in (listing, showing):
        _add_scope(command)
        _add_format(command, *_TEXT_OR_JSON)
    _add_state_mending(below)


def _add_state_mending(below: Commands) -> None:
    moving = _add_command(
        below,
        "mv",
        does="give an exam in state another address",
        handler="reconciler.cli.settling:move",
        examples=["reconciler state mv cs101/midterm cs101/midterm-1"],
    )
    moving.add_argument("source", metavar="FROM", help="the address that it has")
    moving.add_argument("target", metavar="TO", help="the address that it gets; nothing may be there")
    removing = _add_command(
        below,
        "rm",
        does="forget an exam in state; the exam itself stays",
        handler="reconciler.cli.settling:remove",
        examples=["reconciler state rm cs101/midterm-1"],
    )
    removing.add_argument("address", metavar="ADDRESS", help="the exam's address")
    pulling = _add_command(
        below,
        "pull",
        does="print the state's document, journal included",
        handler="reconciler.cli.reading:pull",
        examples=["reconciler state pull > copy.json"],
    )
    pushing = _add_command(
        below,
        "push",
        does="make a document the state: one of the same lineage with a later serial",
        handler="reconciler.cli.settling:push",
        examples=["reconciler state push copy.json"],
    )
    pushing.add_argument("file", metavar="FILE", type=Path, help="what `state pull` printed, mended")
    for command in (moving, removing, pulling, pushing):
        _add_scope(command)
    for command in (moving, removing, pushing):
        _add_lock_timeout(command)


def _add_import(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "import",
        does="adopt an exam that exists already; its declaration is taken to be what it is",
        handler="reconciler.cli.settling:adopt",
        examples=["reconciler import cs101/final EX1234567890abcdef1234567890abcdef"],
    )
    parser.add_argument("address", metavar="ADDRESS", help="the address that declares it")
    parser.add_argument("sid", metavar="SID", help="the exam's SID: EX and 32 hexadecimal digits")
    _add_paths(parser)
    _add_scope(parser)
    _add_lock_timeout(parser)


def _add_resolve(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "resolve",
        does="settle an exam that is in doubt, after a person has looked whether it exists",
        handler="reconciler.cli.settling:resolve",
        examples=[
            "reconciler resolve cs101/final --sid EX1234567890abcdef1234567890abcdef",
            "reconciler resolve cs101/final --absent",
        ],
    )
    parser.add_argument("address", metavar="ADDRESS", help="the address that is in doubt")
    answer = parser.add_mutually_exclusive_group(required=True)
    answer.add_argument("--sid", metavar="SID", help="it was created, and this is its SID")
    answer.add_argument("--absent", action="store_true", help="it was not created; the next apply creates it")
    _add_scope(parser)
    _add_lock_timeout(parser)


def _add_schema(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "schema",
        does="print a JSON Schema, for editors and CI",
        handler="reconciler.cli.tools:schema",
        examples=["reconciler schema manifest > manifest.schema.json"],
    )
    parser.add_argument("name", metavar="NAME", choices=_SCHEMAS, help=f"one of: {', '.join(_SCHEMAS)}")


def _add_sandbox(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "sandbox",
        does="run a local stand-in for the API, to try things out and to rehearse an outage",
        handler="reconciler.cli.tools:sandbox",
        examples=[
            "reconciler sandbox",
            "reconciler sandbox --store demo.jsonl --fault latency:seconds=0.05",
            "reconciler sandbox --fault drop-after:nth=3 --fault 429:every=10,retry-after=2",
        ],
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8400, help="0 chooses a free one (default: 8400)")
    parser.add_argument(
        "--store", metavar="FILE", type=Path, help="keep the exams in FILE (default: in memory)"
    )
    parser.add_argument(
        "--fault",
        dest="faults",
        metavar="SPEC",
        action="append",
        default=[],
        help="misbehave: KIND[:key=value,…]; may be repeated (kinds and keys: docs/sandbox.md)",
    )


def _add_completion(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "completion",
        does="print a completion script for a shell",
        handler="reconciler.cli.tools:completion",
        examples=["reconciler completion bash > ~/.local/share/bash-completion/completions/reconciler"],
    )
    parser.add_argument("shell", choices=_SHELLS, metavar="SHELL", help=f"one of: {', '.join(_SHELLS)}")


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
_seconds = _number(float, 0.0, _MOST_SECONDS, "a number of seconds, at most a day")
_positive_seconds = _number(float, 0.001, _MOST_SECONDS, "a number of seconds above 0, at most a day")
_count = _number(int, 0, 10_000_000, "a whole number of 0 or more")
_parallelism = _number(int, 1, 1000, "a whole number from 1 to 1000")
