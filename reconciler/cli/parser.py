"""The parser: the whole command line, and for each command the name of the function that does the work.

Imports argparse only, so that `--version` and `--help` answer at once.
"""

import argparse
from collections.abc import Sequence

from reconciler import __version__
from reconciler.cli.command_parsers import add_apply, add_plan, add_show, add_validate
from reconciler.cli.options import Help, Parser, add_commands, add_global_options
from reconciler.cli.state_parsers import add_import, add_init, add_resolve, add_state, add_unlock
from reconciler.cli.tool_parsers import add_completion, add_explain, add_sandbox, add_schema


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What `arguments` say. Raises SystemExit where they are wrong, or ask for help."""
    return _top_parser().parse_args(arguments)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line, each command with its arguments: for those who read it."""
    parser = _top_parser()
    _fill_below(parser)
    return parser


def _fill_below(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:  # noqa: SLF001 - there is no public way to a parser's commands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            for name, command in action.choices.items():
                action.choices[name] = command.parser()
                _fill_below(action.choices[name])


def _top_parser() -> Parser:
    parser = Parser(
        prog="reconciler",
        description="Keep proctored exams in step with a GitOps repository: plan in pull requests, "
        "create only what is missing.",
        epilog="Start with `reconciler init`, then `reconciler plan`, then `reconciler apply`.\n"
        "Exit codes: 0 done or nothing to do, 1 refused or failed, 2 plan --detailed-exitcode and something\n"
        "differs, 3 an exam is in doubt, 130/143 interrupted.",
        formatter_class=Help,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"reconciler {__version__}")
    add_global_options(parser, is_top=True)
    commands = add_commands(parser, name="command")
    for add in (
        add_init,
        add_validate,
        add_plan,
        add_apply,
        add_show,
        add_state,
        add_import,
        add_resolve,
        add_unlock,
        add_explain,
        add_schema,
        add_sandbox,
        add_completion,
    ):
        add(commands)
    return parser
