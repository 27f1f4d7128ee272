"""Comment on a pull request, with a plan or with the report of an apply: `comment.py FILE`.

The file's first line is the hidden marker that `plan --format markdown` and `apply --summary` write. One
comment an environment has the newest plan. It is ours if it begins with a marker of a plan for the same
environment and is by RECONCILER_COMMENT_AUTHOR: anybody may write a comment that looks like ours, and could
afterwards edit what we wrote into it. Each report is a comment of its own, since it has SIDs that a later one
has not; it goes to the pull request that was merged as GITHUB_SHA.

Exit code 0: the comment says what the file says; or there is none, since the token of a pull request from a
fork may only read, or since no pull request was merged, and the job summary alone has it. 1: an earlier plan
may still stand there. A report that could not be written is a warning: it must not stop the next environment.
"""

import http.client
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from reconciler.model.outside_text import tamed

MARKER: Final = re.compile(r"<!-- reconciler:(?P<command>plan|apply)\b(?P<rest>[^\n]*?)-->")
ENVIRONMENT: Final = re.compile(r"\benvironment=(?P<name>\"[^\"]*\"|\S*)")
NEXT_PAGE: Final = re.compile(r'<([^<>]+)>;\s*rel="next"')
MAX_PAGES: Final = 100
TIMEOUT_S: Final = 30
LARGEST_BYTES: Final = 16 * 1024 * 1024
READ_ONLY: Final = "Resource not accessible by integration"
PAUSE_S: Final = 60.0
"""How long GitHub wants to be left alone where it does not say how long."""
PATIENCE_S: Final = 150.0
"""How long the whole step may wait for rate limits."""
DEADLINE_S: Final = time.monotonic() + PATIENCE_S


class Refused(Exception):
    """The server answered `method` with `status`, and why."""

    def __init__(self, method: str, status: int, why: str, headers: Message) -> None:
        super().__init__(f"the server answered {status}{why and ': '}{why}")
        self.method = method
        self.status = status
        self.why = why
        self.headers = headers

    @property
    def is_harmless(self) -> bool:
        """Whether only the token of a fork is in the way, and no earlier plan of ours stands there."""
        is_read_only = self.status == HTTPStatus.FORBIDDEN and self.why.startswith(READ_ONLY)
        return is_read_only and self.method != "PATCH" and is_from_outside()

    @property
    def pause_s(self) -> float | None:
        """Seconds until a rate limit ends; None where it is no rate limit.

        As docs.github.com has it: "Best practices for using the REST API", "Handle rate limit errors".
        """
        if self.status not in {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}:
            return None
        after_s, reset_s = seconds(self.headers["retry-after"]), seconds(self.headers["x-ratelimit-reset"])
        if after_s is not None:
            return max(after_s, 1.0)
        if self.headers["x-ratelimit-remaining"] == "0" and reset_s is not None:
            return max(reset_s - time.time(), 0.0) + 1.0
        is_limit = self.status == HTTPStatus.TOO_MANY_REQUESTS or "rate limit" in self.why.lower()
        return PAUSE_S if is_limit else None


def seconds(text: str | None) -> float | None:
    """The number that a header holds; None for anything else."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


def main() -> int:
    """Write the comment; the exit code."""
    body = Path(sys.argv[1]).read_text(encoding="utf-8")
    subject = subject_of(body)
    if subject is None:
        return fail("the plan does not begin with its marker")
    if "GITHUB_TOKEN" not in os.environ:
        return fail("GITHUB_TOKEN is not set: give it to the step as `env:`, or set comment: false", subject)
    try:
        write(body, subject)
    except Refused as refusal:
        if refusal.is_harmless:
            print("::notice title=reconciler::this token may not comment; the plan is in the job summary")
            return 0
        return fail(f"the comment was not written: {refusal}", subject)
    except (OSError, ValueError, RecursionError, http.client.HTTPException) as error:
        return fail(f"the comment was not written: {type(error).__name__}: {error}", subject)
    return 0


def fail(why: str, subject: tuple[str, str] = ("plan", "")) -> int:
    """Say why, and what the comment may tell or where the report is; return the exit code."""
    shown = tamed(why, most=500).replace("%", "%25")
    if subject[0] == "apply":
        print(f"::warning title=reconciler::{shown}. The report is in the job summary")
        return 0
    print(f"::error title=reconciler::{shown}. A comment on the pull request may show an earlier plan")
    return 1


def subject_of(text: str) -> tuple[str, str] | None:
    """The command and environment that a text's marker names; None for a text that begins with none."""
    marker = MARKER.match(text)
    if marker is None:
        return None
    named = ENVIRONMENT.search(marker["rest"])
    return marker["command"], named["name"].strip('"') if named else ""


def write(body: str, subject: tuple[str, str]) -> None:
    """Replace our comment with a plan for the environment, or add one."""
    repository = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}"
    number = pull_request_number(repository)
    if number is None:
        print("No pull request was merged as this commit; the job summary has the report.")
        return
    thread = f"{repository}/issues/{number}/comments"
    is_plan = subject[0] == "plan"
    ours = next((one for one in comments(thread) if is_ours(one, subject)), None) if is_plan else None
    if ours is None:
        send("POST", thread, {"body": body})
    else:
        send("PATCH", f"{repository}/issues/comments/{ours['id']}", {"body": body})


def pull_request_number(repository: str) -> int | None:
    """The number of the event's pull request, or of the one that was merged as this commit."""
    event = read_event()
    if "pull_request" in event:
        return int(event["pull_request"]["number"])
    sha = os.environ["GITHUB_SHA"]
    found, _ = send("GET", f"{repository}/commits/{sha}/pulls")
    for one in found if isinstance(found, list) else ():
        match one:
            case {"merge_commit_sha": str(merged), "number": int(number)} if merged == sha:
                return number
    return None


def read_event() -> dict[str, Any]:
    """What started this run."""
    event: dict[str, Any] = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    return event


def is_from_outside() -> bool:
    """Whether the pull request is from a fork, which may be gone by now; Dependabot's count as such."""
    if os.environ.get("GITHUB_ACTOR") == "dependabot[bot]":
        return True
    match read_event():
        case {"pull_request": {"head": {"repo": {"full_name": str(name)}}}}:
            return name != os.environ["GITHUB_REPOSITORY"]
        case {"pull_request": {"head": {"repo": None}}}:
            return True
    return False


def is_ours(comment: object, subject: tuple[str, str]) -> bool:
    """Whether this action wrote `comment` about `subject`."""
    match comment:
        case {"id": int(), "body": str(body), "user": {"login": str(author)}}:
            is_by_us = author == os.environ["RECONCILER_COMMENT_AUTHOR"]
            return is_by_us and subject_of(body) == subject
    return False


def comments(thread: str) -> Iterator[Any]:
    """Every comment of a pull request, page by page."""
    page: str | None = f"{thread}?per_page=100"
    for _ in range(MAX_PAGES):
        if page is None:
            return
        found, link = send("GET", page)
        if not isinstance(found, list):
            raise ValueError("the server lists no comments")  # noqa: TRY004 - it is no mistake of a caller's
        yield from found
        following = NEXT_PAGE.search(link)
        page = following[1] if following else None
    raise ValueError("there are too many comments")


def send(method: str, url: str, document: dict[str, str] | None = None) -> tuple[Any, str]:
    """What the server answered, and its Link header; after the pauses that a rate limit asks for.

    Raises Refused, and OSError, ValueError, RecursionError and HTTPException where there is no answer of
    GitHub's.
    """
    while True:
        try:
            return ask(method, url, document)
        except Refused as refusal:
            pause_s = refusal.pause_s
            if pause_s is None or time.monotonic() + pause_s > DEADLINE_S:
                raise
            print(f"The server asks for a pause of {pause_s:.0f} s.", flush=True)
            time.sleep(pause_s)


def ask(method: str, url: str, document: dict[str, str] | None) -> tuple[Any, str]:
    """As `send`, once."""
    if not url.startswith(os.environ["GITHUB_API_URL"] + "/"):
        raise ValueError("a page of another server")  # which would be sent the token
    request = urllib.request.Request(  # noqa: S310 - the line above
        url,
        method=method,
        data=None if document is None else json.dumps(document).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Content-Type": "application/json",
            "User-Agent": "reconciler",
        },
    )
    try:
        with urllib.request.build_opener(Straight).open(request, timeout=TIMEOUT_S) as answer:
            data, link = answer.read(LARGEST_BYTES), answer.headers.get("Link", "")
    except urllib.error.HTTPError as error:
        with error:
            raise Refused(method, error.code, reason_in(error.read(LARGEST_BYTES)), error.headers) from None
    try:
        return json.loads(data), link
    except (ValueError, RecursionError):
        raise ValueError("the server answered with something other than JSON") from None


class Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would be sent the token, wherever it is."""

    def redirect_request(self, *_: object) -> None:
        """Leave the answer as it is, which makes it a refusal."""


def reason_in(data: bytes) -> str:
    """What a refusal says, tamed and without the token; nothing where that is not GitHub's way to say it."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    said = found.get("message") if isinstance(found, dict) else None
    return tamed(said.replace(os.environ["GITHUB_TOKEN"], "***")) if isinstance(said, str) else ""


if __name__ == "__main__":
    sys.exit(main())
