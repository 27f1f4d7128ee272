"""Plain text: byte for byte what rich writes where there is neither a terminal nor colour."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from test_outputs_golden import TEXTS

from reconciler.outputs.escapes import printable
from reconciler.outputs.plain import PlainConsole, columns_of, is_narrow, wrapped
from reconciler.outputs.terminal import put_fitted, put_labelled, put_wrapped

WORDS = st.text(st.sampled_from("aB9 .-é\u2013…→✓\xd7\xa0名\u200d\ufe0f😀"), max_size=60) | st.text(
    max_size=40
)


def on_file(width: int = 80) -> PlainConsole:
    """A console on a string."""
    return PlainConsole(io.StringIO(), {"COLUMNS": str(width)})


def of_rich(width: int = 80) -> Console:
    """The console that rich makes of the same."""
    return Console(
        file=io.StringIO(), width=width, force_terminal=False, color_system=None, markup=False, emoji=False,
        highlight=False, _environ={},
    )  # fmt: skip


def written(console) -> str:
    """What stands on either."""
    return console.file.getvalue()


@given(WORDS)
def test_columns_are_those_that_rich_counts(text: str) -> None:
    """What is taken to be narrow is one column a character, and all else is measured."""
    assert columns_of(printable(text)) == cell_len(printable(text))


def test_every_narrow_character_is_one_column() -> None:
    """The tables of rich say so too."""
    narrow = [chr(code) for code in range(0x20, 0x3000) if is_narrow(chr(code)) and chr(code).isprintable()]
    assert len(narrow) > 500
    assert {cell_len(character) for character in narrow} == {1}


@given(WORDS, st.integers(1, 40))
def test_lines_break_where_rich_breaks_them(text: str, width: int) -> None:
    """Wherever they are broken here at all."""
    lines = wrapped(printable(text), width)
    if lines is not None:
        theirs = Text(printable(text)).wrap(of_rich(), width)
        assert [line.rstrip() for line in lines] == [line.plain.rstrip() for line in theirs]


def test_usual_text_is_broken_here() -> None:
    """Nothing need be loaded for sentences of ours."""
    assert wrapped("one two \u2013 three … four", 9) == ["one two \u2013 ", "three … ", "four"]
    assert wrapped("", 9) == [""]
    assert wrapped("longer-than-that x", 9) is None
    assert wrapped("名前", 9) is None


@given(WORDS, WORDS, st.integers(20, 50), st.integers(0, 5), st.integers(0, 5))
def test_every_kind_of_line_is_the_same(one: str, other: str, width: int, indent: int, hanging: int) -> None:
    """Whatever it holds."""
    plain, rich = on_file(width), of_rich(width)
    for console in (plain, rich):
        put_wrapped(console, (one, "bold"), " ", other, indent=indent, hanging=hanging)
        put_labelled(console, "label", other, (one, "dim"), indent=indent, label_width=8)
        put_fitted(console, one, other)
    theirs = io.StringIO()
    layout = Console(file=theirs, width=200, force_terminal=False, color_system=None)
    for number, line in enumerate(Text(printable(f"{one} {other}")).wrap(layout, 120 - max(indent, hanging))):
        line.rstrip()
        theirs.write(" " * (hanging if number else indent) + line.plain + "\n")
    assert written(plain) == written(rich)
    assert written(plain).startswith(theirs.getvalue())


@pytest.mark.parametrize("case", TEXTS)
def test_every_golden_case_is_the_same(case: str) -> None:
    """Plans, reports, findings, errors and states."""
    plain, rich = on_file(), of_rich()
    TEXTS[case](plain)
    TEXTS[case](rich)
    assert written(plain) == written(rich)
    assert written(plain)


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=200))
def test_sentences_of_the_command_line_are_the_same(text: str) -> None:
    """Broken or not."""
    plain, rich = on_file(), of_rich()
    for console in (plain, rich):
        console.print(text, soft_wrap=True)
        console.print(text, style="dim")
    assert written(plain) == written(rich)


class Terminal(io.StringIO):
    """A file that a person watches."""

    def isatty(self) -> bool:
        """It is."""
        return True


def test_a_terminal_and_what_asks_for_colour_are_left_to_rich() -> None:
    """A closed stream too."""
    assert PlainConsole.on(io.StringIO(), {"NO_COLOR": "1"}) is not None
    assert PlainConsole.on(Terminal(), {}) is None
    assert PlainConsole.on(None, {}) is None
    assert PlainConsole.on(io.StringIO(), {"FORCE_COLOR": "1"}) is None
    assert PlainConsole.on(io.StringIO(), {"TTY_COMPATIBLE": "1"}) is None


@pytest.mark.parametrize("environ", [{}, {"COLUMNS": "33"}, {"COLUMNS": "wide"}, {"COLUMNS": ""}])
def test_it_is_as_wide_as_rich_takes_it_to_be(environ: dict[str, str]) -> None:
    """By the variable, by a terminal nearby, or as terminals usually are."""
    assert PlainConsole(io.StringIO(), environ).width == Console(file=io.StringIO(), _environ=environ).width
