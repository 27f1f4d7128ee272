"""A stand-in for the part of GitHub's API that the action and the example use: a real server on loopback."""

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

BOT = "github-actions[bot]"


@dataclass
class PullRequest:
    """A pull request: the comments on it, and what it was merged as."""

    number: int
    head: str
    merged_as: str | None = None
    comments: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Refusal:
    """What a method is answered with, as often as `times` says (None: always)."""

    status: int
    message: str = "Resource not accessible by integration"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    times: int | None = None


class GitHubApi:
    """The server. `refusals` has the Refusal of a method; `requests` each method and path."""

    def __init__(self, page_size=100):
        self.pulls = {}
        self.runs = []
        self.requests = []
        self.tokens = set()
        self.refusals = {}
        self._page_size = page_size
        self._lock = threading.Lock()
        api = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self):
                length = int(self.headers.get("content-length", 0))
                body = json.loads(self.rfile.read(length)) if length else None
                with api._lock:
                    api.tokens.add(self.headers.get("authorization"))
                    status, found, headers = api._respond(self.command, self.path, body)
                data = found if isinstance(found, bytes) else json.dumps(found).encode()
                self.send_response(status)
                for name, value in ({"content-length": str(len(data))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the library's names

            def log_message(self, *_):
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def open_pull_request(self, head):
        """A new pull request whose last commit is `head`."""
        pull = PullRequest(len(self.pulls) + 1, head)
        self.pulls[pull.number] = pull
        return pull

    def say(self, number, body, login=BOT):
        """Add a comment to a pull request."""
        thread = self.pulls[number].comments
        comment = {"id": 1000 * number + len(thread), "body": body, "user": {"login": login}}
        thread.append(comment)
        return comment

    def sent(self, method):
        """The paths of the requests of one method."""
        return [path for used, path in self.requests if used == method]

    def _respond(self, method, target, body):
        self.requests.append((method, target))
        refusal = self.refusals.get(method)
        if refusal is not None and refusal.times != 0:
            refusal.times = None if refusal.times is None else refusal.times - 1
            found = {"message": refusal.message} if refusal.body is None else refusal.body
            return refusal.status, found, refusal.headers
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        for pattern, answer in _ROUTES:
            if found := re.fullmatch(rf"/repos/example-edu/exams/{pattern}", parts.path):
                return answer(self, method, found, query, body)
        return 404, {"message": "Not Found"}, {}

    def _thread_of(self, method, found, query, body):
        number = int(found[1])
        if method == "POST":
            return 201, self.say(number, body["body"]), {}
        page = int(query.get("page", 1))
        first = (page - 1) * self._page_size
        comments = self.pulls[number].comments
        is_last = first + self._page_size >= len(comments)
        following = f"{self.url}/repos/example-edu/exams/issues/{number}/comments?page={page + 1}"
        link = f'<{self.url}/elsewhere>; rel="first", <{following}>; rel="next"'
        return 200, comments[first : first + self._page_size], {} if is_last else {"link": link}

    def _comment(self, method, found, _query, body):
        every = [comment for pull in self.pulls.values() for comment in pull.comments]
        comment = next(one for one in every if one["id"] == int(found[1]))
        assert method == "PATCH"
        comment["body"] = body["body"]
        return 200, comment, {}

    def _merged_as(self, _method, found, _query, _body):
        merged = [pull for pull in self.pulls.values() if pull.merged_as == found[1]]
        return 200, [_pull_document(pull) for pull in merged], {}

    def _runs_of(self, _method, found, query, _body):
        asked = (found[1], query["head_sha"], query["event"], query["status"])
        runs = [
            run for run in self.runs if (run["workflow"], run["head"], run["event"], run["status"]) == asked
        ]
        return 200, {"workflow_runs": [{"id": run["id"]} for run in reversed(runs)]}, {}


def _pull_document(pull):
    return {"number": pull.number, "merge_commit_sha": pull.merged_as, "head": {"sha": pull.head}}


_ROUTES = (
    (r"issues/(\d+)/comments", GitHubApi._thread_of),
    (r"issues/comments/(\d+)", GitHubApi._comment),
    (r"commits/([0-9a-f]{40})/pulls", GitHubApi._merged_as),
    (r"actions/workflows/([\w.]+)/runs", GitHubApi._runs_of),
)
