"""Each fault, seen from the other end of the wire."""

import json
import socket
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from reconciler.sandbox import Settings, parse_fault
from reconciler.sandbox.running import RunningSandbox, running

Create = Callable[..., httpx.Response]
PATH = "/v1/installs/AI1234567890abcdef1234567890abcdef/courses/CU1234567890abcdef1234567890abcdef/exams"


def raw_answer(url: str, body: dict[str, Any], patience_s: float = 10) -> bytes:
    """Every byte that a bare socket receives for one create, until the connection ends.

    Raises ConnectionResetError where it ends with a reset.
    """
    place = urlsplit(url)
    data = json.dumps(body).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {place.netloc}\r\ntoken: t\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=patience_s) as connection:
        connection.sendall(head.encode() + data)
        received = b""
        while piece := connection.recv(65_536):
            received += piece
        return received


def test_drop_after_stores_and_sends_no_byte(sandbox: RunningSandbox, body: dict[str, Any]) -> None:
    """The exam exists, and the connection ends without a single byte."""
    sandbox.misbehave("drop-after")
    assert raw_answer(sandbox.url, body) == b""
    assert [exam["body"]["title"] for exam in sandbox.created] == [body["title"]]


def test_drop_before_resets_and_stores_nothing(sandbox: RunningSandbox, body: dict[str, Any]) -> None:
    """The connection is reset, and there is no exam."""
    sandbox.misbehave("drop-before")
    with pytest.raises(ConnectionResetError):
        raw_answer(sandbox.url, body)
    assert (sandbox.created, sandbox.requests) == ([], 1)


def test_a_client_that_is_gone_cannot_be_reset(
    sandbox: RunningSandbox, body: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A client that was killed while it waited is no failure of the sandbox."""
    sandbox.misbehave("latency:seconds=0.2", "drop-before")
    with pytest.raises(TimeoutError):
        raw_answer(sandbox.url, body, patience_s=0.05)
    time.sleep(0.5)
    assert sandbox.requests == 1
    assert "failed" not in caplog.text


def test_truncated_answer_is_shorter_than_announced(sandbox: RunningSandbox, body: dict[str, Any]) -> None:
    """The status line and some of the body arrive, less than the announced length, and the exam exists."""
    sandbox.misbehave("truncated")
    head, _, received = raw_answer(sandbox.url, body).partition(b"\r\n\r\n")
    announced = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert head.startswith(b"HTTP/1.1 200 ")
    assert 0 < len(received) < announced
    assert len(sandbox.created) == 1


def test_sandbox_serves_on_after_drops(sandbox: RunningSandbox, create: Create) -> None:
    """A dropped connection harms only its own request."""
    sandbox.misbehave("drop-after:nth=1", "drop-before:nth=2", "truncated:nth=3")
    for _ in range(3):
        with pytest.raises(httpx.TransportError):
            create()
    assert create().status_code == 200
    assert (len(sandbox.created), sandbox.requests) == (3, 4)


def test_no_sid_stores_and_answers_null(sandbox: RunningSandbox, create: Create) -> None:
    """The answer is a 200 that does not say which exam it made."""
    sandbox.misbehave("no-sid")
    reply = create()
    assert (reply.status_code, reply.json()["sid"]) == (200, None)
    assert len(sandbox.created) == 1


@pytest.mark.parametrize(("stored", "count"), [("true", 1), ("false", 0)])
def test_html_is_a_proxys_page(sandbox: RunningSandbox, create: Create, stored: str, count: int) -> None:
    """A 200 with HTML comes, whether or not the exam was stored."""
    sandbox.misbehave(f"html:stored={stored}")
    reply = create()
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "proxy" in reply.text
    assert len(sandbox.created) == count


@pytest.mark.parametrize(("stored", "count"), [("true", 1), ("false", 0)])
@pytest.mark.parametrize("code", [503, 404, 204])
def test_status_is_as_told(
    sandbox: RunningSandbox, create: Create, code: int, stored: str, count: int
) -> None:
    """Any status can be had, whether or not the exam was stored."""
    sandbox.misbehave(f"status:code={code},stored={stored}")
    assert create().status_code == code
    assert len(sandbox.created) == count


def test_redirect_leads_to_the_same_path(sandbox: RunningSandbox, create: Create) -> None:
    """A client that follows would create the exam, which nothing but the redirection's own POST did not."""
    sandbox.misbehave("redirect:nth=1")
    reply = create()
    assert (reply.status_code, reply.headers["location"]) == (307, PATH)
    assert sandbox.created == []


def test_throttling_says_when_to_come_back(sandbox: RunningSandbox, create: Create) -> None:
    """429 comes with Retry-After in seconds, as a date, or not at all."""
    sandbox.misbehave("429:retry-after=2,nth=1", "429:retry-after=30,form=date,nth=2", "429:nth=3")
    seconds, date, none = create(), create(), create()
    assert [reply.status_code for reply in (seconds, date, none)] == [429] * 3
    assert seconds.headers["retry-after"] == "2"
    assert 25 < parsedate_to_datetime(date.headers["retry-after"]).timestamp() - time.time() < 35
    assert "retry-after" not in none.headers
    assert sandbox.created == []


def test_rate_throttles_beyond_it(sandbox: RunningSandbox, create: Create) -> None:
    """A rate of one every ten seconds lets the first through and not the second."""
    sandbox.misbehave("rate:per-second=0.1")
    first, second = create(), create()
    assert (first.status_code, second.status_code) == (200, 429)
    assert second.headers["retry-after"] == "1"
    assert len(sandbox.created) == 1


def test_a_rate_refuses_as_told(sandbox: RunningSandbox, create: Create) -> None:
    """What Retry-After says can be chosen, to rehearse servers that say nothing useful."""
    sandbox.misbehave("rate:per-second=0.1,retry-after=0")
    create()
    assert create().headers["retry-after"] == "0"
    sandbox.misbehave("rate:per-second=0.1,retry-after=9,form=date")
    create()
    assert create().headers["retry-after"].endswith(" GMT")


def taken_s(create: Create) -> float:
    """How long a create takes; of several the quickest counts, since a machine may stall."""
    began_s = time.monotonic()
    create()
    return time.monotonic() - began_s


def test_answers_do_not_wait_for_acknowledgements(create: Create) -> None:
    """On one connection all but the first creates would take the 40 ms that waiting costs."""
    assert min([taken_s(create) for _ in range(40)][20:]) < 0.04


def test_latency_delays_and_title_selects(sandbox: RunningSandbox, create: Create) -> None:
    """Only the create whose title fits waits, and then it is served."""
    sandbox.misbehave("latency:seconds=0.3,title=Final*")
    others_s = min(taken_s(create) for _ in range(5))
    began_s = time.monotonic()
    assert create(title="Final Exam").status_code == 200
    assert others_s < 0.3 <= time.monotonic() - began_s


def test_exam_is_stored_though_the_client_left(sandbox: RunningSandbox) -> None:
    """A client that gives up during the latency has still created the exam."""
    sandbox.misbehave("latency:seconds=0.3")
    with (
        httpx.Client(base_url=sandbox.url, timeout=0.1, trust_env=False) as hasty,
        pytest.raises(httpx.ReadTimeout),
    ):
        hasty.post(PATH, json=create_body(), headers={"token": "t"})
    sandbox.misbehave()
    deadline_s = time.monotonic() + 5
    while not sandbox.created and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert len(sandbox.created) == 1


def create_body() -> dict[str, Any]:
    """The smallest body that the documentation allows."""
    return {
        "title": "x",
        "type": "Written",
        "useProctorManager": False,
        "requireApproval": False,
        "url": "N/A",
        "enableAppointmentSuggestions": False,
        "examDeliverySystemModule": "canvas",
        "configuration": {},
    }


def test_slow_body_arrives_in_pieces(sandbox: RunningSandbox, client: httpx.Client) -> None:
    """The head comes at once, the whole body only after the time told."""
    sandbox.misbehave("slow-body:seconds=0.4")
    began_s = time.monotonic()
    with client.stream("POST", PATH, json=create_body(), headers={"token": "t"}) as reply:
        data = b"".join(reply.iter_raw())
    assert json.loads(data)["sid"] == sandbox.created[0]["sid"]
    assert time.monotonic() - began_s >= 0.4


def test_faults_can_be_given_at_the_start() -> None:
    """A sandbox misbehaves from its first request if so set up."""
    with running(Settings(port=0, faults=(parse_fault("status:code=502,nth=1"),))) as sandbox:
        url = sandbox.url + PATH
        codes = [
            httpx.post(url, json=create_body(), headers={"token": "t"}, trust_env=False).status_code
            for _ in range(2)
        ]
    assert codes == [502, 200]


def test_faults_can_be_switched_over_http(client: httpx.Client, create: Create) -> None:
    """PUT sets the faults, GET lists them and DELETE clears them."""
    specs = ["status:code=503,times=1", "latency:seconds=0.01"]
    assert client.put("/faults", json=specs).json() == {"faults": specs}
    assert create().status_code == 503
    assert client.get("/faults").json() == {"faults": specs}
    assert client.delete("/faults").json() == {"faults": []}
    assert create().status_code == 200


@pytest.mark.parametrize("content", [b'["no-sid", "no-such"]', b'{"no-sid": 1}', b"[1]", b"["])
def test_wrong_faults_change_nothing(client: httpx.Client, sandbox: RunningSandbox, content: bytes) -> None:
    """A list with one mistake is refused whole."""
    sandbox.misbehave("redirect")
    assert client.put("/faults", content=content).status_code == 400
    assert client.get("/faults").json() == {"faults": ["redirect"]}


def test_bad_body_is_refused_before_a_fault_after_storing(sandbox: RunningSandbox, create: Create) -> None:
    """A fault that comes after storing needs an exam to store."""
    sandbox.misbehave("drop-after")
    assert create(content=b"{}").status_code == 400
    assert sandbox.created == []
