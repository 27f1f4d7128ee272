"""No secret is part of what is said about a manifest."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.manifest.loader import load
from reconciler.manifest.redaction import announces_secret
from reconciler.model.destination import Environment

CANARY = "hunter2Xy"
LEAKS = [
    f"exams: {{a: {{configuration: {{password: {CANARY}, nope: 1}}}}}}\n",
    f"exams: {{a: {{configuration: {{pasword: {CANARY}}}}}}}\n",
    f"exams: {{a: {{configuration: {{passwrod: {CANARY}}}}}}}\n",
    f"exams: {{a: {{passphrase: [{CANARY}]}}}}\n",
    f"exams: {{a: {{configuration: {{password: {{fromEnv: {CANARY}}}}}}}}}\n",
    f"exams: {{a: {{configuration: {{password: {{{CANARY}: 1}}}}}}}}\n",
    f"exams: {{a: {{type: &p {CANARY}, configuration: {{password: *p}}}}}}\n",
    f"exams: {{a: {{configuration: {{password: x, password: {CANARY}}}}}}}\n",
    f"exams: {{a: {{configuration: {{password: !tag {CANARY}}}}}}}\n",
    f"exams: {{a: {{configuration: {{<<: {{password: {CANARY}, bad: 1}}, password: x}}}}}}\n",
    f"exams:\n  a:\n    configuration:\n      password: |\n        {CANARY}\n      bad: 1\n",
    f"exams:\n  a:\n    configuration:\n      password: [\n        {CANARY}\n",
    f'exams:\n  a:\n    configuration:\n      password: "\n        {CANARY}\n',
    f"exams:\n  a:\n    configuration:\n      password: {CANARY}: x\n",
    f"exams:\n  a:\n    configuration:\n      password:\n        {CANARY}: : x\n",
    f"exams:\n  a:\n    configuration:\n      password: *{CANARY}\n",
    f'"p\\x61ssword": "{CANARY}\n',
    f"? password\n: {CANARY}\n  : x: y\n",
    f"password: {CANARY}\x07\n",
    f"password: {CANARY}\n---\na: 1\n",
    f"x: &a {CANARY}\npassword: *a\nb: [\n",
    f"exams: {{a: {{configuration: {{password: &p {CANARY}}}}}}}\nmoved: [{{from: *p, to: b}}]\n",
    f"exams: {{a: {{configuration: {{password: &p {CANARY}}}}}, *p : {{}}}}\nremoved: [{{exam: *p}}]\n",
    f"exams: {{a: {{configuration: {{password: &p {CANARY}}}, sections: {{*p : {{}}}}}}}}\n",
    f"password: 'x\n{CANARY} [' ]\n",
]


def said(root: Path, text: str) -> str:
    """Everything that is said about `text`."""
    (root / "exams.yaml").write_text(text, encoding="utf-8")
    loaded = load([], root=root, environment=Environment())
    assert loaded.diagnostics
    return repr(loaded)


@pytest.mark.parametrize("text", LEAKS)
def test_a_secret_is_never_said(tmp_path: Path, text: str) -> None:
    """Wherever a password stands, and whatever else is wrong, no finding shows it."""
    assert CANARY not in said(tmp_path, text)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), leak=st.sampled_from(LEAKS))
def test_a_secret_is_never_said_of_a_damaged_file(tmp_path: Path, data: st.DataObject, leak: str) -> None:
    """Characters put in anywhere but in a key or the secret itself do not make it shown."""
    place = data.draw(st.integers(min_value=leak.index(CANARY) + len(CANARY), max_value=len(leak)))
    noise = data.draw(st.text(alphabet="\n\t :{}[]\"'*&!#-|>ab", max_size=6))
    said_of_it = said(tmp_path, leak[:place] + noise + leak[place:] + "\nzz: [\n")
    assert CANARY not in said_of_it


def test_an_innocent_line_is_shown(tmp_path: Path) -> None:
    """Masking does not swallow lines without secrets, also in a file that cannot be parsed."""
    (tmp_path / "exams.yaml").write_text("version: 1\npassword: abcd\nexams: [\n  title: [y] z\n")
    found = load([], root=tmp_path, environment=Environment()).diagnostics
    assert "  title: [y] z" in [each.excerpt for each in found]


@pytest.mark.parametrize(
    "key", ["password", "Passwort", "PWD", "clientSecret", "pasword", "passwrod", "psswd"]
)
def test_keys_that_announce_a_secret(key: str) -> None:
    """Spellings and misspellings of a password's key are recognised."""
    assert announces_secret(key)


@pytest.mark.parametrize("key", ["title", "duration", "proctorNotes", "keyword"])
def test_keys_that_announce_none(key: str) -> None:
    """Ordinary fields are not taken for secrets."""
    assert not announces_secret(key)


def test_echoed_values_are_short_and_printable(tmp_path: Path) -> None:
    """A long value is cut, and what would steer a terminal is escaped."""
    text = 'exams: {"' + "x" * 500 + '": {}, "\\u202Eevil": {}}\n'
    messages = said(tmp_path, text)
    assert "x" * 100 not in messages.replace("excerpt", "").split("cannot be an address")[0][-90:]
    assert "\u202e" not in messages
