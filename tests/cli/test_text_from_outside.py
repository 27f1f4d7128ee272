"""Text from outside, end to end: no name, file or answer of others makes a traceback, or a state unusable."""

import json
import zlib
from pathlib import Path

import pytest
import zygote
from exam_workspace import Workspace
from raw_server import raw_server

from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

LINEAGE = "0b0e8f9e-55f6-4b52-8f0c-3a3f1f1b8c11"
SID = "EX" + "ab" * 16
HALF = "cut\ud83d"  # cut inside an emoji
LATIN = "Ren\udce9"  # what os.environ gives for a byte that is not UTF-8
MOMENT = "2031-01-01T00:00:00.000Z"
DEAD = "http://127.0.0.1:9"


@pytest.fixture
def workspace(tmp_path):
    """A workspace of three exams without a state."""
    made = Workspace(tmp_path)
    made.declare("a", "b", "n")
    made.variables["RECONCILER_STATE_KEY"] = "k" * 40
    return made


@pytest.fixture
def run(workspace):
    """Runs a command in the workspace: what it printed, once it exited as expected."""

    def run(*arguments, expect=0, **more):
        done = zygote.run(*arguments, cwd=workspace.root, env=workspace.environment() | more)
        printed = done.stdout + done.stderr
        assert (done.returncode, "Traceback" in printed) == (expect, False), printed
        return printed

    return run


def line(**document):
    """A line of a journal as the first version wrote it: half characters and all."""
    text = json.dumps(document, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def intent(attempt, title):
    """An intent that the first version wrote on a machine whose user has a name in Latin-1."""
    return {
        "attempt": attempt,
        "digest": "sha256:" + "0" * 64,
        "installSid": "AI" + "1" * 32,
        "courseSid": "CU" + "2" * 32,
        "payload": {"title": title},
        "startedAt": MOMENT,
        "by": LATIN,
    }


def leave_behind(root, title):
    """State, journal and recovery file of the first version: cs/m exists; cs/a and cs/b are in doubt."""
    made = {key: intent("t", title)[key] for key in ("digest", "installSid", "courseSid", "payload")}
    answer = {"status": 500, "reason": HALF, "requestId": LATIN}
    settled = {"address": "cs/q", "attempt": "t7", "sid": "EX" + "7" * 32, "at": MOMENT, "by": LATIN}
    state = {
        "formatVersion": 1,
        "lineage": LINEAGE,
        "serial": 3,
        "exams": {"cs/m": made | {"sid": "EX" + "5" * 32, "createdAt": MOMENT}},
        "intents": {"cs/b": intent("t9", title) | {"answer": answer}},
        "resolutions": [settled | {"how": "resolve --sid"}],
    }
    (root / "exams.state.json").write_text(json.dumps(state))
    head = {"number": 0, "formatVersion": 1, "lineage": LINEAGE, "serial": 3}
    journal = [
        line(type="journal", **head),
        line(number=1, address="cs/a", type="intent", intent=intent("t1", title)),
        line(number=2, address="cs/a", type="in-doubt", attempt="t1", answer=answer),
    ]
    (root / "exams.state.json.journal").write_bytes(b"".join(journal))
    recovery = [
        line(type="recovery", state=f"file:{LATIN}", **head),
        line(number=1, address="cs/b", type="failed", attempt="t9", status=400, reason=HALF, at=MOMENT),
    ]
    folder = root / ".reconciler" / "recovery"
    folder.mkdir(parents=True)
    for file in (folder / "run.recovery", root / "copy.recovery"):
        file.write_bytes(b"".join(recovery))


@pytest.mark.parametrize("title", ["Exam a", f"Exam {HALF}"], ids=["names", "payloads-too"])
@pytest.mark.parametrize(
    ("arguments", "expect"),
    [
        (("plan",), 0),
        (("plan", "--format", "json"), 0),
        (("plan", "--format", "markdown"), 0),
        (("plan", "--format", "html"), 0),
        (("show",), 0),
        (("state", "list", "--format", "json"), 0),
        (("state", "show", "cs/a"), 0),
        (("state", "show", "cs/q", "--format", "json"), 0),
        (("state", "pull"), 0),
        (("resolve", "cs/a", "--absent"), 0),
        (("resolve", "cs/b", "--sid", SID), 0),
        (("import", "cs/b", SID), 0),
        (("import", "cs/n", SID), 0),
        (("state", "mv", "cs/m", "cs/z"), 0),
        (("state", "rm", "cs/m"), 0),
        (("state", "recover", "copy.recovery"), 0),
        (("state", "encrypt"), 0),
        (("state", "rebind", "--api-url", DEAD), 0),
        (("unlock",), 0),
        (("init", "--migrate-from", "file:exams.state.json", "--state", "file:new.json"), 0),
        (("apply", "--auto-approve", "--api-url", DEAD, "--retry-timeout", "0"), 3),
    ],
    ids=lambda value: "-".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_what_the_first_version_left_behind_can_be_used(run, workspace, arguments, expect, title):
    """Read, folded, planned, applied to, and mended by every command, and then read again by the next."""
    leave_behind(workspace.root, title)
    run(*arguments, expect=expect, LOGNAME=LATIN)
    state = "file:new.json" if "init" in arguments else "file:exams.state.json"
    assert "cs/q" in run("state", "pull", "--state", state)


def test_a_push_takes_half_characters_away(run, workspace):
    """A copy of an old state, pulled by an old version, is pushed over it."""
    leave_behind(workspace.root, f"Exam {HALF}")
    run("resolve", "cs/a", "--absent")
    pulled = json.loads((workspace.root / "exams.state.json").read_text())
    pulled["serial"] += 1
    pulled["intents"]["cs/b"]["by"] = LATIN
    (workspace.root / "copy.json").write_text(json.dumps(pulled))
    run("state", "push", "copy.json")
    assert workspace.state["intents"]["cs/b"]["by"] == "Ren\ufffd"


def test_answers_that_were_cut_inside_a_character_are_folded(run, workspace):
    """A proxy cuts a message; the exam is in doubt, and the next command reads the state."""
    run("init")
    body = b'{"message":"cut\\ud83d"}'
    answer = b"HTTP/1.1 500 Oops\r\nx-request-id: cut\xe9\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)

    def converse(conversation):
        conversation.read_request()
        conversation.send(answer)

    with raw_server(converse) as server:
        run("apply", "--auto-approve", "--api-url", server.url, expect=3, LOGNAME=LATIN)
    assert set(workspace.state["intents"]) == {"cs/a", "cs/b", "cs/n"}
    assert {intent["by"].partition("@")[0] for intent in workspace.state["intents"].values()} == {"Ren\ufffd"}
    run("resolve", "cs/a", "--absent")


@pytest.mark.parametrize(
    "variables",
    [
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": LATIN,
            "GITHUB_REPOSITORY": "a\nb",
            "GITHUB_RUN_ID": "1" * 999,
        },
        {
            "GITLAB_CI": "true",
            "GITLAB_USER_LOGIN": "\x1b[31m",
            "CI_PROJECT_PATH": LATIN,
            "CI_JOB_ID": "\u202e",
        },
        {"LOGNAME": LATIN * 1000},
        {"LOGNAME": "Ren\u00e9\tof the lab"},
    ],
    ids=["github", "gitlab", "long", "blanks"],
)
def test_whoever_runs_it_is_named_in_state(run, workspace, variables):
    """On one line, printable and short, whatever the machine or the pipeline says."""
    run("init")
    with running(Settings(port=0)) as sandbox:
        sandbox.misbehave("drop-after")
        run("apply", "--auto-approve", "--api-url", sandbox.url, expect=3, **variables)
    named = [intent["by"] for intent in workspace.state["intents"].values()]
    assert all(by.isprintable() and by.encode() and len(by) < 700 for by in named)
    assert named


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "--env", LATIN),
        ("plan", "--state", LATIN),
        ("plan", "--state", f"file:{LATIN}"),
        ("init", "--state", f"file:{LATIN}"),
        ("plan", "--state", f"{DEAD}/{LATIN}"),
        ("plan", "--state", f"s3://bucket/{LATIN}"),
        ("plan", "--state", f"git+file:{LATIN}"),
        ("plan", "--chdir", LATIN),
        ("state", "rebind", "--api-url", f"https://api.example.edu/{LATIN}"),
        ("apply", "--auto-approve", "--api-url", f"https://api.example.edu/{LATIN}"),
        ("plan", "--target", LATIN),
        ("plan", LATIN),
        ("validate", f"{LATIN}*", "--format", "json"),
        ("show", LATIN),
        ("state", "show", LATIN),
        ("state", "mv", "cs/a", LATIN),
        ("state", "rm", LATIN),
        ("state", "recover", LATIN),
        ("import", "cs/a", LATIN),
        ("resolve", LATIN, "--absent"),
        ("resolve", "cs/a", "--sid", LATIN),
        ("unlock", LATIN),
        ("explain", LATIN),
        ("apply", "--auto-approve", "--api-url", LATIN),
        ("apply", "--auto-approve", "--api-url", f"https://{LATIN}"),
        ("apply", "--auto-approve", "--api-url", DEAD, "--token-file", LATIN),
        ("apply", "--auto-approve", "--api-url", DEAD, "--expect", LATIN),
        ("apply", "--auto-approve", "--api-url", DEAD, "--secrets-dir", LATIN),
        (LATIN,),
    ],
    ids=" ".join,
)
def test_an_argument_that_is_not_utf8_gets_an_answer(run, workspace, arguments):
    """It is named as it can be, and nothing is made that is called so."""
    run("init")
    said = run(*arguments, expect=1)
    assert "error" in said or "failed" in said
    assert not [path for path in workspace.root.rglob("*") if "\udce9" in str(path)]


@pytest.mark.parametrize("form", ["text", "json", "github", "gitlab", "sarif", "junit"])
def test_a_file_name_that_is_not_utf8_is_spelt_out(run, workspace, form):
    """What is wrong in it is found like all else, and the exams of the others are read."""
    folder = workspace.root / "exams"
    folder.mkdir()
    (workspace.root / "exams.yaml").rename(folder / f"{LATIN}.yaml")
    (folder / f"bad{LATIN}.yaml").write_text("version: 1\nx: y\n")
    said = run("validate", "--format", form, expect=1)
    assert "unknown-field" in said
    assert "udce9" in said
    Path(folder / f"bad{LATIN}.yaml").unlink()
    run("validate", "--format", form)
    run("init")
    assert '"create": 3' in run("plan", "--format", "json")


@pytest.mark.parametrize("name", ["TF_HTTP_USERNAME", "TF_HTTP_PASSWORD"])
def test_credentials_that_are_not_utf8_are_named(run, name):
    """By their variables; nothing else is blamed."""
    said = run("state", "list", "--state", f"{DEAD}/s", expect=1, **{name: LATIN})
    assert name in said
    assert "proxy" not in said
    assert "udce9" not in said
