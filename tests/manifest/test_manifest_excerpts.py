"""Excerpts and characters: what a quoted line must not show, and what a text must not hold."""

import pytest

from reconciler.manifest.loader import load
from reconciler.model.destination import Environment

HEAD = "version: 1\ninstallSid: AI1234567890abcdef1234567890abcdef\n"


def findings(tmp_path, text):
    """What loading `text` finds."""
    (tmp_path / "exams.yaml").write_bytes(text.encode())
    return load(["exams.yaml"], root=tmp_path, environment=Environment()).diagnostics


@pytest.mark.parametrize(
    "text",
    [
        "defaults: {configuration: [password, hunter2xyz]}\n",
        "defaults:\n  configuration: 'password: hunter2xyz'\n",
        "defaults:\n  configuration:\n    duraton: 3 # password: hunter2xyz\n",
        "defaults:\n  configuration:\n    ? [password, hunter2xyz]\n    : 1\n",
    ],
)
def test_a_password_outside_its_key_is_not_quoted(tmp_path, text):
    """A line that speaks of a password in a comment, a list or a quoted mapping is not shown."""
    found = findings(tmp_path, HEAD + text)
    assert found
    assert "hunter2xyz" not in repr(found)


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("line", ["# a{}b\n", 'x: "a{} b"\n', "x: a{}b\n"])
def test_foreign_line_breaks_are_refused_where_they_stand(tmp_path, character, line):
    """They break a line to our parser and not to YAML 1.2, so the text would not mean what it shows."""
    (found,) = findings(tmp_path, HEAD + line.format(character))
    assert found.code == "encoding"
    assert f"U+{ord(character):04X}" in found.message
    assert found.span is not None
    assert (found.span.start.line, found.span.start.column) == (3, line.index("{") + 1)
