"""Run the `git` command in isolation.

Promise: git runs no hooks, prompts, signing or background work. It uses the settings of the user and the
machine only: the settings of a local repository could name programs to run. The same holds for the other end
of a fetch or push if it is on this machine (`serving`). git finds credentials, proxies and certificates as
usual (credential helpers, ssh's agent and configuration, GIT_ASKPASS). Its environment has none of our
secrets. Each call has a timeout, after which git and all processes that it started are killed.
"""

import errno
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from msgspec import Struct

_SETTINGS: Final = (
    "color.ui=false",
    "commit.gpgSign=false",
    "core.askPass=",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "credential.interactive=false",
    "fetch.fsckObjects=true",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.version=2",
    "push.followTags=false",
    "push.gpgSign=false",
    "push.pushOption=",
    "push.recurseSubmodules=no",
    "submodule.recurse=false",
    "user.useConfigOnly=true",
)
_SERVING: Final = (
    "core.alternateRefsCommand=:",
    "core.fsync=committed",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "gc.auto=0",
    "maintenance.auto=false",
    "receive.autogc=false",
    "receive.denyCurrentBranch=refuse",
    "receive.fsckObjects=false",
    "transfer.fsckObjects=false",
)
"""Settings for a local repository that is fetched from or pushed to.

They override its own settings that would run a program or read another file. A checked-out branch refuses
pushes, as updating its files may run filters. What is pushed is on the disk before the push ends.
"""
_OWN_SCOPES: Final = frozenset({"local", "worktree"})
_VARIABLES: Final = {
    "GCM_INTERACTIVE": "never",
    "GIT_ADVICE": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "SSH_ASKPASS_REQUIRE": "never",
}
_KEPT_PREFIXES: Final = (
    "GIT_ASKPASS",
    "GIT_AUTHOR_",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_VALUE_",
    "GIT_EXEC_PATH",
    "GIT_HTTP_",
    "GIT_PROXY_SSL_",
    "GIT_SSH",
    "GIT_SSL_",
)
"""Variables of git that are kept: how to reach and trust a server, and who commits.

The others name repositories.
"""
_SECRET_PREFIXES: Final = ("EXAM_SECRET_", "RECONCILER_STATE_KEY", "SMARTERPROCTORING_", "SSH_ASKPASS")
_QUIET_SSH: Final = "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15"


class GitResult(Struct, frozen=True, kw_only=True):
    """Exit code, standard output and standard error of git."""

    code: int
    out: bytes
    err: str


class Git:
    """Run git on the repository in `directory`, with only the protocols `protocols` (as `https:ssh`)."""

    def __init__(self, directory: Path, *, protocols: str) -> None:
        self.directory = directory
        self._packets = directory / "packets"
        self._environ = {**_environment(protocols=protocols), "GIT_TRACE_PACKET": str(self._packets)}
        if "ssh" not in protocols or {"GIT_SSH", "GIT_SSH_COMMAND"} & self._environ.keys():
            return
        if not self.run("config", "--get", "core.sshCommand", timeout_s=20).out.strip():
            self._environ["GIT_SSH_COMMAND"] = _QUIET_SSH  # asks no questions

    def run(self, *arguments: str, timeout_s: float, given: bytes = b"") -> GitResult:
        """Run `git ARGUMENTS` with the input `given`.

        Raise OSError if git cannot be run, and TimeoutError after all that it started was killed.
        """
        self._packets.unlink(missing_ok=True)
        command = ["git", f"--git-dir={self.directory}", *_options(_SETTINGS), *arguments]
        try:
            return _run(
                command, folder=self.directory, environ=self._environ, given=given, timeout_s=timeout_s
            )
        except TimeoutError:
            for left in self.directory.rglob("*.lock"):  # no other call is under way
                left.unlink(missing_ok=True)
            raise

    def packets(self) -> str:
        """Return git's trace of the packets that the last call sent and received."""
        with suppress(FileNotFoundError):
            return self._packets.read_text(errors="replace")
        return ""


def serving(service: str) -> str:
    """Return the command line for git's `service` (as `receive-pack`) of a repository on this machine.

    It runs no program that the repository names. git passes the line to a shell and adds the path. It would
    clear variables that set the same.
    """
    return f"GIT_ALLOW_PROTOCOL=none {shlex.join(['git', *_options(_SERVING), service])}"


def settings_of(folder: Path) -> frozenset[str]:
    """Return the names of the settings of the repository in `folder` itself, and of the files they include.

    Raise OSError with git's message if they cannot be read.
    """
    words = ("-c", "safe.bareRepository=all", "config", "--includes", "--show-scope", "--name-only", "-z")
    found = _read(folder, *words, "--list")
    if found.code != 0:
        raise OSError(errno.EINVAL, found.err.strip())
    listed = found.out.decode("utf-8", "replace").split("\0")
    return frozenset(
        name for scope, name in zip(listed[::2], listed[1::2], strict=False) if scope in _OWN_SCOPES
    )


def head_of(folder: Path) -> str | None:
    """Return the commit of HEAD in the repository around `folder`; None if there is none.

    This reads refs only, which runs no program and contacts no server, whatever the repository's settings.
    """
    settings = (*_SETTINGS, "safe.bareRepository=explicit")
    with suppress(OSError):
        found = _read(folder, *_options(settings), "rev-parse", "--verify", "--quiet", "HEAD")
        return found.out.decode("ascii", "replace").strip() if found.code == 0 else None
    return None


def _options(settings: Sequence[str]) -> Iterator[str]:
    for setting in settings:
        yield from ("-c", setting)


def _read(folder: Path, *arguments: str) -> GitResult:
    """Run git in `folder`, to read from the repository there."""
    environ = _environment(protocols="none")
    return _run(["git", *arguments], folder=folder, environ=environ, given=b"", timeout_s=20)


def _environment(*, protocols: str) -> dict[str, str]:
    """Return the environment for git: this process's, without secrets and without most variables of git."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_SECRET_PREFIXES)
        and (not name.startswith("GIT_") or name.startswith(_KEPT_PREFIXES))
    }
    return {**kept, **_VARIABLES, "GIT_ALLOW_PROTOCOL": protocols}


def _run(
    command: Sequence[str], *, folder: Path, environ: Mapping[str, str], given: bytes, timeout_s: float
) -> GitResult:
    # Files, not pipes: a process that outlives git (a shared ssh connection) could keep a pipe open for ever.
    with TemporaryFile() as source, TemporaryFile() as out, TemporaryFile() as err:
        source.write(given)
        source.seek(0)
        process = subprocess.Popen(  # noqa: S603 - the command is a list, and its program is git
            command, cwd=folder, env=environ, stdin=source, stdout=out, stderr=err, start_new_session=True
        )
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(errno.ETIMEDOUT, f"git gave no answer within {timeout_s:g} s") from error
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError, PermissionError):  # it has ended already
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return GitResult(code=code, out=_content(out), err=_content(err).decode("utf-8", "replace"))


def _content(file: IO[bytes]) -> bytes:
    """Return what was written to `file` so far, without moving its offset.

    A process that outlives git (for a moment, the other end of a local push) shares that offset.
    """
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)
