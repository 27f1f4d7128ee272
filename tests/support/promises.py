"""What holds after every kill and fault: nothing twice, nothing lost, and a way on that is plainly said."""

import json

from reconciler.statefile.state_format import encode_state
from reconciler.workspace import Workspace


def address_of(exam):
    """The address that the server's `exam` was declared under."""
    return exam["body"]["title"].replace("Exam ", "cs/")


def read_state(root):
    """Return the state's document, with what a killed run left in the journal; nothing is written."""
    return json.loads(encode_state(Workspace.open(root=root).load_state()))


def check_promises(workspace, sandbox):
    """Return the state's document, once it is seen that nothing was created twice and no SID is lost."""
    state = read_state(workspace.root)
    titles = [exam["body"]["title"] for exam in sandbox.created]
    assert len(titles) == len(set(titles)), f"twice at the server: {titles}"
    for exam in sandbox.created:
        address = address_of(exam)
        held = state["exams"].get(address, {}).get("sid")
        assert held == exam["sid"] or address in state["intents"], f"lost: {exam['sid']} of {address}"
    return state


def check_way_on(workspace, sandbox, names):
    """The doubts are plainly told, the rest can be applied, and settling the doubts creates what is missing.

    In the end each of the exams `names` is at the server once, and in state under its SID.
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
    """Look at the server, as a person would, and resolve each of `doubts` by what is seen there."""
    seen = {address_of(exam): exam["sid"] for exam in sandbox.created}
    for address in doubts:
        answer = ("--sid", seen[address]) if address in seen else ("--absent",)
        workspace.run("resolve", address, *answer)
