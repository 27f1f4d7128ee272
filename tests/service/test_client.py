"""The client against servers of bytes: what each end of a call means, and that it began or did not."""

import gzip
import json
import socket

import httpx
import pytest
import tls_material
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_server import answer_well, ok, raw_server

from reconciler.model.errors import ApiUnusable, UrlUnusable
from reconciler.model.verdicts import Created, NotSent, Refused, Unknown
from reconciler.service.client import HttpExamApi
from reconciler.service.exchange import Exchange

INSTALL, COURSE = "AI" + "0" * 32, "CU" + "0" * 32
SID = "EX" + "ab" * 16
TOKEN, PASSWORD = "a.token.x", "p\"a's\\s ö"


def fine():
    """Nothing speaks against the request."""


async def call(url, *, timeout_s=1.0, token=TOKEN, password=PASSWORD):
    """The verdict of one create."""
    body = json.dumps({"title": "Exam a", "password": password}).encode()
    api = HttpExamApi(url, token, timeout_s=timeout_s)
    return await api.create(INSTALL, COURSE, body, confidential=[password], look=fine)


def saying(answer):
    """A conversation that reads a request and says `answer`."""

    def converse(conversation):
        if conversation.read_request():
            conversation.send(answer)

    return converse


def unused_url(scheme="http"):
    """A URL where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"


async def test_a_good_answer_is_created():
    """The verdict holds the SID of this very connection."""
    with raw_server(answer_well) as server:
        found = await call(server.url)
        assert found == Created(sid=server.conversations[0].sid, status=200)


async def test_each_call_has_a_connection_of_its_own():
    """Also where the server would keep it."""
    with raw_server(answer_well) as server:
        api = HttpExamApi(server.url, TOKEN, timeout_s=1)
        for _ in range(3):
            assert isinstance(await api.create(INSTALL, COURSE, b"{}", confidential=[], look=fine), Created)
        assert [len(one.courses) for one in server.conversations] == [1, 1, 1]
        assert all(b"\r\nconnection: close\r\n" in one.received.lower() for one in server.conversations)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_refused_connection_is_not_sent(scheme):
    """Nothing was there to take a byte."""
    assert isinstance(await call(unused_url(scheme)), NotSent)


@pytest.mark.parametrize("secret", ["t", "Connect", "connection attempts"])
async def test_why_nothing_was_reached_is_told_though_a_short_secret_is_a_word_of_it(secret):
    """It quotes nobody. A secret that nobody has by chance is withheld all the same."""
    for found in (await call(unused_url(), token=secret), await call(unused_url(), password=secret)):
        assert isinstance(found, NotSent)
        assert ("All connection attempts failed" in found.reason) is (len(secret) < 8)
        assert ("withheld" in found.reason) is (len(secret) >= 8)


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "a..b"])
async def test_a_host_that_no_resolver_takes_is_not_sent(host):
    """Names that cannot be asked for fail as those that do not exist, not as a defect."""
    assert isinstance(await call(f"https://{host}"), NotSent)


async def test_where_httpcore_does_not_tell_how_far_it_came_there_is_doubt(monkeypatch):
    """A version of it without these reports may cost a needless doubt, never a second exam."""

    async def say_nothing(*_):
        """Note nothing."""

    monkeypatch.setattr(Exchange, "_note", say_nothing)
    assert isinstance(await call(unused_url()), Unknown)


class Breaking(httpx.AsyncBaseTransport):
    """Gives a good answer, on a connection that cannot be closed."""

    async def handle_async_request(self, request):
        """The answer."""
        del request
        return httpx.Response(200, stream=httpx.ByteStream(b'{"sid": "%s"}' % SID.encode()))

    async def aclose(self):
        """Fail."""
        raise RuntimeError("no such connection")


async def test_an_answer_that_arrived_stands_however_its_connection_ends():
    """Nothing that comes after the body can lose the SID."""
    request = httpx.Request("POST", "http://127.0.0.1/")
    answer = await Exchange(connect_s=1, answer_s=1, look=fine).send(Breaking(), request)
    assert SID.encode() in answer.body
    assert answer.fault == ""


async def test_time_to_connect_is_not_taken_from_the_time_to_answer():
    """A slow answer within the bound is an answer."""

    def converse(conversation):
        conversation.read_request()
        conversation.ended.wait(0.7)
        conversation.send(ok(conversation.exam))

    with raw_server(converse) as server:
        assert isinstance(await call(server.url, timeout_s=1.5), Created)


async def test_a_refusal_stands_though_its_body_never_ends():
    """The status line came in time."""

    def converse(conversation):
        conversation.read_request()
        conversation.send(b"HTTP/1.1 422 No\r\ncontent-length: 500\r\n\r\n")
        conversation.trickle(b"x", every_s=0.05)

    with raw_server(converse) as server:
        found = await call(server.url, timeout_s=0.5)
    assert isinstance(found, Refused)
    assert found.status == 422


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"])
@pytest.mark.parametrize(
    "escaped", [PASSWORD, json.dumps(PASSWORD), json.dumps(PASSWORD, ensure_ascii=False)]
)
async def test_a_line_that_is_quoted_as_unreadable_holds_no_secret(head, escaped):
    """What h11 could not read it quotes as Python would, and that is masked too."""
    echo = f"{escaped} {TOKEN}\r\n\r\n".encode()
    with raw_server(saying(head + echo)) as server:
        found = await call(server.url)
    assert isinstance(found, Unknown)
    assert "repeats a secret and is withheld" in found.reason
    assert TOKEN not in found.reason
    assert "s ö" not in found.reason
    assert "\\xc3\\xb6" not in found.reason
    assert "u00f6" not in found.reason


async def test_what_is_told_is_bounded():
    """A line of 50 KB that nobody can read does not fill a log."""
    with raw_server(saying(b"x" * 50_000 + b"\r\n\r\n")) as server:
        found = await call(server.url)
    assert isinstance(found, Unknown)
    assert len(found.reason) < 600


HEADS = st.sampled_from(
    [
        b"",
        b"HTTP/1.1 ",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: ",
        b"HTTP/1.1 200 OK\r\ncontent-type: ",
        b"HTTP/1.1 200 OK\r\ncontent-length: ",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HEADS, st.binary(max_size=100))
async def test_no_answer_makes_an_exception_or_a_second_request(head, rest):
    """Whatever bytes come back, there is a verdict, and it is not that nothing was sent."""
    with raw_server(saying(head + rest)) as server:
        found = await call(server.url)
        assert not isinstance(found, NotSent | Created)
        assert server.sent_titles() == ["a"]


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://127.0.0.1:1",
        "ftp://u:hush@127.0.0.1",
        "http://u:hush@h:x",
        "http://u:hush@",
        "u:hush@:3128",
        "http://u:hush@h:99999",
        "http://u:hush@[::1",
        "http://u:hush@h:0",
        "http://hush.\udce9",
        "://hush",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_that_cannot_be_used_is_refused_at_once(monkeypatch, variable, proxy):
    """Without its password, and before any intent."""
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(ApiUnusable) as caught:
        HttpExamApi("https://127.0.0.1", TOKEN, timeout_s=1)
    assert variable.upper() in caught.value.message
    assert "hush" not in caught.value.message + caught.value.hint


def test_authorities_that_cannot_be_read_are_refused_at_once(monkeypatch, tmp_path):
    """The variable that names them is told."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    with pytest.raises(ApiUnusable) as caught:
        HttpExamApi("https://127.0.0.1", TOKEN, timeout_s=1)
    assert "SSL_CERT_FILE" in caught.value.hint


@pytest.mark.parametrize("url", ["https://exa\x01mple", "https://xn--a", "https://xn--a.example.edu/v1"])
def test_a_url_that_httpx_cannot_read_is_refused_at_once(url):
    """What check_url lets through and httpx does not."""
    with pytest.raises(UrlUnusable):
        HttpExamApi(url, TOKEN, timeout_s=1)


@pytest.mark.parametrize(
    "no",
    [
        "fd07::/64",
        "[::1]",
        "10.0.0.0/8",
        ".example.edu",
        "*.example.edu",
        "h:1",
        "<local>",
        ",, ,",
        "]",
        "Ren\udce9",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
async def test_what_no_proxy_does_not_name_goes_through_the_proxy(monkeypatch, variable, no):
    """Whatever else it names; what cannot be read of it is left out."""
    with raw_server(answer_well) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv(variable, no)
        assert isinstance(await call("http://exams.example.org"), Created)
        assert proxy.sent_titles() == ["a"]


@pytest.mark.parametrize(
    "no", ["127.0.0.0/8", "fd07::/64,127.0.0.1", " ,127.0.0.1 ", "*", "<local> 127.0.0.1"]
)
async def test_what_no_proxy_names_is_asked_straight(monkeypatch, tmp_path, no):
    """Whatever stands beside it, and though a proxy is there that cannot be used."""
    for name, value in tls_material.trust_in(tmp_path).items():
        monkeypatch.setenv(name, value)
    with raw_server(answer_well, tls=tls_material.good()) as server:
        monkeypatch.setenv("HTTPS_PROXY", "socks9://u:hush@nowhere")
        monkeypatch.setenv("NO_PROXY", no)
        assert isinstance(await call(server.url), Created)


@pytest.mark.parametrize("before", [0, 1_000_000, 1_048_560, 2_000_000])
async def test_a_sid_in_a_body_above_the_bound_is_kept(before):
    """The first MiB is looked through, and the last bytes, and where the two meet."""
    body = b" " * before + SID.encode() + b" " * (2_050_000 - before)
    with raw_server(saying(ok(body))) as server:
        found = await call(server.url)
    assert isinstance(found, Unknown)
    assert found.reason.startswith("HTTP 200, but the body is larger than 1024 KiB")
    assert found.sids == (SID,)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 201 Created\r\nlocation: /exams/%s\r\n" % SID.encode(),
        b"HTTP/1.1 201 Created\r\nlocation: /exams/%s\r\nno colon\r\n\r\n" % SID.encode(),
        b'{"sid": "%s"}' % SID.encode(),
        b'HTTP/2 200\r\n\r\n{"sid": "%s"}' % SID.encode(),
        b"HTTP/1.1 500 %s\r\n\r\n" % SID.encode(),
        b'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"sid": "%s"}' % SID.encode(),
        b'HTTP/1.1 409 No\r\ntransfer-encoding: chunked\r\n\r\n2d\r\n{"sid": "%s"}\r\nzz' % SID.encode(),
        b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-exam: %s\r\n\r\n" % SID.encode(),
        b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n40000\r\n%s\r\n0\r\nx-exam: %s\r\n\r\n"
        % (b" " * 0x40000, SID.encode()),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n99\r\n%s"
        % gzip.compress(SID.encode(), mtime=0),
        b"HTTP/1.1 103 Hints\r\nlink: <%s>\r\n\r\nHTTP/1.1 500 No\r\n\r\n" % SID.encode(),
        b"HTTP/1.1 400 No\r\nx-exam: 1\r\nx-exam: %s\r\ncontent-length: 0\r\n\r\n" % SID.upper().encode(),
    ],
)
@pytest.mark.parametrize("ends_by", ["closing", "waiting"])
async def test_a_sid_in_what_is_hardly_an_answer_is_kept(answer, ends_by):
    """A head that breaks off or that nobody can read may still have named the exam."""

    def converse(conversation):
        conversation.read_request()
        conversation.send(answer)
        if ends_by == "waiting":
            conversation.ended.wait(2)

    with raw_server(converse) as server:
        found = await call(server.url, timeout_s=0.4)
    assert isinstance(found, Unknown)
    assert found.sids == (SID,)
    assert SID in found.reason


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 403 Forbidden\r\n\r\n", b"HTTP/1.1 200 Established\r\n\r\n", b"SSH-2.0\r\n\r\n"],
)
async def test_a_tunnel_that_never_stood_is_not_sent(monkeypatch, answer):
    """CONNECT is a request too, but not ours: what breaks in it raises what a lost answer raises."""

    def converse(conversation):
        conversation.read_head()
        conversation.send(answer)

    with raw_server(converse) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        found = await call("https://127.0.0.1:1")
        assert isinstance(found, NotSent)
        assert len(proxy.conversations) == 1


@pytest.mark.parametrize("behind", [b"\x00\x01garbage", b"{}", b""])
async def test_a_tunnel_without_tls_is_not_sent_however_often(monkeypatch, behind):
    """Each try has a connection of its own: none waits for what the one before left in httpx's pool."""

    def converse(conversation):
        conversation.read_head()
        conversation.send(b"HTTP/1.1 200 OK\r\n\r\n" + behind)

    with raw_server(converse) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        api = HttpExamApi("https://127.0.0.1:1", TOKEN, timeout_s=1.0)
        for _ in range(3):
            assert isinstance(await api.create(INSTALL, COURSE, b"{}", confidential=[], look=fine), NotSent)
        assert len(proxy.conversations) == 3


@pytest.mark.parametrize(
    "echo", [b"pr0xy s3cret", b"pr0xy%20s3cret", b"Basic dTpwcjB4eSBzM2NyZXQ=", b"0xy s3cre", b"a short one"]
)
async def test_what_a_proxy_echoes_of_its_password_is_withheld(monkeypatch, echo):
    """It stands in the environment beside the token, and in every request for a tunnel."""

    def converse(conversation):
        conversation.read_head()
        conversation.send(b"HTTP/1.1 407 %s\r\ncontent-length: 0\r\n\r\n" % echo)

    with raw_server(converse) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//u:pr0xy%20s3cret@"))
        found = await call("https://127.0.0.1:1", token="short")
    assert found == NotSent(reason="ProxyError: what it says repeats a secret and is withheld")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_service_of_this_machine_that_does_not_listen_may_be_the_sandbox(scheme):
    """It was perhaps not started. What the system says follows."""
    found = await call(unused_url(scheme))
    assert isinstance(found, NotSent)
    asked = "is `reconciler sandbox` running? All connection attempts failed"
    assert (asked in found.reason) is (scheme == "http")
