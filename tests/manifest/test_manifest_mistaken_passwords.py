"""Passwords that stand for a secret and are none: refused, with the form that is a reference."""

from pathlib import Path

import pytest
from exam_workspace import MANIFEST, exam

from reconciler.model.declarations import Loaded
from reconciler.workspace import Workspace

GENERAL = (
    "Write `password: {fromEnv: EXAM_SECRET_NAME}`, or `{fromFile: PATH}` with a path below the secrets "
    "directory."
)
NAMED = "Write `password: {fromEnv: EXAM_SECRET_CS101_M1}`."


def validated(root: Path, password: str) -> Loaded:
    """What validation finds in a manifest with one exam and this password, as YAML."""
    block = f"\n    attempts: 1\n    password: {password}"
    text = MANIFEST.replace(" {attempts: 1, password: {fromEnv: EXAM_SECRET_CS}}", block)
    (root / "exams.yaml").write_text(text + exam("a"))
    return Workspace.open(root=root).validate()


@pytest.mark.parametrize(
    ("password", "hint"),
    [
        ("EXAM_SECRET_CS101_M1", NAMED),
        ("$EXAM_SECRET_CS101_M1", NAMED),
        ("${EXAM_SECRET_CS101_M1}", NAMED),
        ("'%EXAM_SECRET_CS101_M1%'", NAMED),
        ("'{{ EXAM_SECRET_CS101_M1 }}'", NAMED),
        ("'{fromEnv: EXAM_SECRET_CS101_M1}'", NAMED),
        ("{fromEnv: $EXAM_SECRET_CS101_M1}", NAMED),
        ("{env: EXAM_SECRET_CS101_M1}", NAMED),
        ("exam_secret_cs101_m1", NAMED),
        ("fromEnv EXAM_SECRET_CS101_M1", NAMED),
        ("{fromEnv:EXAM_SECRET_CS101_M1}", NAMED),
        ("{fromEnv EXAM_SECRET_CS101_M1}", NAMED),
        ("{fromEnv: exam_secret_cs101_m1}", NAMED),
        ("{fromEnv: exam-secret-cs101-m1}", NAMED),
        ("{fromEnv: EXAM-SECRET-CS101-M1}", NAMED),
        ("[fromEnv: EXAM_SECRET_CS101_M1]", NAMED),
        ("{fromEnv:tulip}", GENERAL),
        ("{fromFile:tulip}", GENERAL),
        ("{fromEnv: tulip_7}", GENERAL),
        ("{fromEnv: exam_secret_tulip 7}", GENERAL),
        ("fromEnv", GENERAL),
        ("fromFile tulip", GENERAL),
        ("EXAM_SECRET_tulip", GENERAL),
        ("${{ secrets.TULIP }}", GENERAL),
        ("'{{ tulip }}'", GENERAL),
        ("${tulip}", GENERAL),
        ("$MY_TULIP", GENERAL),
        ("'%TULIP%'", GENERAL),
        ("<tulip>", GENERAL),
        ("xxx", GENERAL),
        ("TODO", GENERAL),
    ],
)
def test_it_is_refused_at_its_key(tmp_path: Path, password: str, hint: str) -> None:
    """The hint names the variable if the password does, and nothing else of it is shown."""
    (only,) = validated(tmp_path, password).diagnostics
    assert (only.code, only.hint, str(only.severity.value)) == ("bad-secret", hint, "error")
    assert only.span is not None
    line = (tmp_path / "exams.yaml").read_text().splitlines()[only.span.start.line - 1]
    assert line[only.span.start.column - 1 :].startswith("password: ")
    assert "tulip" not in repr(only).lower()


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("{fromEnv:EXAM_SECRET_A}", "`: ` is missing behind `fromEnv`"),
        ("{fromFile exams/a}", "`: ` is missing behind `fromFile`"),
        ("fromFile exams/a", "a reference is written as text here, and would be the password itself"),
    ],
)
def test_what_is_wrong_in_a_reference_is_named(tmp_path: Path, password: str, message: str) -> None:
    """A space that is missing in it is told, not only the form."""
    (only,) = validated(tmp_path, password).diagnostics
    assert only.message.startswith(message)


@pytest.mark.parametrize(
    "password", ["tulip$7", "$UMMER2031", "a{b}c", "100%", "a<b>c", "xx", "not TODO yet"]
)
def test_an_odd_password_is_a_password(tmp_path: Path, password: str) -> None:
    """Signs within it make it no placeholder."""
    (only,) = validated(tmp_path, password).diagnostics
    assert only.code == "inline-secret"
