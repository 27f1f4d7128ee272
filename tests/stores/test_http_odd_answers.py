"""Odd answers of a server of Terraform's HTTP protocol: read, or an error that says what to do."""

import base64
import gzip
import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from raw_server import raw_server

from reconciler.model.errors import ReconcilerError
from reconciler.ports import Head
from reconciler.retry_after import asked_s
from reconciler.stores import http as http_store
from reconciler.stores.http import HttpStore, open_http
from reconciler.stores.http_address import read_address
from reconciler.stores.http_client import HttpAnswer
from reconciler.stores.http_document import decode_document, encode_document

TEXTS = st.text(st.characters(exclude_categories=()), max_size=20)
WORDS = st.sampled_from(
    [
        *(
            "ID",
            "id",
            "Info",
            "Who",
            "Created",
            "Operation",
            "message",
            "error",
            "detail",
            "terraform_version",
        ),
        *("reconcilerState", "serial", "lineage", "snapshot", "log", "journal", "lock", "backup"),
        *("blocks", "tail", "json", "style", "base64", "gzip"),
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXTS
    | st.sampled_from(["indented", "compact"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=10,
)
WHOLE = {
    "reconcilerState": 2,
    "serial": 3,
    "lineage": "x",
    "lock": "y",
    "snapshot": None,
    "log": "",
    "backup": None,
}
FIXED = (
    b"",
    b" <html>Sign in</html>",
    b"null",
    b"[]",
    b"\xff\xfe{\x00}\x00",
    b"1" * 5_000,
    b"[" * 100_000,
    b'{"json":' * 20_000,
    b'{"message":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.integers(0, len(FIXED) - 1).map(lambda number: FIXED[number]),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(WORDS, VALUES, max_size=6).map(lambda odd: json.dumps(WHOLE | odd).encode()),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["retry-after", "location", "etag", "date", "content-type", "content-encoding", "set-cookie"]
    ),
    st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=30)
    | st.sampled_from(
        [
            "Fri, 31 Dec 99999999999 23:59:59 GMT",
            "Fri, 31 Dec 9999 23:59:59 -2359",
            "Mon, 01 Jan 0001 00:00:00 +2359",
            "Fri, 31 Dec 1999 23:59:59 +99999",
            "9" * 400,
            "-1",
            "1e9",
            "http://[::1",
            "http://\u00fc\u00fc/\x80",
            "//",
        ]
    ),
)
STATUSES = st.sampled_from(
    [200, 201, 204, 206, 300, 302, 400, 401, 403, 404, 405, 409, 413, 418, 423, 429, 500, 501, 503, 999]
)
ANSWERS = st.builds(
    lambda status, headers, body: HttpAnswer(
        status=status,
        headers=httpx.Headers([(name, value.encode("latin-1")) for name, value in headers.items()]),
        body=body,
    ),
    STATUSES,
    HEADERS,
    BODIES,
)


class Clock:
    """A clock that pauses move; a second passes each time somebody looks."""

    def __init__(self):
        self._now_s = 0.0

    def monotonic(self):
        """Seconds."""
        self._now_s += 1
        return self._now_s

    def sleep(self, seconds):
        """Pass the time at once. Raises as the real one does for what is no time."""
        assert 0 <= seconds < 1_000
        self._now_s += seconds


@pytest.fixture
def clock(monkeypatch):
    """Nobody waits."""
    clock = Clock()
    monkeypatch.setattr(http_store, "time", clock)
    return clock


def store_of(answers, address):
    """A store whose server gives `answers` in turn, over and over."""
    made = HttpStore(read_address(address, is_typed=False))
    given = [*answers]

    def send(*_, **__):
        given.append(given.pop(0))
        return given[-1]

    made._server._client = SimpleNamespace(send=send)
    return made


def error_of(act):
    """The error of ours that `act` raises; None where it raises none. Any other is a fault."""
    try:
        act()
    except ReconcilerError as error:
        return error
    return None


USES = {
    "load": lambda store: store.load(),
    "backup": lambda store: store.backup(),
    "release": lambda store: store.release("a"),
    "begin": lambda store: store.replace(b"{}\n", b"", at=None),
    "replace": lambda store: store.replace(b"{}\n", b"x\n", at=getattr(store.load(), "head", None)),
    "append": lambda store: store.append(b"x\n", at=Head("x")),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "address", ["https://state.example/x", "https://gitlab.example/api/v4/projects/1/terraform/state/x"]
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers=st.lists(ANSWERS, min_size=1, max_size=3))
def test_any_answer_is_one_or_an_error_that_says_what_to_do(clock, use, address, answers):
    """Every call of a store: what cannot be understood is a StateError with place and remedy."""
    assert clock
    error = error_of(lambda: USES[use](store_of(answers, address)))
    if error is not None:
        assert error.hint
        assert f"{error.message} {error.hint}".encode()
        assert error.message.isprintable()
        assert len(error.message) < 1_500


@given(BODIES)
@example(json.dumps(WHOLE | {"lineage": "\ud83d"}).encode())
@example(json.dumps(WHOLE | {"backup": {"gzip": "\ud83d"}}).encode())
@example(json.dumps(WHOLE | {"snapshot": {"json": "\ud83d", "style": "indented"}}).encode())
@example(json.dumps(WHOLE | {"log": {"blocks": [None], "tail": ""}}).encode())
@example(
    json.dumps(WHOLE)
    .encode()
    .replace(b"null", b'{"style":"indented","json":' + b"[" * 900 + b"]" * 900 + b"}")
)
@example(json.dumps(WHOLE | {"log": {"gzip": base64.b64encode(gzip.compress(b"x")[:-9]).decode()}}).encode())
def test_any_body_is_a_document_or_damaged(body):
    """And what is a document can be written again."""
    found = []
    error = error_of(lambda: found.append(decode_document(body, location="here")))
    assert encode_document(found[0]) if error is None else "here" in error.message


@given(
    st.text(st.characters(max_codepoint=255))
    | st.integers().map(str)
    | HEADERS.map(lambda headers: headers.get("date", ""))
)
@example("Fri, 31 Dec 99999999999 23:59:59 GMT")
@example("9" * 5_000)
@example(" ")
@example("\u00b2")
def test_any_retry_after_is_a_number(text):
    """In either form, or none."""
    assert asked_s(text, datetime.now(UTC)) >= 0


HEAD = b"HTTP/1.1 %s\r\n%s\r\ncontent-length: 2\r\n\r\n{}"


@pytest.mark.parametrize(
    "answer",
    [
        HEAD % (b"302 Found", b"location: http://[::1"),
        HEAD % (b"302 Found", b"location: http://xn--a/"),
        HEAD % (b"303 See Other", b"location: \xff\xfe"),
        HEAD % (b"307 Temporary Redirect", b"location: //x" + b"y" * 70_000),
        HEAD % (b"308 Permanent Redirect", b"location: javascript:alert(1)"),
        HEAD
        % (
            b"200 OK",
            b"set-cookie: a=b; expires=Fri, 31 Dec 99999999999 23:59:59 GMT; max-age=" + b"9" * 5_000,
        ),
        HEAD % (b"200 OK", b"set-cookie: \xff=\xfe; domain=..; path"),
        HEAD % (b"200 OK", b"content-encoding: gzip"),
        HEAD % (b"200 OK", b"content-encoding: br, \xff"),
        HEAD % (b"200 OK", b"content-type: text/html; charset=\xff"),
        HEAD % (b"200 OK", b"content-length: 3"),
        HEAD % (b"200 OK", b"content-length: -1"),
        HEAD % (b"200 OK", b"content-length: " + b"9" * 5_000),
        HEAD % (b"200 OK", b"transfer-encoding: nonsense"),
        HEAD % (b"200 \xff\xfe", b"etag: \xff"),
        HEAD % (b"423 Locked", b"date: Fri, 31 Dec 99999999999 23:59:59 GMT"),
        HEAD % (b"99 Low", b"a: b"),
        HEAD % (b"1000 High", b"a: b"),
        HEAD % (b"401 Unauthorized", b"www-authenticate: Digest \xff, realm="),
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"\r\n\r\n",
        b"",
    ],
    ids=lambda answer: repr(answer[:60]),
)
def test_any_head_is_an_answer_or_none(clock, monkeypatch, answer):
    """As bytes on a connection, with credentials at hand."""
    assert clock
    monkeypatch.setenv("TF_HTTP_PASSWORD", "hunter2")

    def converse(conversation):
        conversation.read_head()
        conversation.send(answer)

    with raw_server(converse) as server:
        store = open_http(f"{server.url}/{uuid.uuid4().hex}#timeout=1", root=Path(), is_typed=True)
        for use in (store.load, lambda: store.append(b"x\n", at=Head("x"))):
            error = error_of(use)
            if error is not None:
                assert server.url in error.message
                assert error.message.isprintable()
                assert "hunter2" not in error.message
                assert error.hint


@pytest.mark.parametrize(
    "address", ["https://xn--a/x", "https://xn--a.example.edu/x", "https://exa\x7fmple/x"]
)
def test_an_address_that_cannot_be_read_is_told(address):
    """What the URL's own reader lets through and httpx does not."""
    error = error_of(lambda: open_http(address, root=Path()))
    assert "cannot be read" in error.message


@pytest.mark.parametrize("lock_id", ["x" * 70_000, "\ud83d", "a\nb"], ids=["long", "half", "two lines"])
def test_a_lock_with_an_odd_id_cannot_be_mistaken(clock, lock_id):
    """It is a lock; where its ID cannot be sent back, nobody is told to release it by that."""
    assert clock
    body = json.dumps({"ID": lock_id, "Who": "mallory@\ud83d"}).encode()

    def converse(conversation):
        while conversation.read_head():
            is_read = b"GET /" in conversation.received
            status, text = (b"404 Not Found", b"") if is_read else (b"423 Locked", body)
            conversation.send(b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status, len(text), text))
            conversation.received = b""

    with raw_server(converse) as server:
        store = open_http(f"{server.url}/x", root=Path())
        error = error_of(lambda: store.replace(b"{}", b"", at=None))
        assert error.message.isprintable()
        assert "release it at the server" in error.hint
        assert store.release("a b") is None
