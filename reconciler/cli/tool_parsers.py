"""The parsers of the commands beside the main job."""

from pathlib import Path
from typing import Final

from reconciler.cli.options import Commands, Parser, add_command

_SCHEMAS: Final = (
    "create-exam",
    "diagnostics",
    "log",
    "manifest",
    "plan",
    "recovery",
    "report",
    "sealed",
    "state",
    "workspace",
)
_SHELLS: Final = ("bash", "zsh", "tcsh")


def add_schema(commands: Commands) -> None:
    """Add `schema`."""
    add_command(
        commands,
        "schema",
        does="print a JSON Schema, for editors and CI",
        handler="reconciler.cli.tools:schema",
        examples=["reconciler schema manifest > manifest.schema.json"],
        fill=_fill_schema,
    )


def _fill_schema(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", choices=_SCHEMAS, help=f"one of: {', '.join(_SCHEMAS)}")


def add_explain(commands: Commands) -> None:
    """Add `explain`."""
    add_command(
        commands,
        "explain",
        does="say what a field, a rule or an exit code means; without one, list them all",
        handler="reconciler.cli.tools:explain",
        examples=[
            "reconciler explain short-notice",
            "reconciler explain configuration.duration",
            "reconciler explain 3",
        ],
        fill=_fill_explain,
    )


def _fill_explain(parser: Parser) -> None:
    parser.add_argument(
        "topic",
        nargs="?",
        metavar="FIELD|RULE|EXIT-CODE",
        help="a field such as configuration.duration or duration, a rule's code, or an exit code",
    )


def add_sandbox(commands: Commands) -> None:
    """Add `sandbox`."""
    add_command(
        commands,
        "sandbox",
        does="run a local stand-in for the API, to try things out and to rehearse an outage",
        handler="reconciler.cli.tools:sandbox",
        examples=[
            "reconciler sandbox",
            "reconciler sandbox --store demo.jsonl --fault latency:seconds=0.05",
            "reconciler sandbox --fault drop-after:nth=3 --fault 429:every=10,retry-after=2",
        ],
        fill=_fill_sandbox,
    )


def _fill_sandbox(parser: Parser) -> None:
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


def add_completion(commands: Commands) -> None:
    """Add `completion`."""
    add_command(
        commands,
        "completion",
        does="print a completion script for a shell",
        handler="reconciler.cli.tools:completion",
        examples=["reconciler completion bash > ~/.local/share/bash-completion/completions/reconciler"],
        fill=_fill_completion,
    )


def _fill_completion(parser: Parser) -> None:
    parser.add_argument("shell", choices=_SHELLS, metavar="SHELL", help=f"one of: {', '.join(_SHELLS)}")
