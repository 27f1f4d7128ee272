"""`apply --expect FILE`, end to end: a file that is not the reviewed plan is refused, and nothing is sent."""

import json

import pytest
from exam_workspace import MANIFEST, Workspace, exam
from recording_server import RecordingServer

from reconciler.model.payloads import digest_of

WORKSPACE = """
version: 1
environments:
  staging: {apiUrl: "URL", state: "file:staging.json"}
  production: {apiUrl: "URL", state: "file:production.json"}
"""


@pytest.fixture
def server():
    """A server that must be sent nothing."""
    with RecordingServer() as opened:
        yield opened


@pytest.fixture
def workspace(tmp_path, server):
    """A workspace with two environments, and a plan of one of them in plan.json."""
    made = Workspace(tmp_path)
    made.write(WORKSPACE.replace("URL", server.url), "reconciler.yaml")
    made.write(MANIFEST + exam("a") + exam("b"))
    for name in ("staging", "production"):
        made.run("init", "--env", name)
    made.run("plan", "--env", "staging", "--out", "plan.json")
    return made


def apply(workspace, environment="staging", expect=1):
    """What an apply that expects plan.json said."""
    workspace.run("apply", "--env", environment, "--auto-approve", "--expect", "plan.json", expect=expect)
    return workspace.printed


def edit(workspace, change):
    """Let `change` edit the document in plan.json."""
    file = workspace.root / "plan.json"
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def retitle(document):
    """The body that reviewers saw is another."""
    document["changes"][0]["after"]["title"] = "Easier"


REFUSED = {
    "edited": (retitle, "the plan was edited after it was made: its changes do not match its fingerprint"),
    "one change less": (lambda document: document["changes"].pop(), "was edited"),
    "another fingerprint": (
        lambda document: document.update(fingerprint="sha256:" + "0" * 64),
        "was edited",
    ),
    "another lineage": (
        lambda document: document["state"].update(lineage="0d4c2f7e-6a53-4d0c-9b6e-3a8f1c2b7d10"),
        "was edited",
    ),
    "another environment": (
        lambda document: document["destination"].update(environment="production"),
        "was edited",
    ),
    "another service": (
        lambda document: document["destination"].update(apiUrl="https://api.example.com"),
        "was edited",
    ),
    "another version": (
        lambda document: document.update(formatVersion="3.0"),
        "the plan is of format 3.0, and this version reads format 2.0",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_is_not_the_reviewed_plan_is_refused(workspace, server, case):
    """The refusal says what differs, and nothing is sent or recorded."""
    change, message = REFUSED[case]
    before = (workspace.root / "staging.json").read_bytes()
    edit(workspace, change)
    said = " ".join(apply(workspace).split())
    assert message in said
    assert server.requests == []
    assert (workspace.root / "staging.json").read_bytes() == before


def test_a_plan_of_one_environment_is_refused_in_another(workspace, server):
    """Even where both have the same installs, courses and exams."""
    said = " ".join(apply(workspace, "production").split())
    assert "is for the environment staging, and this is one for the environment production" in said
    assert "Check --env" in said
    assert server.requests == []


def test_the_reviewed_plan_is_applied(workspace, server):
    """As it was made, it is what is expected."""
    apply(workspace, expect=0)
    assert len(server.requests) == 2


def test_a_plan_for_another_service_is_refused(workspace, server):
    """An apiUrl that was changed after the review sends nothing there; nor does a typed one."""
    elsewhere = WORKSPACE.replace("URL", "http://127.0.0.1:9")
    said = " ".join(
        workspace.refused(
            "apply",
            "--env",
            "staging",
            "--auto-approve",
            "--expect",
            "plan.json",
            "--api-url",
            "http://127.0.0.1:9",
        ).split()
    )
    assert f"the reviewed plan goes to {server.url}, and this one to http://127.0.0.1:9" in said
    workspace.write(elsewhere, "reconciler.yaml")
    assert f"goes to {server.url}, and this one to" in " ".join(apply(workspace).split())
    assert server.requests == []


def test_a_plan_of_format_1_is_refused(workspace, server):
    """It does not say which service it is for: it is to be made again."""

    def downgrade(document):
        document.update(formatVersion="1.0", environment=document.pop("destination")["environment"])
        del document["refused"], document["summary"]["accept"]
        document["fingerprint"] = digest_of(
            [
                [one["address"], one["action"], one["installSid"], one["courseSid"], "", one["digest"], ""]
                for one in document["changes"]
            ]
        )

    edit(workspace, downgrade)
    assert "of format 1, which does not say which service" in " ".join(apply(workspace).split())
    assert server.requests == []
    assert "2 exams will be created" in workspace.run("show", "plan.json")
