"""The action's comment on a pull request: one for each environment, and never somebody else's."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from github_api import BOT, GitHubApi, Refusal
from raw_server import raw_server
from workflow_runner import prepare_reconciler

ROOT = Path(__file__).parents[2]
PLAN = "<!-- reconciler:plan environment={} fingerprint=sha256:{} -->\n**1 exam will be created**\n"


class Clock:
    """A clock that pauses move."""

    def __init__(self, now_s):
        self._now_s = now_s
        self.pauses = []

    def monotonic(self):
        """Seconds."""
        return self._now_s

    def sleep(self, seconds):
        """Note the pause."""
        self.pauses.append(seconds)
        self._now_s += seconds


def loaded(commenting, monkeypatch):
    """The script as a module, in the environment of the step."""
    path = ROOT / ".github" / "action" / "comment.py"
    for name, value in commenting.variables.items():
        monkeypatch.setenv(name, value)
    plan = commenting.root / "reconciler.md"
    plan.write_text(PLAN.format("staging", "a"), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", [str(path), str(plan)])
    spec = importlib.util.spec_from_file_location("comment", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec.loader.exec_module(module)
    return module


class Commenting:
    """Runs the action's comment step for pull request 1."""

    def __init__(self, root, api):
        self.root, self.api = root, api
        self.pull = api.open_pull_request("0" * 40)
        prepare_reconciler(root)
        self.event = root / "event.json"
        self.comes_from({"full_name": "example-edu/exams"})
        self.variables = {
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_API_URL": api.url,
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(self.event),
            "GITHUB_REPOSITORY": "example-edu/exams",
            "GITHUB_TOKEN": "ghs_secret",
            "PATH": os.environ["PATH"],
            "RECONCILER_COMMAND": "plan",
            "RECONCILER_COMMENT_AUTHOR": BOT,
            "RUNNER_TEMP": str(root),
        }

    def comes_from(self, repository):
        """Have the pull request's branch be one of `repository`; None is one that is gone."""
        event = {"pull_request": {"number": 1, "head": {"repo": repository}}}
        self.event.write_text(json.dumps(event))

    def run(self, body, expect=0):
        """What the step printed about the plan `body`."""
        (self.root / "reconciler.md").write_text(body, encoding="utf-8")
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


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("repository", [{"full_name": "somebody/exams"}, None], ids=["fork", "fork-is-gone"])
def test_the_token_of_a_fork_fails_nothing(commenting, method, repository):
    """It may only read. The plan is in the job summary; the run says so, and goes on."""
    commenting.comes_from(repository)
    commenting.api.refusals[method] = Refusal(403)
    assert "the plan is in the job summary" in commenting.run(PLAN.format("staging", "b"))


def test_dependabot_has_the_token_of_a_fork(commenting):
    """Its branches are of the repository itself."""
    commenting.variables["GITHUB_ACTOR"] = "dependabot[bot]"
    commenting.api.refusals["POST"] = Refusal(403)
    assert "the plan is in the job summary" in commenting.run(PLAN.format("staging", "b"))


def test_an_earlier_plan_that_cannot_be_replaced_fails_the_step(commenting):
    """Though the token is a fork's: what stands there is no longer true."""
    commenting.comes_from({"full_name": "somebody/exams"})
    commenting.api.say(1, PLAN.format("staging", "a"))
    commenting.api.refusals["PATCH"] = Refusal(403)
    assert "may show an earlier plan" in commenting.run(PLAN.format("staging", "b"), expect=1)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (Refusal(401, "Bad credentials"), "401: Bad credentials"),
        (Refusal(403), "403: Resource not accessible by integration"),
        (Refusal(403, "Unable to create comment because issue is locked"), "because issue is locked"),
        (Refusal(403, "Resource not accessible by personal access token"), "personal access token"),
        (Refusal(403, body=b"<html>Sign in</html>"), "the server answered 403."),
        (Refusal(404, "Not Found"), "404: Not Found"),
        (Refusal(410, "Issues are disabled for this repo"), "Issues are disabled"),
        (
            Refusal(422, "Validation Failed: ghs_secret %0A::warning::x\n\x1b[2J\ud83d"),
            "422: Validation Failed: ***",
        ),
        (Refusal(301, headers={"location": "http://127.0.0.1:9/elsewhere"}), "answered 301"),
        (Refusal(500, body=b"[" * 100_000), "answered 500"),
        (Refusal(502, body=b"\xff\xfe"), "answered 502"),
        (Refusal(200, body=b"<html>Sign in</html>"), "something other than JSON"),
        (Refusal(200, body=b"[" * 100_000), "something other than JSON"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_any_other_refusal_fails_the_step(commenting, method, refusal, said):
    """An earlier plan may still stand there as if it were this one: that must not go unnoticed."""
    if method == "PATCH":
        commenting.api.say(1, PLAN.format("staging", "a"))
    commenting.api.refusals[method] = replace(refusal)
    printed = commenting.run(PLAN.format("staging", "b"), expect=1)
    assert said in printed
    assert "may show an earlier plan" in printed
    assert printed.count("\n") == 1
    assert "%0A" not in printed
    assert len(commenting.api.sent(method)) == 1


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(403, "You have exceeded a secondary rate limit", {"retry-after": "1"}, times=1),
        Refusal(429, "Too many requests", {"retry-after": "0"}, times=2),
        Refusal(
            403, "API rate limit exceeded", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, times=1
        ),
    ],
    ids=["secondary", "429", "primary"],
)
def test_a_rate_limit_is_waited_for(commenting, method, refusal):
    """As long as the server says; then the comment is written, once."""
    if method == "PATCH":
        commenting.api.say(1, PLAN.format("staging", "a"))
    commenting.api.refusals[method] = replace(refusal)
    assert "asks for a pause of 1 s" in commenting.run(PLAN.format("staging", "b"))
    assert commenting.bodies == [PLAN.format("staging", "b")]


@pytest.mark.parametrize("is_fork", [True, False])
@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(403, "You have exceeded a secondary rate limit", {"retry-after": "3600"}),
        Refusal(
            403, "API rate limit exceeded", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 10}
        ),
        Refusal(
            403, "API rate limit exceeded", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 500}
        ),
        Refusal(429, "Slow down", {"retry-after": "9" * 5_000}),
    ],
    ids=["secondary", "primary", "no calendar has it", "no number of that size"],
)
def test_a_rate_limit_that_lasts_fails_the_step(commenting, refusal, is_fork):
    """Nobody waits for an hour, and a limit is not taken for a token that may only read."""
    if is_fork:
        commenting.comes_from({"full_name": "somebody/exams"})
    commenting.api.refusals["POST"] = refusal
    printed = commenting.run(PLAN.format("staging", "a"), expect=1)
    assert refusal.message in printed
    assert len(commenting.api.sent("POST")) == 1


def test_pauses_are_bounded_as_a_whole(commenting, monkeypatch, capsys):
    """A server that says only that there is a limit is asked again after a minute, and soon no more."""
    comment = loaded(commenting, monkeypatch)
    clock = Clock(comment.DEADLINE_S - comment.PATIENCE_S)
    monkeypatch.setattr(comment, "time", clock)
    commenting.api.refusals["POST"] = Refusal(403, "You have exceeded a secondary rate limit")
    assert comment.main() == 1
    assert clock.pauses == [60.0, 60.0]
    assert "secondary rate limit" in capsys.readouterr().out


@pytest.mark.parametrize(
    "found", [{}, "x", [1, None, {"id": "x"}, {"user": 3}, {"id": 1, "body": None, "user": {}}]]
)
def test_odd_comments_are_nobodys(commenting, found):
    """What is no list of comments is told; what is no comment is left alone."""
    commenting.api.refusals["GET"] = Refusal(200, body=json.dumps(found).encode())
    printed = commenting.run(PLAN.format("staging", "b"), expect=0 if isinstance(found, list) else 1)
    assert isinstance(found, list) or "lists no comments" in printed


def test_a_text_without_a_marker_is_not_posted(commenting):
    """It could never be found again, so there would be one more with each push."""
    assert "does not begin with its marker" in commenting.run("**1 exam will be created**\n", expect=1)
    assert commenting.bodies == []


def test_a_missing_token_is_asked_for(commenting):
    """The message says which variable the step needs."""
    del commenting.variables["GITHUB_TOKEN"]
    assert "GITHUB_TOKEN is not set" in commenting.run(PLAN.format("staging", "a"), expect=1)


def test_a_page_of_another_server_is_not_followed(commenting, monkeypatch):
    """The token goes to the API that the runner named, and nowhere else."""
    comment = loaded(commenting, monkeypatch)
    with pytest.raises(ValueError, match="a page of another server"):
        comment.send("GET", "http://127.0.0.1:9/elsewhere")


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-OpenSSH\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[{"]
)
def test_what_is_no_answer_fails_the_step(commenting, said):
    """Another protocol, a connection that is closed, and a list that is cut."""

    def converse(conversation):
        conversation.read_head()
        conversation.send(said)

    with raw_server(converse) as server:
        commenting.variables["GITHUB_API_URL"] = server.url
        assert "may show an earlier plan" in commenting.run(PLAN.format("staging", "a"), expect=1)


REPORT = "<!-- reconciler:apply environment={} fingerprint=sha256:{} -->\n**Created 1 exam**\n"


@pytest.fixture
def merged(commenting):
    """Pull request 1 is merged, with the plan's comment, and an apply runs on the push."""
    commenting.run(PLAN.format("staging", "a"))
    commenting.pull.merged_as = "a" * 40
    commenting.event.write_text("{}")
    commenting.variables |= {
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_SHA": "a" * 40,
        "RECONCILER_COMMAND": "apply",
    }
    return commenting


def test_the_merged_pull_request_is_told_what_became_of_it(merged):
    """Each report stands there by itself, since each has other SIDs; the plan stays."""
    for mark in "bc":
        merged.run(REPORT.format("staging", mark))
    reports = [REPORT.format("staging", mark) for mark in "bc"]
    assert merged.bodies == [PLAN.format("staging", "a"), *reports]


def test_a_push_that_merged_nothing_is_no_failure(merged):
    """The job summary has the report."""
    merged.pull.merged_as = "b" * 40
    assert "No pull request was merged" in merged.run(REPORT.format("staging", "b"))
    assert merged.bodies == [PLAN.format("staging", "a")]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "refusal",
    [Refusal(403), Refusal(404, "Not Found"), Refusal(200, body=b"<html>"), Refusal(200, body=b"[3, {}]")],
)
def test_a_report_that_cannot_be_commented_fails_no_apply(merged, method, refusal):
    """What was applied is applied, and the next environment must not wait for a comment: it is a warning."""
    merged.api.refusals[method] = replace(refusal)
    printed = merged.run(REPORT.format("staging", "b"))
    is_list = refusal.body == b"[3, {}]"
    assert is_list or printed.startswith("::warning title=reconciler::the comment was not written")
    assert is_list or printed.endswith("The report is in the job summary\n")


@pytest.mark.parametrize("event", ["push", "schedule"])
def test_without_a_pull_request_there_is_no_comment(commenting, event):
    """The same step in a scheduled job says where the plan is, and asks the server nothing."""
    commenting.variables["GITHUB_EVENT_NAME"] = event
    assert "job summary" in commenting.run(PLAN.format("staging", "a"))
    assert commenting.api.requests == []
