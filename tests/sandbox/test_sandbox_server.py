"""The sandbox as a process: where it listens, how it ends, what it refuses to be."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from reconciler.sandbox import SandboxUnusable, Settings, parse_fault, serve
from reconciler.sandbox.running import running
from reconciler.sandbox.settings import is_loopback

SERVE = "import sys; from reconciler.sandbox import *; sys.exit(serve(Settings(port=0, verbose=True)))"
ROOT = Path(__file__).parents[2]


def python(code: str) -> subprocess.Popen[str]:
    """A process that runs `code`, with this product in its reach."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_well(number: signal.Signals) -> None:
    """It says where it listens once it does, and a signal ends it with 0 and without a traceback."""
    with python(SERVE) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        url = line.removeprefix("sandbox: listening on ").rstrip()
        assert url.startswith("http://127.0.0.1:")
        assert httpx.get(url, trust_env=False).status_code == 200
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait(timeout=10) == 0
    assert rest.startswith("sandbox: GET / 200 in ")
    assert len(rest.splitlines()) == 1


def test_serve_ends_with_its_signals_restored(capsys: pytest.CaptureFixture[str]) -> None:
    """Called in a process that lives on, it gives the signals back as they were, and logs nothing unasked."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def stop_once_served() -> None:
        # Only an answer proves that the handlers stand; a connection does not.
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    stopper = threading.Thread(target=stop_once_served, daemon=True)
    stopper.start()
    assert serve(Settings(port=port)) == 0
    stopper.join()
    assert signal.getsignal(signal.SIGINT) is before
    assert capsys.readouterr().err == f"sandbox: listening on http://127.0.0.1:{port}\n"


def test_answers_in_the_making_do_not_hold_it_up(capfd: pytest.CaptureFixture[str]) -> None:
    """Stopping while a create waits takes seconds, not the whole wait, and says nothing on standard error."""
    began_s = time.monotonic()
    with running(Settings(port=0, faults=(parse_fault("latency:seconds=60"),), verbose=True)) as sandbox:
        url = f"{sandbox.url}/v1/installs/AI/courses/CU/exams"
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url, json={}, timeout=0.2, trust_env=False)
    assert time.monotonic() - began_s < 20
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("sandbox: POST /v1/installs/AI/courses/CU/exams no answer in ")


def test_log_line_cannot_be_forged(capfd: pytest.CaptureFixture[str]) -> None:
    """A path with an encoded line feed stays on one line."""
    with running(Settings(port=0, verbose=True)) as sandbox:
        httpx.get(f"{sandbox.url}/a%0Ab", trust_env=False)
    assert capfd.readouterr().err.startswith("sandbox: GET /a%0Ab 404 in ")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(host="0.0.0.0"), "loopback only"),  # noqa: S104 - it must be refused
        (Settings(host="example.org"), "loopback only"),
        (Settings(host=""), "loopback only"),
        (Settings(port=65_536), "65536 is not a port"),
        (Settings(port=-1), "-1 is not a port"),
        (Settings(port=0, token=""), "the token is empty"),
        (Settings(port=0, store=Path("/nonexistent/exams.jsonl")), "cannot keep exams in"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    settings: Settings, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be is said in one line, and the exit code is 1."""
    assert serve(settings) == 1
    err = capsys.readouterr().err
    assert err.startswith("sandbox: error: ")
    assert says in err
    assert err.count("\n") == 1


def test_port_that_is_taken_is_named() -> None:
    """A port in use is an error with a remedy, not a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(port=taken.getsockname()[1])
        with pytest.raises(SandboxUnusable, match="with port 0 a free one is chosen"), running(settings):
            pass


def test_loopback_has_several_names() -> None:
    """Localhost and every loopback address are this machine; nothing else is."""
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST"]))
    assert not any(map(is_loopback, ["10.0.0.1", "::", "localhost.example.org", "1"]))


def test_it_listens_on_ipv6_loopback() -> None:
    """The URL of an IPv6 address has brackets, and works."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with running(Settings(host="::1", port=0)) as sandbox:
        assert sandbox.url.startswith("http://[::1]:")
        assert httpx.get(sandbox.url, trust_env=False).status_code == 200


def test_nothing_listens_when_the_context_ends() -> None:
    """A sandbox in a test-suite is gone with its block, thread included."""
    with running() as sandbox:
        url = sandbox.url
    assert not [thread for thread in threading.enumerate() if thread.name == "sandbox"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_server_libraries_load_only_to_serve() -> None:
    """Without the extra the room can be imported, and serving raises ImportError."""
    code = (
        "import sys; from reconciler.sandbox import Settings, serve\n"
        "assert not {'starlette', 'uvicorn', 'jsonschema'} & set(sys.modules)\n"
        "sys.modules['uvicorn'] = None\n"
        "try: serve(Settings(port=0))\n"
        "except ImportError: sys.exit(7)\n"
    )
    with python(code) as process:
        assert process.wait(timeout=30) == 7


def test_room_shares_no_code_with_the_client() -> None:
    """A serving sandbox has loaded no other room than the schemas."""
    code = (
        "import sys; import reconciler.sandbox.running\n"
        "rooms = {name.split('.')[1] for name in sys.modules if name.startswith('reconciler.')}\n"
        "sys.exit(rooms != {'sandbox', 'schemas'})\n"
    )
    with python(code) as process:
        assert process.wait(timeout=30) == 0
