"""A request leaves in one system call: nobody can stop this process when a part of it has left."""

import json
import socket

import pytest
import tls_material
from raw_server import answer_well, raw_server, relay

from reconciler.model.verdicts import Created
from reconciler.service.client import HttpExamApi

INSTALL, COURSE = "AI" + "0" * 32, "CU" + "0" * 32
SIZES = [2, 5_000, 200_000]


class Sends:
    """The calls of send(2) since `look`: the bytes that were given to the kernel, and how many it took."""

    def __init__(self, monkeypatch):
        self.calls = []
        self._is_looked = False
        send = socket.socket.send

        def record(connection, data, *flags):
            taken = send(connection, data, *flags)
            if self._is_looked:
                self.calls.append((bytes(data), taken))
            return taken

        monkeypatch.setattr(socket.socket, "send", record)

    def look(self):
        """Nothing speaks against the request, which must follow in one call."""
        assert self.calls == []
        self._is_looked = True

    def check_one(self, least):
        """Check that there was one call of at least so many bytes, all of which the kernel took."""
        ((data, taken),) = self.calls
        assert len(data) == taken
        assert taken > least
        return data


@pytest.fixture
def sends(monkeypatch):
    """What this process sends, apart from threads that play a server."""
    return Sends(monkeypatch)


@pytest.fixture
def trusting(monkeypatch, tmp_path):
    """A client of these tests trusts their authority."""
    for name, value in tls_material.trust_in(tmp_path).items():
        monkeypatch.setenv(name, value)


async def create(url, size_bytes, sends):
    """The body of a create that ended well."""
    body = json.dumps({"title": "x" * size_bytes}).encode()
    api = HttpExamApi(url, "a.token.x", timeout_s=5)
    verdict = await api.create(INSTALL, COURSE, body, confidential=[], look=sends.look)
    assert isinstance(verdict, Created)
    return body


@pytest.mark.parametrize("size_bytes", SIZES)
async def test_a_plain_request(sends, size_bytes):
    """Head and body."""
    with raw_server(answer_well) as server:
        body = await create(server.url, size_bytes, sends)
    data = sends.check_one(len(body))
    assert data.startswith(b"POST /v1/installs/")
    assert data.endswith(b"\r\n\r\n" + body)


@pytest.mark.parametrize("size_bytes", SIZES)
async def test_a_plain_request_to_a_proxy(sends, size_bytes, monkeypatch):
    """The proxy gets it as the service would."""
    with raw_server(answer_well) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        body = await create("http://exams.example.edu", size_bytes, sends)
    assert sends.check_one(len(body)).endswith(b"\r\n\r\n" + body)


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("size_bytes", SIZES)
async def test_a_secured_request(sends, size_bytes):
    """All records of TLS together; the close of the connection would be another call."""
    with raw_server(answer_well, tls=tls_material.good()) as server:
        body = await create(server.url, size_bytes, sends)
        assert server.conversations[0].received.endswith(body)
    sends.check_one(len(body))


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("size_bytes", SIZES)
async def test_a_secured_request_through_a_tunnel(sends, size_bytes, monkeypatch):
    """The tunnel was asked for before the look."""
    with raw_server(answer_well, tls=tls_material.good()) as server, raw_server(relay) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        body = await create(server.url, size_bytes, sends)
        assert server.conversations[0].received.endswith(body)
        assert len(proxy.conversations) == 1
    sends.check_one(len(body))
