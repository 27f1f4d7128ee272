"""Requests: secrets are found before anything is sent, all that are missing are named, none is shown."""

import os

import pytest
from applying_fakes import declaration

from reconciler.applying.requests import resolve_secrets, spaced_secrets
from reconciler.model.errors import SecretsUnavailable
from reconciler.model.secrets import EnvSecret, FileSecret, InlineSecret
from reconciler.secret_sources import Secrets


def source(tmp_path=None, **environment):
    """Secrets from `environment` and from files below `tmp_path`."""
    return Secrets(environment=environment, directory=tmp_path)


def test_a_resolved_request_hides_its_values():
    """Neither repr nor the declaration holds the secret."""
    (request,) = resolve_secrets([declaration("a")], source(EXAM_SECRET_X="hunter2"))
    assert b"hunter2" in request.body()
    assert "hunter2" not in repr(request)


def test_the_payload_is_not_touched_by_the_body():
    """Filling a secret in works on a copy."""
    declared = declaration("a")
    (request,) = resolve_secrets([declared], source(EXAM_SECRET_X="hunter2"))
    request.body()
    assert declared.payload["configuration"] == {"password": {"fromEnv": "EXAM_SECRET_X"}}


def test_all_missing_secrets_are_named_at_once():
    """One run tells the whole list, with the exam that needs each."""
    with pytest.raises(SecretsUnavailable) as caught:
        resolve_secrets([declaration("a"), declaration("b")], source())
    assert caught.value.references == (
        "a: configuration.password: EXAM_SECRET_X is not set",
        "b: configuration.password: EXAM_SECRET_X is not set",
    )
    assert "Type the value again" not in caught.value.hint


@pytest.mark.parametrize(
    "value",
    ["", "a\nb", "a\0b", "\ud800", "a\t", "tulip\n", "\ufeffa", "a\u200bb", "a\xa0", "\x7fa", "a\u2028"],
)
def test_a_value_that_cannot_be_a_password_is_refused_and_not_shown(value):
    """Empty, not text, or with a line break or another character that nobody sees: named, not quoted."""
    with pytest.raises(SecretsUnavailable) as caught:
        resolve_secrets([declaration("a")], source(EXAM_SECRET_X=value))
    assert "EXAM_SECRET_X" in caught.value.references[0]
    assert not value or value not in caught.value.references[0]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        *(
            (value, "is in quotes")
            for value in ('"tulip"', "'tulip'", "“tulip”", "„tulip“", "«tulip»", ' "tulip" ')
        ),
        *(
            (value, "holds a name")
            for value in ("EXAM_SECRET_X=tulip", "export MY_CODE = tulip", "password: tulip")
        ),
    ],
)
def test_what_surrounds_a_value_is_refused_before_anything_is_sent(value, said):
    """Quotes, and the name of the variable, belong to the syntax of another tool, and are not quoted."""
    with pytest.raises(SecretsUnavailable) as caught:
        resolve_secrets([declaration("a")], source(EXAM_SECRET_X=value))
    (told,) = caught.value.references
    assert told.startswith(f"a: EXAM_SECRET_X {said}")
    assert "tulip" not in told
    assert caught.value.hint == "Type the value again: alone, without a name or quotes. Nothing was sent."


@pytest.mark.parametrize(
    "value", ["'tis", 'a"', '"', "it's", "ABC=", "A=b", "tulip:7", "rock“n”roll", "a_b=c"]
)
def test_signs_in_a_value_are_sent(value):
    """A password may hold any sign."""
    (request,) = resolve_secrets([declaration("a")], source(EXAM_SECRET_X=value))
    assert request.values == (value,)


@pytest.mark.parametrize("value", [" a", "a ", "a b "])
def test_spaces_at_the_ends_are_told_of(value):
    """They are sent, since an access code may have them, and the exam and the variable are named."""
    requests = resolve_secrets([declaration("a")], source(EXAM_SECRET_X=value))
    assert list(spaced_secrets(requests)) == ["a: EXAM_SECRET_X"]
    assert not list(spaced_secrets(resolve_secrets([declaration("a")], source(EXAM_SECRET_X="a b"))))


@pytest.mark.parametrize(
    ("content", "value"), [(b"pw\n", "pw"), (b"pw", "pw"), (b"pw\r\n", "pw"), (b" p\n", " p")]
)
def test_a_file_gives_its_text_without_one_trailing_newline(tmp_path, content, value):
    """Editors end files with a newline that is not part of the password."""
    (tmp_path / "one").write_bytes(content)
    assert source(tmp_path).value_of(FileSecret("one")) == value


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * 70_000])
def test_a_file_that_holds_no_password_is_refused(tmp_path, content):
    """Empty, not text, or far too long; the error carries nothing of the content, not even in its causes."""
    (tmp_path / "one").write_bytes(content)
    with pytest.raises(LookupError, match="file one") as caught:
        source(tmp_path).value_of(FileSecret("one"))
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "path", ["../outside", "link", "sub/../../outside", "/etc/hostname", "absent", "folder"]
)
def test_nothing_outside_the_directory_is_read(tmp_path, path):
    """Neither dots, links nor absolute paths lead out of the secrets directory."""
    inside = tmp_path / "secrets"
    (inside / "folder").mkdir(parents=True)
    (tmp_path / "outside").write_text("treasure")
    (inside / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(LookupError) as caught:
        source(inside).value_of(FileSecret(path))
    assert "treasure" not in str(caught.value)


def test_a_pipe_is_not_waited_for(tmp_path):
    """A secret is a file; whoever waits for a pipe would wait under the lock."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LookupError, match="not a regular file"):
        source(tmp_path).value_of(FileSecret("pipe"))


def test_a_file_needs_the_directory():
    """Without --secrets-dir no file is read."""
    with pytest.raises(LookupError, match="--secrets-dir"):
        source().value_of(FileSecret("one"))


def test_inline_and_environment():
    """The other two kinds give their value as it is."""
    assert source().value_of(InlineSecret("pw ")) == "pw "
    assert source(EXAM_SECRET_Y=" x ").value_of(EnvSecret("EXAM_SECRET_Y")) == " x "
