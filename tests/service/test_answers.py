"""The classification table: every answer has one meaning, no reason holds a secret, and no SID is lost."""

import base64
import gzip
import html
import json
import zlib
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.identities import is_exam_sid
from reconciler.model.verdicts import Created, Forbidden, Refused, Throttled, Unauthorized, Unknown
from reconciler.service.answers import ReceivedAnswer, classify
from reconciler.service.redaction import Redactor
from reconciler.service.request_match import Sent
from reconciler.service.retry import BackOff

SID = "EX" + "ab" * 16
OTHER_SID = "EX" + "cd" * 16
OWN_SID = "EX" + "0f" * 16
INSTALL, COURSE = "AI" + "1" * 32, "CU" + "2" * 32
SECRET = 'p"ss <w>&/ö'
BODY = json.dumps({"title": "Midterm 1", "url": f"https://x/{OWN_SID}", "password": SECRET}).encode()
SENT = Sent(install_sid=INSTALL, course_sid=COURSE, body=BODY)
REDACTOR = Redactor([SECRET], beside=Redactor(["a.token.x"]))


def meaning(status, body=b"", *, hides=(SECRET, "a.token.x"), end=b"", fault="", **headers):
    """What the answer means; an underscore in the name of a header is a hyphen."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    answer = ReceivedAnswer(status=status, headers=named, body=body, end=end, fault=fault)
    return classify(answer, sent=SENT, redactor=Redactor(hides))


def as_json(**members):
    """A body."""
    return json.dumps(members).encode()


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_success_with_a_sid_is_created(status):
    """Any 2xx with a usable SID is an exam."""
    assert meaning(status, as_json(sid=SID)) == Created(sid=SID, status=status)


def test_a_documented_answer_is_created():
    """It echoes what was sent, and other SIDs stand in it: each property may be null."""
    echo = as_json(
        sid=SID,
        title="Midterm 1",
        courseSid=COURSE,
        applicationInstallSid=INSTALL,
        examSession=OTHER_SID,
        configuration="EC" + "12" * 16,
        course=None,
    )
    assert meaning(200, echo) == Created(sid=SID, status=200, configuration_sid="EC" + "12" * 16)
    assert meaning(200, as_json(sid=SID, title=None, courseSid=None, configuration=None)) == Created(
        sid=SID, status=200
    )


@pytest.mark.parametrize(
    "configuration", ["EC" + "AB" * 16, "EC12", SID, "", 5, {"sid": "EC" + "12" * 16}, []]
)
def test_what_is_no_configuration_sid_is_left_out(configuration):
    """Nothing is documented about that text."""
    assert meaning(200, as_json(sid=SID, configuration=configuration)) == Created(sid=SID, status=200)


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
        b'{"sid": "%s", "sid": "%s"}' % (SID.encode(), OTHER_SID.encode()),
        b"[]",
        b"null",
        b"<html>Logged out</html>",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"sid": "%s", "x": %s1%s}' % (SID.encode(), b"[" * 100_000, b"]" * 100_000),
        b'{"sid": "' + SID.encode(),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_success_without_a_usable_sid_is_unknown(body):
    """An exam may exist, so nothing is guessed."""
    found = meaning(200, body)
    assert isinstance(found, Unknown)
    assert found.status == 200
    assert set(found.sids) == {sid for sid in (SID, OTHER_SID) if sid.encode() in body.replace(b"AB", b"ab")}


def test_success_with_an_unreadable_body_is_unknown():
    """A body cut short is no outcome."""
    found = meaning(200, b"x", fault="the body could not be read: cut")
    assert found == Unknown(status=200, reason="HTTP 200, but the body could not be read: cut")


def test_a_long_number_beside_the_sid_does_not_hide_it():
    """What Python refuses to convert is no reason to lose an exam."""
    body = b'{"count": ' + b"9" * 10_000 + b', "sid": "' + SID.encode() + b'"}'
    assert meaning(200, body) == Created(sid=SID, status=200)


@pytest.mark.parametrize(
    ("echo", "named"),
    [
        ({"title": "Final"}, "title"),
        ({"title": "Midterm 10"}, "title"),
        ({"courseSid": "CU" + "3" * 32}, "courseSid"),
        ({"applicationInstallSid": "AI" + "3" * 32}, "applicationInstallSid"),
        ({"course": "CU" + "3" * 32, "title": "midterm 1"}, "course"),
        ({"courseSid": 7, "title": ["Midterm 1"]}, "courseSid and title"),
    ],
)
def test_an_answer_about_another_exam_is_in_doubt(echo, named):
    """Two answers were crossed: whose exam that is cannot be known, and its SID is kept."""
    found = meaning(200, as_json(sid=SID, **echo))
    assert isinstance(found, Unknown)
    assert found.sids == (SID,)
    assert found.reason.startswith(f"HTTP 200, but with another {named} than was sent (")


@pytest.mark.parametrize(
    "status", [100, 101, 199, 300, 301, 302, 307, 308, 500, 502, 503, 504, 599, 600, 999]
)
def test_what_is_neither_success_nor_refusal_is_unknown(status):
    """Redirects and server errors may come after the exam was stored."""
    assert isinstance(meaning(status), Unknown)


@pytest.mark.parametrize("status", [408, 425, 499])
def test_refusals_that_decide_nothing_are_unknown(status):
    """Somebody in between gave up waiting; who was asked may have stored the exam."""
    assert isinstance(meaning(status, b'{"message": "timeout"}'), Unknown)


@pytest.mark.parametrize("status", [400, 402, 404, 405, 409, 413, 415, 422, 451, 498])
def test_other_client_errors_are_refused_with_the_servers_message(status):
    """The message is what a person needs to mend the manifest."""
    found = meaning(status, b'{"message": "no such course"}')
    assert found == Refused(status=status, reason=f"HTTP {status}: no such course")


def test_a_refused_token_is_told_from_a_refused_course_and_exam():
    """The first stops the run, the second its course."""
    assert isinstance(meaning(401), Unauthorized)
    assert isinstance(meaning(403), Forbidden)


def test_throttling_keeps_its_header():
    """The policy reads Retry-After, not the classification."""
    found = meaning(429, b"slow down", content_type="text/plain", retry_after="7")
    assert found == Throttled(reason="HTTP 429: slow down", retry_after="7")


@pytest.mark.parametrize(
    ("status", "kind"), [(400, Refused), (401, Unauthorized), (403, Forbidden), (429, Throttled)]
)
def test_a_refusal_stands_though_its_body_cannot_be_read(status, kind):
    """The status line is enough to know that nothing was created, if what came names no exam."""
    assert isinstance(meaning(status, b"nothing", fault="cut"), kind)
    assert isinstance(meaning(status, SID.encode(), fault="cut"), Unknown)
    assert isinstance(meaning(status, end=SID.encode(), fault="too large"), Unknown)


BROTLI = bytes.fromhex("0b2880") + b'{"sid":"x"}\x0e\x9c\x03'


@pytest.mark.parametrize("status", [400, 401, 403, 409, 429])
@pytest.mark.parametrize(
    "body",
    [BROTLI, b"(\xb5/\xfd\x04\x00\x91\x00\x00", gzip.compress(BROTLI, mtime=0)],
    ids=["brotli", "zstd", "within gzip"],
)
def test_a_refusal_whose_body_nobody_can_read_is_in_doubt(status, body):
    """It may name an exam: encoded as we cannot undo, whatever its label says."""
    assert isinstance(meaning(status, body), Unknown)
    assert isinstance(meaning(status, body, fault="encoded as br"), Unknown)
    readable = '{"message": "é\\t"}\r\n'
    for text in (
        readable.encode(),
        readable.encode("utf-16"),
        readable.encode("latin-1"),
        b"",
        b"\x1b[31mno",
    ):
        assert not isinstance(meaning(status, text), Unknown)


JSON_ESCAPED = "".join(f"\\u{ord(character):04X}" for character in SID)

SEEN = {
    "as sid": as_json(sid=SID),
    "nested": as_json(exam={"sid": SID}),
    "in a message": as_json(message=f"exists: {SID}."),
    "in a page": f"<p>{SID}</p>".encode(),
    "upper case": SID.upper().encode(),
    "mixed case": b"eX" + b"aB" * 16,
    "behind letters": f"examsid_{SID}_".encode(),
    "JSON escapes": f'{{"a": "{JSON_ESCAPED}"}}'.encode(),
    "one JSON escape": ('{"a": "\\u0045' + SID[1:] + '"}').encode(),
    "JSON in JSON": as_json(a=f'{{"b": "{JSON_ESCAPED}"}}'),
    "percent": "".join(f"%{byte:02x}" for byte in SID.encode()).encode(),
    "percent twice": quote("".join(f"%{byte:02X}" for byte in SID.encode())).encode(),
    "entities": "".join(f"&#{byte};" for byte in SID.encode()).encode(),
    "hexadecimal entities": "".join(f"&#x{byte:x};" for byte in SID.encode()).encode(),
    "UTF-16": as_json(sid=SID.upper()).decode().encode("utf-16"),
    "UTF-16, little end first": f"x{SID}".encode("utf-16-le"),
    "UTF-16, big end first": f"x{SID}".encode("utf-16-be"),
    "UTF-32": f"x{SID}".encode("utf-32-be"),
    "UTF-32 with its mark": f"x{SID}".encode("utf-32-le").join([b"\xff\xfe\0\0", b""]),
    "ASCII behind the mark of UTF-16": b"\xff\xfe" + SID.encode(),
    "in lines of a mail": f"{SID[:20]}=\r\n{SID[20:]}".encode(),
    "in a folded line": f"{SID[:20]}\r\n {SID[20:]}".encode(),
    "with tags in it": f"<b>EX</b>{SID[2:9]}<wbr>{SID[9:]}".encode(),
    "with invisible characters in it": "\u200b".join(SID).encode(),
    "bytes": json.dumps({"type": "Buffer", "data": list(SID.encode())}).encode(),
    "byte order mark": b"\xef\xbb\xbf" + SID.encode(),
    "base64": base64.b64encode(as_json(sid=SID)),
    "base64 in JSON": as_json(body=base64.urlsafe_b64encode(b"x" + as_json(sid=SID)).decode()),
    "base64 in lines": base64.encodebytes(b" " * 40 + as_json(sid=SID)),
    "hex": SID.encode().hex().encode(),
    "gzip": gzip.compress(as_json(sid=SID.upper())),
    "gzip, cut": gzip.compress(as_json(sid=SID))[:-8],
    "zlib": zlib.compress(as_json(sid=SID.upper())),
    "deflate": zlib.compress(as_json(sid=SID.upper()))[2:-4],
    "not UTF-8": b"\xff\xc3" + SID.encode() + b"\x80",
    "lone surrogates": ('{"a": "\\ud83d ' + SID + '"}').encode(),
    "behind deep nesting": b"[" * 2000 + SID.encode(),
}


@pytest.mark.parametrize(
    ("status", "name"),
    [
        *((status, name) for status in (200, 403, 500) for name in SEEN),
        *((status, "in lines of a mail") for status in (301, 400, 401, 404, 408, 409, 422, 429, 503)),
    ],
)
def test_every_sid_in_a_body_is_kept_and_makes_a_doubt(status, name):
    """Whatever the status, and however it is spelt; only a clean success is created."""
    found = meaning(status, SEEN[name])
    if not (status == 200 and name in {"as sid", "UTF-16"} and isinstance(found, Created)):
        assert isinstance(found, Unknown), found
        assert found.sids == (SID,)
        assert f"names {SID}: check" in found.reason


HEADERS = {
    "location": f"/v1/exams/{SID}",
    "content-location": f"https://x.example/{SID}?a=b",
    "link": f'<https://x.example/{quote(SID.upper())}>; rel="created"',
    "x-exam-sid": SID.upper(),
    "x-amz-meta-anything": base64.b64encode(SID.encode()).decode(),
    "set-cookie": f"last={SID}; Path=/",
    "etag": f'W/"{SID}"',
    "x-request-id": f"r-{SID}",
    "x-escaped": html.escape(JSON_ESCAPED),
    "": f"Created {SID}",
}


@pytest.mark.parametrize(
    ("status", "name"),
    [
        *((403, name) for name in HEADERS),
        *((status, "location") for status in (201, 204, 302, 401, 404, 409, 429, 500)),
    ],
)
def test_every_sid_in_a_header_is_kept_and_makes_a_doubt(status, name):
    """Any header, the reason phrase included."""
    found = classify(
        ReceivedAnswer(status=status, headers=(("x-first", "1"), (name, HEADERS[name]))),
        sent=SENT,
        redactor=REDACTOR,
    )
    assert isinstance(found, Unknown)
    assert found.sids == (SID,)
    assert SID in found.reason


@pytest.mark.parametrize(
    "text",
    [
        "EX" + "ab" * 15 + "a",
        "EX" + "ab" * 17,
        "EX" + "ag" * 16,
        "EC" + "ab" * 16,
        "E" + "ab" * 16,
    ],
)
def test_what_is_no_exam_sid_makes_no_doubt(text):
    """A refusal that names a course or a request stays one."""
    assert isinstance(meaning(404, as_json(message=text)), Refused)


@pytest.mark.parametrize(
    "spelt", [OWN_SID, OWN_SID.upper(), quote(OWN_SID.encode().hex()), html.escape(OWN_SID)]
)
@pytest.mark.parametrize("status", [400, 401, 409, 429])
def test_a_sid_that_we_sent_ourselves_makes_no_doubt(status, spelt):
    """A URL or a title may hold one, and a refusal may echo it."""
    assert not isinstance(meaning(status, as_json(message=f"bad url {spelt}"), location=spelt), Unknown)
    found = meaning(status, as_json(message=f"bad url {spelt} {SID}"))
    assert isinstance(found, Unknown)
    assert found.sids == (SID,)


def test_a_success_that_names_a_sid_of_the_request_is_no_exam_of_ours():
    """It is an older exam's, out of the URL that was sent."""
    found = meaning(200, as_json(sid=OWN_SID))
    assert found == Unknown(status=200, reason="HTTP 200, but with a sid that was in the request")


def test_the_sids_kept_are_bounded_and_in_order():
    """A list of exams is no place to look; that there were more is said."""
    many = [f"EX{number:032x}" for number in range(30)]
    found = meaning(500, json.dumps(many[::-1]).encode())
    assert isinstance(found, Unknown)
    assert found.sids == tuple(many[:9:-1])
    assert f"names {many[29]}, {many[28]}, {many[27]} and more than 17 more: check" in found.reason
    few = meaning(500, json.dumps(many[:5] * 2).encode())
    assert few.sids == tuple(many[:5])
    assert "and 2 more: check" in few.reason


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
        (b'{"message": "smil\\ud83d"}', "smil\N{REPLACEMENT CHARACTER}"),
        (b'{"message": "a\\u0000\\u001b[2J\\u202eb"}', "a\ufffd\ufffd[2J\ufffdb"),
        (b"\x63af\xe9", "café"),
        (b"{'a': NaN}", "{'a': NaN}"),
        (b'{"message": NaN}', "NaN"),
        (b"<p>&#" + b"9" * 5000 + b";x", "x"),
    ],
)
def test_the_readable_part_of_a_body_is_found(body, said):
    """Errors are undocumented, so the usual shapes are tried before the raw text."""
    found = meaning(400, body)
    assert isinstance(found, Refused)
    assert found.reason == f"HTTP 400: {said}"


@pytest.mark.parametrize("depth", [20, 300, 600, 900, 5000])
@pytest.mark.parametrize(
    ("opening", "closing"), [(b"[", b"]"), (b'{"error":', b"}"), (b'{"message":[', b"]}"), (b'{"x":', b"}")]
)
def test_deep_nesting_makes_no_exception(depth, opening, closing):
    """Of what is nested too deep to be read, the beginning is shown as it is."""
    found = meaning(400, opening * depth + b"1" + closing * depth)
    assert isinstance(found, Refused)
    assert len(found.reason) < 600


def test_a_long_message_is_cut():
    """A page of HTML does not fill a log."""
    found = meaning(400, b"x" * 100_000, content_type="text/plain")
    assert isinstance(found, Refused)
    assert len(found.reason) < 600


@pytest.mark.parametrize(
    "echo",
    [
        SECRET.encode(),
        as_json(message=f"bad password {SECRET}"),
        json.dumps({"message": f"bad password {SECRET}"}, ensure_ascii=False).encode(),
        as_json(body=as_json(password=SECRET).decode()),
        b'{"message": "p\\"ss \\u003cw\\u003e\\u0026\\/\\u00f6"}',
        b"<p>p&quot;ss &lt;w&gt;&amp;/\xc3\xb6</p>",
        b"https://x/?p=p%22ss%20%3Cw%3E%26/%C3%B6",
        b"https://x/?p=p%2522ss+%253Cw%253E%2526%252F%25C3%25B6",
        b"p&#34;ss &lt;w&gt;&amp;/",
        as_json(message=SECRET.upper()),
        as_json(message=base64.b64encode(f"user:{SECRET}".encode()).decode()),
        as_json(message="token a.token.x"),
        as_json(title="cut", message=f"...{SECRET[:8]}"),
        ("<i>" + SECRET[:4] + "</i>" + SECRET[4:]).encode("utf-16"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_an_echoed_secret_is_withheld(echo, status):
    """Whatever a server echoes, and however it spells it, nothing of its message is passed on."""
    found = meaning(status, echo)
    assert found.reason in {
        f"HTTP {status}: the server's message repeats a secret and is withheld",
        f"the response holds no exam: HTTP {status}: the server's message repeats a secret and is withheld",
        f"HTTP {status}, but without a usable sid",
    }


def test_status_code_request_id_and_sids_stay_where_the_message_is_withheld():
    """They are what a person needs, and none of them is the server's own text."""
    body = as_json(code="INVALIDINPUT", status=400, message=f"{SECRET} is weak")
    found = meaning(400, body, x_request_id="r-1")
    withheld = "HTTP 400 INVALIDINPUT: the server's message repeats a secret and is withheld"
    assert found == Refused(status=400, reason=withheld, request_id="r-1")
    found = meaning(400, as_json(error={"code": "INVALIDINPUT"}, message=SECRET), location=SID)
    assert found == Unknown(
        status=400,
        reason=f"{withheld} (the response names {SID}: check whether it is this exam)",
        sids=(SID,),
    )


@pytest.mark.parametrize("code", [SECRET, "invalidinput", "OTHER", 7, None, ["INVALIDINPUT"]])
def test_only_documented_codes_stay(code):
    """Any other may be an echo."""
    found = meaning(400, as_json(code=code, message=SECRET))
    assert found.reason == "HTTP 400: the server's message repeats a secret and is withheld"


@pytest.mark.parametrize("secret", ["EX" + "3f" * 16, "3f" * 16, "3f" * 10, "EC" + "3f" * 16])
@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_secret_that_looks_like_a_sid_is_not_passed_on(secret, status):
    """As an exam's SID, as a part of one, as a configuration's, and as a request id."""
    sid, configuration = "EX" + "3f" * 16, "EC" + "3f" * 16
    for body in (
        as_json(sid=sid, configuration=configuration),
        as_json(code=secret, message=sid),
        as_json(sid=SID, configuration=configuration),
    ):
        found = meaning(status, body, hides=[secret], x_request_id=secret, location=f"/{sid}")
        assert "3f3f" not in repr(found).lower()
        assert getattr(found, "sids", ()) in {(), (SID,)}


def test_a_secret_that_is_a_documented_code_is_not_passed_on():
    """Though everybody may know it."""
    found = meaning(400, as_json(code="INVALIDINPUT", message="invalidinput"), hides=["INVALIDINPUT"])
    assert found.reason == "HTTP 400: the server's message repeats a secret and is withheld"


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 429, 500])
def test_what_the_server_calls_the_request_is_kept(status):
    """Whatever an answer means, its request id goes with it: short, printable and without a secret."""
    found = meaning(status, x_request_id="id\x1b[2J \ud83d" + "x" * 500)
    assert found.request_id is not None
    assert found.request_id.startswith("id\N{REPLACEMENT CHARACTER}[2J \N{REPLACEMENT CHARACTER}xxx")
    assert len(found.request_id) == 128
    for echo in (SECRET, f"r-{SECRET}", base64.b64encode(b"a.token.x").decode(), quote(SECRET, safe="")):
        assert meaning(status, x_request_id=echo).request_id is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"x_request_id": ""}, None),
        ({"cf_ray": "ray", "traceparent": "00-trace"}, "ray"),
        ({"x_correlation_id": "c", "x_request_id": "r"}, "r"),
        ({"x_amzn_requestid": "a"}, "a"),
    ],
)
def test_the_first_of_the_usual_headers_names_the_request(headers, expected):
    """The server's own name wins over those of what stands before it."""
    assert meaning(500, **headers).request_id == expected


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Mon, 01 Sep 2031 00:00:00 GMT", datetime(2031, 9, 1, tzinfo=UTC)),
        ("Mon, 01 Sep 2031 00:00:00 -0200", datetime(2031, 9, 1, 2, tzinfo=UTC)),
        ("yesterday", None),
        ("Mon, 01 Sep 99999999999 00:00:00 GMT", None),
        ("Mon, 01 Sep 2031 00:00:00 +99999999999", None),
        ("Mon, 01 Sep 2031 00:00:00 +4800", None),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),
        ("-1", None),
        ("", None),
    ],
)
def test_a_429_carries_the_servers_own_time(date, expected):
    """A Retry-After that is a date is read by the clock that it was written by."""
    found = meaning(429, retry_after="1", date=date)
    assert isinstance(found, Throttled)
    assert found.answered_at == expected


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from([SID, OWN_SID, OTHER_SID.upper(), SECRET, "Midterm 1", COURSE, "a.token.x"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["sid", "message", "error", "errors", "code", "title", "courseSid", "configuration"]
            )
            | st.text(),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)
BODIES = (
    st.binary(max_size=300)
    | JSON.map(lambda document: json.dumps(document).encode())
    | JSON.map(lambda document: json.dumps([document, document]).encode()[1:-1])
    | JSON.map(lambda document: gzip.compress(json.dumps(document).encode()))
    | st.tuples(
        st.sampled_from([b"[", b'{"error":', b'{"sid":', b"<a>", b"&#", b"\\u", b"%", b"9"]),
        st.integers(0, 3000),
    ).map(lambda many: many[0] * many[1])
)
NAMES = st.sampled_from(
    ["retry-after", "date", "location", "x-request-id", "content-type", "content-encoding", ""]
)
VALUES = st.text(st.characters()) | st.sampled_from(
    [
        "99999999999",
        "-1",
        "1.5",
        "٣",
        "Mon, 01 Sep 99999999999 00:00:00 GMT",
        SID,
        SECRET,
        "text/html",
        "a.token.x",
    ]
)


@given(
    st.integers(0, 999),
    st.lists(st.tuples(NAMES, VALUES), max_size=6),
    BODIES,
    st.sampled_from(["", "it broke"]),
)
def test_every_answer_has_a_meaning(status, headers, body, fault):
    """No bytes make an exception; all texts are short, printable, encodable and without a secret."""
    found = classify(
        ReceivedAnswer(status=status, headers=tuple(headers), body=body, fault=fault),
        sent=SENT,
        redactor=REDACTOR,
    )
    texts = [found.request_id or ""]
    if isinstance(found, Created):
        assert is_exam_sid(found.sid)
        assert not fault
        assert 200 <= status < 300
    else:
        texts.append(found.reason)
    if isinstance(found, Unknown):
        assert all(map(is_exam_sid, found.sids))
        assert OWN_SID not in found.sids
    else:
        assert 200 <= status < 500
    if isinstance(found, Throttled):
        now = found.answered_at or datetime(2031, 9, 1, tzinfo=UTC)
        assert 0 <= BackOff().delay_s(2, found.retry_after, now) <= 1e12
    for text in texts:
        assert text.isprintable()
        assert len(text.encode()) < 3500
        assert SECRET not in text
        assert "a.token.x" not in text.lower()
