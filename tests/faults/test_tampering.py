"""State and log that somebody else had a hand in: refused plainly with nothing changed, or harmless.

The logs are real: each is what a run left that was killed in mid-flight.
"""

import hashlib
import json
import re
import shutil
import time
import zlib

import pytest
from exam_workspace import Workspace
from promises import check_promises, check_way_on

from reconciler import fault_points
from reconciler.sandbox import Settings, parse_fault
from reconciler.sandbox.running import running

NAMES = ("e0", "e1", "e2", "e3")
ANOTHER_LINEAGE = "0b0e8f9e-55f6-4b52-8f0c-3a3f1f1b8c11"


@pytest.fixture(scope="module")
def killed_run(tmp_path_factory):
    """A folder in which a run was killed: an exam in the snapshot, two in the log, one in doubt there."""
    made = Workspace(tmp_path_factory.mktemp("killed"))
    made.run("init")
    made.declare(*NAMES)
    with running() as sandbox:
        made.apply(sandbox.url, "--target", "cs/e0")
        made.variables[fault_points.VARIABLE] = "answered=kill@3"
        killed = made.start("apply", "--auto-approve", "--parallelism", "1", "--api-url", sandbox.url)
        killed.communicate(timeout=30)
        assert killed.returncode == -9
    return made.root


@pytest.fixture
def workspace(killed_run, tmp_path):
    """A workspace as the killed run left it."""
    shutil.copytree(killed_run, tmp_path, dirs_exist_ok=True)
    return Workspace(tmp_path)


@pytest.fixture
def sandbox():
    """A server that takes its time, so that something can happen during a run."""
    with running(Settings(port=0, faults=(parse_fault("latency:seconds=0.2"),))) as opened:
        yield opened


@pytest.fixture(scope="module")
def idle():
    """A server that nothing is ever sent to."""
    with running() as opened:
        yield opened
        assert opened.requests == 0


def files(workspace):
    """Every file's bytes."""
    return {str(path): path.read_bytes() for path in workspace.root.rglob("*") if path.is_file()}


def log_of(workspace):
    """The log's path, its marker and the lines of the log itself."""
    path = workspace.root / "exams.state.json.journal"
    marker, *lines = path.read_bytes().splitlines(keepends=True)
    return path, marker, lines


def line_of(document):
    """A log's line with the checksum that belongs to it."""
    text = json.dumps(document, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def changed(line, **fields):
    """A log's line with other fields, its checksum made anew."""
    return line_of(json.loads(line[9:]) | fields)


def without_number(line):
    """A log's line that lost its number, its checksum made anew."""
    document = json.loads(line[9:])
    del document["number"]
    return line_of(document)


# Lines: the header; the lock; intent and outcome of e1; intent and outcome of e2; the intent of e3.
DAMAGES = {
    "a record twice": lambda lines: [*lines[:4], lines[3], *lines[4:]],
    "an intent again, renumbered": lambda lines: [*lines, changed(lines[2], number=7)],
    "an outcome again, renumbered": lambda lines: [*lines, changed(lines[3], number=7)],
    "the log twice": lambda lines: lines * 2,
    "two logs interleaved": lambda lines: [line for line in lines for _ in range(2)],
    "two records exchanged": lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]],
    "an outcome before its intent, renumbered": lambda lines: [
        *lines[:2],
        changed(lines[3], number=2),
        changed(lines[2], number=3),
        *lines[4:],
    ],
    "a record lost in the middle": lambda lines: [*lines[:3], *lines[4:]],
    "the header lost": lambda lines: lines[1:],
    "the lock lost, renumbered": lambda lines: [lines[0], *renumbered(lines[2:])],
    "the lock taken twice, renumbered": lambda lines: [lines[0], *renumbered([lines[1], *lines[1:]])],
    "a record cut in the middle": lambda lines: [*lines[:3], lines[3][:40] + b"\n", *lines[4:]],
    "a record cut without its end": lambda lines: [*lines[:3], lines[3][:40], *lines[4:]],
    "one bit flipped": lambda lines: [*lines[:3], lines[3].replace(b"created", b"creaued"), *lines[4:]],
    "zeros in the middle": lambda lines: [*lines[:3], b"\0" * 512, *lines[3:]],
    "an empty line": lambda lines: [*lines[:4], b"\n", *lines[4:]],
    "another program's line": lambda lines: [*lines[:4], b'{"level":"info"}\n', *lines[4:]],
    "an unknown type": lambda lines: [*lines[:4], changed(lines[4], type="deleted"), *lines[5:]],
    "no number": lambda lines: [*lines[:4], without_number(lines[4]), *lines[5:]],
    "another attempt's outcome": lambda lines: [*lines[:3], changed(lines[3], attempt="a" * 32), *lines[4:]],
    "one SID for two": lambda lines: [
        *lines[:5],
        changed(lines[5], sid=json.loads(lines[3][9:])["sid"]),
        lines[6],
    ],
    "no SID at all": lambda lines: [*lines[:3], changed(lines[3], sid="EC" + "0" * 32), *lines[4:]],
    "another state's log": lambda lines: [changed(lines[0], lineage=ANOTHER_LINEAGE), *lines[1:]],
    "a later state's log": lambda lines: [changed(lines[0], serial=9), *lines[1:]],
    "a newer version's log": lambda lines: [changed(lines[0], formatVersion=4), *lines[1:]],
    "no log at all": lambda _: [b"\x7fELF\2\1\1\0\n"],
}
MARKERS = {
    "the marker cut": lambda marker: marker[20:],
    "another state's marker": lambda marker: changed(marker, snapshot="sha256:" + "0" * 64),
}


def renumbered(lines):
    """The lines with numbers from 1."""
    return [changed(line, number=number) for number, line in enumerate(lines, start=1)]


def see_it_stopped(workspace, server):
    """Check that an apply names what is wrong, and sends and changes nothing."""
    before = files(workspace)
    workspace.run("apply", "--auto-approve", "--api-url", server.url, expect=1)
    assert re.search(r"\blog\b", workspace.printed)
    assert "exams.state.json" in workspace.printed
    assert files(workspace) == before
    assert server.requests == 0


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_log_stops_everything(workspace, idle, damage):
    """It is named, nothing is sent, and no byte is changed: it may hold the only copy of a SID."""
    path, marker, lines = log_of(workspace)
    path.write_bytes(marker + b"".join(damage(lines)))
    see_it_stopped(workspace, idle)


@pytest.mark.parametrize("damage", MARKERS.values(), ids=MARKERS.keys())
def test_a_log_that_does_not_say_what_it_follows_stops_everything(workspace, idle, damage):
    """Nobody can tell whether it belongs to the state beside it."""
    path, marker, lines = log_of(workspace)
    path.write_bytes(damage(marker) + b"".join(lines))
    see_it_stopped(workspace, idle)


def test_a_damaged_log_stops_every_other_command_too(workspace):
    """None of those that read or mend state guesses."""
    path, marker, lines = log_of(workspace)
    path.write_bytes(marker + b"".join([*lines[:3], *lines[4:]]))
    before = files(workspace)
    for command in (("plan",), ("state", "list"), ("resolve", "cs/e3", "--absent"), ("state", "rm", "cs/e0")):
        workspace.run(*command, expect=1)
        assert "the log of" in workspace.printed
    assert files(workspace) == before


@pytest.mark.parametrize("tail", [b"00000000 {", b"\0" * 4096, b"\xff" * 10], ids=["torn", "zeros", "noise"])
def test_a_torn_tail_is_tolerated(workspace, tail):
    """What a crash left behind the last whole record was never acted on; the record before it counts."""
    path, marker, lines = log_of(workspace)
    path.write_bytes(marker + b"".join(lines) + tail)
    workspace.run("resolve", "cs/e3", "--absent")
    assert set(workspace.state["exams"]) == {"cs/e0", "cs/e1", "cs/e2"}
    assert workspace.state["intents"] == {}


def exams_of(state):
    """The state's entries, in order of address."""
    return [state["exams"][address] for address in sorted(state["exams"])]


def set_in(*path, value):
    """An edit that puts `value` at `path`."""

    def edit(state):
        found = state
        for key in path[:-1]:
            found = found[key]
        found[path[-1]] = value
        return state

    return edit


def without(*path):
    """An edit that removes what is at `path`."""

    def edit(state):
        found = state
        for key in path[:-1]:
            found = found[key]
        del found[path[-1]]
        return state

    return edit


def one_sid_for_two(state):
    """An edit that copies an entry, as a person does who forgets to change the SID."""
    state["exams"]["cs/copy"] = state["exams"]["cs/e0"]
    return state


def created_and_in_doubt(state):
    """An edit that gives a created exam an intent, too."""
    entry = state["exams"]["cs/e0"]
    intent = {key: entry[key] for key in ("digest", "installSid", "courseSid", "payload")}
    more = {"attempt": "a" * 32, "startedAt": entry["createdAt"], "by": "me"}
    state["intents"]["cs/e0"] = intent | more
    return state


NONSENSE = {
    "held by two addresses": one_sid_for_two,
    "both created and in doubt": created_and_in_doubt,
    "exams.cs/e0.courseSid": set_in("exams", "cs/e0", "courseSid", value="CX" + "1" * 32),
    "exams.cs/e0.installSid": set_in("exams", "cs/e0", "installSid", value=None),
    "exams.cs/e0.sid": without("exams", "cs/e0", "sid"),
    "exams.cs/e0.digest": set_in("exams", "cs/e0", "digest", value="sha256:0"),
    "exams.cs/e0.createdAt": set_in("exams", "cs/e0", "createdAt", value="yesterday"),
    "exams.cs/e0.payload": without("exams", "cs/e0", "payload"),
    "exams.cs/e0 is not an object": set_in("exams", "cs/e0", value="EX" + "1" * 32),
    'exams.cs/e0 has the unknown key "colour"': set_in("exams", "cs/e0", "colour", value="red"),
    "is not an address": set_in("exams", "cs e0", value={}),
    "state.exams": without("exams"),
    "state.intents": set_in("intents", value=[]),
    "state.serial": set_in("serial", value="1"),
    "state.lineage": set_in("lineage", value="mine"),
    "format version 9": set_in("formatVersion", value=9),
    "state.formatVersion": without("formatVersion"),
}


@pytest.mark.parametrize(("place", "edit"), NONSENSE.items(), ids=NONSENSE.keys())
def test_a_state_edited_into_nonsense_is_refused(workspace, idle, place, edit):
    """The place is named, and neither the file nor the server is touched."""
    log_of(workspace)[0].unlink()
    path = workspace.root / "exams.state.json"
    path.write_text(json.dumps(edit(workspace.state)))
    before = files(workspace)
    workspace.run("apply", "--auto-approve", "--api-url", idle.url, expect=1)
    assert place in " ".join(workspace.printed.split())
    assert files(workspace) == before
    assert idle.requests == 0


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"exams": {}, "exams": {}}', "<<<<<<< HEAD\n"])
def test_a_state_that_is_no_state_is_refused(workspace, text):
    """Empty, cut, or with a merge's marks in it: it is not taken for an empty one."""
    log_of(workspace)[0].unlink()
    (workspace.root / "exams.state.json").write_text(text)
    before = files(workspace)
    workspace.run("plan", expect=1)
    assert "exams.state.json is not a state of this tool" in " ".join(workspace.printed.split())
    assert "do not run `init`" in " ".join(workspace.printed.split())
    assert files(workspace) == before


@pytest.fixture
def fresh(tmp_path):
    """A workspace with four exams and an empty state."""
    made = Workspace(tmp_path)
    made.run("init")
    made.declare(*NAMES)
    return made


def interfere(workspace, sandbox, change, *more):
    """How an apply ends, and what it prints, with `change` done to the folder while it runs."""
    process = workspace.start(
        "apply", "--auto-approve", "--parallelism", "1", "--api-url", sandbox.url, "--format", "json", *more
    )
    while len(sandbox.created) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    change(workspace.root)
    out, err = process.communicate(timeout=30)
    assert "Traceback" not in err
    return process.returncode, json.loads(out), " ".join(err.split())


def swap_snapshot(**fields):
    """A change that edits the snapshot during a run."""

    def change(root):
        path = root / "exams.state.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))

    return change


@pytest.mark.parametrize(
    "fields",
    [{"serial": 5}, {"lineage": ANOTHER_LINEAGE}, {"intents": {"nonsense": 1}}, {}],
    ids=["later", "another", "nonsense", "rewritten"],
)
def test_a_snapshot_replaced_during_a_run_is_not_overwritten(fresh, sandbox, fields):
    """The run says so, and keeps its outcomes in the log; with the snapshot put back nothing is lost."""
    path = fresh.root / "exams.state.json"
    original = path.read_bytes()
    code, report, told = interfere(fresh, sandbox, swap_snapshot(**fields))
    assert code == 1
    assert report["summary"]["created"] == len(NAMES)
    assert "exams.state.json and its log do not belong together" in told
    replaced = path.read_bytes()
    assert json.loads(replaced) == json.loads(original) | fields
    fresh.run("apply", "--auto-approve", "--api-url", sandbox.url, expect=1)
    assert path.read_bytes() == replaced
    path.write_bytes(original)
    check_way_on(fresh, sandbox, NAMES)
    assert sandbox.requests == len(NAMES)


def test_a_snapshot_removed_during_a_run_is_missed(fresh, sandbox):
    """Nothing makes up another one: neither this run nor the next, nor `init`."""
    path = fresh.root / "exams.state.json"
    original = path.read_bytes()
    code, report, told = interfere(fresh, sandbox, lambda _: path.unlink())
    assert code == 1
    assert report["summary"]["created"] == len(NAMES)
    assert "does not exist" in told
    fresh.run("init", expect=1)
    fresh.run("apply", "--auto-approve", "--api-url", sandbox.url, expect=1)
    path.write_bytes(original)
    check_way_on(fresh, sandbox, NAMES)
    assert sandbox.requests == len(NAMES)


def cut_log(root):
    """Cut the log behind the lock."""
    path = root / "exams.state.json.journal"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))


@pytest.mark.parametrize(
    "change", [lambda root: (root / "exams.state.json.journal").unlink(), cut_log], ids=["removed", "cut"]
)
def test_a_log_lost_during_a_run_stops_it(fresh, sandbox, change):
    """Nothing more is sent, each SID is told once more, and the way to keep it is said.

    The disk is slow when the second exam's outcome and the third one's intent are due, which leaves time.
    """
    fresh.variables[fault_points.VARIABLE] = "lock-folder=slow@4"
    code, report, told = interfere(fresh, sandbox, change)
    assert code in {1, 3}
    assert "removed or cut" in told
    assert "reconciler import" in told
    assert sandbox.requests == 2
    sids = {exam["sid"] for exam in report["exams"] if exam["sid"]}
    assert sids == {exam["sid"] for exam in sandbox.created}
    fresh.run("plan")
    assert "or its log is gone" in fresh.printed
    assert "--allow-older-state" in fresh.refused("apply", "--auto-approve", "--api-url", sandbox.url)
    assert sandbox.requests == 2


def test_a_log_lost_after_a_kill_is_noticed(workspace):
    """As by `git clean` or `git stash --include-untracked`: what was sent is not sent again unasked."""
    (workspace.root / "exams.state.json.journal").unlink()
    workspace.run("plan")
    assert "or its log is gone" in workspace.printed
    assert "--allow-older-state" in workspace.refused("apply", "--auto-approve")
    assert "--allow-older-state" in workspace.refused("import", "cs/e1", "EX" + "1" * 32)
    workspace.run("import", "cs/e1", "EX" + "1" * 32, "--allow-older-state")


def test_times_from_the_future_disturb_nothing(workspace, sandbox):
    """A clock that was set back since: what was created stays created, and a doubt can be settled."""
    workspace.relocate(sandbox.url)
    path, marker, lines = log_of(workspace)
    future = "2099-01-01T00:00:00.000Z"
    state = workspace.state
    state["exams"]["cs/e0"]["createdAt"] = future
    (workspace.root / "exams.state.json").write_text(json.dumps(state))
    digest = hashlib.sha256((workspace.root / "exams.state.json").read_bytes()).hexdigest()
    path.write_bytes(
        changed(marker, snapshot=f"sha256:{digest}")
        + b"".join(lines[:2])
        + changed(lines[2], intent=json.loads(lines[2][9:])["intent"] | {"startedAt": future})
        + changed(lines[3], at=future)
        + b"".join(lines[4:6])
        + changed(lines[6], intent=json.loads(lines[6][9:])["intent"] | {"startedAt": future})
    )
    workspace.run("plan", "--detailed-exitcode", expect=3)
    assert "cs/e3" in workspace.printed
    workspace.run("resolve", "cs/e3", "--absent")
    report = workspace.apply(sandbox.url)
    assert [exam["address"] for exam in report["exams"]] == ["cs/e3"]
    assert check_promises(workspace, sandbox)["exams"]["cs/e1"]["createdAt"] == future
