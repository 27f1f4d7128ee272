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


def syntax_excerpt(tmp_path, text):
    """The excerpt of the syntax error that is found in `text`."""
    (only,) = [found for found in findings(tmp_path, HEAD + text) if found.code == "syntax"]
    return only.excerpt


SLIP = "title: [x] y\n"


@pytest.mark.parametrize(
    "above",
    [
        "password: { fromEnv: EXAM_SECRET_A }\n",
        "password: {fromEnv: 'EXAM_SECRET_A'} # by IT\n",
        "password: { fromFile: cs101/final.txt }\n",
        "configuration: {password: {fromEnv: EXAM_SECRET_A}, duration: 3}\n",
        "password:\n  fromEnv: EXAM_SECRET_A\n",
        "password: hunter2xyz\n",
        "password: it's hunter2\n",
        'password: "hunter2\\"xyz" # note\n',
        "password: |\n  hunter2\n\n  xyz\n",
        "password: *code\n",
        "defaults: &all\n  type: Online\nexams:\n  a/b: {<<: *all, password: hunter2}\n",
        "# password: hunter2\n# xyz\n",
        "proctorNotes: the token is with IT\n",
        "".join(f"x{n}: y\n" for n in range(50_000)),
    ],
)
def test_a_line_that_no_secret_can_reach_is_shown(tmp_path, above):
    """Behind a password in any style, an anchor, and in a file of any size, the wrong line is shown."""
    assert syntax_excerpt(tmp_path, above + SLIP) == SLIP.rstrip()


def test_a_variable_that_a_section_names_is_shown(tmp_path):
    """A placeholder in a reference is no secret either."""
    line = '  configuration: {password: {fromEnv: "EXAM_SECRET_A_{section}"}, duration: 1h}'
    (found,) = [
        each for each in findings(tmp_path, f"{HEAD}defaults:\n{line}\n") if each.code == "wrong-type"
    ]
    assert found.excerpt == line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password: { fromEnv: EXAM_SECRET_A ]\n", "password: { fromEnv: EXAM_SECRET_A ]"),
        ("password: ( fromEnv: EXAM_SECRET_A )\n", "password: ( fromEnv: EXAM_SECRET_A )"),
        ("password: [x] hunter2\n", "password:"),
        ("password: { fromEnv: EXAM_SECRET_A } hunter2\n", "password: { fromEnv: EXAM_SECRET_A }"),
        ("password:\nhunter2\n", None),
        ("password: |\n  hunter2\n [x] y\n", None),
        ("title: &code [hunter2] x\nurl: y\npassword: *code\n", "title:"),
        ("url: &code\n  title: [hunter2] x\npassword: {a: *code}\n", None),
        ("accessode: 'hun\n  title: ter2' x\n", None),
        ("title: Exam: part 2\n", "title: Exam: part 2"),
        ("title: Exam, codeword: [hunter2] x\n", "title: Exam, codeword: [hunter2] x"),
        ("configuration: {codeword: [hunter2] x}\n", "configuration: {codeword:"),
        ("title: 'C:\\x' y\n", "title: 'C:\\x' y"),
        ('title: "\\x41" y\n', 'title: "'),
        ("title: [https://joe:hunter2@x.example] y\n", "title: [https://joe:"),
    ],
)
def test_a_line_is_shown_up_to_what_may_be_secret(tmp_path, text, shown):
    """The variable of a reference is no secret; what may go on a secret, or is in its anchor, is hidden."""
    assert syntax_excerpt(tmp_path, text) == shown


@pytest.mark.parametrize(
    "text", ["x: //" + ":" * 400_000 + "x", "x: " + "a" * 400_000, "x: " + "pass " * 80_000]
)
def test_a_long_line_is_shown_soon(tmp_path, text):
    """The time for an excerpt does not depend on the length of a hostile line."""
    assert syntax_excerpt(tmp_path, f"{text}\n{SLIP}") is not None
