"""Text from outside: tamed, it can be encoded, stored and shown, whatever it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.outside_text import tamed


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 40))
def test_tamed_text_is_short_printable_and_encodable(text, most):
    """Half characters included; and taming it again changes nothing."""
    made = tamed(text, most=most)
    assert len(made) <= most
    assert made.isprintable()
    made.encode()
    assert tamed(made, most=most) == made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("René on lab-3", "René on lab-3"),
        ("exam\ud83d", "exam\ufffd"),
        ("Ren\udce9", "Ren\ufffd"),
        ("two\r\n  lines\t", "two lines"),
        ("\x1b[31mred\x07", "\ufffd[31mred\ufffd"),
        ("right\u202eleft\u200b", "right\ufffdleft\ufffd"),
    ],
)
def test_what_cannot_be_shown_is_replaced(text, made):
    """What can be stays as it is."""
    assert tamed(text) == made
