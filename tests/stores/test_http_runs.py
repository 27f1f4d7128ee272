"""Whole runs on state behind Terraform's HTTP protocol: killed, unlocked, taken up again."""

import json
import re
import signal

import pytest
from exam_workspace import Workspace
from promises import address_of

from reconciler.sandbox.running import running

pytestmark = pytest.mark.timeout(600)  # a dozen commands, one after the other, on a machine that may be busy

NAMES = ("e0", "e1", "e2")


class SharedWorkspace(Workspace):
    """A workspace whose state is at a server."""

    def __init__(self, root, place):
        super().__init__(root)
        self.place = place
        self.variables |= place.environ

    def run(self, *arguments, **expectations):
        """What the command printed, once it exited as expected."""
        return super().run(*arguments, "--state", self.place.url, **expectations)

    def strike(self, fault, *arguments):
        """The exit code of a command that meets `fault`."""
        usual = self.variables
        self.variables = usual | {"RECONCILER_FAULT": fault}
        process = self.start(*arguments, "--state", self.place.url)
        self.variables = usual
        process.communicate(timeout=60)
        return process.returncode

    def document(self):
        """The state, log included, as a command prints it."""
        return json.loads(self.run("state", "pull"))


@pytest.fixture
def workspace(server, tmp_path):
    """Three exams and an empty state."""
    made = SharedWorkspace(tmp_path, server.place("gitlab"))
    made.declare(*NAMES)
    made.run("init")
    return made


def check_nothing_is_lost(workspace, sandbox):
    """Each exam is at the server once, and in state or in doubt."""
    state = workspace.document()
    addresses = [address_of(exam) for exam in sandbox.created]
    assert len(addresses) == len(set(addresses))
    for exam, address in zip(sandbox.created, addresses, strict=True):
        assert state["exams"].get(address, {}).get("sid") == exam["sid"] or address in state["intents"]
    return state


def unlock(workspace):
    """Break the lock that a killed run left, as a person would: look, then name it."""
    workspace.run("unlock")
    if found := re.search(r"lock id (\w+)", re.sub(r"\s+", " ", workspace.printed)):
        workspace.run("unlock", found[1])
    return found


@pytest.mark.parametrize("step", ["store-call=kill@6"])
def test_a_killed_apply_is_taken_up_again(workspace, step):
    """Nothing is created twice or lost; the doubts are settled, and the rest is created."""
    with running() as sandbox:
        arguments = ("apply", "--auto-approve", "--parallelism", "2", "--api-url", sandbox.url)
        assert workspace.strike(step, *arguments) == -signal.SIGKILL
        check_nothing_is_lost(workspace, sandbox)
        workspace.run(*arguments, expect=1)
        assert "is locked by" in re.sub(r"\s+", " ", workspace.printed)
        assert unlock(workspace)
        state = check_nothing_is_lost(workspace, sandbox)
        there = {address_of(exam): exam["sid"] for exam in sandbox.created}
        for address in state["intents"]:
            way = ("--sid", there[address]) if address in there else ("--absent",)
            workspace.run("resolve", address, *way)
        workspace.run(*arguments)
        state = check_nothing_is_lost(workspace, sandbox)
        assert (len(sandbox.created), len(state["exams"]), state["intents"]) == (3, 3, {})
        assert not unlock(workspace)


def test_a_run_that_was_killed_as_it_began_is_released_by_its_id(server, workspace):
    """It holds the server's lock, and no log says so. The next run names that lock, and how to release it."""
    with running() as sandbox:
        arguments = ("apply", "--auto-approve", "--api-url", sandbox.url)
        for nth in range(1, 9):
            assert workspace.strike(f"store-called=kill@{nth}", *arguments) == -signal.SIGKILL
            if lock := server.control(workspace.place)["lock"]:
                break
        assert lock["ID"] in workspace.refused(*arguments)
        assert lock["ID"] in workspace.run("unlock")
        assert f"unlock {lock['ID']}" in workspace.refused(*arguments, "--lock-timeout", "1")
        workspace.run("unlock", lock["ID"])
        assert "is not locked" in workspace.run("unlock")
        workspace.run(*arguments)
        assert len(workspace.document()["exams"]) == len(sandbox.created) == len(NAMES)


def test_a_failing_server_during_apply(server, workspace):
    """Lost answers, late ones and throttling are got over; each exam is created once, in one run."""
    server.control(
        workspace.place,
        faults=[
            {"verb": "update", "nth": 2, "do": "cut-after"},
            {"verb": "update", "nth": 3, "do": "hold-back"},
            {"verb": "update", "nth": 5, "do": "answer", "status": 503},
        ],
    )
    with running() as sandbox:
        workspace.run("apply", "--auto-approve", "--parallelism", "1", "--api-url", sandbox.url)
        assert server.control(workspace.place, arrive=True)["arrived"] == [500]
        state = check_nothing_is_lost(workspace, sandbox)
        assert (len(sandbox.created), len(state["exams"]), state["intents"]) == (3, 3, {})


def test_plan_only_reads(server, workspace):
    """It takes no lock, waits for none and writes nothing, so that a token that may only read will do."""
    before = server.control(workspace.place, lock={"ID": "x"})["log"]
    workspace.run("plan")
    after = server.control(workspace.place)["log"]
    assert {verb for verb, _ in after[len(before) :]} == {"read"}


def test_ambient_credentials_are_not_for_a_server_that_a_pull_request_names(server, tmp_path):
    """They go to a server that is typed after --state, or that TF_HTTP_ADDRESS names."""
    place, workspace = server.place("gitlab"), Workspace(tmp_path)
    workspace.variables |= place.environ
    address = workspace.variables.pop("TF_HTTP_ADDRESS")
    workspace.write(f'version: 1\nenvironments:\n  production: {{state: "{place.url}"}}\n', "reconciler.yaml")
    workspace.declare(*NAMES)
    workspace.run("init", "--state", place.url)
    assert f"TF_HTTP_ADDRESS={address}" in workspace.refused("plan", "--env", "production")
    workspace.run("plan", "--state", place.url)
    workspace.refused("plan", "--env", "production", "--state", "")
    workspace.run("plan", "--env", "production", variables=workspace.variables | {"TF_HTTP_ADDRESS": address})
