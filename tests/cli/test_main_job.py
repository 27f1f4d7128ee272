"""The main job, end to end: the installed command as a process, against a real server."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from exam_workspace import MANIFEST, SECRET, Workspace, exam
from recording_server import RecordingServer

from reconciler import schemas
from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

EXAMPLE = Path(__file__).parents[2] / "examples" / "exams.yaml"


@pytest.fixture
def workspace(tmp_path):
    """An empty directory with a state."""
    made = Workspace(tmp_path)
    made.run("init")
    return made


@pytest.fixture
def server():
    """A server that is not the sandbox, keeps every body, and answers with a fresh SID."""
    with RecordingServer() as opened:
        yield opened


def test_exactly_the_declared_bodies_are_on_the_wire(workspace, server):
    """Five exams, five requests, each with the documented path, the token header and the declared body."""
    workspace.declare("a", "b", "c", "d", "e")
    report = workspace.apply(server.url)
    assert {key: count for key, count in report["summary"].items() if count} == {"created": 5}
    jsonschema.Draft202012Validator(schemas.load("report")).validate(report)
    assert sorted(request.body["title"] for request in server.requests) == [
        f"Exam {name}" for name in "abcde"
    ]
    for request in server.requests:
        name = request.body["title"].removeprefix("Exam ")
        assert request.method == "POST"
        assert request.path == (
            "/v1/installs/AI1234567890abcdef1234567890abcdef/courses/CU1234567890abcdef1234567890abcdef/exams"
        )
        assert request.headers["token"] == "a.token.x"
        assert request.headers["content-type"] == "application/json"
        assert "authorization" not in request.headers
        assert request.body == {
            "title": f"Exam {name}",
            "type": "Online",
            "useProctorManager": True,
            "requireApproval": False,
            "url": f"https://lms.example.edu/{name}",
            "enableAppointmentSuggestions": True,
            "examDeliverySystemModule": "canvas",
            "configuration": {
                "attempts": 1,
                "password": SECRET,
                "examOpenDate": "2031-10-12T13:00:00.000Z",
                "examCloseDate": "2031-10-14T21:00:00.000Z",
                "duration": 90,
            },
        }
    sids = {entry["sid"] for entry in workspace.state["exams"].values()}
    assert sids == {request.sid for request in server.requests}


def test_a_second_apply_sends_nothing(workspace, server):
    """What is created is never created again, and an apply with nothing to send needs no token."""
    workspace.declare("a", "b")
    workspace.apply(server.url)
    before = workspace.state
    workspace.variables = {}
    assert "Nothing to do" in workspace.run("apply", "--auto-approve", "--api-url", server.url)
    assert len(server.requests) == 2
    assert workspace.state == before


def test_an_added_exam_sends_one_request(workspace, server):
    """Only what is missing is created."""
    workspace.declare("a", "b")
    workspace.apply(server.url)
    workspace.declare("a", "b", "c")
    report = workspace.apply(server.url)
    assert [found["address"] for found in report["exams"]] == ["cs/c"]
    assert len(server.requests) == 3


def test_an_edited_exam_is_shown_field_by_field_and_not_sent(workspace, server):
    """The API documents no update, so a change is for a person to make."""
    workspace.declare("a")
    workspace.apply(server.url)
    workspace.write(MANIFEST + exam("a", duration=120))
    planned = json.loads(workspace.run("plan", "--format", "json", "--detailed-exitcode", expect=2))
    jsonschema.Draft202012Validator(schemas.load("plan")).validate(planned)
    (change,) = planned["changes"]
    assert change["action"] == "changed"
    assert change["diff"] == [{"path": "configuration.duration", "before": 90, "after": 120}]
    assert "90 → 120" in workspace.run("plan")
    workspace.apply(server.url)
    assert len(server.requests) == 1


def test_the_same_instants_written_otherwise_are_no_change(workspace, server):
    """Equal instants are equal, and the order of keys means nothing."""
    workspace.declare("a")
    workspace.apply(server.url)
    workspace.write(
        MANIFEST
        + exam(
            "a", examOpenDate="2031-10-12T15:00:00+02:00", examCloseDate="2031-10-14T21:00:00Z", duration=90.0
        )
    )
    workspace.run("plan", "--detailed-exitcode")


def test_a_removed_exam_stays_in_state(workspace, server):
    """What is no longer declared is reported and left alone."""
    workspace.declare("a", "b")
    workspace.apply(server.url)
    workspace.declare("a")
    assert "cs/b" in workspace.run("plan")
    workspace.apply(server.url)
    assert set(workspace.state["exams"]) == {"cs/a", "cs/b"}
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("title: Exam a", "title: Final exam"),
        ("url: https://lms.example.edu/a", "url: https://lms.example.edu/new"),
        ("duration: 90", "duration: 120"),
        ("title: Exam a", "title: 'EXAM\u00a0\u200bA'"),
    ],
)
def test_a_tidied_up_address_is_not_created_again(workspace, server, before, after):
    """A new address and an edited field in one commit: refused until blocks say which exam it is."""
    workspace.declare("a")
    workspace.apply(server.url)
    text = MANIFEST + exam("a").replace("cs/a:", "cs/exam-a:").replace(before, after)
    workspace.write(text)
    workspace.run("validate")
    workspace.run("plan", "--detailed-exitcode", expect=1)
    workspace.run("apply", "--auto-approve", "--api-url", server.url, expect=1)
    assert "same-exam" in workspace.printed
    workspace.write(f"{text}moved: [{{from: 'cs/?', to: 'cs/exam-?'}}]\n")
    assert "bad-glob" in workspace.refused("plan")
    workspace.write(f"{text}moved: [{{from: 'cs/*', to: 'cs/exam-*'}}]\n")
    workspace.apply(server.url)
    assert len(server.requests) == 1
    assert list(workspace.state["exams"]) == ["cs/exam-a"]


def test_two_exams_however_alike_are_two_when_distinct_says_so(workspace, server):
    """The second of two equal ones is created once a reviewed block says so, and the plan shows why."""
    workspace.declare("a")
    workspace.apply(server.url)
    twin = exam("a") + exam("a").replace("cs/a:", "cs/a-2:")
    workspace.write(MANIFEST + twin)
    for command in ("validate", "plan"):
        assert "exams.yaml:16:12: error[same-exam]" in workspace.refused(command)
    assert "how to silence it: `reconciler explain overlapping-windows`" in workspace.refused("validate")
    workspace.write("version: 1\nrules: {overlapping-windows: off}\n", name="reconciler.yaml")
    assert "how to settle it: `reconciler explain same-exam`" in workspace.refused("validate")
    workspace.write(f"{MANIFEST}{twin}distinct: [{{exam: cs/a-2, from: cs/a, reason: second room}}]\n")
    workspace.run("validate")
    assert "cs/a-2 and cs/a are two exams, as `distinct` says: second room" in workspace.run("plan")
    workspace.apply(server.url)
    assert len(server.requests) == 2
    workspace.run("plan", "--detailed-exitcode")


def test_plan_and_validate_need_no_token_no_secret_and_no_network(workspace):
    """They run on a pull request from a fork: with an empty environment, and httpx never loaded."""
    workspace.declare("a")
    workspace.run("validate", variables={})
    workspace.run("plan", variables={})
    script = (
        "import socket, sys\n"
        "def connect(*_):\n    raise SystemExit('plan spoke to the network')\n"
        "socket.socket.connect = socket.getaddrinfo = connect\n"
        "from reconciler.cli import main\n"
        "main(['plan'])\n"
        "sys.exit('httpx' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=workspace.root, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr


def test_no_secret_is_in_any_file(workspace, server):
    """Neither state, nor a saved plan, nor a report, nor any other file holds a password or the token."""
    workspace.declare("a", "b")
    workspace.run("plan", "--out", "plan.json", "--api-url", server.url)
    workspace.apply(server.url, "--expect", "plan.json", "--out", "report.json", "--summary", "report.md")
    for path in workspace.root.rglob("*"):
        if path.is_file():
            assert SECRET not in path.read_text(), path
            assert "a.token.x" not in path.read_text(), path
    assert server.requests[0].body["configuration"]["password"] == SECRET


def test_a_literal_password_is_sent_and_shown_nowhere(workspace, server):
    """It is warned about, and --strict refuses it; neither message nor excerpt holds it."""
    workspace.write(MANIFEST + exam("a", password='"correct horse"'))
    workspace.run("plan")
    assert "inline-secret" in workspace.printed
    workspace.run("plan", "--strict", expect=1)
    workspace.apply(server.url)
    assert server.requests[0].body["configuration"]["password"] == SECRET
    assert SECRET not in json.dumps(workspace.state)


def test_missing_secrets_are_all_named_before_anything_is_sent(workspace, server):
    """Nothing is half done because of the last exam's password."""
    workspace.declare("a", "b")
    workspace.variables.pop("EXAM_SECRET_CS")
    workspace.run("apply", "--auto-approve", "--api-url", server.url, expect=1)
    assert workspace.printed.count("EXAM_SECRET_CS is not set") == 2
    assert server.requests == []
    assert workspace.state["serial"] == 0


def test_an_absent_state_is_never_taken_for_an_empty_one(tmp_path, server):
    """Plan and apply say `init` and create nothing."""
    workspace = Workspace(tmp_path)
    workspace.declare("a")
    for command in (["plan"], ["apply", "--auto-approve", "--api-url", server.url], ["state", "list"]):
        workspace.run(*command, expect=1)
        assert "reconciler init" in workspace.printed
    assert server.requests == []
    workspace.run("init")
    workspace.run("init", expect=1)


def test_without_a_terminal_apply_needs_to_be_told(workspace, server):
    """A pipeline says --auto-approve; nobody is asked a question that nobody sees."""
    workspace.declare("a")
    workspace.run("apply", "--api-url", server.url, expect=1)
    assert "--auto-approve" in workspace.printed
    assert server.requests == []


def test_only_what_was_reviewed_is_applied(workspace, server):
    """With --expect an exam that was not reviewed stops the run; one applied since does not."""
    workspace.declare("a", "b")
    workspace.run("plan", "--out", "plan.json", "--api-url", server.url)
    workspace.apply(server.url, "--target", "cs/a")
    workspace.apply(server.url, "--expect", "plan.json")
    assert len(server.requests) == 2
    workspace.declare("a", "b", "c")
    workspace.run("apply", "--auto-approve", "--expect", "plan.json", "--api-url", server.url, expect=1)
    assert "cs/c" in workspace.printed
    fingerprint = json.loads(workspace.run("plan", "--format", "json"))["fingerprint"]
    workspace.run(
        "apply", "--auto-approve", "--expect", f"sha256:{'0' * 64}", "--api-url", server.url, expect=1
    )
    assert len(server.requests) == 2
    workspace.apply(server.url, "--expect", fingerprint)
    assert len(server.requests) == 3


def test_guards_refuse_before_anything_is_sent(workspace, server):
    """Too many creates, and a window that is over."""
    workspace.declare("a", "b", "c")
    workspace.run("apply", "--auto-approve", "--max-creates", "2", "--api-url", server.url, expect=1)
    assert "--max-creates" in workspace.printed
    workspace.write(MANIFEST + exam("a", examOpenDate="2021-10-12T09:00", examCloseDate="2021-10-14T09:00"))
    workspace.run("apply", "--auto-approve", "--api-url", server.url, expect=1)
    assert server.requests == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--api-url", "http://example.edu"], "in the clear"),
        (["--api-url", "nonsense"], "not an absolute"),
        (["--token-file", "absent"], "token file"),
    ],
)
def test_where_and_with_what_to_send_is_checked_first(workspace, arguments, said):
    """No token leaves in the clear, and none is needed to be told so."""
    workspace.declare("a")
    workspace.run("apply", "--auto-approve", *arguments, expect=1)
    assert said in workspace.printed
    assert workspace.state["serial"] == 0


def test_an_in_doubt_exam_blocks_only_itself_and_is_settled_by_hand(workspace):
    """A lost answer: exit 3, never sent again; the others go on; resolve settles it both ways."""
    workspace.declare("a", "b", "c")
    with running(Settings(port=0)) as sandbox:
        sandbox.misbehave("drop-after:title=Exam a", "drop-before:title=Exam b")
        report = workspace.apply(sandbox.url, expect=3)
        assert {key: count for key, count in report["summary"].items() if count} == {
            "created": 1,
            "inDoubt": 2,
        }
        assert sandbox.requests == 3
        again = workspace.apply(sandbox.url, expect=3)
        assert again["summary"]["stillInDoubt"] == 2
        assert [one["address"] for one in again["stillInDoubt"]] == ["cs/a", "cs/b"]
        assert sandbox.requests == 3
        workspace.run("plan", "--detailed-exitcode", expect=3)
        shown = workspace.run("plan")
        assert "reconciler resolve cs/a --sid" in shown
        assert workspace.state["intents"]["cs/a"]["attempt"] in shown
        (stored,) = [found["sid"] for found in sandbox.created if found["body"]["title"] == "Exam a"]
        workspace.run("resolve", "cs/a", "--sid", stored)
        workspace.run("resolve", "cs/b", "--absent")
        workspace.run("resolve", "cs/b", "--absent", expect=1)
        sandbox.misbehave()
        report = workspace.apply(sandbox.url)
        assert [found["address"] for found in report["exams"]] == ["cs/b"]
        assert sorted(found["body"]["title"] for found in sandbox.created) == ["Exam a", "Exam b", "Exam c"]


def test_import_adopts_an_exam_that_exists(workspace, server):
    """An adopted exam is up to date; a SID or an address is adopted once. A wrong SID can be corrected."""
    workspace.declare("a", "b")
    sid = "EX" + "ab" * 16
    workspace.run("import", "cs/a", sid)
    workspace.run("import", "cs/b", sid, expect=1)
    assert "held by cs/a" in workspace.printed
    workspace.run("import", "cs/x", "EX" + "cd" * 16, expect=1)
    workspace.run("import", "cs/b", "nonsense", expect=1)
    for mistaken in (("resolve", "cs/a", "--sid"), ("import", "cs/a")):
        workspace.run(*mistaken, "EX" + "cd" * 16, expect=1)
        assert "`reconciler state rm cs/a`, then `reconciler import cs/a " in " ".join(
            workspace.printed.split()
        )
    workspace.run("state", "rm", "cs/a")
    workspace.run("import", "cs/a", "EX" + "cd" * 16)
    workspace.apply(server.url)
    assert [request.body["title"] for request in server.requests] == ["Exam b"]
    assert workspace.state["exams"]["cs/a"]["sid"] == "EX" + "cd" * 16


def test_state_can_be_inspected(workspace, server):
    """List, one exam, and the document itself."""
    workspace.declare("a")
    workspace.apply(server.url)
    sid = server.requests[0].sid
    assert sid in workspace.run("state", "list")
    assert sid in workspace.run("state", "show", "cs/a")
    assert json.loads(workspace.run("show", "--format", "json")) == workspace.state
    assert json.loads(workspace.run("state", "show", "cs/a", "--format", "json"))["sid"] == sid
    workspace.run("state", "show", "cs/x", expect=1)


@pytest.mark.parametrize("name", ["exams.state.json", "exams.yaml", ".", "absent/plan.json"])
def test_a_plan_is_never_written_over_anything_but_a_plan(workspace, name):
    """`--out` on the state or a manifest is refused, and so is what cannot be written."""
    workspace.declare("a")
    before = workspace.state, (workspace.root / "exams.yaml").read_text()
    workspace.run("plan", "--out", name, expect=1)
    assert f"--out {name}" in workspace.printed
    assert before == (workspace.state, (workspace.root / "exams.yaml").read_text())
    workspace.run("plan", "--out", "plan.json")
    workspace.run("plan", "--out", "plan.json")
    workspace.run("show", ".", expect=1)
    workspace.run("validate", "", expect=1)


def test_a_saved_plan_can_be_shown(workspace):
    """`show FILE` prints what `plan --out` wrote, and refuses what was edited or is no plan."""
    workspace.declare("a")
    workspace.run("plan", "--out", "plan.json")
    assert "cs/a" in workspace.run("show", "plan.json")
    edited = (workspace.root / "plan.json").read_text().replace("Exam a", "Exam z")
    workspace.write(edited, "edited.json")
    workspace.run("show", "edited.json", expect=1)
    workspace.run("show", "exams.yaml", expect=1)
    workspace.run("show", "absent.json", expect=1)


@pytest.mark.parametrize("name", schemas.NAMES)
def test_schemas_are_printed_as_they_are(workspace, name):
    """What `schema` prints is a JSON Schema."""
    document = json.loads(workspace.run("schema", name))
    jsonschema.validators.validator_for(document).check_schema(document)


def test_usage_errors_exit_1(workspace):
    """A typing mistake is a refusal, not something that differs."""
    for arguments in (
        ["plam"],
        ["plan", "--nope"],
        ["apply", "--parallelism", "0"],
        ["--chdir", "x", "plan"],
    ):
        workspace.run(*arguments, expect=1)
    assert re.search(r"\d+\.\d+\.\d+", workspace.run("--version"))


def test_a_working_directory_that_is_gone_is_named(tmp_path):
    """Somebody, or another job, removed it."""
    (tmp_path / "gone").mkdir()
    script = 'cd gone && rmdir ../gone && exec "$0" -P -m reconciler plan'
    done = subprocess.run(
        ["/bin/sh", "-c", script, sys.executable], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "the working directory no longer exists" in done.stderr


def test_global_options_stand_before_or_behind_the_command(workspace):
    """Both are what people type."""
    workspace.declare("a")
    listed = workspace.run("--no-color", "--verbose", "plan")
    assert listed == workspace.run("plan", "--no-color", "--verbose")
    other = Workspace(workspace.root)
    assert "cs/a" in other.run("--chdir", str(workspace.root), "plan")


def test_the_example_is_applied_as_it_stands(workspace):
    """The bundled example: valid under --strict, all created, then nothing to do."""
    names = re.findall(r"fromEnv: (\w+)", EXAMPLE.read_text())
    workspace.variables |= {name: f"pw-{name}" for name in names}
    workspace.run("validate", str(EXAMPLE), "--strict")
    with running(Settings(port=0)) as sandbox:
        arguments = ("apply", str(EXAMPLE), "--auto-approve", "--api-url", sandbox.url)
        workspace.run(*arguments)
        assert "pw-EXAM" not in workspace.printed
        assert len(sandbox.created) == 12
        workspace.run("plan", str(EXAMPLE), "--detailed-exitcode")
        workspace.run(*arguments)
        assert sandbox.requests == 12
