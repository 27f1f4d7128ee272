"""What tests of stores share: servers that speak HTTP state and object storage, started once where needed."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import object_servers
import pytest
import state_server
from warm_place import WarmPlace

CREDENTIALS = {"TF_HTTP_USERNAME": state_server.USERNAME, "TF_HTTP_PASSWORD": state_server.PASSWORD}


class StateServer:
    """The running server: addresses on it, and what is planned and seen there."""

    def __init__(self, port, root):
        self.base = f"http://127.0.0.1:{port}"
        self.root = root

    def place(self, flavour, *, options=""):
        """A state that nobody has used."""
        return self.at(flavour, uuid4().hex, options=options)

    def at(self, flavour, name, *, options=""):
        """The state called `name`."""
        path = {"plain": "/plain/", "gitlab": "/api/v4/projects/1/terraform/state/"}[flavour]
        environ = CREDENTIALS | {"TF_HTTP_ADDRESS": self.base}
        return WarmPlace(url=f"{self.base}{path}{name}{options}", root=self.root, environ=environ)

    def control(self, place, **asked):
        """Plan what `asked` says for a state; what happened to it so far."""
        name = place.url.partition("#")[0].rpartition("/")[2]
        return httpx.post(f"{self.base}/control/{name}", json=asked, trust_env=False).json()


@pytest.fixture(scope="session")
def state_server_process():
    """Its port."""
    script = Path(state_server.__file__)
    with subprocess.Popen([sys.executable, "-I", str(script)], stdout=subprocess.PIPE, text=True) as process:
        yield int(process.stdout.readline())
        process.kill()


@pytest.fixture
def server(state_server_process, tmp_path, monkeypatch):
    """The server, and this process with the credentials that it wants.

    Other processes are not measured for coverage: measuring is a third of the time of each.
    """
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    server = StateServer(state_server_process, tmp_path)
    for name, value in (CREDENTIALS | {"TF_HTTP_ADDRESS": server.base}).items():
        monkeypatch.setenv(name, value)
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return server


@contextmanager
def known(server):
    """`server`, with what its clients look for in the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.variables.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def moto_server():
    """S3 as moto plays it."""
    with object_servers.moto() as server:
        yield server


@pytest.fixture(scope="session")
def google_server():
    """Google Cloud Storage as this project's own server plays it."""
    with object_servers.google() as server:
        yield server


@pytest.fixture(scope="session")
def azurite_server(tmp_path_factory):
    """Azure Blob Storage as Azurite plays it."""
    with object_servers.azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture
def s3(moto_server):
    """S3, with credentials in the environment."""
    with known(moto_server) as server:
        yield server


@pytest.fixture
def gs(google_server):
    """Google Cloud Storage, with credentials in the environment."""
    with known(google_server) as server:
        yield server


@pytest.fixture
def az(azurite_server):
    """Azure Blob Storage, with credentials in the environment."""
    with known(azurite_server) as server:
        yield server
