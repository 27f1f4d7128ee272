"""Half characters in states, journals and recovery files: read as U+FFFD, whatever stands around them."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from json_cases import VALUES, answer, whole

from reconciler.state import strict_json


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r"cut\ud83d", "cut\ufffd"),
        (r"\uD83D\uDE00", "\U0001f600"),
        (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (r"\ude00\ud83d", "\ufffd\ufffd"),
        (r"\\ud83d", r"\ud83d"),
        (r"\\\ud83d\"", '\\\ufffd"'),
        (r"\u00e9\ud7ff\ue000", "\u00e9\ud7ff\ue000"),
    ],
)
def test_half_a_character_is_replaced(text, read):
    """Both halves together are one character, and a backslash that is meant is no escape."""
    assert strict_json.decode_json(f'["{text}"]'.encode()) == [read]


@given(VALUES)
@example(["\ud83d", {"\ude00": "\\ud83d"}])
def test_what_is_read_can_be_encoded(value):
    """Keys included; all else is what it was."""
    if "NaN" in (text := json.dumps(value)) or "Infinity" in text:
        return
    found = strict_json.decode_json(text.encode())
    assert repr(found) == repr(whole(json.loads(text)))
    assert json.dumps(found, ensure_ascii=False).encode()


@pytest.mark.parametrize("data", [rb'["\ud8""]', rb'["\ud83"]', rb'["\ud83d]', rb'{"a\ud83d":1,"a\ude00":1}'])
def test_a_damaged_text_is_not_mended(data):
    """What was refused before is."""
    assert answer(strict_json.decode_json, data).startswith("refused")


@given(st.text(alphabet='\\ud83DEe0"[],x', max_size=24))
def test_whether_a_text_is_json_is_as_before(text):
    """No escape that is cut or misspelt is taken for another."""
    data = f'["{text}"]'
    try:
        expected = repr(whole(json.loads(data)))
    except ValueError:
        assert answer(strict_json.decode_json, data.encode()).startswith("refused")
    else:
        assert answer(strict_json.decode_json, data.encode()) == expected
