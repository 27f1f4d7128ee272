"""What tests of stores share: a server of Terraform's HTTP state protocol in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import state_server

from reconciler.backends.conformance import Place

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
        return Place(url=f"{self.base}{path}{name}{options}", root=self.root, environ=CREDENTIALS)

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
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return StateServer(state_server_process, tmp_path)
