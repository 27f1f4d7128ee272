"""Which names are suggested for a mistyped one."""

import pytest

from reconciler.model.words import nearest, suggestion


@pytest.mark.parametrize(
    ("word", "known", "found"),
    [
        ("cs10l", ["cs210", "cs101"], ["cs101", "cs210"]),
        ("csl0l", ["cs210", "cs101"], ["cs101", "cs210"]),
        ("b1", ["bl", "b2"], ["bl"]),
        ("phy5", ["phys", "phy6"], ["phys", "phy6"]),
        ("CS1O1", ["cs101"], ["cs101"]),
        ("cs102", ["cs101", "cs103"], ["cs103", "cs101"]),
        ("cs10", ["cs101", "cs102", "cs103", "cs104"], []),
        ("midtrem", ["midterm", "final"], ["midterm"]),
        ("zoology", ["cs101"], []),
        ("a" * 129, ["a" * 129], []),
    ],
)
def test_all_that_may_be_meant_are_named(word: str, known: list[str], found: list[str]) -> None:
    """Of names that are equally near all are named, one with a letter for a digit first; of many, none."""
    assert nearest(word, known) == found
    assert suggestion(word, known, "").count("'") == 2 * len(found)


def test_a_digit_for_a_letter_comes_first() -> None:
    """A tie is told as a choice, the twin first, whatever the order of the names."""
    for known in (["cs101", "cs210"], ["cs210", "cs101"]):
        assert suggestion("cs10l", known, "") == "did you mean 'cs101' or 'cs210'?"


def test_the_number_of_names_is_bounded() -> None:
    """Asked for three, it returns no more than ties of the third."""
    assert len(nearest("cs10", [f"cs10{end}" for end in "abcdefgh"], most=3)) == 0
    assert nearest("cs101", ["cs101a", "cs1", "xx"], most=3) == ["cs101a", "cs1"]
