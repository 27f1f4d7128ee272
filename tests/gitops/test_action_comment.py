"""The action's comment on a pull request: one for each environment, and never somebody else's."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from github_api import BOT, GitHubApi
from workflow_runner import prepare_reconciler

ROOT = Path(__file__).parents[2]
PLAN = "<!-- reconciler:plan environment={} fingerprint=sha256:{} -->\n**1 exam will be created**\n"


class Commenting:
    """Runs the action's comment step for pull request 1."""

    def __init__(self, root, api):
        self.root, self.api = root, api
        self.pull = api.open_pull_request("0" * 40)
        prepare_reconciler(root)
        self.event = root / "event.json"
        self.event.write_text(json.dumps({"pull_request": {"number": 1}}))
        self.variables = {
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_API_URL": api.url,
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(self.event),
            "GITHUB_REPOSITORY": "example-edu/exams",
            "GITHUB_TOKEN": "ghs_secret",
            "PATH": os.environ["PATH"],
            "RECONCILER_COMMENT_AUTHOR": BOT,
            "RUNNER_TEMP": str(root),
        }

    def run(self, body, expect=0):
        """What the step printed about the plan `body`."""
        (self.root / "reconciler-plan.md").write_text(body, encoding="utf-8")
        done = subprocess.run(
            [ROOT / ".github" / "action" / "comment.sh"],
            env=self.variables,
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert "ghs_secret" not in done.stdout + done.stderr
        return done.stdout

    @property
    def bodies(self):
        """The comments on the pull request."""
        return [comment["body"] for comment in self.pull.comments]


@pytest.fixture
def commenting(tmp_path):
    """A pull request without a comment, on a server that gives two comments a page."""
    with GitHubApi(page_size=2) as api:
        yield Commenting(tmp_path, api)


def test_a_second_plan_replaces_the_first(commenting):
    """One comment an environment: written once, then edited in place."""
    commenting.run(PLAN.format("staging", "a"))
    commenting.run(PLAN.format("production", "b"))
    commenting.run(PLAN.format("staging", "c"))
    assert commenting.bodies == [PLAN.format("staging", "c"), PLAN.format("production", "b")]
    assert commenting.api.tokens == {"Bearer ghs_secret"}


def test_the_comment_is_found_on_a_later_page(commenting):
    """Our comment behind five others is still ours."""
    for number in range(5):
        commenting.api.say(1, f"Looks good {number}", "somebody")
    commenting.api.say(1, PLAN.format("staging", "a"))
    commenting.run(PLAN.format("staging", "b"))
    assert commenting.bodies[5:] == [PLAN.format("staging", "b")]
    assert len(commenting.api.sent("GET")) == 3
    assert commenting.api.sent("POST") == []


def test_a_comment_that_only_looks_like_ours_is_left_alone(commenting):
    """Somebody else's could be edited afterwards by its author; a quotation of ours does not begin so."""
    commenting.api.say(1, PLAN.format("staging", "a"), "mallory")
    commenting.api.say(1, "> " + PLAN.format("staging", "a"))
    before = commenting.bodies
    commenting.run(PLAN.format("staging", "b"))
    assert commenting.bodies == [*before, PLAN.format("staging", "b")]


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_may_only_read_fails_nothing(commenting, method, status):
    """On a pull request from a fork the plan is in the job summary; the run says so, and goes on."""
    if method == "PATCH":
        commenting.api.say(1, PLAN.format("staging", "a"))
    commenting.api.refusals[method] = status
    assert "the plan is in the job summary" in commenting.run(PLAN.format("staging", "b"))


@pytest.mark.parametrize("status", [404, 500, 503])
def test_any_other_refusal_fails_the_step(commenting, status):
    """An earlier plan may still stand there as if it were this one: that must not go unnoticed."""
    commenting.api.refusals["POST"] = status
    said = commenting.run(PLAN.format("staging", "a"), expect=1)
    assert str(status) in said
    assert "may show an earlier plan" in said


def test_a_text_without_a_marker_is_not_posted(commenting):
    """It could never be found again, so there would be one more with each push."""
    assert "does not begin with its marker" in commenting.run("**1 exam will be created**\n", expect=1)
    assert commenting.bodies == []


def test_a_missing_token_is_asked_for(commenting):
    """The message says which variable the step needs."""
    del commenting.variables["GITHUB_TOKEN"]
    assert "GITHUB_TOKEN is not set" in commenting.run(PLAN.format("staging", "a"), expect=1)


def test_a_page_of_another_server_is_not_followed(commenting, tmp_path):
    """The token goes to the API that the runner named, and nowhere else."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import comment\n"
        "try:\n    comment.send('GET', 'http://127.0.0.1:9/elsewhere')\n"
        "except ValueError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [tmp_path / "reconciler" / "bin" / "python", "-B", "-c", script, ROOT / ".github" / "action"],
        env=commenting.variables,
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == "a page of another server\n"


@pytest.mark.parametrize("event", ["push", "schedule"])
def test_without_a_pull_request_there_is_no_comment(commenting, event):
    """The same step in a scheduled job says where the plan is, and asks the server nothing."""
    commenting.variables["GITHUB_EVENT_NAME"] = event
    assert "job summary" in commenting.run(PLAN.format("staging", "a"))
    assert commenting.api.requests == []
