"""Recovery files, end to end: what the state's store did not take finds its way back."""

import json
import re
import shutil
import stat
import zlib

import jsonschema
import pytest
from exam_workspace import Workspace
from git_repositories import bare, git

from reconciler import fault_points, schemas
from reconciler.sandbox.running import running

FOLDER = ".reconciler/recovery"
OUTCOME_FAILS = "store-call=eio@4,store-call=eio@5,store-call=eio@6"
"""With one exam at a time, the store takes the lock and the first intent, then only the lock's release."""
STORE = ("--state", "git+file:state.git")


class RemoteWorkspace(Workspace):
    """A workspace whose state is in a git repository."""

    def run(self, *arguments, **more):
        """Run a command on that state, unless it names another."""
        return super().run(*arguments, *(() if "--state" in arguments else STORE), **more)

    @property
    def state(self):
        """The state's document."""
        return json.loads(self.run("state", "pull"))


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A folder with two exams and an empty state, to be copied."""
    made = RemoteWorkspace(tmp_path_factory.mktemp("begun"))
    bare(made.root / "state.git")
    made.run("init")
    made.declare("a", "b")
    return made.root


@pytest.fixture
def workspace(begun, tmp_path):
    """A workspace with two exams and an empty state."""
    shutil.copytree(begun, tmp_path, dirs_exist_ok=True)
    return RemoteWorkspace(tmp_path)


@pytest.fixture(scope="module")
def struck(begun, tmp_path_factory):
    """A workspace after a run whose store took the intent of cs/a and then nothing more.

    `words` is what that run said, and `sid` what cs/a was created as.
    """
    made = RemoteWorkspace(tmp_path_factory.mktemp("struck"))
    shutil.copytree(begun, made.root, dirs_exist_ok=True)
    with running() as sandbox:
        strike(made, sandbox, OUTCOME_FAILS, expect=3)
        assert len(sandbox.created) == 1
        made.sid = sandbox.created[0]["sid"]
    return made


@pytest.fixture
def failed(struck, tmp_path, sandbox):
    """A copy of that workspace, whose service is `sandbox` now, with the name of its recovery file."""
    shutil.copytree(struck.root, tmp_path, dirs_exist_ok=True)
    made = RemoteWorkspace(tmp_path)
    made.sid, made.said = struck.sid, struck.words
    (path,) = left(made)
    made.file = str(path.relative_to(tmp_path))
    made.rebind(sandbox.url)
    return made


@pytest.fixture
def sandbox():
    """A server that keeps what it created."""
    with running() as opened:
        yield opened


def left(workspace, folder=FOLDER):
    """The recovery files that are there."""
    return sorted((workspace.root / folder).glob("*.recovery"))


def refuse(workspace, sandbox, *more):
    """What an apply that is refused says."""
    workspace.run("apply", "--auto-approve", "--api-url", sandbox.url, *more, expect=1)
    return " ".join(workspace.printed.split())


def strike(workspace, sandbox, fault, *more, expect):
    """What an apply of one exam at a time prints that meets `fault`."""
    variables = workspace.variables | {fault_points.VARIABLE: fault}
    arguments = ("apply", "--auto-approve", "--parallelism", "1", "--api-url", sandbox.url, *more)
    out = workspace.run(*arguments, expect=expect, variables=variables)
    workspace.words = " ".join(workspace.printed.split())
    return out


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
    assert not (workspace.root / FOLDER).exists()


def test_a_state_in_a_local_file_needs_none(workspace, sandbox):
    """State and log are on the same disk."""
    local = ("--state", "file:local.json")
    workspace.run("init", *local)
    workspace.apply(sandbox.url, *local)
    assert not (workspace.root / FOLDER).exists()


def test_what_the_store_did_not_take_is_fed_back(failed, sandbox):
    """Apply says where it is and how; then state has the SID, and the next apply goes on."""
    assert stat.S_IMODE((failed.root / failed.file).stat().st_mode) == 0o600
    assert f"reconciler state recover {failed.file}" in failed.said
    assert f"reconciler resolve cs/a --sid {failed.sid}" in failed.said
    assert f"recorded as {failed.sid}" in failed.run("state", "recover", failed.file)
    assert "may be removed" in failed.printed
    assert "The previous state is kept at commit " in failed.printed
    assert failed.state["exams"]["cs/a"]["sid"] == failed.sid
    assert failed.state["intents"] == {}
    before = failed.state
    assert "known" in failed.run("state", "recover", failed.file)
    assert failed.state == before
    assert failed.apply(sandbox.url)["summary"]["created"] == 1
    assert [exam["body"]["title"] for exam in sandbox.created] == ["Exam b"]
    assert left(failed) == []


def test_a_file_that_is_not_fed_back_is_told_at_each_apply(failed, sandbox):
    """The exam stays in doubt until somebody says so; when it is settled, the file goes."""
    failed.apply(sandbox.url, expect=3)
    assert f"state recover {failed.file}" in " ".join(failed.printed.split())
    failed.run("resolve", "cs/a", "--sid", failed.sid)
    failed.apply(sandbox.url)
    assert left(failed) == []
    assert len(sandbox.created) == 1


def test_both_logs_tell_of_the_file(workspace, sandbox):
    """With JSON on standard error and in the stream it is a warning with the command as its hint."""
    printed = strike(workspace, sandbox, OUTCOME_FAILS, "--format", "jsonl", "--log-format", "json", expect=3)
    validator = jsonschema.Draft202012Validator(schemas.load("log"))
    for text in (printed, workspace.printed.removeprefix(printed)):
        lines = [json.loads(line) for line in text.splitlines()]
        for line in lines:
            validator.validate(line)
        assert any("state recover" in line["hint"] for line in lines if line["event"] == "warning")


def test_the_json_of_feeding_back_fits_its_schema(failed):
    """What became of each outcome, with its SID."""
    document = json.loads(failed.run("state", "recover", failed.file, "--format", "json"))
    jsonschema.Draft202012Validator(schemas.load("recovery")).validate(document)
    assert document["summary"] == {"recorded": 1, "known": 0, "unknown": 0, "contradicts": 0}
    assert document["outcomes"][0]["sid"] == failed.sid


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
    full = "recovery-write=enospc@2,recovery-write=enospc@3"
    strike(workspace, sandbox, f"{full},{OUTCOME_FAILS}", expect=3)
    assert f"reconciler resolve cs/a --sid {sandbox.created[0]['sid']}" in workspace.words
    assert "state recover" not in workspace.words
    assert left(workspace) == []


def lose(workspace, commit):
    """Let the store forget everything since `commit`, as one does that is put back from a backup."""
    git(workspace.root / "state.git", "update-ref", "refs/heads/exam-state", commit)


def tip(workspace):
    """The last commit of the store."""
    return git(workspace.root / "state.git", "rev-parse", "exam-state").strip()


def test_what_a_store_lost_after_it_took_it_is_not_sent_again(workspace, sandbox):
    """The file outlives the log, and completes the state: with the intents, too."""
    empty = tip(workspace)
    strike(workspace, sandbox, "fold-due=kill", expect=-9)
    lose(workspace, empty)
    (file,) = left(workspace)
    sids = {exam["body"]["title"]: exam["sid"] for exam in sandbox.created}
    assert "this machine has seen serial 1" in refuse(workspace, sandbox)
    said = refuse(workspace, sandbox, "--allow-older-state")
    assert f"says that it was sent and is {sids['Exam a']}" in said
    workspace.run("plan")
    told = " ".join(workspace.printed.split())
    path = file.relative_to(workspace.root)
    assert f"note: cs/a is to be created, but {path} of an earlier run says that it was sent and is" in told
    assert "`apply` refuses it. Nothing was sent. To put it into state: `reconciler state recover" in told
    assert file.exists()
    assert f"`reconciler state recover {file.relative_to(workspace.root)} --state" in said
    assert f"recorded as {sids['Exam b']}" in workspace.run("state", "recover", str(file))
    assert {key: one["sid"] for key, one in workspace.state["exams"].items()} == {
        "cs/a": sids["Exam a"],
        "cs/b": sids["Exam b"],
    }
    workspace.apply(sandbox.url)
    assert len(sandbox.created) == 2
    assert left(workspace) == []


def test_a_file_outlives_the_log_that_it_completes(workspace, sandbox):
    """It goes once the snapshot has all of it: the next run may be killed before it folds anything."""
    strike(workspace, sandbox, "outcome-durable=kill", expect=-9)
    lock_id = left(workspace)[0].stem
    workspace.run("unlock", lock_id)
    strike(workspace, sandbox, "fold-due=kill", expect=-9)
    held = json.loads(git(workspace.root / "state.git", "show", "exam-state:exams.state.json"))["exams"]
    assert "cs/a" in held or lock_id in {path.stem for path in left(workspace)}


def test_what_a_store_lost_is_recovered_without_insisting(workspace, sandbox):
    """The file has all of that run. A state that lost more than one run is refused by `apply` even so."""
    empty = tip(workspace)
    workspace.apply(sandbox.url, "--target", "cs/a")
    later = tip(workspace)
    strike(workspace, sandbox, "fold-due=kill", expect=-9)
    (file,) = left(workspace)
    lose(workspace, empty)
    data = file.read_bytes()
    workspace.run("state", "recover", str(file))
    assert "this machine has seen serial 2" in refuse(workspace, sandbox)
    file.write_bytes(data)
    lose(workspace, later)
    workspace.run("state", "recover", str(file))
    workspace.apply(sandbox.url)
    assert len(sandbox.created) == 2


def test_an_intent_that_a_store_lost_is_in_doubt(workspace, sandbox):
    """It was sent, and the run was killed before an answer came: nobody sends it again."""
    empty = tip(workspace)
    strike(workspace, sandbox, "answered=kill", expect=-9)
    lose(workspace, empty)
    (file,) = left(workspace)
    assert "this machine has seen serial 1" in refuse(workspace, sandbox)
    assert "says that it was sent" in refuse(workspace, sandbox, "--allow-older-state")
    assert len(sandbox.created) == 1
    workspace.run("state", "recover", str(file))
    assert workspace.state["intents"].keys() == {"cs/a"}
    assert workspace.apply(sandbox.url, expect=3)["summary"]["created"] == 1


def test_an_exam_that_was_forgotten_since_is_named_with_its_sid(failed, sandbox, begun):
    """A file of an earlier version has no intents: then a person adopts it."""
    path = failed.root / failed.file
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], resigned(lines[2].replace(b'"number":2', b'"number":1'))]))
    lose(failed, git(begun / "state.git", "rev-parse", "exam-state").strip())
    failed.run("state", "recover", failed.file, "--allow-older-state", expect=1)
    assert re.search(rf"unknown +cs/a +was created as {failed.sid}", failed.printed)
    assert f"reconciler import cs/a {failed.sid}" in " ".join(failed.printed.split())
    assert sandbox.requests == 0


def resigned(line):
    """`line` with the checksum of its text, as anybody can compute it."""
    text = line[9:].rstrip(b"\n")
    return b"%08x %s\n" % (zlib.crc32(text), text)


def test_a_forged_file_is_not_believed(workspace, sandbox, struck):
    """A pull request cannot stop an exam by a file, nor record one; plan and apply name the file."""
    forged = struck.root / FOLDER / next(iter(left(struck))).name
    lineage = workspace.state["lineage"]
    lines = forged.read_bytes().splitlines(keepends=True)
    lines = [
        resigned(line.replace(json.loads(lines[0][9:])["lineage"].encode(), lineage.encode()))
        for line in lines
    ]
    lines[2] = resigned(
        lines[2].replace(b'"sid":"EX', b'"sid":"EX').replace(struck.sid.encode(), b"EX" + b"0" * 32)
    )
    (workspace.root / FOLDER).mkdir(parents=True)
    (workspace.root / FOLDER / "forged.recovery").write_bytes(b"".join(lines))
    for command in (("plan",), ("apply", "--auto-approve", "--api-url", sandbox.url)):
        workspace.run(*command)
        said = " ".join(workspace.printed.split())
        written = (
            "not read, as this machine has not certainly written it: .reconciler/recovery/forged.recovery"
        )
        assert said.count(written) == 1
        assert "reconciler state recover" in said
    assert len(sandbox.created) == 2
    assert left(workspace) != []


def test_a_machine_without_a_key_leaves_a_file_that_a_person_vouches_for(workspace, sandbox):
    """Nothing else is lost by it."""
    workspace.variables["XDG_STATE_HOME"] = str(workspace.root)
    strike(workspace, sandbox, OUTCOME_FAILS, expect=3)
    (file,) = left(workspace)
    workspace.run("plan")
    assert "not certainly written" in workspace.printed
    workspace.run("state", "recover", str(file))
    assert workspace.state["exams"].keys() == {"cs/a"}


def test_a_person_who_was_mistaken_is_told_before_it_is_sent_again(failed, sandbox):
    """An exam called absent whose SID is in the file is not created a second time."""
    failed.run("resolve", "cs/a", "--absent")
    assert "settled it as absent" in refuse(failed, sandbox)
    assert sandbox.requests == 0
    failed.run("state", "recover", failed.file, expect=1)
    assert "contradicts" in failed.printed
    assert "cs/a" not in failed.state["exams"]


def test_a_file_of_another_state_is_refused_and_left_alone(failed, sandbox):
    """By its lineage; an apply to the other state does not look at it."""
    other = ("--state", "git+file:state.git#branch=other")
    failed.run("init", *other)
    failed.run("state", "recover", failed.file, *other, expect=1)
    assert "belongs to another state" in failed.printed
    failed.run("apply", "--auto-approve", "--api-url", sandbox.url, "--target", "cs/b", *other)
    assert "recover" not in failed.printed
    assert left(failed) == [failed.root / failed.file]


@pytest.mark.parametrize(
    ("old", "new", "line"), [(b"created", b"craeted", 3), (b'"number":1', b'"number":2', 2)]
)
def test_a_damaged_file_is_refused_with_its_place(failed, old, new, line):
    """Nothing is changed."""
    path = failed.root / failed.file
    path.write_bytes(path.read_bytes().replace(old, new))
    failed.run("state", "recover", failed.file, expect=1)
    assert f"line {line}" in failed.printed
    assert path.exists()
    assert json.loads(failed.run("state", "pull"))["intents"].keys() == {"cs/a"}


def test_a_torn_end_is_tolerated(failed):
    """A file that a crash cut short gives what is whole."""
    path = failed.root / failed.file
    path.write_bytes(path.read_bytes() + b"0123 {")
    failed.run("state", "recover", failed.file)
    assert "cs/a" in failed.state["exams"]
    path.write_bytes(b"0123")
    assert "0 outcomes" in failed.run("state", "recover", failed.file)
