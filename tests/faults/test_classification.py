"""Each row of the classification table, end to end: the installed command against a server that answers so.

What happens below HTTP, and to HTTP itself, is tried in test_network, test_tls and test_proxies.
"""

import gzip
import json
import socket
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

import pytest
from exam_workspace import MANIFEST, SECRET, Workspace, exam
from recording_server import RecordingServer


@pytest.fixture
def workspace(tmp_path):
    """A workspace with two exams and a state."""
    made = Workspace(tmp_path)
    made.run("init")
    made.declare("a", "b")
    return made


@pytest.fixture
def server():
    """A server that answers as a test says."""
    with RecordingServer() as opened:
        yield opened


def answers(server, **by_name):
    """Have `server` give the exams of these names these answers, once each; all others are created."""
    left = {f"Exam {name}": list(given) for name, given in by_name.items()}

    def respond(request):
        if given := left.get(request.body["title"]):
            return given.pop(0)
        return 200, {}, json.dumps({"sid": request.sid}).encode()

    server.respond = respond


def outcomes(report):
    """The report's outcomes by address."""
    return {exam["address"]: exam["outcome"] for exam in report["exams"]}


def sent(server, name):
    """How often the exam `name` was sent."""
    return [request.body["title"] for request in server.requests].count(f"Exam {name}")


@pytest.mark.parametrize("form", ["seconds", "date", "absent", "nonsense"])
def test_429_is_waited_out_and_sent_again(workspace, server, form):
    """Refused for its rate: nothing was created, so it is sent again, as late as the server asks."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    retry_after = {"seconds": "1", "date": date, "nonsense": "soon"}.get(form)
    headers = {} if retry_after is None else {"retry-after": retry_after}
    answers(server, a=[(429, headers, b"")])
    report = workspace.apply(server.url)
    assert outcomes(report) == {"cs/a": "created", "cs/b": "created"}
    assert sent(server, "a") == 2


def test_a_refused_token_stops_the_run(workspace, server):
    """The exam failed, the rest is not attempted, state is as before, and what to look at is named."""
    answers(server, a=[(401, {}, b'{"message": "token"}')])
    report = workspace.apply(server.url, "--parallelism", "1", expect=1)
    assert outcomes(report) == {"cs/a": "failed", "cs/b": "not-attempted"}
    assert len(server.requests) == 1
    assert workspace.state["intents"] == {}
    assert f"{server.url} refused the token: check SMARTERPROCTORING_TOKEN" in report["exams"][0]["message"]


def test_a_refused_course_leaves_out_its_other_exams(workspace, server):
    """Another course may be created in all the same."""
    other = "CU" + "7" * 32
    elsewhere = exam("c").replace("course: cs", f"courseSid: {other}")
    workspace.write(MANIFEST + exam("a") + exam("b") + elsewhere)
    server.respond = lambda request: (
        (200, {}, json.dumps({"sid": request.sid}).encode())
        if other in request.path
        else (403, {}, b'{"message": "not yours"}')
    )
    report = workspace.apply(server.url, "--parallelism", "1", expect=1)
    assert outcomes(report) == {"cs/a": "failed", "cs/b": "not-attempted", "cs/c": "created"}
    assert workspace.state["intents"] == {}


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_refused_exam_fails_with_the_servers_message(workspace, server, status):
    """The message is shown, and the next apply sends the exam again."""
    answers(server, a=[(status, {}, b'{"message": "bad title"}')])
    report = workspace.apply(server.url, expect=1)
    assert outcomes(report) == {"cs/a": "failed", "cs/b": "created"}
    assert report["exams"][0]["status"] == status
    assert report["exams"][0]["message"] == f"HTTP {status}: bad title"
    assert workspace.state["intents"] == {}
    assert outcomes(workspace.apply(server.url)) == {"cs/a": "created"}


ECHOES = {
    "plain": SECRET,
    "PHP": json.dumps(f"/{SECRET}/").replace("/", "\\/"),
    "form": SECRET.replace(" ", "+"),
    "percent": quote(SECRET),
    "entities": "".join(f"&#{ord(each)};" for each in SECRET),
    "base64": b64encode(f"user:{SECRET}".encode()).decode(),
    "upper case": SECRET.upper(),
    "cut": SECRET[:9],
    "token": "a.token.x",
    "token in hex": b"a.token.x".hex(),
}


@pytest.mark.parametrize("name", ECHOES)
def test_an_echoed_secret_is_nowhere(workspace, server, name):
    """In body, headers and request id, of a refusal and of a doubt: it is withheld, and that is said."""
    echo = ECHOES[name]
    body = json.dumps({"message": f"bad value {echo}", "code": "INVALIDINPUT"}).encode()
    headers = {"x-request-id": echo.replace("\n", ""), "x-echo": echo}
    answers(server, a=[(400, headers, body)], b=[(500, headers | {"content-encoding": echo}, body)])
    report = workspace.apply(server.url, expect=3)
    withheld = "the server's message repeats a secret and is withheld"
    assert report["exams"][0]["message"] == f"HTTP 400 INVALIDINPUT: {withheld}"
    assert "withheld" in report["exams"][1]["message"]
    kept = "".join(
        file.read_text() for file in workspace.root.rglob("*") if file.is_file() and file.suffix != ".yaml"
    )
    for text in (workspace.printed, kept):
        assert echo not in text
        assert echo[:8] not in text


def test_the_services_name_for_a_request_is_told(workspace, server):
    """Its support finds a request by that: state keeps it, and the in-doubt report shows it."""
    answers(server, a=[(502, {"x-request-id": "req-7f3a"}, b"")])
    report = workspace.apply(server.url, expect=3)
    assert report["exams"][0]["doubt"]["requestId"] == "req-7f3a"
    assert workspace.state["intents"]["cs/a"]["answer"]["requestId"] == "req-7f3a"
    assert "Request id:   req-7f3a" in workspace.run("plan")


UNKNOWN = {
    "204 without a body": (204, {}, b""),
    "200 with an empty body": (200, {}, b""),
    "200 without sid": (200, {}, b"{}"),
    "200 with null sid": (200, {}, b'{"sid": null}'),
    "200 with another resource's sid": (200, {}, json.dumps({"sid": "EC" + "0" * 32}).encode()),
    "200 with a proxy's HTML": (200, {"content-type": "text/html"}, b"<html><h1>Sign in</h1></html>"),
    "200 that says gzip and is not": (200, {"content-encoding": "gzip"}, b'{"sid": "EX1"}'),
    "200 with a body of 2 MiB": (200, {}, b" " * 2_000_000),
    "301": (301, {"location": "/elsewhere"}, b""),
    "302": (302, {"location": "http://127.0.0.1:1/"}, b""),
    "307": (307, {"location": "/v1/other"}, b""),
    "500": (500, {}, b"oops"),
    "502": (502, {"content-type": "text/html"}, b"<h1>Bad gateway</h1>"),
    "503 with Retry-After": (503, {"retry-after": "1"}, b""),
    "504": (504, {}, b""),
    "408": (408, {}, b"timeout"),
    "425": (425, {}, b""),
    "499": (499, {}, b""),
}


@pytest.mark.parametrize("answer", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_an_unknown_outcome_is_in_doubt_for_good(workspace, server, answer):
    """The exam may exist: it is never sent again, the others go on, and the exit code says so."""
    answers(server, a=[answer])
    report = workspace.apply(server.url, expect=3)
    assert outcomes(report) == {"cs/a": "in-doubt", "cs/b": "created"}
    assert set(workspace.state["intents"]) == {"cs/a"}
    workspace.apply(server.url, expect=3)
    assert sent(server, "a") == 1


SID = "EX" + "ab" * 16

NAMING = {
    "500": (500, {}, json.dumps({"sid": SID}).encode()),
    "303": (303, {"location": "/"}, json.dumps({"sid": SID}).encode()),
    "201 with a location": (201, {"location": f"/v1/exams/{SID}"}, b""),
    "409": (409, {}, json.dumps({"message": f"exists as {SID}"}).encode()),
    "429": (429, {"retry-after": "0"}, json.dumps({"sid": SID}).encode()),
    "401": (401, {"x-exam": SID.upper()}, b""),
    "403": (403, {}, SID.upper().encode()),
    "400, escaped": (400, {}, f'{{"sid": "\\u0045{SID[1:]}"}}'.encode()),
    "200, upper case": (200, {}, json.dumps({"sid": SID.upper()}).encode()),
    "200, falsely gzip": (200, {"content-encoding": "gzip"}, json.dumps({"sid": SID}).encode()),
    "200, gzip without a label": (200, {}, gzip.compress(json.dumps({"sid": SID}).encode())),
    "200 for another title": (200, {}, json.dumps({"sid": SID, "title": "Exam b"}).encode()),
    "200 for another course": (200, {}, json.dumps({"sid": SID, "courseSid": "CU" + "0" * 32}).encode()),
    "200 for another install": (
        200,
        {},
        json.dumps({"sid": SID, "applicationInstallSid": "AI" + "0" * 32}).encode(),
    ),
    "200 at the end of 2 MiB": (200, {}, b" " * 2_000_000 + SID.encode()),
}


@pytest.mark.parametrize("answer", NAMING.values(), ids=NAMING.keys())
def test_a_sid_that_no_clean_success_names_is_kept_with_the_doubt(workspace, server, answer):
    """State has it, report and plan show it, and the exam is not sent again."""
    answers(server, a=[answer, answer])
    report = workspace.apply(server.url, expect=3)
    assert outcomes(report) == {"cs/a": "in-doubt", "cs/b": "created"}
    assert SID in report["exams"][0]["message"]
    assert report["exams"][0]["doubt"]["sids"] == [SID]
    assert workspace.state["intents"]["cs/a"]["answer"]["sids"] == [SID]
    assert SID in workspace.run("plan")
    assert sent(server, "a") == 1
    workspace.run("resolve", "cs/a", "--sid", SID)


ODD = {
    "429 with a date in the year 99999999999": (
        429,
        {"date": "Mon, 01 Sep 99999999999 00:00:00 GMT", "retry-after": "0"},
        b"",
    ),
    "429 until the year 99999999999": (429, {"retry-after": "Mon, 01 Sep 99999999999 00:00:00 GMT"}, b""),
    "429 with an offset of 99 hours": (429, {"retry-after": "Mon, 01 Sep 2031 00:00:00 +9900"}, b""),
    "400 with 600 lists": (400, {}, b"[" * 600 + b"]" * 600),
    "422 with 900 objects": (422, {}, b'{"error":' * 900 + b"1" + b"}" * 900),
    "400 with half a character": (400, {}, b'{"message": "smil\\ud83d"}'),
    "400 with a long reference": (400, {"content-type": "text/html"}, b"<p>&#" + b"9" * 9000 + b";"),
}


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD.keys())
def test_one_odd_answer_harms_no_other_exam(workspace, server, answer):
    """It is waited out or fails as any of its status; the others are created."""
    answers(server, a=[answer])
    is_refusal = answer[0] != 429
    report = workspace.apply(server.url, expect=1 if is_refusal else 0)
    assert outcomes(report) == {"cs/a": "failed" if is_refusal else "created", "cs/b": "created"}


FAULTY = f"""
from reconciler.service import client

classify = client.classify


def fail_for_one(answer, *, sent, redactor):
    if b'"Exam b"' in sent.body:
        raise RecursionError({SECRET!r})
    return classify(answer, sent=sent, redactor=redactor)


client.classify = fail_for_one
"""


@pytest.mark.parametrize("output", ["json", "text"])
def test_an_internal_error_is_that_of_one_exam(workspace, server, tmp_path, output):
    """It is in doubt, told with what to report and without what the error says; its siblings are created."""
    (tmp_path / "faulty").mkdir()
    (tmp_path / "faulty" / "sitecustomize.py").write_text(FAULTY)
    workspace.variables["PYTHONPATH"] = str(tmp_path / "faulty")
    workspace.declare("a", "b", "c", "d")
    arguments = ("apply", "--auto-approve", "--format", output, "--api-url", server.url)
    workspace.run(*arguments, expect=3)
    assert "internal error: RecursionError at sitecustomize.py:" in workspace.printed
    assert "please report this line to the maintainers" in workspace.printed
    assert set(workspace.state["exams"]) == {"cs/a", "cs/c", "cs/d"}
    assert "internal error" in workspace.state["intents"]["cs/b"]["answer"]["reason"]
    workspace.run(*arguments, expect=3)
    assert sent(server, "b") == 1


def test_what_never_connected_failed_and_is_sent_by_the_next_apply(workspace, server):
    """A refused connection is tried again, then given up without doubt."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free_port = listener.getsockname()[1]
    report = workspace.apply(f"http://127.0.0.1:{free_port}", expect=1)
    assert outcomes(report) == {"cs/a": "failed", "cs/b": "failed"}
    assert report["exams"][0]["status"] is None
    assert workspace.state["intents"] == {}
    assert workspace.apply(server.url)["summary"]["created"] == 2


def test_a_proxy_from_the_environment_never_sees_a_token_in_the_clear(workspace, server):
    """Plain http to loopback goes there directly, whatever HTTP_PROXY says."""
    with RecordingServer() as proxy:
        workspace.variables |= {"HTTP_PROXY": proxy.url, "ALL_PROXY": proxy.url}
        workspace.apply(server.url)
        assert proxy.requests == []
    assert len(server.requests) == 2
