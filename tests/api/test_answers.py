"""The classification table: every answer has one meaning, and no reason holds a secret."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.answers import Answer, classify, redact, request_id_in
from reconciler.model.verdicts import Created, Refused, Throttled, Unauthorized, Unknown

SID = "EX" + "ab" * 16
SECRET = 'p"ss <w>&/ö'


def answer(status, body=b"", **more):
    """An answer as received."""
    return Answer(
        status=status,
        content_type=more.get("content_type", "application/json"),
        retry_after=more.get("retry_after"),
        body=body,
        fault=more.get("fault", ""),
    )


def meaning(status, body=b"", **more):
    """What the answer means."""
    return classify(answer(status, body, **more), confidential=[SECRET])


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_success_with_a_sid_is_created(status):
    """Any 2xx with a usable SID is an exam."""
    assert meaning(status, json.dumps({"sid": SID}).encode()) == Created(sid=SID, status=status)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"sid": null}',
        b'{"sid": ""}',
        b'{"sid": "EX123"}',
        b'{"sid": 5}',
        b'{"sid": "EX' + b"AB" * 16 + b'"}',
        b'{"sid": "EX' + b"ab" * 16 + b'\\n"}',
        b"[]",
        b"null",
        b"<html>Logged out</html>",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"sid": "' + SID.encode(),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_success_without_a_usable_sid_is_unknown(body):
    """An exam may exist, so nothing is guessed."""
    found = meaning(200, body)
    assert isinstance(found, Unknown)
    assert found.status == 200


def test_success_with_an_unreadable_body_is_unknown():
    """A body cut short is no outcome."""
    found = meaning(200, None, fault="the body could not be read: cut")
    assert found == Unknown(status=200, reason="HTTP 200, but the body could not be read: cut")


def test_a_long_number_beside_the_sid_does_not_hide_it():
    """What Python refuses to convert is no reason to lose an exam."""
    body = b'{"count": ' + b"9" * 10_000 + b', "sid": "' + SID.encode() + b'"}'
    assert meaning(200, body) == Created(sid=SID, status=200)


@pytest.mark.parametrize("body", [f"<p>{SID}</p>".encode(), f'{{"exam": {{"sid": "{SID}"}}}}'.encode()])
def test_a_sid_that_can_only_be_seen_is_told(body):
    """It is no outcome, but whoever settles the doubt is told where to look first."""
    found = meaning(200, body)
    assert isinstance(found, Unknown)
    assert SID in found.reason


@pytest.mark.parametrize("status", [100, 101, 300, 301, 302, 307, 308, 500, 502, 503, 504, 599, 600, 999])
def test_what_is_neither_success_nor_refusal_is_unknown(status):
    """Redirects and server errors may come after the exam was stored."""
    assert isinstance(meaning(status, json.dumps({"sid": SID}).encode()), Unknown)


@pytest.mark.parametrize("status", [400, 402, 404, 405, 408, 409, 413, 415, 422, 451, 499])
def test_other_client_errors_are_refused_with_the_servers_message(status):
    """The message is what a person needs to mend the manifest."""
    found = meaning(status, b'{"message": "no such course"}')
    assert found == Refused(status=status, reason=f"HTTP {status}: no such course")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_told_from_a_refused_exam(status):
    """It stops the run."""
    assert isinstance(meaning(status, b""), Unauthorized)


def test_throttling_keeps_its_header():
    """The policy reads Retry-After, not the classification."""
    found = meaning(429, b"slow down", content_type="text/plain", retry_after="7")
    assert found == Throttled(reason="HTTP 429: slow down", retry_after="7")


@pytest.mark.parametrize("status", [400, 401, 429])
def test_a_refusal_stands_though_its_body_cannot_be_read(status):
    """The status line is enough to know that nothing was created."""
    assert not isinstance(meaning(status, None, fault="cut"), Unknown | Created)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": {"message": "bad title"}}', "bad title"),
        (b'{"errors": [{"message": "one"}, {"detail": "two"}]}', "one; two"),
        (b'{"message": {"code": 7}}', '{"code": 7}'),
        (b'{"message": 7}', "7"),
        (b'"plain"', "plain"),
        (b"[1]", "[1]"),
        (b"<html><style>p{}</style><h1>Blocked</h1> by &lt;proxy&gt;</html>", "Blocked by <proxy>"),
        (b"text\n  in lines", "text in lines"),
        (b'{"code": 12}', '{"code": 12}'),
    ],
)
def test_the_readable_part_of_a_body_is_found(body, said):
    """Errors are undocumented, so the usual shapes are tried before the raw text."""
    found = meaning(400, body)
    assert isinstance(found, Refused)
    assert found.reason == f"HTTP 400: {said}"


def test_a_long_message_is_cut():
    """A page of HTML does not fill a log."""
    found = meaning(400, b"x" * 100_000, content_type="text/plain")
    assert isinstance(found, Refused)
    assert len(found.reason) < 600


@pytest.mark.parametrize(
    "echo",
    [
        SECRET.encode(),
        json.dumps({"message": f"bad password {SECRET}"}).encode(),
        json.dumps({"message": f"bad password {SECRET}"}, ensure_ascii=False).encode(),
        json.dumps({"body": json.dumps({"password": SECRET})}).encode(),
        b"<p>p&quot;ss &lt;w&gt;&amp;/\xc3\xb6</p>",
        b"https://x/?p=p%22ss%20%3Cw%3E%26/%C3%B6",
        b"https://x/?p=p%22ss%20%3Cw%3E%26%2F%C3%B6",
    ],
)
@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
def test_an_echoed_secret_is_masked(echo, status):
    """Whatever a server echoes, and however it escapes it, the password is not passed on."""
    found = meaning(status, echo)
    assert "***" in found.reason or "without a usable sid" in found.reason
    assert "ss <w>" not in found.reason
    assert "%3Cw" not in found.reason
    assert "&lt;w" not in found.reason


@given(st.integers(0, 999), st.binary(max_size=200), st.sampled_from(["text/html", "application/json", ""]))
def test_every_answer_has_a_meaning(status, body, kind):
    """No bytes make an exception."""
    meaning(status, body, content_type=kind)


@given(st.text(min_size=1), st.text(), st.text())
def test_redacted_text_never_holds_the_secret(secret, before, after):
    """Whatever stands around it."""
    if secret not in "***":
        assert secret not in redact(f"{before}{secret}{after}", [secret]).replace("***", "\0")


@pytest.mark.parametrize("status", [200, 302, 400, 401, 429, 500])
def test_what_the_server_calls_the_request_is_kept(status):
    """Whatever an answer means, its request id goes with it: short, printable and without a secret."""
    received = Answer(
        status=status,
        content_type="text/plain",
        retry_after=None,
        body=b"",
        request_id=f"id\x1b[2J {SECRET} " + "x" * 500,
    )
    found = classify(received, confidential=[SECRET])
    assert found.request_id is not None
    assert found.request_id.startswith("id[2J *** xxx")
    assert len(found.request_id) == 128


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"x-request-id": ""}, None),
        ({"cf-ray": "ray", "traceparent": "00-trace"}, "ray"),
        ({"x-correlation-id": "c", "x-request-id": "r"}, "r"),
        ({"x-amzn-requestid": "a"}, "a"),
    ],
)
def test_the_first_of_the_usual_headers_names_the_request(headers, expected):
    """The server's own name wins over those of what stands before it."""
    assert request_id_in(headers) == expected


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Mon, 01 Sep 2031 00:00:00 GMT", datetime(2031, 9, 1, tzinfo=UTC)),
        ("yesterday", None),
        (None, None),
    ],
)
def test_a_429_carries_the_servers_own_time(date, expected):
    """A Retry-After that is a date is read by the clock that it was written by."""
    received = Answer(status=429, content_type="", retry_after="1", body=b"", date=date)
    found = classify(received, confidential=[])
    assert isinstance(found, Throttled)
    assert found.answered_at == expected
