"""Where exams go, end to end: a state belongs to one service, and a plan says which one it is for."""

import json

import pytest
from exam_workspace import MANIFEST, Workspace, exam
from recording_server import RecordingServer

WORKSPACE = """
version: 1
environments:
  production: {apiUrl: "URL", state: "file:production.json"}
"""
INSTALL = "AI1234567890abcdef1234567890abcdef"


@pytest.fixture
def server():
    """The service that exams are meant for."""
    with RecordingServer() as opened:
        yield opened


@pytest.fixture
def elsewhere():
    """A service that must be sent nothing."""
    with RecordingServer() as opened:
        yield opened
        assert opened.requests == []


@pytest.fixture
def workspace(tmp_path):
    """A workspace without environments, with an empty state and one exam declared."""
    made = Workspace(tmp_path)
    made.write(MANIFEST + exam("a"))
    made.run("init")
    return made


def words(text):
    """`text`, however it was wrapped."""
    return " ".join(text.replace("\u2502", " ").split())


def test_the_first_create_binds_the_state(workspace, server, elsewhere):
    """Afterwards a plan goes there by itself, and an apply to another service is refused."""
    assert workspace.state["service"] is None
    workspace.apply(server.url)
    assert workspace.state["service"] == server.url
    document = json.loads(workspace.run("plan", "--format", "json", "--detailed-exitcode"))
    assert document["destination"] == {
        "environment": None,
        "apiUrl": server.url,
        "installSids": [INSTALL],
        "state": "file:exams.state.json",
    }
    workspace.write(MANIFEST + exam("a") + exam("b"))
    before = workspace.state
    said = words(workspace.refused("apply", "--auto-approve", "--api-url", elsewhere.url))
    assert "other-service" in said
    assert f"the state is of exams at {server.url}, and this plan goes to {elsewhere.url}" in said
    assert f"reconciler state rebind --api-url {elsewhere.url}" in said
    assert workspace.state == before


def test_a_plan_that_apply_would_refuse_exits_with_1(workspace, server):
    """Above all else that it says, under the option only; and the JSON says why."""
    workspace.apply(server.url)
    workspace.write(MANIFEST + exam("b"))
    document = json.loads(
        workspace.run(
            "plan", "--api-url", "https://x.example.edu", "--detailed-exitcode", "--format", "json", expect=1
        )
    )
    assert [one["code"] for one in document["refused"]] == ["other-service"]
    workspace.run("plan", "--api-url", "https://x.example.edu", expect=0)
    workspace.run("plan", "--max-creates", "0", "--detailed-exitcode", expect=1)
    workspace.run("plan", "--detailed-exitcode", expect=2)


def test_a_variable_that_stands_around_is_refused_where_the_environment_names_another(
    workspace, server, elsewhere
):
    """The token and the exams of production do not go to the sandbox of the tutorial."""
    workspace.write(WORKSPACE.replace("URL", server.url), "reconciler.yaml")
    workspace.run("init", "--env", "production")
    lingering = workspace.variables | {"SMARTERPROCTORING_URL": f"{elsewhere.url}/"}
    arguments = ("apply", "--env", "production", "--auto-approve")
    said = words(workspace.refused(*arguments, variables=lingering))
    assert "contradicting-url" in said
    assert elsewhere.url in said
    workspace.run("plan", "--env", "production", "--detailed-exitcode", expect=1, variables=lingering)
    assert server.requests == []
    workspace.run(*arguments, "--api-url", server.url, variables=lingering)
    workspace.run(*arguments, variables=workspace.variables | {"SMARTERPROCTORING_URL": f"{server.url}/"})
    assert len(server.requests) == 1


def test_a_state_of_before_that_holds_exams_is_bound_by_a_name_only(workspace, server, elsewhere):
    """A variable, or the default, does not tell where they are; `state rebind` does."""
    workspace.apply(server.url)
    document = workspace.state | {"formatVersion": 1}
    del document["service"]
    (workspace.root / "exams.state.json").write_text(json.dumps(document))
    workspace.write(MANIFEST + exam("a") + exam("b"))
    ambient = workspace.variables | {"SMARTERPROCTORING_URL": elsewhere.url}
    said = words(workspace.refused("apply", "--auto-approve", variables=ambient))
    assert "unbound-service" in said
    assert "apiUrl" in said
    workspace.run("state", "rebind", "--api-url", f"{server.url.upper().replace('HTTP', 'http')}/")
    assert workspace.state["service"] == server.url
    assert workspace.state["formatVersion"] == 4
    assert workspace.state["serial"] == document["serial"] + 1
    assert "other-service" in workspace.refused("apply", "--auto-approve", variables=ambient)
    said = words(workspace.refused("apply", "--auto-approve"))
    assert f"only the state names the service {server.url}" in said
    assert len(server.requests) == 1
    named = workspace.variables | {"SMARTERPROCTORING_URL": server.url}
    workspace.run("apply", "--auto-approve", variables=named)
    assert len(server.requests) == 2


def test_a_service_that_is_none_is_refused(workspace):
    """Wherever it is named, with what to write instead, and nothing changed."""
    before = workspace.state
    for arguments in (
        ("plan", "--api-url", "api.example.edu"),
        ("apply", "--auto-approve", "--api-url", "ftp://x"),
        ("state", "rebind", "--api-url", "https://user:hunter2@x"),
    ):
        said = workspace.refused(*arguments)
        assert "API URL" in said
        assert "hunter2" not in said
    assert workspace.state == before


def test_all_that_is_told_of_a_run_says_where_it_goes(workspace, server):
    """The plan, the progress in a log, the report, the events, and the trail of attempts."""
    arguments = ("apply", "--auto-approve", "--api-url", server.url)
    said = words(workspace.run(*arguments) and workspace.printed)
    where = f"service {server.url}, install {INSTALL}, state file:exams.state.json"
    assert f"Destination: {where}" in said
    assert f"creating 1 exam at {server.url}" in said
    workspace.write(MANIFEST + exam("a") + exam("b"))
    report = workspace.apply(server.url)
    assert report["destination"]["apiUrl"] == server.url
    workspace.write(MANIFEST + exam("a") + exam("b") + exam("c"))
    lines = map(json.loads, workspace.run(*arguments, "--format", "jsonl").splitlines())
    events = [one for one in lines if one["event"] != "warning"]
    assert {(one["service"], one["environment"]) for one in events[1:-1]} == {(server.url, None)}
    assert events[0]["destination"] == events[-1]["destination"] == report["destination"]
    assert {one["installSid"] for one in events if "address" in one} == {INSTALL}
