"""Help of every command on one screen, and two lines for a mistyped command line."""

import pytest

from reconciler.cli.commands import PURPOSES, build_parser

SCREEN = 24
LONGEST = 40
LONG_ONES = {"reconciler", "reconciler plan", "reconciler apply"}


PARSERS = {parser.prog: parser for parser in (build_parser(), *build_parser().all_below())}


@pytest.mark.parametrize("prog", PARSERS)
def test_help_fits_one_screen(monkeypatch, prog: str) -> None:
    """24 lines of 80 columns, or 40 for what has most options; only an example to copy is never wrapped."""
    monkeypatch.setenv("COLUMNS", "80")
    lines = PARSERS[prog].format_help().splitlines()
    assert len(lines) <= (LONGEST if prog in LONG_ONES else SCREEN)
    assert all(len(line) <= 80 for line in lines if line.strip() not in PARSERS[prog].examples)


@pytest.mark.parametrize("prog", PARSERS)
def test_help_shows_examples_before_the_options(prog: str) -> None:
    """Most people look for a line to copy. Only a group of commands has none."""
    parser, text = PARSERS[prog], PARSERS[prog].format_help()
    assert parser.examples or parser.commands
    assert all(text.index(example) < text.index("usage:") for example in parser.examples)


@pytest.mark.parametrize("prog", PARSERS)
def test_help_names_every_option(prog: str) -> None:
    """Those that all commands have stand in the help of `reconciler`."""
    everywhere = build_parser().format_help()
    text = PARSERS[prog].format_help() + everywhere
    assert all(f"  {name}" in text for name in PARSERS[prog].option_names if name.startswith("--"))


def test_every_command_has_its_purpose() -> None:
    """`reconciler --help` lists each once."""
    assert sorted(name for names in PURPOSES.values() for name in names) == sorted(build_parser().commands)


@pytest.mark.parametrize(("columns", "widest"), [("60", 60), ("300", 100)])
def test_help_is_wrapped_to_the_terminal(monkeypatch, columns: str, widest: int) -> None:
    """Within what can be read."""
    monkeypatch.setenv("COLUMNS", columns)
    parser = PARSERS["reconciler resolve"]
    lines = {*parser.format_help().splitlines()} - {f"  {example}" for example in parser.examples}
    assert widest - 30 < max(map(len, lines)) <= widest


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("plam", "'plam' is not a command; did you mean 'plan'?"),
        ("aply", "did you mean 'apply'?"),
        ("help plan", "did you mean '--help'?"),
        ("version", "did you mean '--version'?"),
        ("state lst", "'lst' is not a command of `reconciler state`; did you mean 'list'?"),
        ("plan --taget=cs101", "unknown option '--taget'; did you mean '--target'?"),
        ("plan --environment staging", "did you mean '--env'?"),
        ("apply --auto", "did you mean '--auto-approve'?"),
        ("plan --format markdwn", "argument --format: invalid choice 'markdwn'; did you mean 'markdown'?"),
        ("plan --format pdf", "invalid choice 'pdf'; choose one of: text, json, markdown"),
        ("schema manifets", "did you mean 'manifest'?"),
        ("--chdr . plan", "unknown option '--chdr'; did you mean '--chdir'?"),
        ("--chdr=. plan", "unknown option '--chdr'; did you mean '--chdir'?"),
        ("--quiet --chdir . --verbse plan", "unknown option '--verbse'; did you mean '--verbose'?"),
        ("--env staging plan", "--env goes after the command, as in `reconciler plan --env`"),
        ("--in-doubt state list", "as in `reconciler state list --in-doubt`"),
        ("state --sid x resolve", "unknown option '--sid'"),
        ("explain one two", "unexpected argument 'two'"),
        ("state", "required: COMMAND"),
        ("state show", "required: ADDRESS"),
        ("--chdir", "argument --chdir: expected one argument"),
    ],
)
def test_a_mistyped_command_line_gets_what_was_meant(capsys, words: str, told: str) -> None:
    """Commands, options and values, wherever they stand: two lines, and the second says where to read on."""
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(words.split())
    assert ended.value.code == 1
    said = capsys.readouterr().err
    first, second = said.splitlines()
    assert told in first
    assert second.startswith("  see: reconciler")
