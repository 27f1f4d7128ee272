"""Nothing that stands behind the key of a secret on its lines is in any output, whatever else is wrong."""

import json

import pytest
import zygote
from exam_workspace import MANIFEST, exam
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

COMMANDS = [
    *(
        ("validate", *strict, "--format", form)
        for form in ("text", "json", "github", "gitlab", "sarif", "junit")
        for strict in [("--strict",) if form in {"text", "sarif"} else ()]
    ),
    ("plan",),
    ("plan", "--format", "json"),
    ("plan", "--format", "markdown"),
    ("plan", "--format", "html"),
    ("plan", "--format", "csv"),
    ("plan", "--format", "ics"),
]
HEAD = MANIFEST.replace(", password: {fromEnv: EXAM_SECRET_CS}", "")
PIECE = 6
WORDS = st.text(alphabet="qxzjkvw", min_size=8, max_size=10)
"""Words that no output has by chance."""

KEYS = [
    *(
        "password",
        "Password",
        "PASSWORD",
        "pass word",
        "pass_word",
        "pass-word",
        "passcode",
        "passwrd",
        "pwd",
    ),
    *("pw", "pin", "accessCode", "access_code", "access code", "AccessKey", "secret", "token", "Passwort"),
    *("unlock", "opensWith", "exam lock", "p4ssw0rd", "credentials", "quizPw", "kennwort", "passphrase"),
]
"""`unlock` and the like are no words for a secret: their values are not shown because nobody knows them."""
ANNOUNCED = [key for key in KEYS if key not in {"unlock", "opensWith", "exam lock", "quizPw"}]

PARSED = [
    "{key}: {one} {two}",
    "{key}: {one} #{two}",
    "{key}: {one} # {two}",
    '{key}: "{one} \\x41 {two}"  # {one}',
    "'{key}': '{one}, ''{two}'''",
    "? {key}\n: {one} {two}",
    "? {key}\n:\n  {one}\n\n  {two}",
    "{key}: |\n  {one}\n  {two}",
    "{key}: >-\n  {one} # {two}",
    "{key}:\n  {one}\n  {two} # {one}",
    "{key}: [{one}, {two}]",
    "{key}:\n- {one}\n- 1: {two}\n  0: {one}",
    "{key}:\n  {one}: 1\n  {one}: {two}",
    "{key}: {{{one}: {two}}}",
    "{key}: {{fromEnv: {one}}}  # {two}",
    "{key}: {{fromEnv: EXAM_SECRET_CS}}  # {two}",
    "{key}: {{fromFile: /{one}/{two}}}",
    "{key}:\n  fromEnv: EXAM_SECRET_CS # {two}",
    "{key}: {{fromEnv: EXAM_SECRET_CS, {one}: {two}}}",
    "{key}: &a {one}\nproctorNotes: *a",
    "{key}: {one}\n{key}: {two}",
    "{key}: *{one}",
    "{key}: !{one} {two}",
    "{key}: {one} # reconciler: ignore[{two}] as agreed",
    "{key}:{one}{two}: 1",
    "proctorNotes: &a {one}\n{key}: *a",
    "<<: {{{key}: {one}, duraton: 3}}\nattempts: 2",
]
BROKEN = [
    "{key}:{one}",
    "{key} = {one}",
    "{key}: {one}: {two}",
    "{key}: '{one}",
    '{key}: "{one}\n  {two}',
    "{key}: {{fromEnv: {one}",
    "{key}: [{one}, {two}",
    "{key}: @{one}",
    "{key}: {one}\n   nope: {{",
    "{key}: |\n  {one}\n {two}: [",
]
NEIGHBOURS = ["", "duration: 90", "duraton: 90", "duration: soon", "examOpenDate: 2031-02-30T09:00", "1: 2"]
INDENT = " " * 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A workspace with an empty state."""
    made = tmp_path_factory.mktemp("workspace")
    state = {
        "formatVersion": 1,
        "lineage": "6f1c0a52-6f3c-4e3a-8f0e-2b6f7c1d9e01",
        "serial": 0,
        "exams": {},
        "intents": {},
    }
    (made / "exams.state.json").write_text(json.dumps(state))
    return made


@pytest.fixture(autouse=True)
def no_workspace_file(folder):
    """What a test has written beside the manifest is gone for the next one."""
    yield
    (folder / "reconciler.yaml").unlink(missing_ok=True)


def indented(text, by=INDENT):
    """`text` with each line indented."""
    return "".join(f"{by}{line}\n" for line in text.splitlines())


def leaked(words, printed):
    """The pieces of `words` that are in `printed`, in any case."""
    pieces = {word[at : at + PIECE] for word in words for at in range(len(word) - PIECE + 1)}
    return [piece for piece in pieces if piece in printed.casefold()]


def printed_of(folder, text, commands=COMMANDS):
    """All that `commands` say of the manifest `text`."""
    (folder / "exams.yaml").write_text(text, newline="")
    variables = {"COLUMNS": "200", "HOME": str(folder), "PATH": "/usr/bin:/bin"}
    printed = ""
    for command in commands:
        done = zygote.run(*command, cwd=folder, env=variables)
        assert done.returncode in {0, 1}
        assert "Traceback" not in done.stderr
        printed += done.stdout + done.stderr
    return printed


@settings(max_examples=100, phases=[Phase.reuse, Phase.generate])
@given(data=st.data(), one=WORDS, two=WORDS)
def test_no_output_holds_what_stands_behind_the_key_of_a_secret(folder, data, one, two):
    """Neither the value nor a comment, in whatever style, spelling and place, whatever is wrong."""
    is_broken = data.draw(st.booleans())
    key = data.draw(st.sampled_from(ANNOUNCED if is_broken else KEYS))
    entry = data.draw(st.sampled_from(BROKEN if is_broken else PARSED)).format(key=key, one=one, two=two)
    before, after = data.draw(st.sampled_from(NEIGHBOURS)), data.draw(st.sampled_from(NEIGHBOURS))
    block = indented(f"{before}\n{entry}\n{after}\n").replace(
        "\n", data.draw(st.sampled_from(["\n", "\r\n"]))
    )
    place = data.draw(st.sampled_from(["configuration", "exam", "defaults", "top", "base", "workspace"]))
    declared = exam("a")
    if place == "configuration":
        text = HEAD + declared.replace("    configuration: {", "    configuration:\n" + block).replace(
            "}", ""
        )
        text = text.replace(
            "examOpenDate: 2031-10-12T09:00, examCloseDate: 2031-10-14T17:00, duration: 90", ""
        )
    elif place == "exam":
        text = HEAD + declared + block.replace(INDENT, "    ")
    elif place == "base":
        (folder / "_base.yaml").write_text("defaults:\n" + block.replace(INDENT, "  "))
        text = "extends: [_base.yaml]" + HEAD + declared
    elif place == "workspace":
        text = HEAD + declared
    else:
        held = block.replace(INDENT, "  " if place == "defaults" else "")
        text = HEAD.replace("exams:\n", f"{held}exams:\n") + declared
    held = f"environments:\n  a:\n{block}" if place == "workspace" else ""
    (folder / "reconciler.yaml").write_text(f"version: 1\n{held}")
    commands = data.draw(st.lists(st.sampled_from(COMMANDS), min_size=2, max_size=2, unique=True))
    assert leaked([one, two], printed_of(folder, text, commands)) == [], text


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("password: correct horse #battery-staple", "password:"),
        ("password: {fromEnv: OTHER_NAME}", "password:"),
        ("accessCode: tulip", "accessCode:"),
        ("pass word: tulip", "pass word:"),
        ("unlock: tulip", "unlock:"),
        ("'opens with' : {at: nine}", "'opens"),
        ("duraton: {password: {fromEnv: EXAM_SECRET_CS}} # tulip", "duraton:"),
        ("? unlock", "? unlock"),
        ("unlock:tulip: 1", "unlock:"),
        ("unlock=tulip: 1", "unlock"),
    ],
)
def test_an_excerpt_ends_at_the_colon(folder, line, shown):
    """Of a password and of an unknown field the key is shown, and nothing of the value."""
    text = HEAD + exam("a").replace("    title", f"    {line}\n    title") + "    configuration:\n"
    (folder / "exams.yaml").write_text(text.replace("    configuration:\n", ""))
    out = zygote.run("validate", cwd=folder, env={"COLUMNS": "200"}).stdout
    assert f" |     {shown}\n" in out


def test_a_complete_reference_is_shown_and_nothing_behind_it(folder):
    """What is wrong before it on its line has an excerpt that ends with the reference."""
    line = (
        "    duraton: 3\n    configuration: {examOpenDate: 1, password: {fromEnv: EXAM_SECRET_CS}} # tulip\n"
    )
    (folder / "exams.yaml").write_text(HEAD + exam("a").rpartition("    configuration")[0] + line)
    out = zygote.run("validate", cwd=folder, env={"COLUMNS": "200"}).stdout
    assert "password: {fromEnv: EXAM_SECRET_CS}}\n" in out
    assert "tulip" not in out


def test_a_field_behind_a_secret_is_not_named(folder):
    """In brackets a comma ends a password without quotes: its rest reads like a field, and is none."""
    text = HEAD + exam("a", password="correct, horse: battery")
    printed = printed_of(folder, text)
    assert "horse" not in printed
    assert "on a line of its own" in printed


@pytest.mark.parametrize("name", ["passport-quiz", "secret-history", "tokens"])
def test_an_exam_may_be_named_like_a_secret(folder, name):
    """Its fields are shown like those of any other."""
    text = HEAD + exam("a").replace("cs/a", name).replace("    title", "    type: Onlin\n    title")
    (folder / "exams.yaml").write_text(text)
    out = zygote.run("validate", cwd=folder, env={"COLUMNS": "200"}).stdout
    assert "|     type: Onlin\n" in out
    assert "'Onlin' is not allowed for 'type'" in out


@pytest.mark.parametrize("url", ["https://alice:tulipan@lms.example.edu", "http://a:tulipan@[bad"])
def test_a_password_in_a_url_is_not_shown(folder, url):
    """A URL with a user and a password announces that, in a field that has nothing to do with secrets."""
    (folder / "reconciler.yaml").write_text(f"version: 1\nenvironments: {{a: {{installSid: '{url}'}}}}\n")
    assert leaked(["tulipan"], printed_of(folder, HEAD + exam("a"))) == []
