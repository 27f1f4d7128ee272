"""What people type that would be lost, or sent by mistake: the words that they are told, and the excerpt."""

from pathlib import Path

import pytest
from exam_workspace import MANIFEST

from reconciler.workspace import Workspace

EXAM = """\
  cs/a:
    course: cs
    title: Quiz
    url: https://lms.example.edu/a
    configuration:
      examOpenDate: 2031-10-12T09:00
      examCloseDate: 2031-10-14T17:00
      password: { fromEnv: EXAM_SECRET_A }
      studentNotes: Bring a form
"""
QUOTE = "If it is, put the whole text in quotes."
SPACE = f"{QUOTE} If it is a comment, put a space behind the `#`."
COMMENT = "warning[lost-text]: YAML takes all from `#` on for a comment, not for a part of the text"
VARIABLE = (
    "error[bad-secret]: the name of a variable is written as text here, and would be the password itself"
)
NOT_FILLED = (
    "error[bad-secret]: a placeholder is written here, which nothing fills in: "
    "it would be the password itself"
)
REFERENCE = "Write `password: {fromEnv: EXAM_SECRET_A}`."
FORMS = (
    "Write `password: {fromEnv: EXAM_SECRET_NAME}`, or `{fromFile: PATH}` with a path below the secrets "
    "directory."
)
LEFT = "warning[placeholder]: {} holds a placeholder, {}"
FILL_IN = "Write what it stands for: nothing fills it in, so it would be sent as it is."
CASES = {
    "Quiz #3 Algebra": ("title: Quiz", 17, "title: Quiz #3 Algebra", COMMENT, SPACE),
    "Bring form #7": ("studentNotes: Bring a form", 32, "studentNotes: Bring form #7", COMMENT, SPACE),
    "&Lab Quiz": (
        "title: Quiz",
        12,
        "title: &Lab Quiz",
        "warning[lost-text]: YAML takes the word after `&` for an anchor, not for a part of the text",
        f"{QUOTE} If not, remove it: nothing refers to it.",
    ),
    "a variable's name": (
        "password: { fromEnv: EXAM_SECRET_A }",
        7,
        "password: EXAM_SECRET_A",
        VARIABLE,
        REFERENCE,
    ),
    "a shell's form": (
        "password: { fromEnv: EXAM_SECRET_A }",
        7,
        "password: ${EXAM_SECRET_A}",
        VARIABLE,
        REFERENCE,
    ),
    "a workflow's form": (
        "password: { fromEnv: EXAM_SECRET_A }",
        7,
        "password: ${{ secrets.A }}",
        NOT_FILLED,
        FORMS,
    ),
    "a template": (
        "title: Quiz",
        12,
        'title: "{{ name }} Quiz"',
        LEFT.format("title", "{{…}}"),
        FILL_IN,
    ),
    "a word": (
        "url: https://lms.example.edu/a",
        10,
        "url: https://lms.example.edu/TODO",
        LEFT.format("url", "TODO"),
        FILL_IN,
    ),
    "two merges": (
        "course: cs",
        5,
        "<<: {course: cs}\n    <<: {course: cs}",
        "error[duplicate-key]: the key '<<' is here twice; it is first in line 15, column 5",
        "Write one `<<: [*first, *second]`.",
    ),
}


@pytest.mark.parametrize(("written", "column", "typed", "said", "hint"), CASES.values(), ids=CASES)
def test_it_is_told(tmp_path: Path, written: str, column: int, typed: str, said: str, hint: str) -> None:  # noqa: PLR0913, PLR0917 - the parts of a row
    """One finding, at the value, with the remedy and the line; of a password the line ends at the colon."""
    text = (MANIFEST + EXAM).replace(written, typed)
    (tmp_path / "exams.yaml").write_text(text)
    (only,) = Workspace.open(root=tmp_path).validate().diagnostics
    assert (f"{only.severity.value}[{only.code}]: {only.message}", only.hint) == (said, hint)
    assert only.span is not None
    assert only.span.start.column == column
    line = text.splitlines()[only.span.start.line - 1]
    assert typed.splitlines()[-1] in line
    shown = line[: line.index(":") + 1] if only.code in {"bad-secret", "duplicate-key"} else line
    assert only.excerpt == shown
