"""Commands in hints: each says which workspace, environment, state and manifests it is for."""

import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.cli.commands import build_parser
from reconciler.model.commands import command, shell_word
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.errors import ManifestInvalid, PlanRefused, StateError
from reconciler.model.plan import Guard, Note, Plan
from reconciler.outputs.invocation import SCOPE_OF, WITH_PATHS, Invocation
from reconciler.outputs.text.console import Console, put_wrapped

HERE = Invocation(("--env", "staging", "--state", "file:a b.json"))
BEHIND = "--env staging --state 'file:a b.json'"
NAMED = Invocation(("--chdir", "terms"), ("exams.yaml", "-odd x.yaml"))
ODD = st.text(
    st.sampled_from([*" '\"$;&\\\n\t-=~*#!`aé0試…", "\x1b", "\u202e", "\u00a0", "\udcff"]),
    max_size=12,
)


@pytest.mark.parametrize(
    ("hint", "completed"),
    [
        ("Run `reconciler init` once.", f"Run `reconciler init {BEHIND}` once."),
        ("`reconciler state mv a b`.", f"`reconciler state mv a b {BEHIND}`."),
        (
            "`reconciler plan`, `reconciler unlock x`",
            f"`reconciler plan {BEHIND}`, `reconciler unlock x {BEHIND}`",
        ),
        (
            "`reconciler plan --env other`",
            "`reconciler plan --env other --state 'file:a b.json'`",
        ),
        ("`reconciler validate`", f"`reconciler validate {BEHIND}`"),
        ("`reconciler explain same-exam`", "`reconciler explain same-exam`"),
        ("`reconciler planning`; do not run `init`", "`reconciler planning`; do not run `init`"),
        ("Mend it.", "Mend it."),
    ],
)
def test_a_command_in_a_hint_gets_the_options_in_force(hint, completed):
    """Those that it takes, and does not have; without options it stays as it is."""
    assert HERE.completed(hint) == completed
    assert HERE.completed(completed) == completed
    assert Invocation().completed(hint) == hint


@pytest.mark.parametrize(
    ("hint", "completed"),
    [
        ("`reconciler plan`", "`reconciler plan exams.yaml './-odd x.yaml' --chdir terms`"),
        (
            "`reconciler plan --out FILE`",
            "`reconciler plan exams.yaml './-odd x.yaml' --out FILE --chdir terms`",
        ),
        (
            "`reconciler import a SID --allow-older-state`",
            "`reconciler import a SID exams.yaml './-odd x.yaml' --allow-older-state --chdir terms`",
        ),
        ("`reconciler state list`", "`reconciler state list --chdir terms`"),
        (
            "`reconciler accept a`",
            "`reconciler accept a --chdir terms --manifest exams.yaml --manifest='-odd x.yaml'`",
        ),
        ("`reconciler explain plan`", "`reconciler explain plan`"),
    ],
)
def test_manifests_that_were_named_are_named_again(hint, completed):
    """By the commands that take them, before their options; one that looks like an option is no option."""
    assert NAMED.completed(hint) == completed
    assert NAMED.completed(completed) == completed


def test_each_command_gets_what_its_parser_takes():
    """The lists of what commands take are those of the command line itself."""
    for name, parser in build_parser().commands.items():
        for each in [*parser.all_below()] or [parser]:
            taken = {text for one in each._actions for text in one.option_strings}
            scope = taken & {"--chdir", "--env", "--state", "--manifest"}
            scope |= taken & {"--api-url"} if name != "state" else set()  # `state rebind` is always given one
            assert SCOPE_OF.get(name, set()) == (scope if scope > {"--chdir"} else set()), name
            is_named = any(one.dest == "paths" and not one.option_strings for one in each._actions)
            assert (name in WITH_PATHS) is is_named, name


def test_guards_notes_warnings_and_errors_tell_commands_that_can_be_copied():
    """The fingerprint of a plan does not depend on it."""
    guard = Guard(code="c", message="m", hint="`reconciler state mv a b`", addresses=())
    note = Note(code="c", message="m", hint="`reconciler show`", source=None, addresses=())
    warning = Diagnostic(severity=Severity.WARNING, code="c", message="m", hint="`reconciler show`")
    plain = Plan(lineage="l", serial=1, changes=(), guards=(guard,), notes=(note,), warnings=(warning,))
    made = HERE.completed_plan(plain)
    assert made.guards[0].hint == f"`reconciler state mv a b {BEHIND}`"
    assert {made.notes[0].hint, made.warnings[0].hint} == {f"`reconciler show {BEHIND}`"}
    assert made.fingerprint == plain.fingerprint
    bare = replace(plain, guards=(), notes=(), warnings=())
    assert HERE.completed_plan(bare) == bare
    refused, unusable = PlanRefused((guard,)), StateError("m", hint="`reconciler show`")
    invalid = ManifestInvalid((warning,))
    for error in (refused, unusable, invalid):
        HERE.complete_error(error)
    assert refused.guards == made.guards
    assert unusable.hint == f"`reconciler show {BEHIND}`"
    assert invalid.diagnostics == made.warnings
    assert f"`reconciler validate {BEHIND}`" in invalid.hint


@given(words=st.lists(ODD, min_size=1, max_size=4))
def test_a_word_means_itself_to_a_shell(words):
    """Whatever it holds, and it stays on one line, has nothing that steers a terminal, and no backtick."""
    written = [shell_word(word) for word in words]
    assert all(word.isprintable() and "`" not in word for word in written)
    assert read_by_a_shell(" ".join(written)) == words


def read_by_a_shell(line):
    """The words of a command line, as bash reads them."""
    done = subprocess.run(["/bin/bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


@given(directory=ODD.filter(lambda text: text != "--"), state=ODD.filter(lambda text: text != "--"), path=ODD)
def test_a_command_with_odd_names_is_read_as_it_was_meant(directory, state, path):
    """The shell and the parser get the very directory, state and manifest back."""
    scope = Invocation(("--chdir", directory, "--state", state), (path,) if path else ())
    parsed = build_parser().parse_args(read_by_a_shell(scope.command("plan"))[1:])
    assert (parsed.chdir, parsed.state) == (Path(directory), state)
    assert [one.removeprefix("./") for one in parsed.paths] == [path.removeprefix("./")] * bool(path)


def test_a_word_of_an_odd_address_is_quoted_in_a_command():
    """One function makes all commands, so that no text from outside adds a word to one."""
    assert command("unlock", "x; rm -rf ~") == "`reconciler unlock 'x; rm -rf ~'`"
    assert command("resolve", "cs/a", "--sid", "EX…") == "`reconciler resolve cs/a --sid EX…`"


@pytest.mark.parametrize("width", [20, 40, 60, 80])
def test_a_command_is_never_broken_over_lines(width, tmp_path):
    """It stands whole on a line of its own, where it is longer than that, and other text is wrapped."""
    told = f"If it hangs, and nobody knows why: `{HERE.command('unlock', 'x y')}`. Or wait \ue000 for it."
    with (tmp_path / "out").open("w+") as file:
        put_wrapped(Console(file, width=width, is_terminal=True), told)
        file.seek(0)
        lines = file.read().splitlines()
    (line,) = [line for line in lines if "reconciler" in line]
    assert shlex.split(line.partition("`")[2].partition("`")[0])[1:3] == ["unlock", "x y"]
    assert all(len(other) <= width for other in lines if other != line)
    assert " ".join(lines) == told.replace("\ue000", "?")
