"""What the sandbox takes, refuses and answers where nothing was told to go wrong."""

import json
import re
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema.validators import validator_for

from reconciler.sandbox import Settings
from reconciler.sandbox.contract import Refusal, check_body, parse_json, title_of
from reconciler.sandbox.replies import ANSWER_FIELDS
from reconciler.sandbox.running import RunningSandbox, running
from reconciler.schemas import load

Create = Callable[..., httpx.Response]
VALIDATOR = validator_for(load("create-exam"))(load("create-exam"))
PATH = "/v1/installs/AI1234567890abcdef1234567890abcdef/courses/CU1234567890abcdef1234567890abcdef/exams"


def test_create_answers_as_documented(create: Create, sandbox: RunningSandbox, body: dict[str, Any]) -> None:
    """The answer has every documented field and a fresh SID, and never the password."""
    reply = create(status="draft")
    answer = reply.json()
    assert reply.status_code == 200
    assert tuple(answer) == ANSWER_FIELDS
    assert re.fullmatch(r"EX[a-f0-9]{32}", answer["sid"])
    assert answer["courseSid"] == "CU1234567890abcdef1234567890abcdef"
    assert answer["applicationInstallSid"] == "AI1234567890abcdef1234567890abcdef"
    assert (answer["title"], answer["status"]) == (body["title"], "draft")
    assert body["configuration"]["password"] not in reply.text
    assert [exam["sid"] for exam in sandbox.created] == [answer["sid"]]


def test_each_create_gets_a_sid_of_its_own(create: Create, sandbox: RunningSandbox) -> None:
    """The service has no idempotency: the same body twice is two exams."""
    assert create().json()["sid"] != create().json()["sid"]
    assert len(sandbox.created) == sandbox.requests == 2


def test_list_for_tests_holds_bodies_without_passwords(
    create: Create, client: httpx.Client, body: dict[str, Any]
) -> None:
    """/exams.json shows what was sent, its password masked, and how many requests came in."""
    create()
    create(headers={})
    listed = client.get("/exams.json").json()
    assert (listed["count"], listed["requests"]) == (1, 2)
    assert listed["exams"][0]["body"] == {
        **body,
        "configuration": {**body["configuration"], "password": "***"},
    }


@pytest.mark.parametrize("headers", [{}, {"token": ""}, {"authorization": "Bearer t"}])
def test_call_without_token_is_refused(
    create: Create, sandbox: RunningSandbox, headers: dict[str, str]
) -> None:
    """Without a usable `token` header the answer is 401, as JSON, and nothing is created."""
    reply = create(headers={**headers, "content-type": "application/json"})
    assert reply.status_code == reply.json()["error"]["status"] == 401
    assert sandbox.created == []


def test_only_the_given_token_comes_in(body: dict[str, Any]) -> None:
    """With a token in the settings, another one is refused; neither shows up in the answer."""
    with running(Settings(port=0, token="right")) as sandbox:
        url = sandbox.url + PATH
        wrong = httpx.post(url, json=body, headers={"token": "wröng".encode()}, trust_env=False)
        right = httpx.post(url, json=body, headers={"token": "right"}, trust_env=False)
    assert (wrong.status_code, right.status_code) == (401, 200)
    assert "right" not in wrong.text
    assert "right" not in repr(Settings(token="right"))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (PATH.replace("AI1", "AI"), 400),
        (PATH.replace("CU1", "CUX"), 400),
        (PATH.replace("abcdef/courses", "ABCDEF/courses"), 400),
        (PATH.replace("/exams", "%0A/exams"), 400),
        (PATH + "/", 404),
        ("/v1/exams", 404),
        ("/exams.json", 405),
    ],
)
def test_wrong_path_is_refused(create: Create, sandbox: RunningSandbox, path: str, status: int) -> None:
    """A path that is not the documented one, or holds a SID of another shape, is refused as JSON."""
    reply = create(path=path)
    assert reply.status_code == reply.json()["error"]["status"] == status
    assert sandbox.created == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_body_of_another_type_is_refused(create: Create, kind: str) -> None:
    """Only JSON is taken."""
    assert create(headers={"token": "t", "content-type": kind}).status_code == 415


def test_content_type_may_have_parameters(create: Create) -> None:
    """`application/json; charset=utf-8` is JSON."""
    assert (
        create(headers={"token": "t", "content-type": "Application/JSON; charset=utf-8"}).status_code == 200
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b'{"title": NaN}',
        b'{"title": 1e999}',
        b'{"title": ' + b"9" * 5000 + b"}",
        b'{"title": "a", "title": "b"}',
        b'{"title": "\\ud800"}',
        b"[" * 100_000,
        b"null",
        b"[]",
    ],
    ids=[
        "empty",
        "cut",
        "utf-16",
        "nan",
        "infinite",
        "digits",
        "repeat",
        "surrogate",
        "deep",
        "null",
        "list",
    ],
)
def test_body_that_is_no_json_object_is_refused(
    create: Create, sandbox: RunningSandbox, content: bytes
) -> None:
    """Whatever the bytes, the answer is a 400 in JSON."""
    reply = create(content=content)
    assert reply.status_code == reply.json()["error"]["status"] == 400
    assert sandbox.created == []


def test_body_beyond_bounds_is_refused(create: Create, sandbox: RunningSandbox) -> None:
    """More than a megabyte is answered 413."""
    assert create(description="x" * 1_100_000).status_code == 413
    assert sandbox.created == []


@pytest.mark.parametrize(
    ("changes", "path", "says"),
    [
        ({"requireAproval": True}, "", "'requireAproval' was unexpected"),
        ({"type": "Oral"}, "type", "enum"),
        ({"useProctorManager": "yes"}, "useProctorManager", "boolean"),
        ({"configuration": {"timeLimit": 5}}, "configuration", "'timeLimit' was unexpected"),
        ({"configuration": {"examOpenDate": "2031-10-06T09:00"}}, "configuration.examOpenDate", "pattern"),
        (
            {"configuration": {"examOpenDate": "2031-06-31T09:00:00.000Z"}},
            "configuration.examOpenDate",
            "not a date and time that exists",
        ),
        (
            {"configuration": {"instructorAsProctor": [{}, {"startTime": "2031-01-01T24:61:00.000Z"}]}},
            "configuration.instructorAsProctor.1.startTime",
            "not a date and time that exists",
        ),
    ],
)
def test_body_not_documented_is_refused(
    create: Create, sandbox: RunningSandbox, changes: dict[str, Any], path: str, says: str
) -> None:
    """A field that is unknown, or has another type or shape, is named in the answer."""
    reply = create(**changes)
    (problem,) = reply.json()["error"]["problems"]
    assert reply.status_code == 400
    assert problem["path"] == path
    assert says in problem["message"]
    assert sandbox.created == []


def test_all_problems_come_at_once(create: Create) -> None:
    """Every missing field is listed."""
    messages = [problem["message"] for problem in create(content=b"{}").json()["error"]["problems"]]
    assert len(messages) == 8
    assert "'title' is a required property" in messages


@pytest.mark.parametrize("configuration", [{"password": ["hush-hush"]}, ["hush-hush"], "hush-hush"])
def test_refusal_never_quotes_a_value(create: Create, configuration: object) -> None:
    """A password in the wrong place is not echoed."""
    reply = create(configuration=configuration)
    assert reply.status_code == 400
    assert "hush-hush" not in reply.text


def test_client_that_leaves_early_creates_nothing(
    create: Create, sandbox: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection that ends in the middle of a body leaves no exam and no failure in the log."""
    place = urlsplit(sandbox.url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as connection:
        connection.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{{".encode()
        )
    assert create().status_code == 200
    assert (len(sandbox.created), sandbox.requests) == (1, 2)
    assert caplog.text == ""


def test_host_of_another_name_is_refused(client: httpx.Client) -> None:
    """A web page cannot read the sandbox through a name of its own."""
    assert client.get("/exams.json", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/exams.json", headers={"host": "localhost:1"}).status_code == 200


@given(st.binary() | st.text().map(lambda text: json.dumps({"title": text}).encode()))
def test_title_is_read_from_any_bytes(data: bytes) -> None:
    """Bytes have a title or none, and never make an exception."""
    assert isinstance(title_of(data), str)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["title", "configuration"]), inner),
    )
)
def test_rules_answer_to_any_value(value: object) -> None:
    """No value gets past the rules by making them fail."""
    with pytest.raises(Refusal):
        check_body(value, VALIDATOR)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_json_text_survives(text: str) -> None:
    """Strict reading changes no text."""
    assert parse_json(json.dumps({"title": text}).encode()) == {"title": text}
