"""Keep one comment an environment up to date on a pull request: `comment.py FILE`.

The file's first line is the hidden marker that `plan --format markdown` prints. A comment is ours if it
begins with a marker of the same environment and is by RECONCILER_COMMENT_AUTHOR: anybody may write a comment
that looks like ours, and could afterwards edit what we wrote into it.

Exit code 0: the comment says what the file says, or the token may not write here (as on a pull request from a
fork), for the plan is in the job summary as well. 1: an earlier plan may still stand there.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

MARKER: Final = re.compile(r"<!-- reconciler:plan\b(?P<rest>[^\n]*?)-->")
ENVIRONMENT: Final = re.compile(r"\benvironment=(?P<name>\"[^\"]*\"|\S*)")
NEXT_PAGE: Final = re.compile(r'<([^<>]+)>;\s*rel="next"')
MAX_PAGES: Final = 100
TIMEOUT_S: Final = 30
FORBIDDEN: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


def main() -> int:
    """Write the comment; the exit code."""
    body = Path(sys.argv[1]).read_text(encoding="utf-8")
    environment = environment_of(body)
    if environment is None:
        return fail("the plan does not begin with its marker")
    if "GITHUB_TOKEN" not in os.environ:
        return fail("GITHUB_TOKEN is not set: give it to the step as `env:`, or set comment: false")
    try:
        write(body, environment)
    except urllib.error.HTTPError as error:
        if error.code in FORBIDDEN:
            print("::notice title=reconciler::this token may not comment; the plan is in the job summary")
            return 0
        return fail(f"the comment was not written: the server answered {error.code}")
    except (OSError, ValueError) as error:
        return fail(f"the comment was not written: {type(error).__name__}")
    return 0


def fail(why: str) -> int:
    """Say why, and that the comment may tell of an earlier plan."""
    print(f"::error title=reconciler::{why}. A comment on the pull request may show an earlier plan")
    return 1


def environment_of(text: str) -> str | None:
    """The environment that a text's marker names; None for a text that does not begin with a marker."""
    marker = MARKER.match(text)
    if marker is None:
        return None
    named = ENVIRONMENT.search(marker["rest"])
    return named["name"].strip('"') if named else ""


def write(body: str, environment: str) -> None:
    """Replace our comment for `environment`, or add it."""
    repository = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}"
    thread = f"{repository}/issues/{pull_request_number()}/comments"
    ours = next((one for one in comments(thread) if is_ours(one, environment)), None)
    if ours is None:
        send("POST", thread, {"body": body})
    else:
        send("PATCH", f"{repository}/issues/comments/{int(ours['id'])}", {"body": body})


def pull_request_number() -> int:
    """The number of the pull request that this run is about."""
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    return int(event["pull_request"]["number"])


def is_ours(comment: dict[str, Any], environment: str) -> bool:
    """Whether this action wrote `comment` about `environment`."""
    author = (comment.get("user") or {}).get("login")
    told_of = environment_of(comment.get("body") or "")
    return author == os.environ["RECONCILER_COMMENT_AUTHOR"] and told_of == environment


def comments(thread: str) -> Iterator[dict[str, Any]]:
    """Every comment of a pull request, page by page."""
    page: str | None = f"{thread}?per_page=100"
    for _ in range(MAX_PAGES):
        if page is None:
            return
        found, link = send("GET", page)
        yield from found
        following = NEXT_PAGE.search(link)
        page = following[1] if following else None
    raise ValueError("there are too many comments")


def send(method: str, url: str, document: dict[str, str] | None = None) -> tuple[Any, str]:
    """What the server answered, and its Link header. Raises HTTPError for a refusal, OSError, ValueError."""
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
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
        return json.load(answer), answer.headers.get("Link", "")


if __name__ == "__main__":
    sys.exit(main())
