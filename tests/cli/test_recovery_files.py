"""Recovery files, end to end: what the state's store did not take finds its way back."""

import json
import re
import stat

import jsonschema
import pytest
from exam_workspace import Workspace

from reconciler import fault_points, schemas
from reconciler.sandbox.running import running

FOLDER = ".reconciler/recovery"
OUTCOME_FAILS = ",".join(f"journal-write=enospc@{number}" for number in range(3, 12))
"""With one exam at a time, the journal takes its header and the first intent, and nothing more."""


@pytest.fixture
def workspace(tmp_path):
    """A workspace with two exams and an empty state."""
    made = Workspace(tmp_path)
    made.run("init")
    made.declare("a", "b")
    return made


@pytest.fixture
def sandbox():
    """A server that keeps what it created."""
    with running() as opened:
        yield opened


def left(workspace, folder=FOLDER):
    """The recovery files that are there."""
    return sorted((workspace.root / folder).glob("*.recovery"))


def refuse(workspace, sandbox):
    """What an apply that is refused says."""
    workspace.run("apply", "--auto-approve", "--api-url", sandbox.url, expect=1)
    return " ".join(workspace.printed.split())


def strike(workspace, sandbox, fault, *more, expect):
    """What an apply of one exam at a time prints that meets `fault`."""
    variables = workspace.variables | {fault_points.VARIABLE: fault}
    arguments = ("apply", "--auto-approve", "--parallelism", "1", "--api-url", sandbox.url, *more)
    out = workspace.run(*arguments, expect=expect, variables=variables)
    workspace.words = " ".join(workspace.printed.split())
    return out


def fail_to_record(workspace, sandbox, *more):
    """The recovery file of a run whose store took the intent of cs/a and then nothing more."""
    strike(workspace, sandbox, OUTCOME_FAILS, *more, expect=3)
    (file,) = left(workspace)
    return file


def test_a_good_run_leaves_no_recovery_file(workspace, sandbox):
    """The folder stays, and git sees nothing of it."""
    workspace.apply(sandbox.url)
    assert [path.name for path in (workspace.root / FOLDER).iterdir()] == [".gitignore"]
    assert (workspace.root / FOLDER / ".gitignore").read_text() == "*\n"
    assert "recover" not in workspace.printed


def test_nothing_to_send_makes_no_file(workspace, sandbox):
    """Nor does a plan."""
    workspace.run("plan")
    workspace.run("import", "cs/a", "EX" + "a" * 32)
    workspace.run("import", "cs/b", "EX" + "b" * 32)
    workspace.apply(sandbox.url)
    assert not (workspace.root / ".reconciler").exists()


def test_what_the_store_did_not_take_is_fed_back(workspace, sandbox):
    """Apply says where it is and how; then state has the SID, and the next apply goes on."""
    file = fail_to_record(workspace, sandbox)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    name = file.relative_to(workspace.root)
    assert f"reconciler state recover {name}" in workspace.words
    sid = sandbox.created[0]["sid"]
    assert f"reconciler resolve cs/a --sid {sid}" in workspace.words
    assert f"recorded as {sid}" in workspace.run("state", "recover", str(name))
    assert "is no longer needed" in workspace.printed
    assert "exams.state.json.backup" in workspace.printed
    assert workspace.state["exams"]["cs/a"]["sid"] == sid
    assert workspace.state["intents"] == {}
    before = workspace.state
    assert "known" in workspace.run("state", "recover", str(name))
    assert workspace.state == before
    assert workspace.apply(sandbox.url)["summary"]["created"] == 1
    assert len(sandbox.created) == 2
    assert left(workspace) == []


def test_a_file_that_is_not_fed_back_is_told_at_each_apply(workspace, sandbox):
    """The exam stays in doubt until somebody says so; when it is settled, the file goes."""
    file = fail_to_record(workspace, sandbox)
    workspace.apply(sandbox.url, expect=3)
    assert f"state recover {file.relative_to(workspace.root)}" in " ".join(workspace.printed.split())
    workspace.run("resolve", "cs/a", "--sid", sandbox.created[0]["sid"])
    workspace.apply(sandbox.url)
    assert left(workspace) == []
    assert len(sandbox.created) == 2


def test_both_logs_tell_of_the_file(workspace, sandbox):
    """With JSON on standard error and in the stream it is a warning with the command as its hint."""
    printed = strike(workspace, sandbox, OUTCOME_FAILS, "--format", "jsonl", "--log-format", "json", expect=3)
    validator = jsonschema.Draft202012Validator(schemas.load("log"))
    for text in (printed, workspace.printed.removeprefix(printed)):
        lines = [json.loads(line) for line in text.splitlines()]
        for line in lines:
            validator.validate(line)
        assert any("state recover" in line["hint"] for line in lines if line["event"] == "warning")


def test_the_json_of_feeding_back_fits_its_schema(workspace, sandbox):
    """What became of each outcome, with its SID."""
    file = fail_to_record(workspace, sandbox)
    document = json.loads(workspace.run("state", "recover", str(file), "--format", "json"))
    jsonschema.Draft202012Validator(schemas.load("recovery")).validate(document)
    assert document["summary"] == {"recorded": 1, "known": 0, "unknown": 0, "contradicts": 0}
    assert document["outcomes"][0]["sid"] == sandbox.created[0]["sid"]


def test_a_folder_that_cannot_be_made_refuses_before_anything_is_sent(workspace, sandbox):
    """The remedy is named, and another folder is taken where one is given."""
    (workspace.root / ".reconciler").write_text("in the way")
    said = refuse(workspace, sandbox)
    assert "cannot make the recovery file" in said
    assert "--recovery-dir" in said
    assert (sandbox.requests, workspace.state["serial"]) == (0, 0)
    workspace.apply(sandbox.url, "--recovery-dir", "kept")
    assert left(workspace, "kept") == []


def test_a_folder_of_the_users_own_is_left_as_it_is(workspace, sandbox):
    """Git's view of it is not changed."""
    (workspace.root / "mine").mkdir()
    workspace.apply(sandbox.url, "--recovery-dir", "mine")
    assert list((workspace.root / "mine").iterdir()) == []


def test_a_disk_that_fills_up_beside_a_store_that_works_is_told_once(workspace, sandbox):
    """The run goes on, and nothing is left or lost."""
    strike(workspace, sandbox, "recovery-write=enospc@2,recovery-flush=eio@3", expect=0)
    assert workspace.words.count("recovery file could not be written") == 1
    assert workspace.state["exams"].keys() == {"cs/a", "cs/b"}
    assert left(workspace) == []


def test_where_both_fail_the_report_has_the_only_copy(workspace, sandbox):
    """As without a recovery file: in doubt, with the command that settles it."""
    strike(workspace, sandbox, f"recovery-write=enospc@2,{OUTCOME_FAILS}", expect=3)
    assert f"reconciler resolve cs/a --sid {sandbox.created[0]['sid']}" in workspace.words
    assert "state recover" not in workspace.words
    assert left(workspace) == []


def test_what_a_store_lost_after_it_took_it_is_not_sent_again(workspace, sandbox):
    """The file outlives the journal: only a snapshot that has all makes it superfluous."""
    empty = (workspace.root / "exams.state.json").read_bytes()
    strike(workspace, sandbox, "fold-due=kill", expect=-9)
    (workspace.root / "exams.state.json.journal").unlink()
    (workspace.root / "exams.state.json").write_bytes(empty)
    (file,) = left(workspace)
    sid = sandbox.created[0]["sid"]
    assert f"reconciler import cs/a {sid}" in refuse(workspace, sandbox)
    assert len(sandbox.created) == 2
    workspace.run("state", "recover", str(file), expect=1)
    assert re.search(rf"unknown +cs/a +was created as {sid}", workspace.printed)
    for exam in sandbox.created:
        workspace.run("import", exam["body"]["title"].replace("Exam ", "cs/"), exam["sid"])
    workspace.apply(sandbox.url)
    assert len(sandbox.created) == 2
    assert left(workspace) == []


def test_a_person_who_was_mistaken_is_told_before_it_is_sent_again(workspace, sandbox):
    """An exam called absent whose SID is in the file is not created a second time."""
    file = fail_to_record(workspace, sandbox)
    workspace.run("resolve", "cs/a", "--absent")
    assert "settled it as absent" in refuse(workspace, sandbox)
    assert len(sandbox.created) == 1
    workspace.run("state", "recover", str(file), expect=1)
    assert "contradicts" in workspace.printed
    assert "cs/a" not in workspace.state["exams"]


def test_a_file_of_another_state_is_refused_and_left_alone(workspace, sandbox):
    """By its lineage; an apply to the other state does not look at it."""
    file = fail_to_record(workspace, sandbox)
    other = ("--state", "file:other.json")
    workspace.run("init", *other)
    workspace.run("state", "recover", str(file), *other, expect=1)
    assert "of a run on another state" in workspace.printed
    workspace.run("apply", "--auto-approve", "--api-url", sandbox.url, "--target", "cs/b", *other)
    assert left(workspace) == [file]


@pytest.mark.parametrize(("old", "new"), [(b"created", b"craeted"), (b'"number":1', b'"number":2')])
def test_a_damaged_file_is_refused_with_its_place(workspace, sandbox, old, new):
    """Nothing is changed, and the next apply still tells of it."""
    file = fail_to_record(workspace, sandbox)
    file.write_bytes(file.read_bytes().replace(old, new))
    before = workspace.state
    workspace.run("state", "recover", str(file), expect=1)
    assert "line 2" in workspace.printed
    assert workspace.state["intents"] == before["intents"]
    workspace.apply(sandbox.url, expect=3)
    assert file.exists()


def test_a_torn_end_is_tolerated(workspace, sandbox):
    """A file that a crash cut short gives what is whole."""
    file = fail_to_record(workspace, sandbox)
    file.write_bytes(file.read_bytes() + b"0123 {")
    workspace.run("state", "recover", str(file))
    assert "cs/a" in workspace.state["exams"]
    file.write_bytes(b"0123")
    assert "0 outcomes" in workspace.run("state", "recover", str(file))
