"""A running sandbox, a client for it, and a body that it takes."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from reconciler.sandbox.running import RunningSandbox, running

PATH = "/v1/installs/AI1234567890abcdef1234567890abcdef/courses/CU1234567890abcdef1234567890abcdef/exams"

Create = Callable[..., httpx.Response]


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """A well-behaved sandbox on a port of its own."""
    with running() as served:
        yield served


@pytest.fixture
def body() -> dict[str, Any]:
    """A body that the documentation allows."""
    return {
        "title": "Midterm Exam 1",
        "type": "Online",
        "useProctorManager": True,
        "requireApproval": False,
        "url": "https://lms.example.edu/quiz/1",
        "enableAppointmentSuggestions": True,
        "examDeliverySystemModule": "canvas",
        "configuration": {
            "examOpenDate": "2031-10-06T13:00:00.000Z",
            "examCloseDate": "2031-10-08T21:00:00.000Z",
            "duration": 75,
            "password": "hush-hush",
        },
    }


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    """A client whose base is the sandbox."""
    with httpx.Client(base_url=sandbox.url, trust_env=False, timeout=10) as opened:
        yield opened


@pytest.fixture
def create(client: httpx.Client, body: dict[str, Any]) -> Create:
    """Sends one create: `create(title="…")` changes the body, `path`, `content` and `headers` the rest."""

    def send(
        *,
        path: str = PATH,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        **changes: Any,
    ) -> httpx.Response:
        data = json.dumps({**body, **changes}).encode() if content is None else content
        given = {"token": "t", "content-type": "application/json"} if headers is None else headers
        return client.post(path, content=data, headers=given)

    return send
