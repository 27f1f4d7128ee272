"""The bash in which the commands of one page are run, with a home, a `reconciler` and ports of its own."""

import contextlib
import os
import re
import secrets
import selectors
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import zygote

ROOT = Path(__file__).parents[2]
# Ports that pages name. Theirs have as many digits, so that nothing moves in what is printed.
PORTS_OF_PAGES = ("8400", "8401")
MARK = b"\036"


class Shell:
    """One bash. All that it starts ends with it, even if the tests are killed."""

    def __init__(self, root: Path, timeout_s: float) -> None:
        self.folder = root / "page"
        self._timeout_s = timeout_s
        self._ports = dict(zip(PORTS_OF_PAGES, _free_ports(len(PORTS_OF_PAGES)), strict=True))
        self._environment = _environment(root, self._ports["8400"])
        self._read = b""

    def __enter__(self) -> Self:
        """Start bash, which kills its whole group when its input ends."""
        self.folder.mkdir(parents=True)
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],  # noqa: S607
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._send("trap 'kill -KILL 0' EXIT")
        return self

    def __exit__(self, *_: object) -> None:
        """End bash and all that it started. Raises TimeoutError if something goes on that left its group."""
        with self._bash:
            os.killpg(self._bash.pid, signal.SIGKILL)
            with contextlib.suppress(EOFError):
                self._wait(lambda: False, min(5, self._timeout_s))

    def run(self, command: str, is_enough: Callable[[str], bool]) -> tuple[str, int]:
        """Run one command; return what it printed and its exit status.

        What goes on in the background is given time until `is_enough` of what was printed.
        Raises TimeoutError, and EOFError if the shell has ended.
        """
        self._send(
            f"eval {shlex.quote(self._with_own_ports(command))} </dev/null; _status=$?\n"
            r"printf '\036%d\036' $_status; (exit $_status)"
        )
        self._wait(lambda: self._read.count(MARK) == 2)
        before, status, after = self._read.split(MARK)
        self._read = before + after
        if command.rstrip().endswith("&"):
            self._wait_for_background(command, is_enough)
        self._give_files_own_ports()
        printed, self._read = self._printed(), b""
        return printed, int(status)

    def _wait_for_background(self, command: str, is_enough: Callable[[str], bool]) -> None:
        if "reconciler sandbox" in command and ">" in command:
            self._wait(self._is_listening)
        elif "reconciler sandbox" in command:
            self._wait(lambda: b"sandbox: " in self._read)
        with contextlib.suppress(TimeoutError):
            self._wait(lambda: is_enough(self._printed()), 5)

    def _is_listening(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", int(self._ports["8400"]))) == 0

    def _send(self, text: str) -> None:
        assert self._bash.stdin
        self._bash.stdin.write(f"{text}\n".encode())
        self._bash.stdin.flush()

    def _wait(self, is_done: Callable[[], bool], timeout_s: float | None = None) -> None:
        assert self._bash.stdout
        deadline = time.monotonic() + (timeout_s or self._timeout_s)
        with selectors.DefaultSelector() as selector:
            selector.register(self._bash.stdout, selectors.EVENT_READ)
            while not is_done():
                if time.monotonic() > deadline:
                    raise TimeoutError(
                        f"still running after {timeout_s or self._timeout_s} s:\n{self._printed()}"
                    )
                if selector.select(timeout=0.1):
                    self._take(os.read(self._bash.stdout.fileno(), 1 << 16))

    def _take(self, part: bytes) -> None:
        if not part:
            raise EOFError(f"the shell has ended:\n{self._printed()}")
        self._read += part

    def _with_own_ports(self, text: str) -> str:
        return re.sub(r"\b840[01]\b", lambda found: self._ports[found[0]], text)

    def _printed(self) -> str:
        text = self._read.decode(errors="replace")
        for theirs, own in self._ports.items():
            text = text.replace(f":{own}", f":{theirs}")
        return text

    def _give_files_own_ports(self) -> None:
        """Write the page's ports into what `reconciler init --example` has written."""
        for path in self.folder.rglob("*.yaml"):
            text = path.read_text(encoding="utf-8")
            if (own := self._with_own_ports(text)) != text:
                path.write_text(own, encoding="utf-8")


def _environment(root: Path, port: str) -> dict[str, str]:
    """Return the variables of a page's bash: the code under test first on the path, and an own home."""
    home, programs, temporary = (root / name for name in ("home", "bin", "tmp"))
    for folder in (home, programs, temporary):
        folder.mkdir(parents=True)
    (home / ".gitconfig").write_text(
        "[user]\nname = A Reader\nemail = reader@example.edu\n[init]\ndefaultBranch = main\n"
    )
    warm = root / "warm"
    warm.write_text(zygote.launcher(LC_ALL="C.UTF-8"))
    command = programs / "reconciler"
    command.write_text(
        f'#!/bin/sh\n[ "$1" != sandbox ] || {{ shift; set -- sandbox --port {port} "$@"; }}\n'
        f'exec {shlex.quote(str(warm))} "$@"\n'
    )
    for program in (warm, command):
        program.chmod(0o755)
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    kept = {name: value for name, value in os.environ.items() if name.startswith("COV")}
    return kept | {
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "PATH": path,
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(temporary),
        "TZ": "UTC",
    }


def _free_ports(count: int) -> list[str]:
    """Return ports of four digits that nobody listens on; the system gives none of them to others."""
    found: set[int] = set()
    while len(found) < count:
        port = 6000 + secrets.randbelow(2400)
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            found.add(port)
    return [str(port) for port in found]
