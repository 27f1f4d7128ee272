"""What a command loads before it answers: only what it needs."""

import os
import subprocess
import sys

import pytest
from exam_workspace import Workspace

from reconciler.cli.commands import build_parser

SCRIPT = (
    "import sys\nfrom reconciler.cli import main\n"
    "try:\n    code = main(sys.argv[1:])\nexcept SystemExit as ended:\n    code = ended.code\n"
    "print(*sys.modules, file=sys.stderr)\n"
    "sys.exit(code)"
)
HEAVY = frozenset({"asyncio", "dataclasses", "deepdiff", "httpx", "jinja2", "jsonschema", "jsonschema_rs"})
FOR_ONE_COMMAND_ONLY = frozenset({"asyncio", "deepdiff", "httpx", "jinja2", "jsonschema"})
FOR_MISTAKES_ONLY = frozenset(
    {"reconciler.manifest.exam.date_advice", "reconciler.manifest.unparsed_redaction"}
)
OF_OTHER_FORMATS = ("reconciler.outputs.ci", "reconciler.outputs.markdown", "reconciler.outputs.tables")


def loaded(*arguments: str, root: str | None = None, script: str = SCRIPT) -> frozenset[str]:
    """The modules that a successful run of the command has loaded at its end, none of them by coverage."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=root,
        env={name: value for name, value in os.environ.items() if not name.startswith("COV")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return frozenset(done.stderr.splitlines()[-1].split())


def test_version_loads_not_even_the_parser() -> None:
    """`--version` costs hardly more than starting Python."""
    found = loaded("--version")
    assert found.isdisjoint(HEAVY | {"argparse", "typing", "reconciler.cli.dispatch"})


def test_help_loads_only_the_parser() -> None:
    """The help of every command is there at once: no library, and nothing of the rooms, is loaded for it.

    All of them are made in one process, from the same table.
    """
    script = (
        "import sys\nfrom reconciler.cli.commands import build_parser\nparser = build_parser()\n"
        "for one in (parser, *parser.all_below()):\n    assert one.format_help()\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    found = loaded("--help") | loaded(script=script)
    assert found.isdisjoint(HEAVY)
    ours = {name for name in found if name.startswith("reconciler.")}
    assert {name for name in ours if not name.startswith("reconciler.cli")} == set()


@pytest.mark.parametrize("command", ["plan", "validate"])
def test_plan_and_validate_load_no_slow_library_of_others(tmp_path, command: str) -> None:
    """Nothing that only sending, another format, a difference or a mistake needs."""
    workspace = Workspace(tmp_path)
    workspace.declare("a")
    workspace.run("init")
    found = loaded(command, root=str(tmp_path))
    assert found & (FOR_ONE_COMMAND_ONLY | FOR_MISTAKES_ONLY) == set()
    assert {name for name in found if name.startswith(OF_OTHER_FORMATS)} == set()


def test_cycles_are_looked_for_seldom() -> None:
    """A command keeps nearly all that it makes until its end; it is not looked through again and again."""
    script = (
        "import gc, reconciler.cli\nreconciler.cli.main(['explain', '3'])\n"
        "print(gc.get_threshold()[0], gc.get_freeze_count())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    threshold, frozen = map(int, done.stdout.splitlines()[-1].split())
    assert threshold > 10_000
    assert frozen > 10_000


@pytest.mark.parametrize(
    ("option", "text", "duration_s"),
    [
        ("--lock-timeout", "30s", 30),
        ("--lock-timeout", "5m", 300),
        ("--lock-timeout", "1h", 3600),
        ("--lock-timeout", "0", 0),
        ("--timeout", "1.5m", 90),
        ("--timeout", "0.25", 0.25),
        ("--retry-timeout", "24h", 86_400),
    ],
)
def test_a_duration_may_have_a_unit(option: str, text: str, duration_s: float) -> None:
    """It is written as people say it, or in seconds."""
    parsed = build_parser().parse_args(["apply", option, text])
    assert getattr(parsed, option[2:].replace("-", "_")) == duration_s


@pytest.mark.parametrize(
    "text", ["", "s", "5 minutes", "5d", "-5m", "25h", "nan", "nanm", "inf", "1h30m", "5M"]
)
def test_what_is_no_duration_is_refused(capsys, text: str) -> None:
    """With what one looks like; no text is taken for another duration than it says."""
    with pytest.raises(SystemExit):
        build_parser().parse_args(["apply", f"--lock-timeout={text}"])
    assert "is not a duration such as 30s, 5m, 1h or a number of seconds" in capsys.readouterr().err


def test_every_option_that_is_a_duration_takes_units() -> None:
    """None of them was forgotten."""
    found = {
        action.option_strings[0]: action
        for parser in build_parser().all_below()
        for action in parser._actions
        if action.option_strings and action.option_strings[0].endswith("timeout")
    }
    assert {"--lock-timeout", "--timeout", "--retry-timeout"} <= found.keys()
    assert all(action.metavar == "DURATION" and action.type("1m") == 60 for action in found.values())
