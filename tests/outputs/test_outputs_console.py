"""Consoles: what they are on, and how lines are broken, styled and cut on them."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.outputs.escapes import printable
from reconciler.outputs.text.console import Console, columns_of, fitted, put, put_panel, put_wrapped
from reconciler.outputs.text.explanation_text import print_explanation

WORDS = st.text(st.sampled_from("aB9 .-é\u2013…→✓\xd7\xa0名\u200d\ufe0f😀e\u0301"), max_size=60)


class Terminal(io.StringIO):
    """A file that a person watches."""

    def isatty(self) -> bool:
        """It is."""
        return True


@pytest.mark.parametrize(
    ("file", "environ", "is_terminal", "has_styles"),
    [
        (io.StringIO(), {}, False, False),
        (Terminal(), {}, True, True),
        (Terminal(), {"NO_COLOR": "1"}, True, False),
        (Terminal(), {"TERM": "dumb"}, True, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True, True),
    ],
)
def test_a_console_is_what_its_file_and_the_environment_say(file, environ, is_terminal, has_styles) -> None:
    """Styles are for terminals, and for whoever asks for them."""
    console = Console.on(file, environ, may_have_styles=True)
    assert (console.is_terminal, console.has_styles) == (is_terminal, has_styles)
    assert not Console.on(file, environ, may_have_styles=False).has_styles


def test_a_console_is_as_wide_as_its_terminal() -> None:
    """By the variable, else by the terminal itself, else as terminals usually are."""
    assert Console.on(io.StringIO(), {"COLUMNS": "33"}, may_have_styles=True).width == 33
    assert Console.on(io.StringIO(), {"COLUMNS": "wide"}, may_have_styles=True).width == 80
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb"), os.fdopen(follower, "w", encoding="utf-8") as terminal:
        assert Console.on(terminal, {}, may_have_styles=True).width == 80


@given(st.lists(WORDS, max_size=4), st.integers(25, 60), st.booleans())
def test_broken_lines_fit_and_lose_nothing(words, width, has_styles) -> None:
    """Wide, joined and combining characters included, and styles count for nothing."""
    console = Console(io.StringIO(), width=width, is_terminal=True, has_styles=has_styles)
    put_wrapped(console, *((word, "bold red") for word in words), indent=2, hanging=4)
    plain = console.file.getvalue().replace("\x1b[1;31m", "").replace("\x1b[0m", "")
    assert all(columns_of(line) <= width for line in plain.splitlines())
    assert "".join(plain.split()) == "".join("".join(map(printable, words)).split())


def test_a_line_that_is_cut_ends_its_styles() -> None:
    """What follows it looks as ever."""
    console = Console(io.StringIO(), width=6, is_terminal=True, has_styles=True)
    line = fitted(console, ("名前abcdef", "bold"))
    assert line == "\x1b[1m名前a\x1b[0m…"


def test_a_panel_is_as_wide_as_asked_for() -> None:
    """Whatever stands in it: but a command, which is copied, stays on one line."""
    console = Console(io.StringIO(), width=40, is_terminal=True)
    put_panel(
        console, "名前", "one two three four five six seven", ("名" * 30, "bold"), style="red", columns=30
    )
    lines = console.file.getvalue().splitlines()
    assert [columns_of(line) for line in (lines[0], lines[-1])] == [30, 30]
    assert all(line.startswith("│ ") and columns_of(line) <= 30 for line in lines[1:-1])
    assert lines[0].startswith("╭─ 名前 ─")
    put_panel(console, "x", "- Run `reconciler state rebind --api-url URL` to go on", style="red", columns=30)
    assert console.file.getvalue().splitlines()[len(lines) + 1 : -1] == [
        "│ - Run",
        "│   `reconciler state rebind --api-url URL`",
        "│   to go on",
    ]


def test_text_cannot_steer_a_console() -> None:
    """Its escapes are spelt out; those of styles are ours."""
    console = Console(io.StringIO(), is_terminal=True, has_styles=True)
    put(console, ("a\x1b[2J", "dim"))
    assert console.file.getvalue() == "\x1b[2ma\\x1b[2J\x1b[0m\n"


def test_an_explanation_is_laid_out() -> None:
    """Headings, paragraphs, lists, code, and the text of links."""
    markdown = (
        "# Rule\n\nOne **two**\nthree, see [page](x.md).\n\n- `a`: first\n- b\n\n```yaml\nk: v\n\nl: w\n```\n"
    )
    console = Console(io.StringIO(), is_terminal=True)
    print_explanation(markdown, console)
    assert console.file.getvalue() == (
        "Rule\n\nOne two three, see page.\n\n- a: first\n- b\n\n  k: v\n  \n  l: w\n"
    )
