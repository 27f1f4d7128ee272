"""Checks of what must hold after every kill and fault: nothing twice, nothing lost, and a clear way on."""

import json

from reconciler.state.state_format import encode_state
from reconciler.workspace import Workspace


def address_of(exam):
    """Return the address of the server's `exam`."""
    return exam["body"]["title"].replace("Exam ", "cs/")


def read_state(root):
    """Return the state's document, including the log of a killed run; write nothing."""
    return json.loads(encode_state(Workspace.open(root=root).load_state()))


def check_promises(workspace, sandbox):
    """Check that nothing was created twice and no SID is lost; return the state's document."""
    state = read_state(workspace.root)
    titles = [exam["body"]["title"] for exam in sandbox.created]
    assert len(titles) == len(set(titles)), f"twice at the server: {titles}"
    for exam in sandbox.created:
        address = address_of(exam)
        held = state["exams"].get(address, {}).get("sid")
        assert held == exam["sid"] or address in state["intents"], f"lost: {exam['sid']} of {address}"
    return state


def check_way_on(workspace, sandbox, names):
    """Check that `plan` shows exams in doubt, the rest can be applied, and settling them lets apply finish.

    In the end each of the exams `names` is at the server once, and in state with its SID.
    """
    doubts = check_promises(workspace, sandbox)["intents"]
    if doubts:
        workspace.run("plan", "--detailed-exitcode", expect=3)
        assert all(address in workspace.printed for address in doubts)
        assert "resolve" in workspace.printed
        workspace.apply(sandbox.url, expect=3)
        state = check_promises(workspace, sandbox)
        assert state["intents"].keys() == doubts.keys()
        assert state["exams"].keys() | doubts.keys() == {f"cs/{name}" for name in names}
        settle(workspace, sandbox, doubts)
    workspace.apply(sandbox.url)
    state = check_promises(workspace, sandbox)
    assert state["intents"] == {}
    assert state["exams"].keys() == {f"cs/{name}" for name in names}
    assert len(sandbox.created) == len(names)


def settle(workspace, sandbox, doubts):
    """Resolve each of `doubts` by what is at the server, as a person would."""
    seen = {address_of(exam): exam["sid"] for exam in sandbox.created}
    for address in doubts:
        answer = ("--sid", seen[address]) if address in seen else ("--absent",)
        workspace.run("resolve", address, *answer)
