"""The `git` command, run so that nothing but what was asked for runs with it.

Promise: no hooks, no prompts, no signing, no work left in the background, and no settings but those of the
user and the machine: those of a repository at hand could name programs to run. That holds for the other end
of a fetch or push, too, where this machine serves it (`serving`). Credentials, proxies
and certificates are found as git finds them (credential helpers, ssh's agent and configuration,
GIT_ASKPASS). None of the product's secrets is in git's environment. Each call ends within a bound, with all
that it started.
"""

import errno
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
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
)
_SERVING: Final = (
    "core.alternateRefsCommand=:",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "gc.auto=0",
    "maintenance.auto=false",
    "receive.autogc=false",
    "receive.denyCurrentBranch=refuse",
    "receive.fsckObjects=false",
    "transfer.fsckObjects=false",
)
"""In the place of settings of a repository that is served which would run a program, or read another file.

A checked-out branch is never pushed to, since to update its files may run filters.
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
_KEPT: Final = (
    "GIT_ASKPASS",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
)
_KEPT_PREFIXES: Final = (
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_VALUE_",
    "GIT_EXEC_PATH",
    "GIT_HTTP_",
    "GIT_PROXY_SSL_",
    "GIT_SSH",
    "GIT_SSL_",
)
"""Of git's variables, those that say how to reach and trust a server. The others point at repositories."""
_SECRET_PREFIXES: Final = ("EXAM_SECRET_", "RECONCILER_STATE_KEY", "SMARTERPROCTORING_", "SSH_ASKPASS")
_QUIET_SSH: Final = "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15"


class GitResult(Struct, frozen=True, kw_only=True):
    """How a call of git ended, and what it said."""

    code: int
    out: bytes
    err: str


class Git:
    """Runs git on the repository in `directory`, which speaks `protocols` and no others."""

    def __init__(self, directory: Path, *, protocols: str) -> None:
        self._directory = directory
        self._environ = _environment(protocols=protocols)
        self._is_ssh_settled = "ssh" not in protocols

    @property
    def directory(self) -> Path:
        """The repository's."""
        return self._directory

    def run(
        self,
        *arguments: str,
        timeout_s: float,
        given: bytes = b"",
        settings: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> GitResult:
        """The outcome of `git ARGUMENTS`, which reads `given`. `settings` and `variables` win over the usual.

        Raises OSError where git cannot be run, and TimeoutError once all that it started was ended.
        """
        if not self._is_ssh_settled:
            self._is_ssh_settled = True
            self._settle_ssh()
        command = ["git", f"--git-dir={self._directory}"]
        for setting in (*_SETTINGS, *settings):
            command += ["-c", setting]
        try:
            return _run(
                [*command, *arguments],
                folder=self._directory,
                environ={**self._environ, **(variables or {})},
                given=given,
                timeout_s=timeout_s,
            )
        except TimeoutError:
            for left in self._directory.rglob("*.lock"):  # no other call is under way
                left.unlink(missing_ok=True)
            raise

    def _settle_ssh(self) -> None:
        """Have ssh ask nothing, unless somebody chose another ssh."""
        if "GIT_SSH" in self._environ or "GIT_SSH_COMMAND" in self._environ:
            return
        if not self.run("config", "--get", "core.sshCommand", timeout_s=20).out.strip():
            self._environ["GIT_SSH_COMMAND"] = _QUIET_SSH


def serving(service: str) -> str:
    """The command line that serves `service` of a repository on this machine, and runs nothing else of it.

    git itself clears the variables that could say this. It lets a shell read the line, and adds the path.
    """
    words = (word for setting in _SERVING for word in ("-c", setting))
    return f"GIT_ALLOW_PROTOCOL=none {shlex.join(['git', *words, service])}"


def settings_of(folder: Path) -> frozenset[str]:
    """The names of the settings of the repository in `folder` itself, those of included files among them.

    Raises OSError, with git's words, where they cannot be read.
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
    """What HEAD names in the repository that `folder` is in; None where there is none.

    Only refs are read: no setting of that repository has a program run for that, or a server asked.
    """
    settings = [word for each in (*_SETTINGS, "safe.bareRepository=explicit") for word in ("-c", each)]
    with suppress(OSError):
        found = _read(folder, *settings, "rev-parse", "--verify", "--quiet", "HEAD")
        return found.out.decode("ascii", "replace").strip() if found.code == 0 else None
    return None


def _read(folder: Path, *arguments: str) -> GitResult:
    """Run git in `folder` for what it says of the repository there."""
    environ = _environment(protocols="none")
    return _run(["git", *arguments], folder=folder, environ=environ, given=b"", timeout_s=20)


def _environment(*, protocols: str) -> dict[str, str]:
    """This process's environment as git may see it; git speaks `protocols` and no others."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_SECRET_PREFIXES)
        and (not name.startswith("GIT_") or name in _KEPT or name.startswith(_KEPT_PREFIXES))
    }
    return {**kept, **_VARIABLES, "GIT_ALLOW_PROTOCOL": protocols}


def _run(
    command: Sequence[str], *, folder: Path, environ: Mapping[str, str], given: bytes, timeout_s: float
) -> GitResult:
    # Files, not pipes: what outlives git (a shared connection of ssh) may hold a pipe open for ever.
    with TemporaryFile() as source, TemporaryFile() as out, TemporaryFile() as err:
        source.write(given)
        source.seek(0)
        process = subprocess.Popen(  # noqa: S603 - a list of words, the first of which is git
            command, cwd=folder, env=environ, stdin=source, stdout=out, stderr=err, start_new_session=True
        )
        code = _wait(process, timeout_s)
        return GitResult(code=code, out=_content(out), err=_content(err).decode("utf-8", "replace"))


def _content(file: IO[bytes]) -> bytes:
    """What was written to `file` so far, read without moving the place where the next is written.

    What outlives git (the other side of a push on this machine, for a moment) shares that place.
    """
    size = os.fstat(file.fileno()).st_size
    content = bytearray()
    while len(content) < size and (part := os.pread(file.fileno(), size - len(content), len(content))):
        content += part
    return bytes(content)


def _wait(process: "subprocess.Popen[bytes]", timeout_s: float) -> int:
    """The exit code. Raises TimeoutError after `timeout_s`; then the whole process group was ended."""
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(errno.ETIMEDOUT, f"git gave no answer within {timeout_s:g} s") from error
    finally:
        if process.returncode is None:
            _end_group(process)
            process.wait()


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):  # it has ended by itself
        os.killpg(process.pid, signal.SIGKILL)
