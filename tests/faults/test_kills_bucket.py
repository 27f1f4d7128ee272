"""A kill between any two calls to object storage, by the command line: nothing twice, nothing lost."""

import json
import signal
from itertools import count

import object_servers
import pytest
import zygote
from exam_workspace import SECRET, Workspace
from promises import address_of

from reconciler import fault_points
from reconciler.sandbox.running import running
from reconciler.state.state_format import encode_state
from reconciler.workspace import Workspace as Opened

NAMES = ("e0", "e1")
MOST_CALLS = 100


@pytest.fixture(scope="module")
def store():
    """S3 as moto plays it, with credentials in the environment."""
    with object_servers.moto() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.variables.items():
            patch.setenv(name, value)
        yield server


class Commands:
    """A workspace whose state is in the store, and commands run in it; a look at either needs no process."""

    def __init__(self, root, store):
        self._root = root
        self._secrets = [SECRET, "a.token.x", *store.variables.values()]
        self._variables = {"SMARTERPROCTORING_TOKEN": "a.token.x", "EXAM_SECRET_CS": SECRET, "COLUMNS": "200"}
        self._variables |= store.variables | {"XDG_STATE_HOME": str(root.parent / "machine")}
        self._state_url = store.url()
        self._opened = Opened.open(root=root, state_url=self._state_url)
        Workspace(root).declare(*NAMES)
        self._opened.initialise()

    def run(self, *words, expect=(0,)):
        """The command has ended with one of `expect`."""
        code, printed = self._call(words, {})
        assert code in expect, printed

    def strike(self, fault, *words):
        """The exit code of a command that meets `fault`."""
        return self._call(words, {fault_points.VARIABLE: fault})[0]

    def _call(self, words, more):
        words += ("--state", self._state_url)
        done = zygote.run(*words, cwd=self._root, env=self._variables | more)
        for text in ("Traceback", *self._secrets):
            assert text not in done.stdout + done.stderr
        return done.returncode, done.stdout + done.stderr

    @property
    def lock_id(self):
        """The id of the lock that a killed run left; None if it left none."""
        holder = self._opened.lock_holder()
        return None if holder is None else holder.info.lock_id

    @property
    def state(self):
        """The state's document, with what a killed run left in the journal."""
        return json.loads(encode_state(self._opened.load_state()))


def apply(sandbox):
    """An apply, one exam after the other, so that each kill is at the same place every time."""
    return ("apply", "--auto-approve", "--parallelism", "1", "--api-url", sandbox.url)


def check(commands, sandbox):
    """Nothing twice, nothing lost; gives the state."""
    state = commands.state
    titles = [exam["body"]["title"] for exam in sandbox.created]
    assert len(titles) == len(set(titles))
    for exam in sandbox.created:
        address = address_of(exam)
        held = state["exams"].get(address, {}).get("sid")
        assert held == exam["sid"] or address in state["intents"], f"lost: {exam['sid']} of {address}"
    return state


def go_on(commands, sandbox):
    """As a person would: unlock, apply what can be, settle each doubt by the server's list, apply again."""
    check(commands, sandbox)
    if commands.lock_id is not None:
        commands.run("unlock", commands.lock_id)
    commands.run(*apply(sandbox), expect=(0, 3))
    doubts = check(commands, sandbox)["intents"]
    seen = {address_of(exam): exam["sid"] for exam in sandbox.created}
    for address in doubts:
        commands.run("resolve", address, *(("--sid", seen[address]) if address in seen else ("--absent",)))
    if doubts:
        commands.run(*apply(sandbox))
    state = check(commands, sandbox)
    assert state["intents"] == {}
    assert state["exams"].keys() == {f"cs/{name}" for name in NAMES}
    assert len(sandbox.created) == len(NAMES)


def is_killed(folder, store, fault):
    """Whether a run was killed by `fault`; if it was, what comes next has ended what it began."""
    folder.mkdir()
    with running() as sandbox:
        commands = Commands(folder, store)
        code = commands.strike(fault, *apply(sandbox))
        if code == 0:
            return False
        assert code == -signal.SIGKILL
        go_on(commands, sandbox)
    return True


@pytest.mark.timeout(300)
def test_a_kill_before_any_call(tmp_path, store):
    """The run dies right there; what comes next ends what was begun, and each exam is created once."""
    for nth in count(1):
        if not is_killed(tmp_path / str(nth), store, f"store-call=kill@{nth}"):
            break
        assert nth < MOST_CALLS
    assert nth > 8, "the run is killed before each of its calls"


@pytest.mark.parametrize("nth", range(4, 10))
def test_a_kill_after_a_record_is_durable(tmp_path, store, nth):
    """The store holds the lock, an intent, an outcome, the log's end or the fold; the run does not know."""
    assert is_killed(tmp_path / "w", store, f"store-called=kill@{nth}")


@pytest.mark.parametrize("nth", range(1, 11))
def test_a_call_that_fails(tmp_path, store, nth):
    """The run stops as if it had been killed there, or goes on; and the next one ends what was begun."""
    with running() as sandbox:
        commands = Commands(tmp_path, store)
        assert commands.strike(f"store-call=eio@{nth}", *apply(sandbox)) in {0, 1, 3}
        go_on(commands, sandbox)


def test_a_killed_unlock_is_finished_by_the_next_run(tmp_path, store):
    """Whatever of it was done, the lock is free in the end and what the killed run recorded is there."""
    for nth in count(1):
        folder = tmp_path / str(nth)
        folder.mkdir()
        with running() as sandbox:
            commands = Commands(folder, store)
            assert commands.strike("intent-durable=kill@2", *apply(sandbox)) == -signal.SIGKILL
            code = commands.strike(f"store-called=kill@{nth}", "unlock", commands.lock_id)
            if code == 0:
                break
            go_on(commands, sandbox)
    assert nth > 4, "unlock is killed at each of its calls"
